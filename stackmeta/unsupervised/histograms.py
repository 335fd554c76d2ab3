"""Outliers lie where a column, or a principal component, has few values (HBOS)."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from ..compat import Interval
from .detector import BaseDetector


class HistogramDetector(BaseDetector):
    """Sum over columns of minus the log density of a histogram.

    Histogram-based outlier score (HBOS) [1]_ with bins of equal width. On the principal
    components it also sees rows that break the correlation of columns.

    Parameters
    ----------
    rotate : bool, default=False
        Whether the histograms are of the principal components.
    n_bins : int, default=None
        Bins of a column. None: the square root of the number of rows, from 5 to 50.
    contamination : float, default=0.1
        Share of the rows of ``fit`` that ``predict`` calls outliers.

    Attributes
    ----------
    offset_ : float
        Threshold of ``score_samples``.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    References
    ----------
    .. [1] M. Goldstein and A. Dengel, "Histogram-based outlier score (HBOS): a fast
       unsupervised anomaly detection algorithm", KI, 2012.

    Examples
    --------
    >>> from stackmeta.unsupervised import HistogramDetector
    >>> X = [[0.0], [0.0], [1.0], [0.0], [9.0]]
    >>> HistogramDetector(n_bins=3, contamination=0.2).fit(X).predict([[0.5], [5.0]])
    array([ 1, -1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDetector._parameter_constraints,
        "rotate": ["boolean"],
        "n_bins": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, *, rotate: bool = False, n_bins: int | None = None, contamination: float = 0.1
    ) -> None:
        self.rotate = rotate
        self.n_bins = n_bins
        self.contamination = contamination

    def _learn(self, X: np.ndarray) -> None:
        with np.errstate(invalid="ignore"):  # rows that are all alike
            self._components = PCA().fit(X) if self.rotate else None
        X = self._turned(X)
        n_bins = self.n_bins or int(np.clip(np.sqrt(len(X)), 5, 50))
        self._low, high = X.min(axis=0), X.max(axis=0)
        self._width = np.where(high > self._low, (high - self._low) / n_bins, 1.0)
        # A bin before the first and one behind the last: values that were never seen.
        counts = np.zeros((n_bins + 2, X.shape[1]))
        bins = np.clip(self._steps(X), 1, n_bins).astype(np.intp)
        for j in range(X.shape[1]):
            counts[:, j] = np.bincount(bins[:, j], minlength=n_bins + 2)
        # Half a row in each: an empty bin is no proof of impossibility.
        self._cost = -np.log((counts + 0.5) / counts.max(axis=0))

    def _turned(self, X: np.ndarray) -> np.ndarray:
        return X if self._components is None else self._components.transform(X)

    def _steps(self, X: np.ndarray) -> np.ndarray:
        # The largest value belongs to the last bin.
        return np.floor((X - self._low) / self._width * (1 - 1e-12)) + 1

    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        bins = np.clip(self._steps(self._turned(X)), 0, len(self._cost) - 1).astype(np.intp)
        return self._cost[bins, np.arange(bins.shape[1])].sum(axis=1)
