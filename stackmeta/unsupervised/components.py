"""Outliers lie far out along principal components, or off the plane of the main ones."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from ..compat import Interval
from .detector import BaseDetector

# Quantiles of a column, and the rows that they are taken of.
_QUANTILES, _QUANTILE_ROWS = 200, 5000


class ComponentDetector(BaseDetector):
    """Distance along the main principal components, plus the distance off their plane.

    The principal component classifier [1]_ without its threshold: columns are standardised;
    squared coordinates on the main components, in units of their variances, and the squared
    length of what these leave over, in units of its mean, are added up.

    Parameters
    ----------
    variance : float, default=0.5
        Share of the variance that the main components explain together.
    by_rank : bool, default=False
        Whether each column is first made normal by the ranks of its values: then the long tail of
        one column does not hide rows that break the correlation of several.
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
    .. [1] M.-L. Shyu, S.-C. Chen, K. Sarinnapakorn and L. Chang, "A novel anomaly detection
       scheme based on principal component classifier", ICDM workshops, 2003.

    Examples
    --------
    >>> from stackmeta.unsupervised import ComponentDetector
    >>> X = [[0.0, 0.1], [1.0, 0.9], [2.0, 2.1], [3.0, 2.9], [4.0, 4.1]]
    >>> near, off = ComponentDetector().fit(X).score_samples([[1.5, 1.5], [1.0, 3.0]])
    >>> bool(off < near)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDetector._parameter_constraints,
        "variance": [Interval(Real, 0, 1, closed="neither")],
        "by_rank": ["boolean"],
    }

    def __init__(
        self, *, variance: float = 0.5, by_rank: bool = False, contamination: float = 0.1
    ) -> None:
        self.variance = variance
        self.by_rank = by_rank
        self.contamination = contamination

    def _learn(self, X: np.ndarray) -> None:
        self._normal = None
        if self.by_rank:
            self._normal = QuantileTransformer(
                n_quantiles=min(_QUANTILES, len(X)),
                output_distribution="normal",
                subsample=_QUANTILE_ROWS,
                random_state=0,
            ).fit(X)
            X = self._normal.transform(X)
        self._centre, scale = X.mean(axis=0), X.std(axis=0)
        self._scale = np.where(scale > 0, scale, 1.0)
        correlation = np.cov((X - self._centre) / self._scale, rowvar=False, ddof=0)
        values, vectors = np.linalg.eigh(np.atleast_2d(correlation))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        explained = values.cumsum() / max(values.sum(), np.finfo(float).tiny)
        n_main = min(int(np.searchsorted(explained, self.variance)) + 1, len(values))
        self._main, self._variances = vectors[:, :n_main], np.maximum(values[:n_main], 1e-12)
        self._left_over = max(float(values[n_main:].sum()), 1e-12)

    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        if self._normal is not None:
            X = self._normal.transform(X)
        X = (X - self._centre) / self._scale
        along = X @ self._main
        off = np.maximum((X**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        return (along**2 / self._variances).sum(axis=1) + off / self._left_over
