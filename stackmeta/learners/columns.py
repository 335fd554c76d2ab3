"""What one column of a raw table becomes: number, duration, date, category or text features.

Each class is made once, from the training rows, and called on any later rows. It gives a list
of arrays, one for each suffix in ``features``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .texts import TextColumn, looks_like_text

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400e9  # nanoseconds
_LEAST = 1e-300

# How pandas names what it finds in a column of objects.
_NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}
_DATES = {"datetime", "datetime64", "date"}
_DURATIONS = {"timedelta", "timedelta64"}


class EmptyColumn:
    """A column that says nothing: no feature."""

    features = ()

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return nothing."""
        return []


class ConstantColumn:
    """Stands in where no column says anything: learners want one."""

    features = ("",)

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return zeros as float64."""
        return [np.zeros(len(column))]


class NumberColumn:
    """Numbers and booleans; infinite values, and those beyond float32, become missing.

    Those within 1e-300 of zero become zero.
    """

    features = ("",)

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return the column as float64."""
        return [_finite(_to_numbers(column))]


class DurationColumn:
    """Durations, in days."""

    features = ("",)

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return the days as float64."""
        import pandas as pd

        durations = pd.to_timedelta(column, errors="coerce").to_numpy("timedelta64[ns]")
        return [_days(durations)]


@dataclass
class DateColumn:
    """Days since 1970 and those parts of the calendar that differ between training rows.

    Attributes
    ----------
    parts : list of str
        Some of "month", "day", "day_of_week" and "hour", read in UTC where a time zone is given.
    """

    parts: list[str]

    @classmethod
    def learn(cls, column: pd.Series) -> DateColumn:
        """Find the parts that are not constant."""
        dates = _to_dates(column).dropna()
        parts = ("month", "day", "day_of_week", "hour")
        return cls([part for part in parts if getattr(dates.dt, part).nunique() > 1])

    @property
    def features(self) -> tuple[str, ...]:
        """Suffixes of the features."""
        return ("_days", *(f"_{part}" for part in self.parts))

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return days and parts as float64."""
        dates = _to_dates(column)
        days = _days(dates.to_numpy("datetime64[ns]").view("timedelta64[ns]"))
        return [days, *(getattr(dates.dt, part).to_numpy(np.float64) for part in self.parts)]


@dataclass
class CategoryColumn:
    """Categories: the frequent ones of the training rows, and one for all rare ones.

    Values that the training rows did not have count as rare, or as missing where there were
    no rare ones.

    Attributes
    ----------
    levels : list of str
        Kept categories, sorted; the one that stands for the rare ones is the last.
    has_rare : bool
        Whether the last level stands for rare ones.
    as_codes : bool
        Whether the feature is the position in ``levels`` as a float, not a categorical.
    """

    levels: list[str]
    has_rare: bool
    as_codes: bool

    features = ("",)

    @classmethod
    def learn(cls, column: pd.Series, max_categories: int, as_codes: bool) -> CategoryColumn:
        """Keep the most frequent values, if they occur more than once."""
        codes, texts = _factorize(column)
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        # Ties in frequency are broken by the text, so that row order cannot matter.
        order = sorted(range(len(texts)), key=lambda i: (-counts[i], texts[i]))
        frequent = [i for i in order if counts[i] > 1]
        if len(frequent) == len(texts) <= max_categories:
            return cls(sorted(set(texts)), False, as_codes)
        levels = sorted({texts[i] for i in frequent[: max_categories - 1]})
        return cls([*levels, _unused_name(levels)], True, as_codes)

    def __call__(self, column: pd.Series) -> list[Any]:
        """Return a categorical with the same levels for any rows, or its codes."""
        import pandas as pd

        codes, texts = _factorize(column)
        known = {level: i for i, level in enumerate(self.levels)}
        other = len(self.levels) - 1 if self.has_rare else -1
        # The appended -1 is where the code of a missing value, -1, leads to.
        level_of = np.array([*(known.get(text, other) for text in texts), -1], dtype=np.intp)
        codes = level_of[codes]
        if self.as_codes:
            return [np.where(codes < 0, np.nan, codes)]
        return [pd.Categorical.from_codes(codes, categories=pd.Index(self.levels))]


Column = (
    EmptyColumn
    | ConstantColumn
    | NumberColumn
    | DurationColumn
    | DateColumn
    | CategoryColumn
    | TextColumn
)


def learn_column(column: pd.Series, *, max_categories: int, as_codes: bool) -> Column:
    """Find out from the training rows what a column holds.

    Parameters
    ----------
    column : Series
    max_categories : int
        Most levels that a categorical feature may have.
    as_codes : bool
        Whether categories become codes.

    Returns
    -------
    column : EmptyColumn, NumberColumn, DurationColumn, DateColumn, CategoryColumn or TextColumn
    """
    # HistGradientBoosting of scikit-learn 1.9 fails where the rows that it trains on, which are
    # fewer than the table's when it stops early, have no value at all.
    if column.notna().sum() < max(1, min(10, len(column) // 10)):
        return EmptyColumn()
    kind = _kind(column)
    if kind == "number":
        return NumberColumn()
    if kind == "duration":
        return DurationColumn()
    if kind == "date":
        return DateColumn.learn(column)
    if looks_like_text(column):
        return TextColumn.learn(column)
    return CategoryColumn.learn(column, max_categories, as_codes)


def _kind(column: pd.Series) -> str:
    """Tell "number", "duration", "date" and "category" apart, by dtype or by the values."""
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if types.is_bool_dtype(dtype) or types.is_numeric_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "date"
    if types.is_timedelta64_dtype(dtype):
        return "duration"
    found = types.infer_dtype(column, skipna=True)
    if found in _NUMBERS:
        return "number"
    if found in _DATES or (found == "string" and _all_iso_dates(column)):
        return "date"
    return "duration" if found in _DURATIONS else "category"


def _all_iso_dates(column: pd.Series) -> bool:
    """Whether all texts are dates such as 2024-05-31 or 2024-05-31T08:30:00.

    Other spellings are not tried: whether 05/06/2024 is in May or June, nobody can tell.
    """
    there = column.dropna()
    # Most columns of text fail on their first value, which spares parsing them.
    if there.empty or not there.iloc[:1].astype(object).str.match(r"\d{4}-\d\d-\d\d").all():
        return False
    return bool(_to_dates(there).notna().all())


def _to_dates(column: pd.Series) -> pd.Series:
    """Dates in UTC; what is no date becomes missing."""
    import pandas as pd
    from pandas.api import types

    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if types.is_numeric_dtype(column.dtype):  # an empty column, as CSV files give it
        column = pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns]")
    # A format is for texts only; pandas ignores it for dates.
    return pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601").dt.tz_localize(None)


def _days(durations: np.ndarray) -> np.ndarray:
    nanoseconds = durations.astype(np.int64).astype(np.float64)
    return np.where(np.isnat(durations), np.nan, nanoseconds / _DAY)


def _to_numbers(column: pd.Series) -> np.ndarray:
    import pandas as pd
    from pandas.api import types

    if types.is_bool_dtype(column.dtype) or types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if lost := int((np.isnan(values) & column.notna().to_numpy()).sum()):
        warnings.warn(
            f"Column {column.name!r} held numbers when the learner was fitted; {lost} values "
            "that are no numbers count as missing.",
            UserWarning,
            stacklevel=2,
        )
    return values


def _finite(values: np.ndarray) -> np.ndarray:
    """Replace by NaN what scikit-learn's forests, which compute in float32, would refuse.

    And by 0 what splines would divide by, with an infinite result.
    """
    sizes = np.abs(values)
    values = np.where(sizes < _LEAST, 0.0, values)
    return np.where(sizes <= np.finfo(np.float32).max, values, np.nan)


def _factorize(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Codes (-1: missing) and the text of each; two codes may share a text."""
    import pandas as pd

    try:
        codes, values = pd.factorize(column)
    except TypeError:  # values such as lists
        codes, values = pd.factorize(column.map(str, na_action="ignore"))
    return codes, [_text(value) for value in values]


def _text(value: Any) -> str:
    """Write 3.0 as "3": a missing value elsewhere in the column turns integers into floats."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value)


def _unused_name(levels: list[str]) -> str:
    name = "rare"
    while name in levels:
        name += "_"
    return name
