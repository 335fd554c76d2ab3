"""Outliers lie in the tails of columns (ECOD)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from .detector import BaseDetector

# Of the largest variance: components below it are rounding errors.
_VARIES = 1e-12


class TailDetector(BaseDetector):
    """Sum over columns of how far out in a tail a value lies.

    Empirical-cumulative-distribution-based outlier detection (ECOD) [1]_: minus the log of the
    share of training values that lie at least as far to the left, to the right, or on the
    side to which the column is skewed, is added up over columns; the largest of the three
    sums counts. On the principal components it also sees rows that break the correlation of
    columns.

    Parameters
    ----------
    rotate : bool, default=False
        Whether the tails are of the principal components, without those that do not vary.
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
    .. [1] Z. Li, Y. Zhao, X. Hu, N. Botta, C. Ionescu and G. H. Chen, "ECOD: unsupervised
       outlier detection using empirical cumulative distribution functions", IEEE Transactions
       on Knowledge and Data Engineering, 2022.

    Examples
    --------
    >>> from stackmeta.unsupervised import TailDetector
    >>> X = [[0.0], [1.0], [2.0], [3.0], [50.0]]
    >>> TailDetector(contamination=0.2).fit([*X, [1.5]]).score_samples([[1.5], [60.0]]).round(2)
    array([-0.56, -1.95])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDetector._parameter_constraints,
        "rotate": ["boolean"],
    }

    def __init__(self, *, rotate: bool = False, contamination: float = 0.1) -> None:
        self.rotate = rotate
        self.contamination = contamination

    def _learn(self, X: np.ndarray) -> None:
        self._components = None
        if self.rotate:
            with np.errstate(invalid="ignore"):  # rows that are all alike
                self._components = PCA().fit(X)
            variances = self._components.explained_variance_
            self._varying = variances > _VARIES * variances.max()
        X = self._turned(X)
        self._sorted = np.sort(X, axis=0)
        centred = X - X.mean(axis=0)
        self._right_skewed = (centred**3).sum(axis=0) >= 0

    def _turned(self, X: np.ndarray) -> np.ndarray:
        if self._components is None:
            return X
        return self._components.transform(X)[:, self._varying]

    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        X = self._turned(X)
        n = len(self._sorted)
        sums = np.zeros((3, len(X)))
        for j, known in enumerate(self._sorted.T):
            # One more row is counted, the one that is scored: no share is 0.
            at_most = (np.searchsorted(known, X[:, j], side="right") + 1) / (n + 1)
            at_least = (n - np.searchsorted(known, X[:, j], side="left") + 1) / (n + 1)
            left, right = -np.log(at_most), -np.log(at_least)
            sums += [left, right, right if self._right_skewed[j] else left]
        return sums.max(axis=0)
