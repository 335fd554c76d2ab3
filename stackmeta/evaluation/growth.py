"""How much lower the loss is where learners see all rows: the folds' models saw fewer.

A learner's prediction out of fold is that of a model of (k - 1) / k of the rows. A stack predicts
with models of all rows, or the mean of all fold models, and loses less. How much less cannot be
read from folds of one size. But two things that can be read go with it. Where learners lack rows
they err, each in its own way: they scatter around their mean. And what has been learned, as
against a constant, has a learning curve. Over 22 real tables of 100 to 8,000 rows the gain was
three quarters of the scatter and a twelfth of the loss that more can be learned about, over k - 1
(benchmarks/expected_loss.py): much the same whether learners are refitted or fold models averaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..combiners import ConvexClassifier, ConvexRegressor
from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import full_probabilities
from ..out_of_fold.response import PROBABILITIES
from .judging import Candidate, Judge

#: Gain by as many rows again: for the variance of learners, and the loss that is left.
_OF_VARIANCE, _OF_LOSS = 0.75, 0.09
#: Of other scores, for what averaging learners gains.
_OF_SCORES = 1.5
# Of the mean's probability: learners that are sure of the wrong class gain no more than this.
_FLOOR = 0.1


def missing_share(oof: OutOfFold) -> float:
    """Rows that a fold's models did not see, for each row that they saw."""
    n_rows = oof.by_repeat.shape[1]
    seen = np.array([max(len(train), 1) for train, _ in oof.splits])
    return float(np.mean((n_rows - seen) / seen))


def gain_of_all_rows(oof: OutOfFold, judge: Judge) -> float:
    """By how much the loss falls where learners see all rows.

    Parameters
    ----------
    oof : OutOfFold
        Of the learners that the stack reads.
    judge : Judge
        Of the loss. For the root mean squared error the answer is in squared units.

    Returns
    -------
    gain : float
        0 where the learners' predictions cannot be averaged (labels, decision values).
    """
    names = [name for name in oof.names if judge.comparable(name)]
    rows = judge.rows(*names) if names else np.empty(0, dtype=np.intp)
    averaged = _averaged(oof, names, rows)
    if averaged is None:
        return 0.0
    blocks, mean, weights = averaged
    if judge.scoring is not None:
        alone = [judge.value(judge.candidates[name], rows) for name in names]
        gain = _OF_SCORES * float(weights @ np.array(alone) - judge.value(mean, rows))
        return max(0.0, gain) * missing_share(oof)
    y = oof.target.y[rows]
    left = float(judge.row_losses(mean, rows).mean())
    if judge.loss_name == "log_loss":
        share = np.bincount(y) / len(y)
        constant = -float(share @ np.log(share))
        variance = 2 * _gap_of_logs(blocks, weights, y)  # of logarithms, it is half of that
    else:
        constant = float(np.var(y, axis=0).mean())
        off = blocks - mean.block[rows][:, None, :]
        variance = float(np.einsum("rlo,l->", off**2, weights)) / off[:, 0].size
    learnable = left * max(0.0, 1 - left / constant) if constant > 0 else 0.0
    gain = _OF_VARIANCE * variance + _OF_LOSS * learnable
    # A loss falls no faster than its rows grow.
    return min(gain, left) * missing_share(oof)


def _gap_of_logs(blocks: np.ndarray, weights: np.ndarray, y: np.ndarray) -> float:
    """By how much the mean of probabilities has a lower log loss than they have on average."""
    if blocks.shape[2] == 1:
        truth = np.where(y[:, None] == 1, blocks[:, :, 0], 1 - blocks[:, :, 0])
    else:
        truth = blocks[np.arange(len(y)), :, y]
    least = np.maximum(_FLOOR * (truth @ weights), np.finfo(np.float32).eps)
    truth = np.maximum(truth, least[:, None])
    return float(np.mean(np.log(truth @ weights) - np.log(truth) @ weights))


def _averaged(
    oof: OutOfFold, names: list[str], rows: np.ndarray
) -> tuple[np.ndarray, Candidate, np.ndarray] | None:
    """Learners' predictions, their convex mean of least loss, and its weights."""
    target = oof.target
    if target.kind == "multilabel" or len(rows) < 2:
        return None
    combiner: Any = ConvexRegressor()
    if target.kind == "numbers":
        blocks = [oof.block(name)[rows] for name in names]
    elif all(oof.methods[name] in PROBABILITIES for name in names):
        blocks, combiner = [_probabilities(oof, name)[rows] for name in names], ConvexClassifier()
    else:
        return None
    y = target.y[rows]
    if target.kind == "classes" and len(np.unique(y)) < target.n_classes:
        return None
    matrix = np.hstack(blocks).astype(np.float64)
    weights = combiner.fit(matrix, y).weights_
    by_learner = matrix.reshape(len(rows), len(names), -1)
    full = np.full((len(target.y), by_learner.shape[2]), np.nan)
    full[rows] = np.einsum("rlo,l->ro", by_learner, weights)
    method = "predict" if target.kind == "numbers" else "predict_proba"
    return by_learner, Candidate(full, method), weights


def _probabilities(oof: OutOfFold, name: str) -> np.ndarray:
    full = full_probabilities(oof.block(name), oof.methods[name], oof.target)
    return full[:, 1:] if oof.target.n_classes == 2 else full
