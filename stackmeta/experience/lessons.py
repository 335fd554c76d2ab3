"""Lessons: what earlier tasks teach about the one at hand, and what it teaches in turn."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..combiners.weight_prior import WeightPrior
from ..learners.costs import expected_seconds
from ..out_of_fold.result import OutOfFold
from ..out_of_fold.warning import warn_caller
from .advice import Advice
from .describe import describe_table
from .distance import learn_distance
from .memory import TaskMemory
from .priors import weight_prior
from .record import TaskRecord
from .recording import fingerprint_table, record_of, relative_losses
from .shipped import SHIPPED, shipped_records

# Below, what tables have in common is not known.
_LEAST_TABLES = 3
# With more rows, or a target of numbers, weights are as good without a prior (docs).
_MOST_ROWS_OF_A_PRIOR = 1_000
# Part of the time for the first learner: starting workers takes some, and costs are guesses.
_QUICK = 0.05
# Fits so short measure the machine's mood, and those on far fewer or more rows another thing.
_LEAST_SECONDS = 0.005
_MOST_ROWS_APART, _MOST_TIMES = 4.0, 3.0


class Lessons:
    """What a memory says about one task.

    Parameters
    ----------
    records : list of TaskRecord
        Of other tables, with the same kind of target.
    description : dict of str to float
        Of the task at hand, as :func:`describe_table` gives it.
    memory : TaskMemory, default=None
        Where the task is recorded when its learners are done.
    own : list of TaskRecord, default=()
        Those of the records whose seconds were measured on this machine.
    table : str, default=""
        Name of the table at hand.
    """

    def __init__(
        self,
        records: Sequence[TaskRecord],
        description: Mapping[str, float],
        *,
        memory: TaskMemory | None = None,
        own: Sequence[TaskRecord] = (),
        table: str = "",
        columns: Sequence[str] = (),
    ) -> None:
        self.records = list(records)
        self.description = dict(description)
        self.memory = memory
        self.table = table
        self._own = own
        self._columns = columns
        self._costs: Mapping[str, float] = {}
        self._seconds: float | None = None
        self._names: list[str] = []
        self._learners: list[tuple] = []

    @classmethod
    def of(cls, experience: Any, X: Any, y: np.ndarray, *, classifies: bool) -> Lessons:
        """Ask a memory about a task.

        Parameters
        ----------
        experience : TaskMemory, str or Path
            A memory, its file, or "shipped".
        X : DataFrame or array-like of shape (n_rows, n_columns)
        y : ndarray of shape (n_rows,)
        classifies : bool
        """
        memory = as_memory(experience)
        task = "classification" if classifies else "regression"
        table = "" if memory is None else fingerprint_table(X, y)
        # What was learned from these very rows would count them twice.
        own = [] if memory is None else memory.records(task, without=table)
        shipped = [record for record in shipped_records() if record.task == task]
        names = memory is not None and memory.column_names
        return cls(
            [*own, *shipped],
            describe_table(X, y, classifies=classifies),
            memory=memory,
            own=own,
            table=table,
            columns=list(getattr(X, "columns", ())) if names else (),
        )

    @property
    def are_enough(self) -> bool:
        """Whether there are enough tables to learn from."""
        return len({record.table for record in self.records}) >= _LEAST_TABLES

    @cached_property
    def distance(self) -> np.ndarray:
        """Weights of differences between descriptions."""
        return learn_distance(self.records)

    @cached_property
    def slowness(self) -> dict[str, float]:
        """How many times what is usual each learner has cost on this machine."""
        found: dict[str, list[float]] = {}
        for record in self._own:
            about = record.description
            apart = record.n_rows / self.description["n_rows"]
            if not 1 / _MOST_ROWS_APART <= apart <= _MOST_ROWS_APART:
                continue
            for name, seconds in zip(record.names, record.seconds, strict=True):
                usual = expected_seconds(
                    name, record.n_rows, int(about["n_columns"]), int(about["n_classes"])
                )
                found.setdefault(name, []).append(max(seconds, _LEAST_SECONDS) / usual)
        medians = {name: float(np.median(ratios)) for name, ratios in found.items()}
        return {
            name: float(np.clip(x, 1 / _MOST_TIMES, _MOST_TIMES)) for name, x in medians.items()
        }

    def take(
        self, learners: list[tuple], costs: Mapping[str, float], seconds: float | None = None
    ) -> None:
        """Take note of the learners that may be fitted.

        Parameters
        ----------
        learners : list of (str, estimator) or (str, estimator, columns)
        costs : dict of str to float
            Expected seconds of a fold of each.
        seconds : float, default=None
            That may be spent on a fold of all learners.
        """
        self._costs, self._learners, self._seconds = costs, learners, seconds
        self._names = [name for name, *_ in learners]

    def in_order(self) -> list[tuple]:
        """Put the learners first that are expected to gain most in the time.

        Before them comes the best of the quick ones, so that something is done in any case.
        """
        if not self.are_enough:
            return self._learners
        costs, seconds = self._costs, self._seconds
        quick = None if seconds is None else self._advice.best_alone(costs, _QUICK * seconds)
        order = self._advice.plan({}, costs, seconds, first=quick)
        position = {name: i for i, name in enumerate(order)}
        return sorted(self._learners, key=lambda learner: position[learner[0]])

    @cached_property
    def _advice(self) -> Advice:
        return Advice(self.records, self.description, self._names, self.distance)

    def advise(self, oof: OutOfFold, left: float | None = None) -> list[str]:
        """Say which learners should come next, now that some are done.

        Parameters
        ----------
        oof : OutOfFold
            Predictions of those that are done.
        left : float, default=None
            Share of the time that is left: starting workers, and learners that were begun in
            vain, take some of it, too. None: what the finished learners have left of it.
        """
        losses = relative_losses(oof)
        if not losses or not self.are_enough:
            return []
        spent = {name: seconds / len(oof.splits) for name, seconds in oof.fit_seconds.items()}
        return [name for name in self.next(losses, spent, left) if name not in oof.names]

    def next(
        self,
        losses: Mapping[str, float],
        spent: Mapping[str, float] | None = None,
        left: float | None = None,
    ) -> list[str]:
        """Order the learners that are not done.

        Parameters
        ----------
        losses : dict of str to float
            Relative losses of those that are done.
        spent : dict of str to float, default=None
            Seconds of a fold of each of these.
        left : float, default=None
            Share of the seconds that is left. None: what these have left of it.
        """
        spent, costs, seconds = spent or {}, self._costs, self._seconds
        # What a store gave back has cost nothing.
        ratios = [cost / costs[name] for name, cost in spent.items() if cost > 0]
        if ratios:
            slowness = float(np.median(ratios))
            costs = {name: slowness * cost for name, cost in costs.items()}
        if seconds is not None:
            seconds = max(seconds - sum(spent.values()), 0.0) if left is None else left * seconds
        return self._advice.plan(losses, costs, seconds)

    def prior(self, names: Sequence[str]) -> WeightPrior | None:
        """Say where the weights of some learners should start; None where that does not pay.

        Parameters
        ----------
        names : sequence of str
        """
        knows = any(set(names).intersection(record.names) for record in self.records)
        few = self.description["n_rows"] <= _MOST_ROWS_OF_A_PRIOR
        if not (self.are_enough and knows and few and "entropy" in self.description):
            return None
        return weight_prior(self.records, names, weights=self._advice.nearness({}))

    def record(self, oof: OutOfFold) -> None:
        """Keep what was learned from the task; a memory that cannot be written costs no fit."""
        if self.memory is None:
            return
        try:
            self.memory.add(
                record_of(
                    oof,
                    self.description,
                    table=self.table,
                    learners=self._learners,
                    columns=self._columns,
                )
            )
        except (OSError, ValueError, sqlite3.Error) as error:
            warn_caller(f"This fit is not recorded in {self.memory}: {error}")


def as_memory(experience: Any) -> TaskMemory | None:
    """Give the memory that a user means; None for what is shipped, which is only read."""
    if isinstance(experience, str) and experience == SHIPPED:
        return None
    if isinstance(experience, str | os.PathLike):
        return TaskMemory(experience)
    return experience
