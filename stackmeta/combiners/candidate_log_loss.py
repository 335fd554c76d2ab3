"""The log loss of all means that the next pick can lead to."""

from __future__ import annotations

import numpy as np

from .candidates import Candidates, Ensemble
from .losses import is_uniform, truth_block
from .predictions import Predictions

# The log of a product is the sum of logs: this many probabilities, each at least the rounding
# error of float64, have a product that is far from underflow.
_ROWS_PER_LOG = 16


class LogLoss(Candidates):
    """Log loss; a probability of 0 counts as the least above 0, as in :func:`log_losses`.

    Parameters
    ----------
    predictions : Predictions
        Of all learners.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    """

    def __init__(self, predictions: Predictions, codes: np.ndarray, share: np.ndarray) -> None:
        self._codes, self._share = codes, share
        self._uniform = is_uniform(share)
        self._least = np.finfo(predictions.view.dtype).eps
        # The probability of the true class is sign * mean + start.
        self._sign, self._start = np.ones(len(codes)), np.zeros(len(codes))
        self._columns = predictions
        if predictions.n_outputs == 1:
            self._sign[codes == 0], self._start[codes == 0] = -1.0, 1.0
        else:
            self._columns = Predictions(truth_block(predictions, codes)(slice(None)), 1)

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Log loss of each mean."""
        total = ensemble.total[:, 0]
        if ensemble.total.shape[1] > 1:
            total = ensemble.total[np.arange(len(self._codes)), self._codes]
        size = self._sign * (ensemble.size + 1)
        loss = np.zeros(len(learners))
        for rows in self._columns.slices():
            truth = self._columns.block(rows, learners)[:, :, 0] + total[rows, None]
            truth /= size[rows, None]
            truth += self._start[rows, None]
            np.maximum(truth, self._least, out=truth)
            loss -= self._sum_of_logs(truth, self._share[rows])
        return loss

    def _sum_of_logs(self, truth: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Sum over the rows, each as often as its share says."""
        if not self._uniform:
            return share @ np.log(truth, out=truth)
        starts = np.arange(0, len(truth), _ROWS_PER_LOG)
        return share[0] * np.log(np.multiply.reduceat(truth, starts, axis=0)).sum(axis=0)
