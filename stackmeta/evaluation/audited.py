"""A table that is audited: rows, columns as numbers, target, splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..out_of_fold.folds import Split, fold_of_each_row, restrict_splits
from ..out_of_fold.target import Target
from .quick import Judged, judge

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Audited:
    """What the checks of an audit read.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The raw table.
    target : Target
    splits : list of (train, test)
    groups : ndarray of int of shape (n_rows,), or None
        Group of each row.
    position : ndarray of int of shape (n_rows,)
        Place of each row in the table that was given.
    """

    frame: pd.DataFrame
    target: Target
    splits: list[Split]
    groups: np.ndarray | None
    position: np.ndarray

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @cached_property
    def numbers(self) -> np.ndarray:
        """The table as numbers, of shape (n_rows, n_features), NaN where missing."""
        return np.hstack([self.features[name] for name in self.features])

    @cached_property
    def features(self) -> dict[int, np.ndarray]:
        """What each column becomes as numbers, by the column's place."""
        found = {}
        for place in range(self.frame.shape[1]):
            found[place] = as_numbers(self.frame.iloc[:, place])
        return found

    def without(self, *places: int) -> np.ndarray:
        """Give the numbers of all columns but some."""
        kept = [values for place, values in self.features.items() if place not in places]
        return np.hstack(kept) if kept else np.zeros((self.n_rows, 1))

    @cached_property
    def judged(self) -> Judged:
        """What a quick learner makes of the splits that were given."""
        return judge(self.numbers, self.target, self.splits)

    @cached_property
    def fold(self) -> np.ndarray:
        """The first fold that holds each row out; -1 for none."""
        return fold_of_each_row(self.splits, self.n_rows)

    @cached_property
    def trains(self) -> np.ndarray:
        """Which rows each fold trains on: bool of shape (n_folds, n_rows)."""
        found = np.zeros((len(self.splits), self.n_rows), dtype=bool)
        for k, (train, _) in enumerate(self.splits):
            found[k, train] = True
        return found

    def name(self, place: int) -> str:
        """Name a column for messages."""
        return repr(self.frame.columns[place])

    def some(self, most: int, seed: int = 0) -> Audited:
        """Keep at most so many rows, drawn at random, in their order."""
        if self.n_rows <= most:
            return self
        return self.at(np.sort(np.random.default_rng(seed).permutation(self.n_rows)[:most]))

    def at(self, rows: np.ndarray) -> Audited:
        """Keep some rows."""
        if len(rows) == self.n_rows:
            return self
        splits = restrict_splits(self.splits, rows, self.n_rows)
        part = Audited(
            self.frame.iloc[rows],
            replace(self.target, y=self.target.y[rows]),
            [(train, test) for train, test in splits if len(train) and len(test)],
            None if self.groups is None else self.groups[rows],
            self.position[rows],
        )
        # Codes of categories stay what they were.
        part.__dict__["features"] = {i: values[rows] for i, values in self.features.items()}
        return part


def as_numbers(column: pd.Series) -> np.ndarray:
    """Turn one column into numbers: dates into days, texts into codes by how frequent they are.

    Returns
    -------
    values : ndarray of shape (n_rows, 1)
        NaN where missing.
    """
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = pd.to_numeric(column, errors="coerce").astype("float64").to_numpy(copy=True)
    elif pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        values = np.array(days_of(column))
    else:
        texts = column.astype("object").where(column.notna(), None)
        texts = pd.Series([None if t is None else str(t) for t in texts])
        order = texts.value_counts().index
        values = np.array(texts.map({text: code for code, text in enumerate(order)}), dtype=float)
    values[~np.isfinite(values)] = np.nan
    # Trees read float32.
    values[np.abs(values) > 1e30] = np.nan
    return values[:, None]


def days_of(column: Any) -> np.ndarray:
    """Days since the first date; NaN where missing."""
    import pandas as pd

    if pd.api.types.is_timedelta64_dtype(column):
        return (column / pd.Timedelta(days=1)).to_numpy(float)
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return ((column - column.min()) / pd.Timedelta(days=1)).to_numpy(float)


def dates_of(column: Any) -> Any:
    """Dates, also those that are written as texts such as 2024-05-31; None for anything else."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    if not is_category(column) or pd.api.types.is_bool_dtype(column):
        return None
    texts = column.dropna().astype(str)
    if texts.empty or not texts.iloc[0][:4].isdigit():
        return None
    dates = pd.to_datetime(
        column.astype(object).where(column.notna(), None),
        errors="coerce",
        format="ISO8601",
        utc=True,
    )
    return dates if dates.notna().sum() > 0.9 * len(texts) else None


def is_category(column: Any) -> bool:
    """Whether a column holds neither numbers nor dates."""
    import pandas as pd

    return not (
        pd.api.types.is_numeric_dtype(column)
        or pd.api.types.is_datetime64_any_dtype(column)
        or pd.api.types.is_timedelta64_dtype(column)
    )
