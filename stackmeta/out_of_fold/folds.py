"""Any splitter → the rows of each fold."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    LeavePOut,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    check_cv,
)
from sklearn.utils.multiclass import type_of_target

Split = tuple[np.ndarray, np.ndarray]


def resolve_cv(cv: Any, y: Any, *, classifier: bool, groups: Any = None) -> Any:
    """Turn ``cv`` into a splitter, as :func:`sklearn.model_selection.check_cv` does.

    An int or None with ``groups`` becomes a splitter that keeps a group in one fold.
    """
    if groups is not None and (cv is None or isinstance(cv, (int, np.integer))):
        n_splits = 5 if cv is None else cv
        stratify = classifier and type_of_target(y) in ("binary", "multiclass")
        return (StratifiedGroupKFold if stratify else GroupKFold)(n_splits=n_splits)
    return check_cv(cv, y, classifier=classifier)


def fold_of_each_row(splits: list[Split], n_rows: int) -> np.ndarray:
    """Say which fold holds each row out, the first of several; -1 for none."""
    numbers = np.full(n_rows, -1)
    for number, (_, test) in reversed(list(enumerate(splits))):
        numbers[test] = number
    return numbers


def is_exchangeable(splitter: Any, groups: Any = None) -> bool:
    """Whether the splitter treats all rows alike, so that any could have been held out."""
    return groups is None and type(splitter) in _EXCHANGEABLE


_EXCHANGEABLE = (
    KFold,
    StratifiedKFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    LeaveOneOut,
    LeavePOut,
)


def make_splits(
    splitter: Any,
    X: Any,
    y: np.ndarray,
    *,
    random_state: int | None = None,
    **split_params: Any,
) -> list[Split]:
    """Compute the rows of each fold once, leaving the user's splitter as it was.

    Parameters
    ----------
    splitter : splitter
        What :func:`resolve_cv` returned.
    X : array-like of shape (n_rows, n_features)
        Only its length and, for exotic splitters, its values matter.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Encoded target.
    random_state : int, default=None
        Seed for a splitter whose own ``random_state`` is None.
    **split_params : dict
        Passed to ``splitter.split``; usually ``groups``.

    Returns
    -------
    splits : list of (train, test)
        Two integer arrays of row positions for each fold, 32 bits wide where that does.

    Raises
    ------
    ValueError
        If there is no fold, a fold has an empty part, a row outside the table, or a
        row in both of its parts.
    """
    splitter = deepcopy(splitter)
    if random_state is not None and getattr(splitter, "random_state", 0) is None:
        splitter.random_state = random_state
    n_rows = len(y)
    splits = [
        (_as_rows(train, n_rows), _as_rows(test, n_rows))
        for train, test in splitter.split(X, y, **split_params)
    ]
    if not splits:
        raise ValueError(
            "cv gave no fold. An iterator of splits can be read only once: "
            "pass cv=list(cv.split(X, y)), or the splitter itself."
        )
    for fold, (train, test) in enumerate(splits):
        _check_split(fold, train, test, n_rows, splitter)
    return splits


def _as_rows(rows: Any, n_rows: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if len(rows) != n_rows:
            raise ValueError(f"cv gave a mask of {len(rows)} rows for a table of {n_rows} rows.")
        return np.flatnonzero(rows)
    if rows.size and rows.dtype.kind not in "iu":
        raise ValueError(f"cv gave rows of dtype {rows.dtype}; row positions are integers.")
    # Splits of large tables are large themselves, and every worker maps them.
    small = n_rows <= np.iinfo(np.int32).max and rows.size and abs(rows).max() < n_rows
    return rows.astype(np.int32 if small else np.intp, copy=False).ravel()


def _check_split(
    fold: int, train: np.ndarray, test: np.ndarray, n_rows: int, splitter: Any
) -> None:
    for part, rows in (("training", train), ("held-out", test)):
        if rows.size == 0:
            raise ValueError(
                f"Fold {fold} of cv={splitter!r} has an empty {part} part. Use fewer folds, or a "
                "splitter that gives every fold rows on both sides."
            )
        if rows.min() < -n_rows or rows.max() >= n_rows:
            raise ValueError(
                f"Fold {fold} of cv={splitter!r} names row {rows[np.argmax(np.abs(rows))]}, "
                f"but X has {n_rows} rows. Were the splits made for another table?"
            )
    in_train = np.zeros(n_rows, dtype=bool)
    in_train[train] = True
    shared = np.flatnonzero(in_train[test])
    if shared.size:
        raise ValueError(
            f"Fold {fold} of cv={splitter!r} trains on rows that it also holds out (row "
            f"{test[shared[0]]} and {shared.size - 1} more), so their predictions would be "
            "in-sample. Pass splits whose train and test rows are disjoint."
        )


def repeat_of_each_split(splits: list[Split], n_rows: int) -> np.ndarray:
    """Count the repeats: a split that holds out a row again opens the next one.

    Returns
    -------
    repeats : ndarray of shape (n_splits,)
        0 for all splits of a partition; RepeatedKFold gives 0, …, n_repeats - 1.
    """
    repeats = np.empty(len(splits), dtype=np.intp)
    seen = np.zeros(n_rows, dtype=bool)
    current = 0
    for k, (_, test) in enumerate(splits):
        if seen[test].any():
            current += 1
            seen[:] = False
        seen[test] = True
        repeats[k] = current
    return repeats


def covered_rows(splits: list[Split], n_rows: int) -> np.ndarray:
    """Positions of the rows that at least one fold held out."""
    covered = np.zeros(n_rows, dtype=bool)
    for _, test in splits:
        covered[test] = True
    return np.flatnonzero(covered)


def restrict_splits(splits: list[Split], rows: np.ndarray, n_rows: int) -> list[Split]:
    """Re-number the splits for a table that has only ``rows``."""
    position = np.full(n_rows, -1, dtype=np.intp)
    position[rows] = np.arange(len(rows))
    restricted = []
    for train, test in splits:
        train, test = position[train], position[test]
        restricted.append((train[train >= 0], test[test >= 0]))
    return restricted
