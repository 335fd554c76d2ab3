"""Columns that identify the row or the fold, or give away the target."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..out_of_fold.folds import Split
from ..out_of_fold.target import Target
from .audited import Audited, dates_of, is_category
from .findings import Finding
from .quick import judge, spread, truth_of

_LEAST_ROWS = 20
# A column that leaves so little unexplained, and so much less than all the others together.
_GIVEN_AWAY, _LESS_THAN_REST = 0.05, 0.5
_MOST_FOLDS = 3
_WORDS = 3.0


def find_row_names(audited: Audited) -> list[Finding]:
    """Find columns with a value of its own for each row: numbers or names of rows."""
    found = []
    for place in range(audited.frame.shape[1]):
        column = audited.frame.iloc[:, place]
        known = column.dropna()
        if len(known) < max(_LEAST_ROWS, 0.9 * audited.n_rows) or not _names_rows(known):
            continue
        found.append(
            Finding(
                "a column that identifies the row",
                audited.name(place),
                {"values": known.astype(str).nunique(), "rows": len(known)},
                "A learner can only remember it. Drop it, or use what it is made of. If it is "
                "the order in which rows came, mind the finding on order, if there is one.",
            )
        )
    return found


def _names_rows(known) -> bool:  # type: ignore[no-untyped-def]
    import pandas as pd

    if pd.api.types.is_bool_dtype(known) or dates_of(known) is not None:
        return False
    if pd.api.types.is_numeric_dtype(known):
        values = known.to_numpy(float)
        whole = bool((values == np.round(values)).all())
        unique = len(np.unique(values)) == len(values)
        if not (whole and unique):
            return False
        # Counts and amounts are unique by chance; numbers of rows are dense or in order.
        dense = np.ptp(values) < 3 * len(values)
        steps = np.diff(values)
        return bool(dense or (steps > 0).all() or (steps < 0).all())
    texts = known.astype(str)
    return texts.nunique() == len(texts) and texts.str.split().str.len().mean() < _WORDS


def find_fold_names(audited: Audited) -> list[Finding]:
    """Find columns of few values whose value says in which fold a row is."""
    n_folds = len(audited.splits)
    if audited.groups is not None or n_folds < 2 or _in_order(audited.fold):
        return []
    found = []
    rows = np.flatnonzero(audited.fold >= 0)
    fold = audited.fold[rows]
    for place, values in audited.features.items():
        codes = np.unique(np.nan_to_num(values[rows, 0], nan=-1e9), return_inverse=True)[1]
        if codes.max() + 1 > 2 * n_folds or codes.max() < 1:
            continue
        counts = np.zeros((codes.max() + 1, n_folds))
        np.add.at(counts, (codes, fold), 1)
        known = float(counts.max(axis=1).sum() / len(rows))
        chance = float(np.bincount(fold).max() / len(rows))
        if known > 0.95 and known > 2 * chance - 1e-9:
            found.append(
                Finding(
                    "a column that identifies the fold",
                    audited.name(place),
                    {"folds told right": known, "by chance": chance},
                    "If it was made for splitting, drop it. If it is a batch, site or date, pass "
                    "it as groups= and say which new rows the stack is for.",
                )
            )
    return found


def _in_order(fold: np.ndarray) -> bool:
    """Whether folds are blocks of rows in their order, as of a split in time."""
    covered = fold[fold >= 0]
    return bool((np.diff(covered) != 0).sum() <= len(np.unique(covered)))


def find_given_away(audited: Audited) -> list[Finding]:
    """Find columns that alone tell the target nearly for certain, and better than all others."""
    found = []
    for place in range(audited.frame.shape[1]):
        if dates_of(audited.frame.iloc[:, place]) is not None:
            continue  # neighbours in time are another finding's
        alone = _unexplained_by(audited, place)
        if alone > _GIVEN_AWAY:
            continue
        rest = judge(audited.without(place), audited.target, audited.splits).unexplained
        if alone > _LESS_THAN_REST * rest:
            continue
        found.append(
            Finding(
                "a column that gives away the target",
                audited.name(place),
                {"unexplained by it alone": alone, "by all others": rest},
                "Was it known when the prediction was wanted? If it was written down later, or "
                "made of the target, drop it.",
            )
        )
    return found


def _unexplained_by(audited: Audited, place: int) -> float:
    """Share of the target that one column leaves unexplained, held out."""
    truth = truth_of(audited.target)
    values = audited.features[place]
    category = is_category(audited.frame.iloc[:, place])
    if category and len(np.unique(values)) > audited.n_rows / 3:
        return 1.0
    total, n = 0.0, 0
    for train, test in audited.splits[:_MOST_FOLDS]:
        answer = (_by_category if category else _by_tree)(
            values, truth, audited.target, (train, test)
        )
        total += float(((answer - truth[test]) ** 2).sum())
        n += len(test)
    return total / n / spread(truth)


def _by_category(
    values: np.ndarray, truth: np.ndarray, target: Target, split: Split
) -> np.ndarray:
    train, test = split
    _, codes = np.unique(np.nan_to_num(values[:, 0], nan=-1.0), return_inverse=True)
    sums = np.zeros((codes.max() + 1, truth.shape[1]))
    np.add.at(sums, codes[train], truth[train])
    counts = np.bincount(codes[train], minlength=len(sums))[:, None]
    means = (sums + truth[train].mean(axis=0)) / (counts + 1)
    return means[codes[test]]


def _by_tree(values: np.ndarray, truth: np.ndarray, target: Target, split: Split) -> np.ndarray:
    train, test = split
    leaf = max(3, len(train) // 500)
    missing = np.isnan(values)
    # Old trees overlook a column of one value and gaps.
    values = np.hstack([np.where(missing, -1.0, values), missing])
    if target.kind != "classes":
        tree = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=0)
        return tree.fit(values[train], truth[train]).predict(values[test]).reshape(len(test), -1)
    tree = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0)
    tree.fit(values[train], target.y[train])
    found = np.zeros((len(test), truth.shape[1]))
    found[:, tree.classes_] = tree.predict_proba(values[test])
    return found
