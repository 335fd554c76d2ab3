"""What the folds of each learner have given so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from .fold_average import FoldAverage
from .folds import Split, repeat_of_each_split
from .learner import Learner
from .result import slices_of
from .rounds import Staged, choose_stages
from .shortcuts import Answer
from .target import Target
from .task import Outcome


class Collected:
    """Blocks of out-of-fold predictions and fold models, learner by learner.

    Parameters
    ----------
    learners : list of Learner
    splits : list of (train, test)
    target : Target

    Attributes
    ----------
    rounds : dict of int to int
        For a fit on all rows of a learner that stops early, once its folds are done.
    """

    def __init__(self, learners: list[Learner], splits: list[Split], target: Target) -> None:
        self.learners, self.splits, self.target = learners, splits, target
        self._blocks: list[dict[int, np.ndarray]] = [{} for _ in learners]
        self._models: list[dict[int, tuple[Any, Any]]] = [{} for _ in learners]
        self._staged: list[dict[int, Staged]] = [{} for _ in learners]
        self.rounds: dict[int, int] = {}

    def done(self, position: int) -> bool:
        """Whether all folds of a learner are there."""
        return len(self._blocks[position]) == len(self.splits)

    def block(self, position: int, fold: int) -> np.ndarray | None:
        """Give what a learner predicts for a fold, with its last rounds until they are chosen."""
        staged = self._staged[position].get(fold)
        return self._blocks[position].get(fold) if staged is None else staged.blocks[-1]

    def add(self, outcome: Outcome) -> None:
        """Take one fold; the last of a learner that stops early settles its rounds."""
        position, fold = outcome.task.learner, outcome.task.fold
        self._models[position][fold] = (outcome.model, outcome.present)
        blocks, staged = self._blocks[position], self._staged[position]
        if outcome.staged is not None:
            staged[fold] = outcome.staged
        elif outcome.block is not None:
            blocks[fold] = outcome.block
        if staged and len(blocks) + len(staged) == len(self.splits):
            self._choose_rounds(position)

    def add_all(self, position: int, answer: Answer) -> None:
        """Take what a shortcut gives for all folds."""
        self._blocks[position] = dict(enumerate(answer.blocks))
        if answer.fold_models is not None:
            self._models[position] = {i: (m, None) for i, m in enumerate(answer.fold_models)}

    def widths(self, position: int) -> set[int]:
        """Numbers of columns that a learner's folds have given."""
        return {block.shape[1] for block in self._blocks[position].values()}

    def _choose_rounds(self, position: int) -> None:
        """Predict each fold with the rounds that the others chose."""
        learner, staged = self.learners[position], self._staged[position]
        weights = learner.fit_params.get("sample_weight")
        stages, self.rounds[position] = choose_stages(
            list(staged.values()),
            [self.splits[fold] for fold in staged],
            self.target,
            learner.method,
            None if weights is None else np.asarray(weights),
        )
        for (fold, found), stage in zip(staged.items(), stages, strict=True):
            self._blocks[position][fold] = found.blocks[stage]
            model, _ = self._models[position][fold]
            if model is not None:
                model.use_rounds(int(found.rounds[stage]))
        staged.clear()

    def matrix(self, positions: list[int]) -> tuple[np.ndarray, dict[str, slice]]:
        """Put the blocks of some learners together, by repeat, and say whose columns are whose."""
        repeats = repeat_of_each_split(self.splits, len(self.target.y))
        widths = {self.learners[i].name: self._blocks[i][0].shape[1] for i in positions}
        columns = slices_of(widths)
        shape = (repeats[-1] + 1, len(self.target.y), sum(widths.values()))
        by_repeat = np.full(shape, np.nan, dtype=self._dtype(positions))
        for i in positions:
            for fold, block in self._blocks[i].items():
                rows = self.splits[fold][1]
                by_repeat[repeats[fold], rows, columns[self.learners[i].name]] = block
        return by_repeat, columns

    def _dtype(self, positions: list[int]) -> np.dtype:
        """float32 where every learner answers in float32, as stacking them would give."""
        kinds = {block.dtype for i in positions for block in self._blocks[i].values()}
        return np.result_type(*kinds, np.float32) if kinds else np.dtype(float)

    def average(self, position: int) -> FoldAverage | None:
        """Make one model of a learner's fold models, if they were kept."""
        if not self._models[position]:
            return None
        kept = [self._models[position][fold] for fold in range(len(self.splits))]
        return FoldAverage(
            [model for model, _ in kept],
            [present for _, present in kept],
            self.target.without_y(),
        )
