"""Losses of scores that row-dependent weights correct, and their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy.special import expit, log_softmax, softmax


class Loss(ABC):
    """Loss of scores of shape (n, n_outputs), those of the rows at the positions ``rows``."""

    # Whether the loss is quadratic in the scores.
    quadratic = False

    @abstractmethod
    def losses(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Loss of each row, of shape (n,)."""

    @abstractmethod
    def residuals(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Minus the slope in each score, of shape (n, n_outputs)."""

    @abstractmethod
    def curvature(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Second derivatives of each row as d and c of ``diag(d) - c cᵀ``; c None stands for 0."""


class SquaredLoss(Loss):
    """Half the squared error in some unit, averaged over the targets.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_targets)
        Truth.
    unit : float
        With the error's variance for the unit, losses are those of a likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.row_losses import SquaredLoss
    >>> SquaredLoss(np.array([[1.0], [5.0]]), unit=2.0).losses(np.array([[3.0]]), np.array([1]))
    array([1.])
    """

    quadratic = True

    def __init__(self, y: np.ndarray, unit: float) -> None:
        self._y, self._scale = y, 1.0 / (unit * y.shape[1])

    def losses(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Loss of each row."""
        return 0.5 * self._scale * ((self._y[rows] - scores) ** 2).sum(axis=1)

    def residuals(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Truth minus score, scaled."""
        return self._scale * (self._y[rows] - scores)

    def curvature(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Give the same for all rows."""
        return np.full(scores.shape, self._scale), None


class BinaryLogLoss(Loss):
    """Log loss of log-odds.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        0 or 1.
    """

    def __init__(self, codes: np.ndarray) -> None:
        self._y = codes[:, None].astype(np.float64)

    def losses(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Loss of each row."""
        return (np.logaddexp(0.0, scores) - self._y[rows] * scores)[:, 0]

    def residuals(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Truth minus probability."""
        return self._y[rows] - expit(scores)

    def curvature(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Give the variance of each label."""
        return expit(scores) * expit(-scores), None


class LogLoss(Loss):
    """Log loss of log probabilities, each row's up to a constant.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    """

    def __init__(self, codes: np.ndarray) -> None:
        self._codes = codes

    def losses(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Loss of each row."""
        return -log_softmax(scores, axis=1)[np.arange(len(scores)), self._codes[rows]]

    def residuals(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Truth minus probability."""
        residuals = -softmax(scores, axis=1)
        residuals[np.arange(len(scores)), self._codes[rows]] += 1.0
        return residuals

    def curvature(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Give the covariance of the classes' indicators."""
        probabilities = softmax(scores, axis=1)
        return probabilities, probabilities
