"""The queue of learners whose costs are known beforehand, more or less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np

from .plan import Queue

# What runs has, on average, half of its time behind it.
_BEHIND = 0.5
# A learner that is begun in vain has cost others their time.
_CAUTION = 1.25
# Part of the time that the learner may take which is done in any case.
_QUICK = 0.15


class PlannedQueue(Queue):
    """Learners one after the other, in the order given or, later, by :meth:`reorder`.

    Under a deadline a quick one comes first, so that something is done even where the machine is
    slower than expected. Then a learner goes on while all that is left of it is expected to end
    in time, on all cores; another takes its place while it is not. Expected is what its own fits
    have cost or, before the first has ended, what was expected times what the machine has been
    slower so far.

    Parameters
    ----------
    *args, **options
        As of :class:`Queue`.
    costs : sequence of float
        Expected seconds of a fold of each learner.
    """

    def __init__(self, *args: Any, costs: Sequence[float], **options: Any) -> None:
        super().__init__(*args, **options)
        self._first: int | None = None
        largest = max(self._size.values(), default=1)
        self._expected = np.asarray(costs) / largest
        self._rank = {i: i for i in range(len(costs))}

    def reorder(self, rank: Mapping[int, int]) -> None:
        """Let learners come in another order; those that have begun come first."""
        with self._lock:
            self._rank |= rank
            self._rank |= {i: -1 for i, opened in enumerate(self._opened) if opened is not None}

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
        waiting = sorted(waiting, key=self._rank.__getitem__)
        left, slowness = self._deadline - now, self._slowness()
        if left <= 0:
            return None
        rates = {
            i: self._rate_or_guess(i, now, slowness)
            for i in {*waiting, *(task.learner for task in self._in_flight)}
        }
        running = sum(rates[task.learner] * self._size[task.fold] for task in self._in_flight)
        busy = _BEHIND * running / self._n_workers
        needs = {i: self._need(i, rates[i], busy) for i in waiting}
        if not any(self._opened):
            self._first = next((i for i in waiting if needs[i] <= _QUICK * left), None)
        if self._first in needs and needs[self._first] <= left:
            return self._first
        for learner in waiting:
            if needs[learner] <= left:
                return learner
        # Something is better than nothing: the stack needs one learner.
        if not self._in_flight and not self._rows.any():
            return min(waiting, key=needs.__getitem__, default=None)
        return None

    def _need(self, learner: int, rate: float, busy: float) -> float:
        """Seconds until a learner could be done."""
        fits = [rate * self._size[fold] for fold in self._waiting[learner]]
        # Whole rounds of all workers: the last fold alone takes as long as two at once.
        need = ceil(len(fits) / self._n_workers) * sum(fits) / len(fits)
        return need if self._opened[learner] is not None else busy + _CAUTION * need
