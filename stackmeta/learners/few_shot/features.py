"""A raw table with few rows → numbers of comparable size, and whose column each is."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..columns import CategoryColumn, DateColumn, DurationColumn
from ..table import TableCleaner, _as_frame
from ..texts import TextColumn

#: What a column of the cleaned table may be.
KINDS = ("number", "category", "text", "date", "missing")
_NO_VARIANCE, _LEAST = 1e-12, 1e-300


class FewRowsCleaner(TableCleaner):
    """A TableCleaner that keeps categories which one row alone has.

    With one or two labelled rows a class, most values are seen once; rows that share one are alike
    all the same.
    """

    def fit(self, X: Any, y: Any = None) -> FewRowsCleaner:
        """Learn what each column holds."""
        import pandas as pd

        super().fit(X, y)
        frame = _as_frame(X)
        for i, column in enumerate(self.columns_):
            if isinstance(column, CategoryColumn) and column.has_rare:
                # Values that are there twice are kept.
                twice = pd.concat([frame.iloc[:, i]] * 2)
                as_codes = self.categories == "code"
                self.columns_[i] = CategoryColumn.learn(twice, self.max_categories, as_codes)
        return self


class ColumnFeatures(BaseEstimator):
    """Numbers for distances: every column has mean 0 and variance 1 over the rows of ``fit``.

    Numbers are standardised, and then drawn in (inverse hyperbolic sine): a value far outside of
    the few labelled rows counts as far, not as very far. A category is an indicator a value, which
    together have variance 1. Missing numbers are at the mean, and a column of their own says
    so. Columns that do not vary are left out.

    Attributes
    ----------
    column_of_ : ndarray of shape (n_features,)
        Which column each feature is of.
    kinds_ : ndarray of shape (n_columns,)
        Position in ``KINDS``.
    distinct_ : ndarray of shape (n_columns,)
        Different values.
    missing_ : ndarray of shape (n_columns,)
        Share of missing values.
    skew_ : ndarray of shape (n_columns,)
        Third standardised moment, of numbers before they are drawn in.
    """

    def fit_transform(self, X: Any) -> np.ndarray:
        """Learn centres and scales; give the training rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Labelled rows.

        Returns
        -------
        features : ndarray of shape (n_rows, n_features)
        """
        self._cleaner = FewRowsCleaner().fit(X)
        frame = self._cleaner.transform(X)
        self._learn_blocks(frame)
        raw, group = self._raw(frame), self._column_of_raw()
        self._centre = raw.mean(axis=0)
        features = raw - self._centre
        n_columns = len(self._numbers) + len(self._sizes) + len(self._gaps)
        variance = np.bincount(group, (features**2).mean(axis=0), minlength=n_columns)
        varies = variance > _NO_VARIANCE
        self._kept = np.flatnonzero(varies[group])
        self._scale = np.sqrt(variance[group[self._kept]])
        self.column_of_ = (np.cumsum(varies) - 1)[group[self._kept]]
        self._describe(frame, varies)
        return features[:, self._kept] / self._scale

    def transform(self, X: Any) -> np.ndarray:
        """Give any rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows, with the columns of ``fit``.

        Returns
        -------
        features : ndarray of shape (n_rows, n_features)
        """
        raw = self._raw(self._cleaner.transform(X))
        return (raw - self._centre)[:, self._kept] / self._scale

    def _learn_blocks(self, frame: Any) -> None:
        """Find numbers, categories and gaps, and where numbers are."""
        is_category = np.array([dtype == "category" for dtype in frame.dtypes])
        self._numbers = np.flatnonzero(~is_category)
        self._categories = np.flatnonzero(is_category)
        self._sizes = [len(frame.iloc[:, i].cat.categories) for i in self._categories]
        numbers = frame.iloc[:, self._numbers].to_numpy(np.float64)
        there = ~np.isnan(numbers)
        count = np.maximum(there.sum(axis=0), 1)
        self._mean = np.where(there, numbers, 0.0).sum(axis=0) / count
        centred = np.where(there, numbers - self._mean, 0.0)
        deviation = np.sqrt((centred**2).sum(axis=0) / count)
        self._deviation = np.where(deviation > _LEAST, deviation, 1.0)
        # Missing values of a column that always or never has some say nothing more.
        self._gaps = np.flatnonzero(there.any(axis=0) & ~there.all(axis=0))

    def _raw(self, frame: Any) -> np.ndarray:
        """Numbers that are drawn in, indicators of categories, indicators of gaps."""
        numbers = frame.iloc[:, self._numbers].to_numpy(np.float64)
        gaps = np.isnan(numbers)
        standard = np.where(gaps, 0.0, (numbers - self._mean) / self._deviation)
        codes = _codes(frame, self._categories)
        indicators = [codes[:, [i]] == np.arange(size) for i, size in enumerate(self._sizes)]
        blocks = [np.arcsinh(standard), *indicators, gaps[:, self._gaps]]
        return np.concatenate([np.asarray(block, float) for block in blocks], axis=1)

    def _column_of_raw(self) -> np.ndarray:
        sizes = [*[1] * len(self._numbers), *self._sizes, *[1] * len(self._gaps)]
        return np.repeat(np.arange(len(sizes)), sizes)

    def _describe(self, frame: Any, varies: np.ndarray) -> None:
        """Say what each column that varies is like."""
        numbers = frame.iloc[:, self._numbers].to_numpy(np.float64)
        codes = _codes(frame, self._categories)
        values = np.concatenate([numbers, np.where(codes < 0, np.nan, codes)], axis=1)
        there = ~np.isnan(values)
        standard = np.where(there[:, : numbers.shape[1]], numbers - self._mean, 0.0)
        standard = standard / self._deviation
        skew = (standard**3).sum(axis=0) / np.maximum((standard**2).sum(axis=0), 1.0)
        kinds = _kinds(self._cleaner.columns_)[np.r_[self._numbers, self._categories].astype(int)]
        n_gaps, n_codes = len(self._gaps), codes.shape[1]
        distinct = [len(np.unique(v[~np.isnan(v)])) for v in values.T]
        gap = KINDS.index("missing")
        self.kinds_ = np.r_[kinds, np.full(n_gaps, gap)].astype(int)[varies]
        self.distinct_ = np.r_[distinct, np.full(n_gaps, 2)][varies]
        self.missing_ = np.r_[1 - there.mean(axis=0), np.zeros(n_gaps)][varies]
        self.skew_ = np.r_[skew, np.zeros(n_codes + n_gaps)][varies]


def _codes(frame: Any, columns: np.ndarray) -> np.ndarray:
    codes = [frame.iloc[:, i].cat.codes.to_numpy(np.float64) for i in columns]
    return np.column_stack(codes) if codes else np.empty((len(frame), 0))


def _kinds(columns: list[Any]) -> np.ndarray:
    """Kind of each column of the cleaned table."""
    kinds: list[int] = []
    for column in columns:
        kind = "number"
        if isinstance(column, CategoryColumn):
            kind = "category"
        elif isinstance(column, TextColumn):
            kind = "text"
        elif isinstance(column, DateColumn | DurationColumn):
            kind = "date"
        kinds.extend([KINDS.index(kind)] * len(column.features))
    return np.array(kinds, dtype=np.intp)
