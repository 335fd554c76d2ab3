"""A quick learner, to see what a split or a column is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from ..out_of_fold.folds import Split, covered_rows
from ..out_of_fold.target import Target

_N_TREES = 16
_MOST_FOLDS = 3
_MOST_COLUMNS = 16


@dataclass(frozen=True)
class Judged:
    """Squared errors of rows that some fold held out.

    Attributes
    ----------
    rows : ndarray of int
        Positions.
    errors : ndarray of shape (n_rows,)
        Squared error (Brier's, for classes) over that of predicting the mean: their mean is the
        share of the target that is not explained.
    """

    rows: np.ndarray
    errors: np.ndarray

    @property
    def unexplained(self) -> float:
        """Share of the target that is not explained."""
        return float(self.errors.mean())


def truth_of(target: Target) -> np.ndarray:
    """Give the target as columns of numbers: an indicator a class."""
    y = target.y
    if target.kind == "classes":
        return (y[:, None] == np.arange(target.n_classes)).astype(float)
    return np.asarray(y, dtype=float).reshape(len(y), -1)


def judge(
    table: np.ndarray,
    target: Target,
    splits: list[Split],
    *,
    seed: int = 0,
    learner: Callable[[Target, int, int], Any] | None = None,
) -> Judged:
    """Cross-fit extra trees over some of the folds, and judge the rows that they hold out.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Numbers; NaN where missing.
    target : Target
    splits : list of (train, test)
        The first three are used.
    seed : int, default=0
    learner : callable, default=None
        From target, number of columns and seed to a learner; None: extra trees.

    Returns
    -------
    judged : Judged
    """
    truth = truth_of(target)
    total, times = np.zeros(len(truth)), np.zeros(len(truth))
    for train, test in splits[:_MOST_FOLDS]:
        model = (learner or _trees)(target, table.shape[1], seed).fit(
            table[train], target.y[train]
        )
        found = _as_columns(model, table[test], truth.shape[1])
        total[test] += ((found - truth[test]) ** 2).sum(axis=1)
        times[test] += 1
    rows = covered_rows(splits[:_MOST_FOLDS], len(truth))
    return Judged(rows, total[rows] / times[rows] / spread(truth))


def spread(truth: np.ndarray) -> float:
    """Squared error of the mean."""
    found = float(((truth - truth.mean(axis=0)) ** 2).sum(axis=1).mean())
    return found if found > 0 else 1.0


def _trees(target: Target, n_columns: int, seed: int) -> Any:
    kind = ExtraTreesClassifier if target.kind == "classes" else ExtraTreesRegressor
    most = min(max(n_columns // 2, 1), _MOST_COLUMNS)
    return kind(_N_TREES, max_features=most, min_samples_leaf=2, n_jobs=1, random_state=seed)


def _as_columns(model: Any, table: np.ndarray, width: int) -> np.ndarray:
    if not hasattr(model, "classes_") or not hasattr(model, "predict_proba"):
        answer = np.asarray(model.predict(table), dtype=float)
        return answer.reshape(len(table), -1)
    found = np.zeros((len(table), width))
    found[:, model.classes_] = model.predict_proba(table)
    return found
