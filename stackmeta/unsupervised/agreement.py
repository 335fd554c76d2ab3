"""What the leaderboard of detectors says: agreement, or the order of labelled rows."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score


def disagreement(scores: np.ndarray) -> np.ndarray:
    """One minus each detector's rank correlation with the mean rank of the others.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_detectors)

    Returns
    -------
    losses : ndarray of shape (n_detectors,)
        From 0 to 2; 1 for a detector whose scores are all equal, NaN for one alone.
    """
    ranks = rankdata(scores, axis=0)
    ranks -= ranks.mean(axis=0)
    if ranks.shape[1] == 1:
        return np.array([np.nan])
    others = ranks.sum(axis=1, keepdims=True) - ranks
    norm = np.sqrt((ranks**2).sum(axis=0) * (others**2).sum(axis=0))
    return 1.0 - np.divide(
        (ranks * others).sum(axis=0), norm, out=np.zeros(len(norm)), where=norm > 0
    )


def ranking_loss(scores: np.ndarray, is_outlier: np.ndarray) -> np.ndarray:
    """One minus the area under the ROC curve of each detector, over rows with a label."""
    return np.array([1.0 - roc_auc_score(is_outlier, own) for own in scores.T])
