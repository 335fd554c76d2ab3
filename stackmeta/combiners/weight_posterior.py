"""Posteriors over the weights of a mixture: normal errors, or labels drawn from the mixture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .losses import Block
from .predictions import Predictions
from .predictive_scores import residual_variances
from .simplex_centre import central_weights
from .simplex_sampler import draw_weights
from .simplex_walk import Likelihood

# The prior of the noise's variance says as much as one row whose error is a tenth of the best
# learner's. Without it, weights that meet few rows exactly would have an infinite density.
_PRIOR_VARIANCE = 0.01
_MAX_STEPS = 20
# Relative change of a weight that moves the expansion of the log loss too little to matter.
_CLOSE = 0.05
# A block of this many numbers stays in the processor's cache.
_BLOCK_NUMBERS = 1 << 18


def draw_of_squared_error(
    predictions: Predictions,
    y: np.ndarray,
    counts: np.ndarray,
    concentration: float,
    n_samples: int,
    random: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw weights and noise given ``y = predictions @ weights + noise``, the noise normal.

    Each target has a noise of its own, whose variance's prior is scaled inverse chi-square with
    one degree of freedom. Rows enter by products of errors only, so that a draw's cost does not
    depend on their number.

    Parameters
    ----------
    predictions : Predictions
        Of m learners.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        Truth.
    counts : ndarray of shape (n_rows,)
        How often each row is there.
    concentration : float
        Of the weights' symmetric Dirichlet prior.
    n_samples : int
        Number of draws.
    random : RandomState
        Source of randomness.

    Returns
    -------
    weights : ndarray of shape (n_samples, m)
        Draws of the weights.
    variances : ndarray of shape (n_samples, n_targets)
        Draws of the noise's variance.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.predictions import Predictions
    >>> from stackmeta.combiners.weight_posterior import draw_of_squared_error
    >>> random = np.random.RandomState(0)
    >>> P = random.normal(size=(4000, 2))
    >>> y = P @ [0.7, 0.3] + random.normal(size=4000)
    >>> found = draw_of_squared_error(Predictions(P, 1), y, np.ones(4000), 1.0, 500, random)
    >>> [draws.mean(axis=0).round(1) for draws in found]
    [array([0.7, 0.3]), array([1.])]
    """
    grams, unit = _error_products(predictions, y, counts)
    likelihood = Likelihood(grams, counts.sum() + 1.0, _PRIOR_VARIANCE)
    m = predictions.n_learners
    centre = np.full(m, 1.0 / m)
    for _ in range(_MAX_STEPS):
        before = centre
        hessian = np.tensordot(likelihood.precisions(before[:, None])[:, 0], grams, axes=1)
        centre = central_weights(hessian, concentration, before)
        if np.abs(centre / before - 1.0).max() < _CLOSE:
            break
    weights = draw_weights(likelihood, centre, concentration, n_samples, random)
    return weights, unit / likelihood.draw_precisions(weights.T, random).T


def _error_products(
    predictions: Predictions, y: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Products of the learners' errors for each target, in units of the best one's variance."""
    target = y.reshape(len(y), -1).astype(np.float64)
    n_learners, n_targets = predictions.n_learners, predictions.n_outputs
    grams = np.zeros((n_targets, n_learners, n_learners))
    for rows in predictions.slices():
        error = predictions.block(rows) - target[rows, None, :]
        error *= np.sqrt(counts[rows])[:, None, None]
        flat = np.ascontiguousarray(error.transpose(2, 0, 1))
        grams += flat.transpose(0, 2, 1) @ flat
    unit = residual_variances(predictions, y, counts / counts.sum()).min(axis=0)
    return grams / unit[:, None, None], unit


def draw_of_log_loss(
    truth: Block,
    counts: np.ndarray,
    n_learners: int,
    concentration: float,
    n_samples: int,
    random: np.random.RandomState,
) -> np.ndarray:
    """Draw weights given labels that were drawn from the mixture of the learners.

    Proposals come from an expansion of the log-likelihood to second order at the posterior's
    centre, and are accepted or rejected by the log-likelihood itself, unless nearly all would be
    accepted.

    Parameters
    ----------
    truth : callable
        Rows (a slice or indices) → ndarray of shape (n, m): the probability that each learner
        gave to the true class of each row.
    counts : ndarray of shape (n_rows,)
        How often each row is there.
    n_learners : int
        m.
    concentration : float
        Of the weights' symmetric Dirichlet prior.
    n_samples : int
        Number of draws.
    random : RandomState
        Source of randomness.

    Returns
    -------
    weights : ndarray of shape (n_samples, m)
        Draws of the weights.

    Notes
    -----
    Rows to whose class no learner gives any probability say nothing on the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.weight_posterior import draw_of_log_loss
    >>> random = np.random.RandomState(0)
    >>> P = random.uniform(size=(4000, 2))
    >>> y = random.uniform(size=4000) < P @ [0.7, 0.3]
    >>> truth = np.where(y[:, None], P, 1 - P)
    >>> weights = draw_of_log_loss(truth.__getitem__, np.ones(4000), 2, 1.0, 500, random)
    >>> weights.mean(axis=0).round(1)
    array([0.7, 0.3])
    """
    mixture = _Mixture(truth, counts, n_learners)
    centre, gram = mixture.centre(concentration)

    def correction(weights: np.ndarray) -> np.ndarray:
        quadratic = 0.5 * ((gram @ weights) * weights).sum(axis=0)
        return mixture.log_likelihood(weights) + quadratic

    likelihood = Likelihood(gram[None], correction=correction)
    return draw_weights(likelihood, centre, concentration, n_samples, random)


class _Mixture:
    """The log-likelihood of mixtures, and its expansions."""

    def __init__(self, truth: Block, counts: np.ndarray, n_learners: int) -> None:
        self.truth, self.counts, self.m = truth, counts, n_learners

    def blocks(self, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Truth and counts of the rows that some learner deems possible."""
        size = max(1, _BLOCK_NUMBERS // max(width, self.m))
        for start in range(0, len(self.counts), size):
            rows = slice(start, start + size)
            block, counts = self.truth(rows), self.counts[rows]
            possible = block.max(axis=1) > 0
            yield (block, counts) if possible.all() else (block[possible], counts[possible])

    def log_likelihood(self, weights: np.ndarray) -> np.ndarray:
        """Of each column of weights."""
        total = np.zeros(weights.shape[1])
        for block, counts in self.blocks(weights.shape[1]):
            with np.errstate(divide="ignore"):
                total += counts @ np.log(block @ weights)
        return total

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """Expand at ``weights``: the log-likelihood is -w @ gram @ w / 2 and a constant.

        With the mixture in units of that at ``weights``, 1 + t, each row adds t - t² / 2, which
        is (1 - (1 - t)²) / 2; and 1 - t is linear in weights whose sum is one.
        """
        gram = np.zeros((self.m, self.m))
        for block, counts in self.blocks(self.m):
            rest = block / -(block @ weights)[:, None]
            rest += 2.0
            rest *= np.sqrt(counts)[:, None]
            gram += rest.T @ rest
        return gram

    def centre(self, concentration: float) -> tuple[np.ndarray, np.ndarray]:
        """Mode in log weights, and the expansion there."""

        def height(weights: np.ndarray) -> float:
            prior = concentration * np.log(weights).sum()
            return float(self.log_likelihood(weights[:, None])[0] + prior)

        centre = np.full(self.m, 1.0 / self.m)
        gram, high = self.gram(centre), height(centre)
        for _ in range(_MAX_STEPS):
            target, step = central_weights(gram, concentration, centre), 1.0
            while step > _CLOSE:
                moved = (1.0 - step) * centre + step * target
                if (higher := height(moved)) >= high:
                    break
                step /= 2.0
            if step <= _CLOSE or np.abs(moved / centre - 1.0).max() < _CLOSE:
                break
            centre, high, gram = moved, higher, self.gram(moved)
        return centre, gram
