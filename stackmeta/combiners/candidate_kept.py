"""Leads of a row's true class over single rivals, kept from step to step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .predictions import Predictions

# What is kept takes at most this share of the matrix's numbers, in single precision.
_SHARE = 1 / 4
_PAIRS_AT_ONCE = 1 << 9
_ROWS_AT_ONCE = 1 << 9


class KeptLeads:
    """The lead that each learner gives the true class of a row over one rival.

    A learner's numbers of a row are far apart in the matrix. The pairs of a row and a rival
    that matter are few, and nearly the same from step to step: their leads are kept side by
    side.

    Parameters
    ----------
    predictions : Predictions
        Of all learners.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.

    Attributes
    ----------
    capacity : int
        How many pairs can be kept.
    """

    def __init__(self, predictions: Predictions, codes: np.ndarray) -> None:
        n_rows, n_learners, n_outputs = predictions.view.shape
        self._predictions, self._codes = predictions, codes
        self._place = np.full((n_rows, n_outputs), -1, dtype=np.int32)
        self.capacity = int(_SHARE * n_rows * n_outputs)
        self._leads = np.empty((self.capacity, n_learners), dtype=np.float32)
        self._n_kept = 0

    def least(
        self, total: np.ndarray, rows: np.ndarray, rivals: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give each row's least lead with the picks and each learner, some rows at a time.

        Parameters
        ----------
        total : ndarray of shape (n_rows, n_outputs)
            Sum of the picks' predictions.
        rows : ndarray of int
            Rows.
        rivals : ndarray of shape (n_outputs, len(rows))
            Which classes are a rival: one at least in each row, in all at most ``capacity``.

        Yields
        ------
        part : ndarray of shape (n,)
            Some of ``rows``, in any order.
        lead : ndarray of shape (n, n_learners)
            In single precision.
        """
        n_rivals = np.count_nonzero(rivals, axis=0)
        # By the number of rivals: those of a rank are at the front of a part.
        order = np.argsort(-n_rivals, kind="stable")
        rows, n_rivals = rows[order], n_rivals[order]
        row, rival = np.nonzero(rivals.T[order])
        row = rows[row]
        of_picks = (total[row, self._codes[row]] - total[row, rival]).astype(np.float32)[:, None]
        places = self._places(row, rival)
        first = np.cumsum(n_rivals) - n_rivals

        def leads_over(pairs: np.ndarray) -> np.ndarray:
            leads = self._leads.take(places[pairs], axis=0)
            leads += of_picks[pairs]
            return leads

        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            lead = leads_over(first[part])
            for rank in range(1, n_rivals[start]):
                pairs = first[part][n_rivals[part] > rank] + rank
                np.minimum(lead[: len(pairs)], leads_over(pairs), out=lead[: len(pairs)])
            yield rows[part], lead

    def _places(self, rows: np.ndarray, rivals: np.ndarray) -> np.ndarray:
        """Say where the leads of pairs are; if there is no room for new ones, forget the old."""
        new = np.flatnonzero(self._place[rows, rivals] < 0)
        if self._n_kept + len(new) > self.capacity:
            self._place[:] = -1
            self._n_kept, new = 0, np.arange(len(rows))
        for start in range(0, len(new), _PAIRS_AT_ONCE):
            few = new[start : start + _PAIRS_AT_ONCE]
            self._keep(rows[few], rivals[few])
        return self._place[rows, rivals]

    def _keep(self, rows: np.ndarray, rivals: np.ndarray) -> None:
        view, codes = self._predictions.view, self._codes[rows]
        lead = view[rows, :, codes] - view[rows, :, rivals]
        holes = np.flatnonzero(np.isnan(lead.sum(axis=1)))
        if len(holes):
            block, each = self._predictions.block(rows[holes]), np.arange(len(holes))
            lead[holes] = block[each, :, codes[holes]] - block[each, :, rivals[holes]]
        end = self._n_kept + len(rows)
        self._leads[self._n_kept : end] = lead
        self._place[rows, rivals] = np.arange(self._n_kept, end)
        self._n_kept = end
