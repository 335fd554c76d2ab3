"""Rows of tasks: weights at a strength of pooling, and the strength that serves best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .rows_by_task import RowsByTask
from .shrunken_weights import Population, fit_population, fit_tasks, spread_of_tasks
from .task_evidence import Evidence

# Strengths that are tried, in rows. However much the known tasks agree, a thousand rows make a
# task its own: a new one may differ.
_STRENGTHS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
# So many tasks say which is best.
_MOST_TASKS = 200


@dataclass
class WeighedTasks:
    """Weights of tasks, and what they follow from."""

    population: Population
    of_task: np.ndarray
    data: Evidence
    scale: np.ndarray
    spread: float


@dataclass
class TaskRows:
    """Errors (or probabilities of the truth) with the weight and the task of each."""

    rows: np.ndarray
    weight: np.ndarray
    codes: np.ndarray
    squared: bool

    def part(self, index: np.ndarray) -> TaskRows:
        """Take some rows."""
        return TaskRows(self.rows[index], self.weight[index], self.codes[index], self.squared)

    @property
    def n_tasks(self) -> int:
        """Tasks up to the last that has a row."""
        return int(self.codes.max()) + 1

    @cached_property
    def by_task(self) -> RowsByTask:
        """The rows, task after task."""
        return RowsByTask.sort(self.rows, self.weight, self.codes, self.n_tasks)

    @cached_property
    def evidence(self) -> Evidence:
        """What the rows say, errors as they are."""
        nothing = Evidence.none(self.n_tasks, self.rows.shape[1])
        return nothing.with_rows(self.by_task, squared=self.squared)

    def weigh(self, prior_rows: float, rounds: int) -> WeighedTasks:
        """Fit population and tasks; those without a row get the population's weights."""
        n_tasks, m = self.evidence.linear.shape
        start, scale, spread = np.full(m, 1.0 / m), np.ones(n_tasks), 1.0
        of_task, data = np.tile(start, (n_tasks, 1)), self.evidence
        # Errors are measured in the spread that they have at weights that are measured in it.
        for _ in range(rounds if self.squared else 1):
            if self.squared:
                scale, spread = spread_of_tasks(self.by_task, of_task)
                data = self.evidence.scaled(scale)
            population = fit_population(data, start, prior_rows)
            start, of_task = population.weights, fit_tasks(data, population)
        return WeighedTasks(population, of_task, data, scale, spread)

    def loss(self, found: WeighedTasks) -> float:
        """Sum of the losses of these rows with weights that others gave."""
        of_task = np.tile(found.population.weights, (self.n_tasks, 1))
        n_known = min(len(of_task), len(found.of_task))
        of_task[:n_known] = found.of_task[:n_known]
        mixed = np.einsum("rl,rl->r", self.rows, of_task[self.codes])
        if self.squared:
            return float(self.weight @ mixed**2)
        return -float(self.weight @ np.log(np.maximum(mixed, np.finfo(np.float64).eps)))


def choose_strength(every: TaskRows, splits: Iterable[tuple], repeats: int) -> float:
    """Find the strength of the prior whose weights are best on rows that they were not fitted to.

    The marginal likelihood will not do: it has one variance for all learners, and those that no
    task wants speak for a small one.
    """
    if every.rows.shape[1] == 1:
        return _STRENGTHS[-1]
    few = every.codes < _MOST_TASKS
    losses = np.zeros(len(_STRENGTHS))
    for train, test in splits:
        fit, judge = (
            (np.asarray(part)[:, None] * repeats + np.arange(repeats)).ravel()
            for part in (train, test)
        )
        fit, judge = fit[few[fit]], judge[few[judge]]
        if len(fit) == 0 or len(judge) == 0:
            continue
        rows, held_out = every.part(fit), every.part(judge)
        for i, strength in enumerate(_STRENGTHS):
            losses[i] += held_out.loss(rows.weigh(strength, 2))
    # Of those that are as good as the best the strongest: without any evidence, one set.
    least = losses.min()
    return _STRENGTHS[int(np.flatnonzero(losses <= least + 1e-9 * abs(least))[-1])]
