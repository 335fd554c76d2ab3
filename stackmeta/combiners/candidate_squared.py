"""The squared error of all means that the next pick can lead to."""

from __future__ import annotations

import numpy as np

from .candidates import Candidates, Ensemble
from .losses import squared_losses
from .predictions import Predictions

# Products with the errors of up to so many learners come from one pass over the matrix.
_LEARNERS_PER_PASS = 256
# More than rounding can take from a sum of products.
_ROUNDING = 1e-12


class SquaredError(Candidates):
    """Mean squared error, from products of the learners' errors.

    The error of a mean is the mean of errors, so its square is a sum of products, and the
    matrix is read when products with a new pick are wanted only. Where rounding of the sum
    hides which candidate is best, the squared errors of the means themselves tell.

    Parameters
    ----------
    predictions : Predictions
        Of all learners.
    target : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Truth.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    scale : float, default=1.0
        What the mean over the outputs is multiplied by.
    """

    def __init__(
        self, predictions: Predictions, target: np.ndarray, share: np.ndarray, scale: float = 1.0
    ) -> None:
        self._predictions, self._share, self._scale = predictions, share, scale
        self._target = target.reshape(len(target), -1).astype(np.float64, copy=False)
        self._products = np.zeros((predictions.n_learners,) * 2)
        self._known = np.zeros(predictions.n_learners, dtype=bool)
        if predictions.n_learners <= _LEARNERS_PER_PASS:
            self._learn(np.arange(predictions.n_learners))
            self._own = self._products.diagonal().copy()
        else:
            self._own = scale * squared_losses(predictions, target, share)

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Squared error of each mean, infinite for those that cannot be best."""
        picked = np.flatnonzero(ensemble.counts)
        if not self._known[picked].all():
            self._learn(self._worth_knowing(picked))
        counts = ensemble.counts[picked]
        products = self._products[:, picked]
        losses = self._sum(products, counts, picked)[learners]
        size = self._sum(np.abs(products), counts, picked)[learners]
        slack = _ROUNDING * (size + self._own[learners].min())
        close = losses - slack <= (losses + slack).min()
        if np.count_nonzero(close) > 1:
            losses[close] = [self._loss(ensemble.mean_with(j)) for j in learners[close]]
        return np.where(close, losses.clip(0.0), np.inf)

    def _sum(self, products: np.ndarray, counts: np.ndarray, picked: np.ndarray) -> np.ndarray:
        """Sum the products of all pairs in the picks and each learner."""
        crossed = products @ counts
        total = counts @ crossed[picked] + 2.0 * crossed + self._own
        return total / (counts.sum() + 1) ** 2

    def _loss(self, mean: np.ndarray) -> float:
        error = mean - self._target
        return self._scale * float(self._share @ (error * error).mean(axis=1))

    def _worth_knowing(self, picked: np.ndarray) -> np.ndarray:
        """Choose learners for a pass: the picks, and the best that are not known."""
        rank = np.where(self._known, np.inf, self._own)
        rank[picked[~self._known[picked]]] = -np.inf
        chosen = np.argsort(rank, kind="stable")[:_LEARNERS_PER_PASS]
        return np.sort(chosen[~self._known[chosen]])

    def _learn(self, learners: np.ndarray) -> None:
        """Multiply the errors of ``learners`` with the errors of all."""
        n_outputs = self._predictions.n_outputs
        weight = np.sqrt(self._share * (self._scale / n_outputs))
        for rows in self._predictions.slices():
            error = self._predictions.block(rows) - self._target[rows, None]
            error *= weight[rows, None, None]
            flat = error.transpose(0, 2, 1).reshape(-1, error.shape[1])
            # One array and its transpose take half the time of two.
            chosen = flat if len(learners) == flat.shape[1] else flat[:, learners]
            self._products[:, learners] += flat.T @ chosen
        self._known[learners] = True
