"""Learners that stop early: each fold is predicted with the rounds that the others chose.

Training watches a fold's held-out rows, so that it ends soon after they stop gaining; how many
of the rounds predict those rows is decided without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .folds import Split
from .losses import row_losses
from .response import respond
from .target import Target


@dataclass
class Staged:
    """What a fold's model predicts with some of its rounds.

    Attributes
    ----------
    rounds : ndarray of shape (n_stages,)
        Increasing; the same in all folds, as far as each goes.
    blocks : ndarray of shape (n_stages, n_held_out, n_columns)
        float32.
    """

    rounds: np.ndarray
    blocks: np.ndarray


class _Answered:
    """Stands in for a model that has answered."""

    def __init__(self, model: Any, method: str, answer: np.ndarray) -> None:
        self.classes_ = getattr(model, "classes_", None)
        setattr(self, method, lambda X: answer)


def predict_stages(
    model: Any, X: Any, method: str, target: Target, present: np.ndarray | None
) -> Staged:
    """Let a model that has watched predict held-out rows after each of its stages.

    Parameters
    ----------
    model : estimator
        With ``stages_`` and ``staged_answers(X, method)``.
    X : array-like of shape (n_held_out, n_features)
    method : str
        Which method of the model to ask.
    target : Target
    present : ndarray or None
        Class codes that the model knows; None for all of them.
    """
    blocks = [
        respond(_Answered(model, method, answer), X, method, target, present)
        for answer in model.staged_answers(X, method)
    ]
    return Staged(np.asarray(model.stages_), np.stack(blocks).astype(np.float32, copy=False))


def choose_stages(
    staged: Sequence[Staged],
    splits: Sequence[Split],
    target: Target,
    method: str,
    weights: np.ndarray | None = None,
) -> tuple[list[int], int]:
    """Choose a stage for each fold, and the rounds for a fit on all rows.

    The stage of a fold is that of least loss, averaged over the rows that other folds held out
    and this one did not, among those that most of the others reached; a fold that ended earlier
    goes to its end.

    Parameters
    ----------
    staged : sequence of Staged
        One a fold.
    splits : sequence of (train, test)
    target : Target
    method : str
        What was asked of the models.
    weights : ndarray of shape (n_rows,), default=None
        Weight of each row.

    Returns
    -------
    stages : list of int
        Position in ``rounds``, for each fold.
    rounds : int
        For a fit on all rows: of least loss over all folds.
    """
    longest = max(staged, key=lambda one: len(one.rounds)).rounds
    curves = [
        _curves(one, test, target, method, weights, len(longest))
        for one, (_, test) in zip(staged, splits, strict=True)
    ]
    lengths = [len(one.rounds) for one in staged]
    total = sum(curve.sum(axis=1) for curve in curves)[: _reached_by_most(lengths)]
    stages = []
    for fold, (_, test) in enumerate(splits):
        others = np.zeros(len(longest))
        held = np.zeros(len(target.y), dtype=bool)
        held[test] = True
        for other, (_, rows) in enumerate(splits):
            if other != fold:
                others += curves[other][:, ~held[rows]].sum(axis=1)
        most = _reached_by_most(lengths[:fold] + lengths[fold + 1 :])
        chosen = int(others[:most].argmin()) if others.any() else lengths[fold]
        stages.append(min(chosen, lengths[fold] - 1))
    return stages, int(longest[total.argmin()])


def _reached_by_most(lengths: list[int]) -> int:
    """Find how far more than half of the folds went; a curve says little after its end."""
    return sorted(lengths)[(len(lengths) - 1) // 2] if lengths else 1


def _curves(
    staged: Staged,
    rows: np.ndarray,
    target: Target,
    method: str,
    weights: np.ndarray | None,
    n_stages: int,
) -> np.ndarray:
    """Loss of each stage and held-out row, of shape (n_stages, n_held_out)."""
    known = np.stack([row_losses(block, rows, method, target) for block in staged.blocks])
    if weights is not None:
        known *= weights[rows]
    return np.concatenate([known, np.repeat(known[-1:], n_stages - len(known), axis=0)])
