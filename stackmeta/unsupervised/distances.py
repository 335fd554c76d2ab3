"""Outliers lie far from their neighbours, or from the centre."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from scipy.linalg import pinvh
from sklearn.covariance import LedoitWolf, MinCovDet
from sklearn.neighbors import NearestNeighbors

from ..compat import Interval
from .detector import BaseDetector


class NeighbourDetector(BaseDetector):
    """Mean distance to the nearest training rows.

    The k-nearest-neighbours score [1]_, as a mean instead of the distance to the last [2]_.

    Parameters
    ----------
    n_neighbors : int, default=10
        Neighbours; at most one less than there are rows.
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
    .. [1] S. Ramaswamy, R. Rastogi and K. Shim, "Efficient algorithms for mining outliers from
       large data sets", SIGMOD, 2000.
    .. [2] F. Angiulli and C. Pizzuti, "Fast outlier detection in high dimensional spaces",
       PKDD, 2002.

    Examples
    --------
    >>> from stackmeta.unsupervised import NeighbourDetector
    >>> detector = NeighbourDetector(n_neighbors=2).fit([[0.0], [1.0], [2.0], [9.0]])
    >>> detector.score_samples([[1.0], [5.0]])
    array([-0.5, -3.5])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDetector._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, n_neighbors: int = 10, contamination: float = 0.1) -> None:
        self.n_neighbors = n_neighbors
        self.contamination = contamination

    def _learn(self, X: np.ndarray) -> None:
        n_neighbors = min(self.n_neighbors, len(X) - 1)
        self._search = NearestNeighbors(n_neighbors=n_neighbors).fit(X)

    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        return self._search.kneighbors(X)[0].mean(axis=1)


class MahalanobisDetector(BaseDetector):
    """Distance from the centre in units of a robust covariance.

    The minimum covariance determinant [1]_ finds centre and covariance of the half of the rows
    that lie closest together. Where there are too few rows for that, or they lie in a plane,
    a shrunk covariance of all rows [2]_ stands in.

    Parameters
    ----------
    contamination : float, default=0.1
        Share of the rows of ``fit`` that ``predict`` calls outliers.
    random_state : int, RandomState instance or None, default=None
        Draws starting subsets.

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
    .. [1] P. J. Rousseeuw and K. Van Driessen, "A fast algorithm for the minimum covariance
       determinant estimator", Technometrics 41, 1999.
    .. [2] O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance
       matrices", Journal of Multivariate Analysis 88, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.unsupervised import MahalanobisDetector
    >>> X = np.random.default_rng(0).normal(size=(200, 2)) * [1.0, 10.0]
    >>> detector = MahalanobisDetector(random_state=0).fit(X)
    >>> detector.predict([[0.0, 10.0], [10.0, 0.0]])
    array([ 1, -1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDetector._parameter_constraints,
        "random_state": ["random_state"],
    }

    def __init__(self, *, contamination: float = 0.1, random_state: Any = None) -> None:
        self.contamination = contamination
        self.random_state = random_state

    def _learn(self, X: np.ndarray) -> None:
        self._centre, covariance = self._moments(X)
        self._precision = pinvh(covariance)

    def _moments(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_rows, n_columns = X.shape
        if n_rows >= 5 * n_columns and np.linalg.matrix_rank(X - X.mean(axis=0)) == n_columns:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    robust = MinCovDet(random_state=self.random_state).fit(X)
                return robust.location_, robust.covariance_
            except (ValueError, Warning):
                pass  # half of the rows lie in a plane
        shrunk = LedoitWolf().fit(X)
        return shrunk.location_, shrunk.covariance_

    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        away = X - self._centre
        return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", away, self._precision, away), 0.0))
