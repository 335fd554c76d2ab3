"""What a learner that has been tried on one fold would add to those that are done."""

from __future__ import annotations

import numpy as np

from .collected import Collected
from .folds import Split
from .learner import Learner
from .losses import default_loss, full_probabilities, row_losses
from .response import PROBABILITIES
from .target import Target

# More rows would not change which learner goes on.
_MOST_ROWS = 2000
_SHARES = (1.0, 0.5, 0.25, 0.1)
_PASSES = 3


class ExpectedGains:
    """By how much learners would lower the loss of a blend of those that are done.

    Judged on the rows of the fold on which each learner is tried: the blend starts from the
    constant prediction and takes the learners that are done one by one, each with the share that
    lowers the loss most. One step of it is what another learner is expected to gain.

    Parameters
    ----------
    learners : list of Learner
    splits : list of (train, test)
    target : Target
    fold : int
        On which all learners are tried.
    """

    def __init__(
        self, learners: list[Learner], splits: list[Split], target: Target, fold: int
    ) -> None:
        train, test = splits[fold]
        self._learners, self._fold, self._whole = learners, fold, target
        self._some = slice(None, None, -(-len(test) // _MOST_ROWS))
        y = target.y[test][self._some]
        self._target = Target(target.kind, y, target.n_outputs, target.classes)
        self._loss = default_loss(target, {x.name: x.method for x in learners})
        self._method = "predict" if target.kind == "numbers" else "predict_proba"
        self._constant = _constant(target, train, len(y))

    def __call__(self, collected: Collected) -> dict[int, float]:
        """Give the gain of each learner that has been tried and is not done."""
        if self._loss == "error_rate":
            return {}
        blocks = {
            i: self._comparable(block, learner.method)
            for i, learner in enumerate(self._learners)
            if (block := collected.block(i, self._fold)) is not None
        }
        blocks = {i: x for i, x in blocks.items() if x.shape == self._constant.shape}
        done = [i for i in blocks if collected.done(i)]
        done.sort(key=lambda i: self._loss_of(blocks[i]))
        blend = self._constant
        for i in done * _PASSES:
            blend = self._step(blend, blocks[i])
        before = self._loss_of(blend)
        return {
            i: before - self._loss_of(self._step(blend, block))
            for i, block in blocks.items()
            if i not in done
        }

    def _comparable(self, block: np.ndarray, method: str) -> np.ndarray:
        block = np.asarray(block[self._some], dtype=float)
        return full_probabilities(block, method, self._whole) if method in PROBABILITIES else block

    def _step(self, blend: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Move towards a learner, as far as that lowers the loss most."""
        steps = [blend, *(blend + share * (block - blend) for share in _SHARES)]
        return min(steps, key=self._loss_of)

    def _loss_of(self, block: np.ndarray) -> float:
        binary = self._target.kind == "classes" and self._target.n_classes == 2
        block = block[:, 1:] if binary else block
        losses = row_losses(block, np.arange(len(block)), self._method, self._target)
        return float(np.nan_to_num(losses.mean(), nan=np.inf))


def _constant(target: Target, train: np.ndarray, n_rows: int) -> np.ndarray:
    """Mean of the training rows, or shares of their classes."""
    y = target.y[train]
    if target.kind == "classes":
        mean = np.bincount(y, minlength=target.n_classes) / len(y)
    else:
        mean = y.reshape(len(y), -1).mean(axis=0)
    return np.tile(mean, (n_rows, 1))
