"""Losses of linear predictors, with first and second derivatives."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import expit, softmax


class SmoothLoss(Protocol):
    """A convex loss of ``width`` linear predictors a row."""

    width: int

    def gradient(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Derive by each predictor: both of shape (n_rows, n_folds, width)."""

    def curvature(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Derive twice: (n_rows, width, width), for predictors (n_rows, width)."""


class Binomial:
    """Log-loss of two classes."""

    width = 1

    def gradient(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """P(class 1) less the label."""
        return expit(predictors) - y[:, np.newaxis, np.newaxis]

    def curvature(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Variance of the label."""
        return (expit(predictors) * expit(-predictors))[:, :, np.newaxis]


class Multinomial:
    """Log-loss of several classes.

    Parameters
    ----------
    width : int
        Number of classes.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    def gradient(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Probabilities less indicators."""
        found = softmax(predictors, axis=-1)
        found[np.arange(len(y)), :, y] -= 1
        return found

    def curvature(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Covariances of the indicators."""
        shares = softmax(predictors, axis=-1)
        found = -shares[:, :, np.newaxis] * shares[:, np.newaxis, :]
        found[:, np.arange(self.width), np.arange(self.width)] += shares
        return found


class TweedieOfLog:
    """Half the Tweedie deviance of the predictor's exponential, 1 <= power <= 2.

    Poisson for 1, gamma for 2; beyond those it is not convex.

    Parameters
    ----------
    power : float
    """

    width = 1

    def __init__(self, power: float) -> None:
        self._power = power

    def gradient(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Mean less y, over the variance's share of the mean."""
        residual = np.exp(predictors) - y[:, np.newaxis, np.newaxis]
        return np.exp((1 - self._power) * predictors) * residual

    def curvature(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Second derivative, which is nowhere negative."""
        power, mean = self._power, np.exp(predictors)
        found = (2 - power) * mean + (power - 1) * y[:, np.newaxis]
        return (np.exp((1 - power) * predictors) * found)[:, :, np.newaxis]


class Squared:
    """Half the squared error."""

    width = 1

    def gradient(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Prediction less y."""
        return predictors - y[:, np.newaxis, np.newaxis]

    def curvature(self, predictors: np.ndarray, y: np.ndarray) -> np.ndarray:
        """One everywhere."""
        return np.ones_like(predictors)[:, :, np.newaxis]
