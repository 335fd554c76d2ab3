"""The queue of learners whose costs are known beforehand, more or less."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from .plan import Queue

# What runs has, on average, half of its time behind it.
_BEHIND = 0.5
# A learner that is begun in vain has cost others their time.
_CAUTION = 1.25


class PlannedQueue(Queue):
    """Learners one after the other, in the order given.

    Under a deadline a learner goes on while all that is left of it is expected to end in time, on
    all cores; another takes its place while it is not. Expected is what its own fits have cost
    or, before the first has ended, what was expected times what the machine has been slower so
    far.

    Parameters
    ----------
    *args, **options
        As of :class:`Queue`.
    costs : sequence of float
        Expected seconds of a fold of each learner.
    n_workers : int
        Fits that run at once.
    """

    def __init__(self, *args: Any, costs: Sequence[float], n_workers: int, **options: Any) -> None:
        super().__init__(*args, **options)
        largest = max(self._size.values(), default=1)
        self._expected = np.asarray(costs) / largest
        self._n_workers = n_workers

    def _slowness(self) -> float:
        """By how much fits take longer than expected: one learner's surprise is its own."""
        known = np.flatnonzero(self._rows)
        ratios = self._seconds[known] / (self._rows[known] * self._expected[known])
        return float(np.median([1.0, *ratios]))

    def _rate_or_guess(self, learner: int, now: float, slowness: float) -> float:
        guess = self._expected[learner] * slowness
        if self._opened[learner] is None:
            return guess
        rate = self._rate(learner, now)
        return rate if self._rows[learner] else max(rate, guess)

    def _choose(self, waiting: list[int], now: float) -> int | None:
        if self._deadline is None:
            return waiting[0] if waiting else None
        return self._in_time(waiting, now)

    def _in_time(self, waiting: list[int], now: float) -> int | None:
        assert self._deadline is not None
        left, slowness = self._deadline - now, self._slowness()
        if left <= 0:
            return None
        rates = {
            i: self._rate_or_guess(i, now, slowness)
            for i in {*waiting, *(task.learner for task in self._in_flight)}
        }
        running = sum(rates[task.learner] * self._size[task.fold] for task in self._in_flight)
        busy = _BEHIND * running / self._n_workers
        for learner in waiting:
            fits = [rates[learner] * self._size[fold] for fold in self._waiting[learner]]
            # Whole rounds of all workers: the last fold alone takes as long as two at once.
            need = ceil(len(fits) / self._n_workers) * sum(fits) / len(fits)
            if self._opened[learner] is None:
                need = busy + _CAUTION * need
            if need <= left:
                return learner
        # Something is better than nothing: the stack needs one learner.
        if not self._in_flight and not self._rows.any():
            return min(waiting, key=lambda i: rates[i] * len(self._waiting[i]), default=None)
        return None
