"""The folds of a super learner that is given none."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)


def make_folds(
    y: np.ndarray,
    groups: Any,
    *,
    classifies: bool,
    n_folds: int,
    n_repeats: int,
    random_state: int | None,
) -> Any:
    """Make a splitter: shuffled, stratified by class, groups together.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Target.
    groups : array-like of shape (n_rows,), or None
        With groups there are no repeats.
    classifies : bool
        Whether y holds classes.
    n_folds : int
        At most so many: there are no more than groups, rows, or rows of the rarest class (but
        two).
    n_repeats : int
        Of the folds.
    random_state : int or None
        Seed.

    Returns
    -------
    splitter : cross-validation splitter
    """
    if groups is not None:
        n_folds = min(n_folds, len(np.unique(groups)))
        kind = StratifiedGroupKFold if classifies else GroupKFold
        return kind(n_folds, shuffle=True, random_state=random_state)
    if classifies:
        n_folds = min(n_folds, max(2, int(np.unique(y, return_counts=True)[1].min())))
    else:
        n_folds = min(n_folds, len(y))
    if n_repeats > 1:
        repeated = RepeatedStratifiedKFold if classifies else RepeatedKFold
        return repeated(n_splits=n_folds, n_repeats=n_repeats, random_state=random_state)
    kind = StratifiedKFold if classifies else KFold
    return kind(n_folds, shuffle=True, random_state=random_state)
