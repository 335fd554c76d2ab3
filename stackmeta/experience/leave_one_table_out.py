"""What a memory is worth on tables that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..combiners.simplex import minimise_quadratic
from ..learners.costs import expected_seconds
from .lessons import Lessons
from .record import TaskRecord


@dataclass(frozen=True)
class TriedTask:
    """A record, and how blends of its learners do on rows held out.

    Attributes
    ----------
    record : TaskRecord
    held_out : ndarray of shape (n_learners, n_learners)
        As ``record.gram``, of rows held out from all learners.
    """

    record: TaskRecord
    held_out: np.ndarray

    def loss(self, weights: np.ndarray) -> float:
        """Root of the squared error of a blend, as a share of a constant's."""
        return float(np.sqrt(max(weights @ self.held_out @ weights, 0.0)))


def leave_one_table_out(
    tasks: Sequence[TriedTask], budgets: Sequence[float], listed: Sequence[str] = ()
) -> pd.DataFrame:
    """Replay each task under time limits, with and without what *other tables* taught.

    Learners are taken one after the other while their expected seconds are left; the convex
    weights of least out-of-fold squared error are judged on rows held out.

    Parameters
    ----------
    tasks : list of TriedTask
    budgets : list of float
        Seconds, as shares of what all of a task's learners took.
    listed : sequence of str, default=()
        Learners in the order in which they come without a memory; () for the order of the
        records.

    Returns
    -------
    table : DataFrame
        A line for each task and budget: ``table``, ``task``, ``rows``, ``budget``, the losses
        ``without`` and ``with`` the memory, and the ``change`` (the logarithm of their ratio).
    """
    lines = []
    for tried in tasks:
        record = tried.record
        names = [name for name in listed if name in record.names]
        names += [name for name in record.names if name not in names]
        costs = _expected_costs(record, names)
        records = [
            other.record
            for other in tasks
            if other.record.table != record.table and other.record.task == record.task
        ]
        for budget in budgets:
            seconds = budget * float(record.seconds.sum())
            without = _loss_after(tried, names, costs, seconds, None)
            lessons = Lessons(records, record.description)
            lessons.take([(name, None) for name in names], costs, seconds)
            taught = _loss_after(tried, names, costs, seconds, lessons)
            lines.append(
                {
                    "table": record.table,
                    "task": record.task,
                    "rows": record.n_rows,
                    "budget": budget,
                    "without": without,
                    "with": taught,
                    "change": float(np.log(taught / without)),
                }
            )
    return pd.DataFrame(lines)


def _expected_costs(record: TaskRecord, names: Sequence[str]) -> dict[str, float]:
    """Say what each learner should cost, given how fast the machine is on the whole."""
    about = record.description
    sizes = record.n_rows, int(about["n_columns"]), int(about["n_classes"])
    usual = {name: expected_seconds(name, *sizes) for name in names}
    real = dict(zip(record.names, record.seconds, strict=True))
    slowness = float(np.median([real[name] / usual[name] for name in names]))
    return {name: slowness * seconds for name, seconds in usual.items()}


def _loss_after(
    tried: TriedTask,
    names: Sequence[str],
    costs: dict[str, float],
    seconds: float,
    lessons: Lessons | None,
) -> float:
    record = tried.record
    position = {name: i for i, name in enumerate(record.names)}
    done: dict[str, float] = {}
    spent: dict[str, float] = {}
    left = seconds
    while True:
        rest = [name for name in names if name not in done]
        if lessons is not None and lessons.are_enough:
            rest = lessons.next(done, spent)
        fitting = [name for name in rest if costs[name] <= left]
        if not fitting:
            break
        done[fitting[0]] = float(record.losses[position[fitting[0]]])
        spent[fitting[0]] = float(record.seconds[position[fitting[0]]])
        left -= spent[fitting[0]]
    if not done:
        return 1.0
    chosen = np.array([position[name] for name in done])
    weights = np.zeros(len(position))
    gram = record.gram[np.ix_(chosen, chosen)]
    equal = np.full(len(chosen), 1 / len(chosen))
    weights[chosen] = minimise_quadratic(2 * gram, np.zeros(len(chosen)), equal)[0]
    return tried.loss(weights)
