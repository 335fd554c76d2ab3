"""Columns of any kind as numbers of about unit variance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from ..compat import is_pandas, is_polars

# Standard deviations beyond which a number counts as this far out.
_FAR = 4.0
# Infinity, and what overflows when it is scaled, counts as this.
_HUGE = 1e100
_MOST_CATEGORIES = 10
# What varies less once it is scaled is constant but for rounding.
_LEAST_RANGE = 1e-6
# Sparse columns beyond these are replaced by as many singular vectors.
_MOST_SPARSE = 100

_NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}
_TIMES = {"datetime64", "datetime", "date"}


class RowReader:
    """Turns columns of any kind into numbers of about unit variance.

    Numbers (booleans and dates among them) are imputed by their median, scaled by their
    quartiles and clipped at four standard deviations; all else is text, and its ten most
    frequent values become columns of 0 and 1. Constant columns are dropped. More than 100 sparse
    columns are replaced by 100 singular vectors.

    Parameters
    ----------
    labels : list of str
        Names of the columns.

    Attributes
    ----------
    names : list of str
        Names of the columns of ``transform``.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta.combiners.row_reader import RowReader
    >>> part = pd.DataFrame({"age": [20, 30, None, 40], "city": ["Ulm", "Bonn", "Ulm", None]})
    >>> reader = RowReader(["age", "city"]).fit(part)
    >>> reader.names
    ['age', 'city_Bonn', 'city_Ulm', 'city_nan']
    >>> reader.transform(part).round(2).tolist()[1:3]
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """

    def __init__(self, labels: list[str]) -> None:
        unique = len(set(labels)) == len(labels)
        self._labels = labels if unique else [f"{x} ({i})" for i, x in enumerate(labels)]
        self.names: list[str] = []

    def fit(self, part: Any) -> RowReader:
        """Learn kinds, medians, scales and categories from the rows of ``part``."""
        self._wide = sparse.issparse(part) and part.shape[1] > _MOST_SPARSE
        if self._wide:
            vectors = TruncatedSVD(_MOST_SPARSE, random_state=0)
            self._transformer: Any = make_pipeline(vectors, _scale_numbers())
            self._transformer.set_output(transform="default")
        else:
            columns = _columns_of(part)
            self._kinds = [_kind_of(column) for column in columns]
            kinds = np.array(self._kinds)
            encoder = OneHotEncoder(
                handle_unknown="ignore", max_categories=_MOST_CATEGORIES, sparse_output=False
            )
            self._transformer = ColumnTransformer(
                [
                    ("numbers", _scale_numbers(), np.flatnonzero(kinds != "text").tolist()),
                    ("text", encoder, np.flatnonzero(kinds == "text").tolist()),
                ],
                sparse_threshold=0.0,
            ).set_output(transform="default")
        matrix = self._transformer.fit_transform(self._read(part))
        self._varying = np.flatnonzero(np.ptp(matrix, axis=0) > _LEAST_RANGE)
        names = [name.partition("__")[2] for name in self._transformer.get_feature_names_out()]
        if self._wide:
            names = [f"svd{i}" for i in range(matrix.shape[1])]
        self.names = [names[i] for i in self._varying]
        return self

    def transform(self, part: Any) -> np.ndarray:
        """Give rows as numbers.

        Returns
        -------
        features : ndarray of shape (n_rows, n_features)
        """
        matrix = self._transformer.transform(self._read(part))
        return np.asarray(matrix[:, self._varying], dtype=np.float64)

    def _read(self, part: Any) -> Any:
        """Turn the columns into what the transformer takes."""
        if self._wide:
            part = sparse.csr_matrix(part, dtype=np.float64)
            part.data = np.nan_to_num(part.data, posinf=_HUGE, neginf=-_HUGE)
            return part
        columns = zip(_columns_of(part), self._kinds, self._labels, strict=True)
        return pd.DataFrame(
            {label: _convert(column, kind, label) for column, kind, label in columns}
        )


def _scale_numbers() -> Pipeline:
    """Impute by the median; unit variance by the quartiles, then as it is without outliers."""
    clip = FunctionTransformer(
        np.clip, kw_args={"a_min": -_FAR, "a_max": _FAR}, feature_names_out="one-to-one"
    )
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        RobustScaler(unit_variance=True),
        clip,
        StandardScaler(),
        clip,
    )


def _columns_of(part: Any) -> list[pd.Series]:
    """Take any table apart."""
    if is_pandas(part):
        return [part.iloc[:, i].reset_index(drop=True) for i in range(part.shape[1])]
    if is_polars(part):
        return [pd.Series(column.to_numpy()) for column in part]
    if sparse.issparse(part):
        part = part.toarray()
    return [pd.Series(column) for column in np.asarray(part).T]


def _kind_of(column: pd.Series) -> str:
    """Whether a column is a "number", a "time" or "text", which all else is treated as."""
    types = pd.api.types
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "text"
    if types.is_datetime64_any_dtype(column):
        return "time"
    if types.is_numeric_dtype(column) or types.is_timedelta64_dtype(column):
        return "number"
    inferred = types.infer_dtype(column, skipna=True)
    return "number" if inferred in _NUMBERS else "time" if inferred in _TIMES else "text"


def _convert(column: pd.Series, kind: str, label: str) -> np.ndarray:
    """Give a column as floats, NaN where it is missing, or as text."""
    missing = column.isna().to_numpy()
    if kind == "text":
        return np.array(
            [np.nan if gone else str(x) for x, gone in zip(column, missing, strict=True)],
            dtype=object,
        )
    numbers = np.full(len(column), np.nan)
    try:
        known = column[~missing]
        if kind == "time":
            known = pd.to_datetime(known, utc=True).astype("datetime64[ns, UTC]").astype("int64")
        elif pd.api.types.is_timedelta64_dtype(known):
            known = known.astype("timedelta64[ns]").astype("int64")
        numbers[~missing] = known.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {label!r} held a {kind} in each row of fit, and now does not: {error}"
        ) from error
    return np.clip(numbers, -_HUGE, _HUGE)
