"""By how much a row's true class leads its rivals, with the picks and with each learner."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from .candidates import Ensemble
from .predictions import Predictions

# Turned round while it stays in the processor's cache, a block of so many numbers is fastest.
_NUMBERS_AT_ONCE = 1 << 16


class Leads(ABC):
    """The lead of each row's true class over its rivals: right is who leads them all.

    Parameters
    ----------
    predictions : Predictions
        Of all learners.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.

    Attributes
    ----------
    low, high : ndarray of shape (n_rivals, n_rows)
        The least and the greatest lead that a learner gives.
    alone : ndarray of shape (n_learners,)
        Accuracy of each learner by itself.
    """

    low: np.ndarray
    high: np.ndarray
    alone: np.ndarray

    def __init__(self, predictions: Predictions, codes: np.ndarray, share: np.ndarray) -> None:
        self._predictions, self._codes, self._share = predictions, codes, share
        numbers = predictions.n_learners * predictions.n_outputs
        self._rows_at_once = max(1, _NUMBERS_AT_ONCE // numbers)

    @abstractmethod
    def of_picks(self, ensemble: Ensemble, rows: slice) -> np.ndarray:
        """Sum of the picks' leads, of shape (n_rivals, n)."""

    @abstractmethod
    def accuracy(
        self, ensemble: Ensemble, learners: np.ndarray, rows: np.ndarray, rivals: np.ndarray
    ) -> np.ndarray:
        """Share of all rows that are among ``rows`` and right, with each of ``learners``.

        ``rivals``, of shape (n_rivals, len(rows)), says which come near the true class.
        """


class LeadsOfTwo(Leads):
    """Two classes: the one lead is over one half."""

    def __init__(self, predictions: Predictions, codes: np.ndarray, share: np.ndarray) -> None:
        super().__init__(predictions, codes, share)
        self._sign = np.where(codes == 1, 1.0, -1.0)
        n_rows, n_learners = predictions.view.shape[:2]
        self.low, self.high = np.empty((1, n_rows)), np.empty((1, n_rows))
        self.alone = np.full(n_learners, share[codes == 0].sum())
        for rows in predictions.slices():
            block = predictions.block(rows)[:, :, 0]
            ends = np.array([block.min(axis=1), block.max(axis=1)]) - 0.5
            self.low[0, rows], self.high[0, rows] = np.sort(ends * self._sign[rows], axis=0)
            self.alone += (share[rows] * self._sign[rows]) @ (block > 0.5)

    def of_picks(self, ensemble: Ensemble, rows: slice) -> np.ndarray:
        """Sum of the picks' leads over one half, of shape (1, n)."""
        lead = ensemble.total[rows, 0] - ensemble.size / 2.0
        return (lead * self._sign[rows])[None]

    def accuracy(
        self, ensemble: Ensemble, learners: np.ndarray, rows: np.ndarray, rivals: np.ndarray
    ) -> np.ndarray:
        """Share of all rows that are among ``rows`` and right, with each of ``learners``."""
        signed = self._share[rows] * self._sign[rows]
        accuracy = np.full(len(learners), -signed[signed < 0].sum())
        # That the mean rounds to more than one half is the same as a sum above this.
        half = (ensemble.size + 1) / 2.0
        for start in range(0, len(rows), self._rows_at_once):
            part = slice(start, start + self._rows_at_once)
            block = self._predictions.block(rows[part], learners)[:, :, 0]
            accuracy += signed[part] @ (block + ensemble.total[rows[part]] > half)
        return accuracy
