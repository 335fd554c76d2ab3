"""The accuracy of all means that the next pick can lead to."""

from __future__ import annotations

import numpy as np

from .candidates import Candidates, Ensemble
from .predictions import Predictions

# A row is settled if no learner can turn it, by a margin that rounding cannot make.
_MARGIN = 1e-9


class Accuracy(Candidates):
    """Share of rows whose most probable class is the true one; of equals the first.

    As the ensemble grows, one learner more turns few rows. Which rows no learner can turn
    is told from the least and greatest prediction in each row; only the others are read.

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
        self._predictions, self._codes, self._share = predictions, codes, share
        shape = predictions.n_rows, predictions.n_outputs
        self._low, self._high = np.empty(shape), np.empty(shape)
        self._step = 1
        for rows in predictions.slices():
            block = predictions.block(rows)
            self._low[rows] = _fold(np.minimum, block)
            self._high[rows] = _fold(np.maximum, block)
            self._step = max(self._step, len(block))

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Minus the accuracy of each mean."""
        right, wrong = self._settled(ensemble)
        accuracy = np.full(len(learners), self._share[right].sum())
        unsettled = np.flatnonzero(~(right | wrong))
        codes = self._codes[unsettled]
        for code in np.unique(codes):
            of_class = unsettled[codes == code]
            for start in range(0, len(of_class), self._step):
                rows = of_class[start : start + self._step]
                block = self._predictions.block(rows, learners)
                is_right = _is_right(block, ensemble.total[rows], ensemble.size + 1, code)
                accuracy += self._share[rows] @ is_right
        return -accuracy

    def _settled(self, ensemble: Ensemble) -> tuple[np.ndarray, np.ndarray]:
        """Which rows are right, and which wrong, whatever learner comes in."""
        least, greatest = ensemble.total + self._low, ensemble.total + self._high
        if least.shape[1] == 1:
            half = (ensemble.size + 1) / 2.0
            one = least[:, 0] > half + _MARGIN
            zero = greatest[:, 0] < half - _MARGIN
            is_one = self._codes == 1
            return np.where(is_one, one, zero), np.where(is_one, zero, one)
        truth = np.arange(len(least)), self._codes
        truth_least, truth_greatest = least[truth], greatest[truth]
        least[truth] = greatest[truth] = -np.inf
        right = truth_least > _greatest(greatest) + _MARGIN
        return right, truth_greatest < _greatest(least) - _MARGIN


def _fold(extreme: np.ufunc, block: np.ndarray) -> np.ndarray:
    """Extremes over the learners; of several classes by halves, for short loops are slow."""
    if block.shape[2] == 1:
        return extreme.reduce(block[:, :, 0], axis=1, keepdims=True)
    while block.shape[1] > 1:
        half = (block.shape[1] + 1) // 2
        block = extreme(block[:, :half], block[:, -half:])
    return block[:, 0]


def _greatest(values: np.ndarray) -> np.ndarray:
    """Greatest of each row, column by column: short inner loops are slow."""
    greatest = values[:, 0].copy()
    for column in values.T[1:]:
        np.maximum(greatest, column, out=greatest)
    return greatest


def _is_right(block: np.ndarray, total: np.ndarray, size: int, code: int) -> np.ndarray:
    """Whether the mean's first greatest class is ``code``, of shape (n_rows, n_learners)."""

    def mean(output: int) -> np.ndarray:
        mean = block[:, :, output] + total[:, output, None]
        mean /= size
        return mean

    if block.shape[2] == 1:
        return (mean(0) > 0.5) == code
    truth = mean(code)
    is_right = np.ones(truth.shape, dtype=bool)
    for other in range(code):
        is_right &= truth > mean(other)
    for other in range(code + 1, block.shape[2]):
        is_right &= truth >= mean(other)
    return is_right
