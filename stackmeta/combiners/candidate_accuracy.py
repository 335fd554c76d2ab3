"""The accuracy of all means that the next pick can lead to."""

from __future__ import annotations

import numpy as np

from .candidate_leads import Leads, LeadsOfTwo
from .candidate_several import LeadsOfSeveral
from .candidates import Candidates, Ensemble
from .predictions import Predictions

# More than rounding can take from the lead of a class.
_MARGIN = 1e-9
_ROWS_AT_ONCE = 1 << 12


class Accuracy(Candidates):
    """Share of rows whose most probable class is the true one; of equals the first.

    As the ensemble grows, one learner more turns few rows. Which rows no learner can turn,
    and which rivals of the true class none can bring to the front, is told from the least
    and the greatest lead that a learner gives; only the others are read.

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
        kind = LeadsOfTwo if predictions.n_outputs == 1 else LeadsOfSeveral
        self._leads: Leads = kind(predictions, codes, share)
        self._share = share

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Minus the accuracy of each mean."""
        if ensemble.size == 0:
            return -self._leads.alone[learners]
        right, rows, rivals = self._unsettled(ensemble)
        return -(right + self._leads.accuracy(ensemble, learners, rows, rivals))

    def _unsettled(self, ensemble: Ensemble) -> tuple[float, np.ndarray, np.ndarray]:
        """Share of rows that stay right; rows that may turn, and which rivals matter there."""
        leads, right, rows, rivals = self._leads, 0.0, [], []
        for start in range(0, len(self._share), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            lead = leads.of_picks(ensemble, part)
            behind = lead + leads.low[:, part] > _MARGIN
            in_front = lead + leads.high[:, part] < -_MARGIN
            stays_right = behind.all(axis=0)
            right += float(self._share[part] @ stays_right)
            turns = np.flatnonzero(~(stays_right | in_front.any(axis=0)))
            rows.append(start + turns)
            rivals.append(~behind[:, turns])
        return right, np.concatenate(rows), np.concatenate(rivals, axis=1)
