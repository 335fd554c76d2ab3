"""The lead of a row's true class over several others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .candidate_kept import KeptLeads
from .candidate_leads import Leads
from .candidates import Ensemble
from .predictions import Predictions

# Leads that are less, in single precision, are told from the means, rounding included.
_CLOSE = 1e-6


class LeadsOfSeveral(Leads):
    """Several classes, each a rival of the true one; over itself, its lead is infinite."""

    def __init__(self, predictions: Predictions, codes: np.ndarray, share: np.ndarray) -> None:
        super().__init__(predictions, codes, share)
        self._kept = KeptLeads(predictions, codes)
        shape = predictions.n_outputs, predictions.n_rows
        self.low, self.high = np.empty(shape), np.empty(shape)
        learners = np.arange(predictions.n_learners)
        self.alone = np.zeros(len(learners))
        for code, rows in self._of_one_class(np.arange(predictions.n_rows)):
            scores = self._scores(rows, learners)
            self.alone += _is_right(scores, code, 1) @ share[rows]
            lead = np.subtract(scores[:, code, None], scores)
            self.low[:, rows], self.high[:, rows] = lead.min(axis=0), lead.max(axis=0)

    def of_picks(self, ensemble: Ensemble, rows: slice) -> np.ndarray:
        """Sum of the picks' leads over each class, of shape (n_outputs, n)."""
        total, codes = ensemble.total[rows].T.copy(order="C"), self._codes[rows]
        each = np.arange(len(codes))
        lead = total[codes, each] - total
        lead[codes, each] = np.inf
        return lead

    def accuracy(
        self, ensemble: Ensemble, learners: np.ndarray, rows: np.ndarray, rivals: np.ndarray
    ) -> np.ndarray:
        """Share of all rows that are among ``rows`` and right, with each of ``learners``."""
        if np.count_nonzero(rivals) > self._kept.capacity:
            return self._accuracy_by_rows(ensemble, learners, rows)
        accuracy = np.zeros(len(learners))
        for part, lead in self._kept.least(ensemble.total, rows, rivals):
            right = lead > 0
            close = np.abs(lead, out=lead) <= _CLOSE
            if close.any():
                row, learner = np.nonzero(close)
                mean = self._predictions.block(part)[row, learner] + ensemble.total[part[row]]
                mean /= ensemble.size + 1
                right[row, learner] = mean.argmax(axis=1) == self._codes[part[row]]
            accuracy += (self._share[part] @ right)[learners]
        return accuracy

    def _accuracy_by_rows(
        self, ensemble: Ensemble, learners: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """Read all of each row."""
        accuracy = np.zeros(len(learners))
        for code, part in self._of_one_class(rows):
            scores = self._scores(part, learners)
            scores += ensemble.total[part].T
            accuracy += _is_right(scores, code, ensemble.size + 1) @ self._share[part]
        return accuracy

    def _of_one_class(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Split rows into few enough of a class."""
        codes = self._codes[rows]
        for code in range(self._predictions.n_outputs):
            of_class = rows[codes == code]
            for start in range(0, len(of_class), self._rows_at_once):
                yield code, of_class[start : start + self._rows_at_once]

    def _scores(self, rows: np.ndarray, learners: np.ndarray) -> np.ndarray:
        """Probabilities as (n_learners, n_outputs, n_rows): short loops over classes are slow."""
        block = self._predictions.block(rows, learners)
        turned = block.reshape(len(rows), -1).T.copy(order="C")
        return turned.reshape(*block.shape[1:], len(rows))


def _is_right(scores: np.ndarray, code: int, size: int) -> np.ndarray:
    """Whether the first greatest class is ``code``, of shape (n_learners, n_rows)."""
    truth = scores[:, code].copy()
    scores[:, code] = -np.inf
    lead = truth - scores.max(axis=1)
    scores[:, code] = truth
    right = lead > 0
    close = np.abs(lead, out=lead) <= _CLOSE
    if close.any():
        learner, row = np.nonzero(close)
        right[learner, row] = (scores[learner, :, row] / size).argmax(axis=1) == code
    return right
