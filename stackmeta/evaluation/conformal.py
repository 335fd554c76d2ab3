"""Conformal calibration: from scores of held-out rows to how far a new row's score may go."""

from __future__ import annotations

from typing import Literal

import numpy as np

_N_HALVINGS = 60


def row_weights(n_rows: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Weigh the rows so that a new row, or a new group, is one more of the same kind.

    Parameters
    ----------
    n_rows : int
    groups : array-like of shape (n_rows,), default=None
        What was drawn together. Each group then counts once, whatever its size [1]_.

    Returns
    -------
    weights : ndarray of shape (n_rows,)
        Their sum falls short of 1 by the weight of the new row or group, whose own score is
        not known.

    References
    ----------
    .. [1] Y. Lee, R. F. Barber and R. Willett, "Distribution-free inference with hierarchical
       data", arXiv:2306.06342, 2023.

    Examples
    --------
    >>> from stackmeta.evaluation.conformal import row_weights
    >>> row_weights(4)
    array([0.2, 0.2, 0.2, 0.2])
    >>> row_weights(4, ["a", "a", "b", "c"])
    array([0.125, 0.125, 0.25 , 0.25 ])
    """
    if groups is None:
        return np.full(n_rows, 1.0 / (n_rows + 1))
    _, codes, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    return 1.0 / ((len(sizes) + 1) * sizes[codes])


def quantile(scores: np.ndarray, weights: np.ndarray, coverage: float) -> float:
    """Least score that rows of weight ``coverage`` do not exceed; infinity where none does it.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation.conformal import quantile, row_weights
    >>> scores = np.arange(1.0, 20.0)
    >>> quantile(scores, row_weights(19), 0.9), quantile(scores, row_weights(19), 0.96)
    (18.0, inf)
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order]) >= coverage - 1e-12
    return float(scores[order][reached.argmax()]) if reached.any() else np.inf


class FoldScores:
    """Scores of held-out rows, fold by fold, and their weights.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
    held_out : list of ndarray of int
        The rows of each fold. A row that several folds held out counts in each of them, with
        its share of the weight.
    """

    def __init__(
        self, scores: np.ndarray, weights: np.ndarray, held_out: list[np.ndarray]
    ) -> None:
        times = np.bincount(np.concatenate(held_out), minlength=len(scores))
        self.total = float(weights[times > 0].sum())
        self._sorted, self._below = [], []
        for rows in held_out:
            order = rows[np.argsort(scores[rows], kind="stable")]
            self._sorted.append(scores[order])
            share = weights[order] / np.maximum(times[order], 1)
            self._below.append(np.concatenate([[0.0], np.cumsum(share)]))

    def weight_below(
        self, scores: list[np.ndarray], *, side: Literal["left", "right"]
    ) -> np.ndarray:
        """Weight of the held-out rows whose score is below a new row's in their fold.

        Parameters
        ----------
        scores : list of ndarray of shape (n_new, ...)
            Of the new rows, by the models of each fold.
        side : {"left", "right"}
            "right" also counts equal scores.
        """
        total = np.zeros(scores[0].shape)
        for known, below, new in zip(self._sorted, self._below, scores, strict=True):
            total += below[np.searchsorted(known, new, side=side)]
        return total

    def upper(self, centres: np.ndarray, scales: np.ndarray, coverage: float) -> np.ndarray:
        """Upper ends of CV+ intervals [1]_.

        The least t below which ``centre + score * scale`` stays for held-out rows of weight
        ``coverage``, each with the centre and scale that its own fold's models give.

        Parameters
        ----------
        centres, scales : ndarray of shape (n_folds, n_new)
        coverage : float

        Returns
        -------
        ends : ndarray of shape (n_new,)
            Infinity where the rows are too few.

        References
        ----------
        .. [1] R. F. Barber, E. J. Candès, A. Ramdas and R. J. Tibshirani, "Predictive inference
           with the jackknife+", Annals of Statistics 49, 2021.
        """
        if self.total < coverage - 1e-12:
            return np.full(centres.shape[1], np.inf)
        largest = np.array([known[-1] if len(known) else 0.0 for known in self._sorted])
        low = centres.min(axis=0) - scales.max(axis=0)
        high = (centres + largest[:, None] * scales).max(axis=0)
        # The weight grows with t in steps: halving finds the step.
        for _ in range(_N_HALVINGS):
            middle = 0.5 * (low + high)
            new = list((middle - centres) / scales)
            enough = self.weight_below(new, side="right") >= coverage - 1e-12
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return high
