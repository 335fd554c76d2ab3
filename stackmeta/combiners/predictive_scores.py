"""Weights by the logarithmic score of the learners' own predictive distributions."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from .log_loss import minimise_log_loss
from .losses import Block
from .predictions import Predictions

# Least variance in units of the truth's: a perfect learner's errors are rounding.
_LEAST_VARIANCE = 1e-10
# Numbers that are drawn at a time.
_DRAWN_NUMBERS = 1 << 20
_TINY = 1e-300


def residual_variances(predictions: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mean squared error of each learner and target, above zero, (n_learners, n_targets)."""
    target = y.reshape(len(y), -1)
    total = np.zeros(predictions.view.shape[1:])
    for rows in predictions.slices():
        error = predictions.block(rows) - target[rows, None, :]
        total += np.tensordot(share[rows], error**2, axes=1)
    spread = share @ (target - share @ target) ** 2
    total = np.maximum(total, _LEAST_VARIANCE * spread)
    total[total == 0] = 1.0
    return total


def normal_scores(predictions: Predictions, y: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Log density at the truth of normals around the predictions, (n_rows, n_learners).

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.predictions import Predictions
    >>> from stackmeta.combiners.predictive_scores import normal_scores
    >>> predictions = Predictions(np.array([[1.0, 3.0]]), 1)
    >>> normal_scores(predictions, np.array([1.0]), np.array([[1.0], [4.0]])).round(3)
    array([[-0.919, -2.112]])
    """
    target = y.reshape(len(y), -1)
    scores = np.empty(predictions.view.shape[:2])
    constant = np.log(2.0 * np.pi * variances).sum(axis=1)
    for rows in predictions.slices():
        error = predictions.block(rows) - target[rows, None, :]
        scores[rows] = -0.5 * ((error**2 / variances).sum(axis=2) + constant)
    return scores


def label_scores(truth: Block, n_rows: int) -> np.ndarray:
    """Log probability of the true class, (n_rows, n_learners); 0 counts as 2.2e-16."""
    return np.log(np.maximum(truth(slice(0, n_rows)), np.finfo(np.float64).eps))


def stacking_weights(scores: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Simplex weights of the best log score of the mixture of predictive distributions [1]_.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, m)
        Log density of each learner at the truth.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.

    Returns
    -------
    weights : ndarray of shape (m,)
        With exact zeros.

    References
    ----------
    .. [1] Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using stacking to average Bayesian
       predictive distributions", Bayesian Analysis 13, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.predictive_scores import stacking_weights
    >>> stacking_weights(np.log([[0.9, 0.1], [0.1, 0.9]]), np.ones(2) / 2).round(6)
    array([0.5, 0.5])
    """
    # Densities in units of each row's greatest: they may underflow, and only ratios matter.
    densities = np.exp(scores - scores.max(axis=1, keepdims=True))
    return minimise_log_loss(densities.__getitem__, share, scores.shape[1])[0]


def pseudo_bma_weights(
    scores: np.ndarray, counts: np.ndarray, n_samples: int, random: np.random.RandomState
) -> np.ndarray:
    """Draws of pseudo-BMA+ weights, whose mean are the weights [1]_.

    A learner's weight is proportional to the exponential of its log score, as in Bayesian model
    averaging, but the sum of the rows' scores is bootstrapped, so that a lead that is due to
    few rows counts less. The bootstrap is Rubin's [2]_.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, m)
        Log density of each learner at the truth.
    counts : ndarray of shape (n_rows,)
        How often each row is there.
    n_samples : int
        Number of draws.
    random : RandomState
        Source of randomness.

    Returns
    -------
    weights : ndarray of shape (n_samples, m)
        Rows on the simplex.

    References
    ----------
    .. [1] Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using stacking to average Bayesian
       predictive distributions", Bayesian Analysis 13, 2018.
    .. [2] D. B. Rubin, "The Bayesian bootstrap", Annals of Statistics 9, 1981.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.predictive_scores import pseudo_bma_weights
    >>> scores = np.log([[0.9, 0.8], [0.7, 0.6], [0.2, 0.1]])
    >>> weights = pseudo_bma_weights(scores, np.ones(3), 1000, np.random.RandomState(0))
    >>> weights.mean(axis=0).round(1)
    array([0.7, 0.3])
    """
    scores, counts = _merged(scores, counts)
    total, sums = np.zeros(n_samples), np.zeros((n_samples, scores.shape[1]))
    size = max(1, _DRAWN_NUMBERS // n_samples)
    for start in range(0, len(scores), size):
        rows = slice(start, start + size)
        drawn = random.standard_gamma(counts[rows, None], size=(len(counts[rows]), n_samples))
        total += drawn.sum(axis=0)
        sums += drawn.T @ scores[rows]
    weights = softmax(counts.sum() * sums / total[:, None], axis=1)
    return np.maximum(weights, _TINY)


def _merged(scores: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge rows that are the same, in an order of their own.

    A row that is there twice then draws the numbers of a row that counts twice.
    """
    rows, same = np.unique(scores, axis=0, return_inverse=True)
    return rows, np.bincount(same.ravel(), weights=counts)
