"""Scores of different detectors → numbers that mean the same."""

from __future__ import annotations

import numpy as np
from scipy.special import erf

#: "rank": share of the reference rows that are less abnormal. "gaussian": how improbable so high a
#: score is of a normal distribution.
SCALINGS = ("rank", "gaussian")


class ScoreScale:
    """Makes the scores of detectors comparable, all within 0 and 1.

    Parameters
    ----------
    reference : ndarray of shape (n_rows, n_detectors)
        Out-of-fold scores of training rows: the higher, the more abnormal.
    scaling : {"rank", "gaussian"}
        "rank": position among the reference rows. "gaussian": the share of a normal distribution
        with mean and variance of the reference that lies nearer to the mean; 0 below it [1]_.

    References
    ----------
    .. [1] H.-P. Kriegel, P. Kröger, E. Schubert and A. Zimek, "Interpreting and unifying outlier
       scores", SIAM International Conference on Data Mining, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.unsupervised.scaling import ScoreScale
    >>> scale = ScoreScale(np.array([[1.0], [2.0], [3.0], [4.0]]), "rank")
    >>> scale(np.array([[0.0], [2.0], [9.0]])).ravel()
    array([0.1, 0.4, 0.9])
    """

    def __init__(self, reference: np.ndarray, scaling: str) -> None:
        self._by_rank = scaling == "rank"
        if self._by_rank:
            self._sorted = np.sort(reference, axis=0)
        else:
            self._mean, spread = reference.mean(axis=0), reference.std(axis=0)
            self._spread = np.where(spread > 0, spread, 1.0)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Scale scores of shape (n_rows, n_detectors)."""
        if self._by_rank:
            pairs = zip(self._sorted.T, scores.T, strict=True)
            return np.column_stack([share_below(known, own) for known, own in pairs])
        return np.maximum(erf((scores - self._mean) / self._spread / np.sqrt(2.0)), 0.0)


def share_below(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of sorted ``known`` below each value, and half of the equal ones; never 0 or 1."""
    below = np.searchsorted(known, values, side="left")
    at_most = np.searchsorted(known, values, side="right")
    return ((below + at_most) / 2 + 0.5) / (len(known) + 1)
