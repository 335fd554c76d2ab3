"""Replay recorded fits on another number of cores."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from stackmeta.out_of_fold import FitRecord
from stackmeta.out_of_fold.plan import REFIT, Queue


def lower_bound(records: Sequence[FitRecord], cores: int) -> float:
    """Seconds that no schedule can beat: the work shared out, or the longest fit."""
    seconds = [record.seconds for record in records]
    return max(sum(seconds) / cores, max(seconds))


def flat_queue(
    records: Sequence[FitRecord], sizes: Sequence[int], n_rows: int, cores: int
) -> float:
    """Makespan of the package's own queue, which learns the seconds as fits end."""
    names = list(dict.fromkeys(record.name for record in sorted(records, key=lambda r: r.started)))
    seconds = {(record.name, record.fold): record.seconds for record in records}
    queue = Queue(sizes, len(names), n_rows, refit=True)
    running: list[tuple[float, int, object, float]] = []
    now, count = 0.0, 0
    while True:
        while len(running) < cores and (task := queue.next(now)) is not None:
            cost = seconds[names[task.learner], task.fold]
            count += 1
            heapq.heappush(running, (now + cost, count, task, cost))
        if not running:
            return now
        now, _, task, cost = heapq.heappop(running)
        queue.done(task, cost)


def barriers(records: Sequence[FitRecord], cores: int, *, folds_at_once: bool) -> float:
    """Makespan of scikit-learn's two joblib calls: all refits, then a task a learner.

    A learner's folds run in turn inside its task, or, at best, all at once on threads.
    """
    refits = [record.seconds for record in records if record.fold == REFIT]
    folds: dict[str, list[float]] = {}
    for record in records:
        if record.fold != REFIT:
            folds.setdefault(record.name, []).append(record.seconds)
    if folds_at_once:
        second = _in_order([s for seconds in folds.values() for s in seconds], cores)
    else:
        second = _in_order([sum(seconds) for seconds in folds.values()], cores)
    return _in_order(refits, cores) + second


def _in_order(seconds: Sequence[float], cores: int) -> float:
    free = [0.0] * cores
    for cost in seconds:
        heapq.heappush(free, heapq.heappop(free) + cost)
    return max(free)
