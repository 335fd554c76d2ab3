"""What every outlier detector does: check the rows, score them, set a threshold."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..compat import Interval, fit_context

#: What ``contamination`` may be: above 0, at most one half.
SHARE = Interval(Real, 0, 0.5, closed="right")


def threshold(scores: np.ndarray, contamination: float) -> float:
    """Score below which the share ``contamination`` of ``scores`` lies.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        The lower, the more abnormal.
    contamination : float

    Returns
    -------
    offset : float
    """
    return float(np.percentile(scores, 100.0 * contamination))


class Thresholded(OutlierMixin):
    """``decision_function`` and ``predict`` on top of ``score_samples`` and ``offset_``."""

    offset_: float

    @abstractmethod
    def score_samples(self, X: Any) -> np.ndarray:
        """Score rows: the lower, the more abnormal."""

    def decision_function(self, X: Any) -> np.ndarray:
        """Score rows, shifted so that outliers are below 0.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        decision : ndarray of shape (n_rows,)
            ``score_samples(X) - offset_``.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """Say which rows are outliers.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        is_inlier : ndarray of int of shape (n_rows,)
            -1 for outliers, 1 for the others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


class BaseDetector(Thresholded, BaseEstimator):
    """An outlier detector on a table of numbers."""

    _parameter_constraints: dict[str, list[Any]] = {"contamination": [SHARE]}

    contamination: float

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> BaseDetector:
        """Learn what rows are normal.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Numbers without gaps.
        y : ignored

        Returns
        -------
        self : BaseDetector
        """
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self._learn(X)
        self.offset_ = threshold(-self._abnormality(X), self.contamination)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Score rows: the lower, the more abnormal.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        return -self._abnormality(validate_data(self, X, dtype=np.float64, reset=False))

    @abstractmethod
    def _learn(self, X: np.ndarray) -> None:
        """Learn from checked rows."""

    @abstractmethod
    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        """Score checked rows: the higher, the more abnormal."""
