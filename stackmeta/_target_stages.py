"""Several targets: out-of-fold predictions of all of them become columns of a second stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from .meta_features import append
from .out_of_fold import OutOfFold


@dataclass
class Step:
    """One target's learners, the combination of what they predict, and whose columns they read.

    Attributes
    ----------
    target : int
        Which column of y.
    oof : OutOfFold
        The learners on X and the predictions of ``reads``.
    combiner : estimator
        Fitted to the out-of-fold predictions of these learners alone.
    combined : ndarray of shape (n_rows, n_columns)
        What it makes of them: what later steps read.
    reads : list of int
        Targets whose predictions follow the columns of X.
    """

    target: int
    oof: OutOfFold
    combiner: Any
    combined: np.ndarray
    reads: list[int] = field(default_factory=list)


class TargetStages:
    """All fits of a multi-target stack.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Learners.
    combiner : estimator
        Combiner of one target's predictions.
    X : array-like of shape (n_rows, n_features)
    targets : list of ndarray of shape (n_rows,)
        The columns of y.
    run : callable
        Learners, X and one target → their :class:`OutOfFold`, on the same folds each time.
    sample_weight : array-like of shape (n_rows,), or None

    Attributes
    ----------
    first : list of Step
        Each target alone.
    second : list of Step
        Each target from X and all targets' predictions; empty without ``stack``.
    chains : list of list of Step
        Targets in some order, each from X and the predictions of those before it.

    References
    ----------
    .. [1] E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves and I. Vlahavas, "Multi-target
       regression via input space expansion: treating targets as inputs", Machine Learning
       104, 2016.
    """

    def __init__(
        self,
        estimators: Sequence[tuple],
        combiner: Any,
        X: Any,
        targets: Sequence[np.ndarray],
        run: Callable[[Sequence[tuple], Any, np.ndarray], OutOfFold],
        sample_weight: Any = None,
    ) -> None:
        self._estimators, self._combiner, self._targets = estimators, combiner, targets
        self._X, self._run, self._weight = X, run, sample_weight
        self.first = [self._step(j, {}) for j in range(len(targets))]
        self.second: list[Step] = []
        self.chains: list[list[Step]] = []

    def stack(self) -> None:
        """Fit the second stage."""
        all_targets = {step.target: step.combined for step in self.first}
        self.second = [self._step(j, all_targets) for j in all_targets]

    def chain(self, orders: Sequence[Sequence[int]]) -> None:
        """Fit a chain for each order of the targets."""
        for order in orders:
            # The head of a chain reads no target: it has been fitted.
            steps = [self.first[order[0]]]
            for target in order[1:]:
                steps.append(self._step(target, {s.target: s.combined for s in steps}))
            self.chains.append(steps)

    def finish(self) -> list[Any]:
        """Fit the combiner of each target over all that was fitted for it; forget the rows."""
        finals = []
        for target, y in enumerate(self._targets):
            blocks = self._blocks(target, {id(s): s.oof.matrix for s in self._steps()})
            finals.append(self._fit_combiner(np.hstack(list(blocks.values())), y))
        self.__dict__.update(_X=None, _targets=None, _weight=None, _run=None)
        return finals

    def columns(self, target: int) -> list[str]:
        """Names of the columns that the combiner of a target reads, a name a learner."""
        return list(self._blocks(target, {id(s): s.oof.matrix for s in self._steps()}))

    def out_of_fold(self, target: int) -> np.ndarray:
        """Out-of-fold predictions of a target, learner by learner as in ``columns``."""
        blocks = self._blocks(target, {id(s): s.oof.matrix for s in self._steps()})
        return np.hstack(list(blocks.values()))

    def predict(self, X: Any) -> list[np.ndarray]:
        """Predict new rows: for each target what its combiner reads."""
        found: dict[int, np.ndarray] = {}
        for stage in ([self.first], [self.second], self.chains):
            for steps in stage:
                # A chain reads its own predictions, the second stage those of the first.
                known = steps if stage is self.chains else self.first
                for step in steps:
                    if id(step) not in found:
                        found[id(step)] = step.oof.predict_matrix(
                            self._widen(X, step, known, found)
                        )
        n_targets = len(self.first)
        return [np.hstack(list(self._blocks(j, found).values())) for j in range(n_targets)]

    def losses(self, target: int) -> list[tuple[str, OutOfFold, dict[str, float]]]:
        """Each stage of a target: its word, predictions (averaged over chains), and seconds."""
        found = []
        for stage, steps in self._stages_of(target):
            matrix = np.mean([step.oof.matrix for step in steps], axis=0)
            oof = replace(steps[0].oof, by_repeat=matrix[None])
            seconds = [step.oof.fit_seconds for step in steps]
            found.append((stage, oof, {name: sum(s[name] for s in seconds) for name in oof.names}))
        return found

    def _stages_of(self, target: int) -> list[tuple[str, list[Step]]]:
        """List the steps of a target with the word for their stage."""
        stages = [
            ("alone", [self.first[target]]),
            ("stacked", [s for s in self.second if s.target == target]),
            ("chain", [s for chain in self.chains for s in chain if s.target == target]),
        ]
        return [(stage, steps) for stage, steps in stages if steps]

    def _steps(self) -> list[Step]:
        return [*self.first, *self.second, *(s for chain in self.chains for s in chain[1:])]

    def _blocks(self, target: int, matrices: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        """Columns of each learner for a target; those of the chains are averaged."""
        blocks = {}
        for stage, steps in self._stages_of(target):
            suffix = "" if stage == "alone" else f"_{stage}"
            for name, columns in steps[0].oof.columns.items():
                parts = [matrices[id(step)][:, columns] for step in steps]
                blocks[name + suffix] = np.mean(parts, axis=0)
        return blocks

    def _widen(self, X: Any, step: Step, known: list[Step], found: Mapping[int, Any]) -> Any:
        """Put the combined predictions of the targets that a step reads beside X."""
        if not step.reads:
            return X
        by_target = {s.target: s for s in known}
        others = {j: _combine(by_target[j].combiner, found[id(by_target[j])]) for j in step.reads}
        return _beside(X, others)

    def _step(self, target: int, others: Mapping[int, np.ndarray]) -> Step:
        X, entries = self._X, list(self._estimators)
        if others:
            wide = _beside(X, others)
            entries = [_reading_more(entry, X, wide) for entry in entries]
            X = wide
        y = self._targets[target]
        oof = self._run(entries, X, y)
        combiner = self._fit_combiner(oof.matrix, y)
        return Step(target, oof, combiner, _combine(combiner, oof.matrix), list(others))

    def _fit_combiner(self, matrix: np.ndarray, y: np.ndarray) -> Any:
        combiner = clone(self._combiner)
        weighs = self._weight is not None and has_fit_parameter(combiner, "sample_weight")
        return combiner.fit(matrix, y, **({"sample_weight": self._weight} if weighs else {}))


def draw_orders(n_targets: int, n_chains: int, seed: int | None) -> list[list[int]]:
    """Draw orders of the targets; all of them, where there are no more than wanted."""
    if math.factorial(min(n_targets, 20)) <= n_chains:
        return [list(order) for order in permutations(range(n_targets))]
    rng = np.random.default_rng(seed)
    orders: set[tuple[int, ...]] = set()
    while len(orders) < n_chains:
        orders.add(tuple(map(int, rng.permutation(n_targets))))
    return [list(order) for order in sorted(orders)]


def _combine(combiner: Any, matrix: np.ndarray) -> np.ndarray:
    """Give combined predictions as columns: probabilities without the first of two classes."""
    if not hasattr(combiner, "predict_proba"):
        return np.asarray(combiner.predict(matrix), dtype=np.float64).reshape(len(matrix), -1)
    probabilities = combiner.predict_proba(matrix)
    return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


def _beside(X: Any, others: Mapping[int, np.ndarray]) -> Any:
    """X, followed by the predictions of some targets."""
    names = [f"target{j}_{i}" for j, block in others.items() for i in range(block.shape[1])]
    return append(X, np.hstack(list(others.values())), names)


def _reading_more(entry: tuple, X: Any, wide: Any) -> tuple:
    """Let a learner that reads some columns of X read the predictions, too."""
    if len(entry) < 3 or entry[2] is None:
        return entry
    columns = np.asarray(entry[2]).tolist()
    if columns and all(isinstance(c, str) for c in columns):
        return (*entry[:2], [*columns, *list(wide.columns)[X.shape[1] :]])
    positions = np.arange(X.shape[1])[columns].tolist()
    return (*entry[:2], [*positions, *range(X.shape[1], wide.shape[1])])
