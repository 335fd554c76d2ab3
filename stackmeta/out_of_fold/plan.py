"""Which fits are needed, and in what order."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from .memory import Budget

#: The fold number of a fit on all rows.
REFIT = -1
#: The fold number of a shortcut, which answers for all folds at once.
ALL_FOLDS = -2


@dataclass(frozen=True)
class Task:
    """One fit: a learner on one fold's training rows, or on all rows (``fold=REFIT``).

    ``fold=ALL_FOLDS`` is a shortcut, which takes the place of all of them.
    """

    learner: int
    fold: int
    #: Of a learner that stops early, for a fit on all rows: as the folds chose.
    rounds: int | None = None


# Part of the time in which learners are tried that nobody has seen.
_YOUNG = 0.4
# What is expected to end just in time often does not.
_CERTAIN = 0.8
#: In place of a task: ask again in a moment.
WAIT = Task(-1, REFIT)


class Queue:
    """One queue of all fits, re-ordered by what the finished ones have cost.

    Longest first: each learner's largest fit opens (nothing else tells its cost), then
    always the fit with the largest expected seconds, so that no long one is left for the
    end. Under a deadline: cheap learners are completed first, the others are tried with one fold
    each while the time is young; then the learner goes on that is expected to gain most for
    the seconds that are left of it, see ``expect``. Nothing starts that is not expected to end in
    time.

    Parameters
    ----------
    sizes : sequence of int
        Training rows of each fold.
    n_learners : int
    n_rows : int
        Training rows of a refit.
    refit : bool
        Whether each learner is also fitted on all rows.
    folds : bool, default=True
        Whether the folds are fitted; False leaves the refits alone.
    shortcuts : collection of int, default=()
        Learners for which one task stands for all folds and the refit.
    watching : collection of int, default=()
        Learners whose refit has to wait for what the folds choose, see ``add_refit``.
    one_at_a_time : collection of int, default=()
        Learners of which no two fits run at once: they queue for a GPU while others fill the
        cores.
    budget : Budget, default=None
        Which fits have room in memory beside others.
    opening : sequence of float, default=None
        Rank of each learner: under a deadline, those of low rank are tried first. None: as they
        are listed.
    n_workers : int, default=1
        Fits that run at once.
    deadline : float, default=None
        :func:`time.perf_counter` reading after which nothing starts.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        n_learners: int,
        n_rows: int,
        *,
        refit: bool,
        folds: bool = True,
        shortcuts: Collection[int] = (),
        watching: Collection[int] = (),
        one_at_a_time: Collection[int] = (),
        budget: Budget | None = None,
        opening: Sequence[float] | None = None,
        n_workers: int = 1,
        deadline: float | None = None,
    ) -> None:
        fits = [(size, fold) for fold, size in enumerate(sizes)] if folds else []
        if refit:
            fits.append((n_rows, REFIT))
        # Small fits probe under a deadline, large ones otherwise: the next is at the end.
        fits.sort(key=lambda fit: fit[0], reverse=deadline is not None)
        self._size = {fold: size for size, fold in fits} | {ALL_FOLDS: n_rows}
        self._plain = [fold for _, fold in fits]
        self._opening_rank = [0.0] * n_learners if opening is None else opening
        self._n_workers = n_workers
        self._gains: dict[int, float] = {}
        self._waiting = [
            [ALL_FOLDS]
            if i in shortcuts
            else [f for f in self._plain if f != REFIT or i not in watching]
            for i in range(n_learners)
        ]
        self.watching = frozenset(watching)
        self._rounds: dict[int, int | None] = {}
        self._opened: list[tuple[float, int] | None] = [None] * n_learners
        self._seconds = np.zeros(n_learners)
        self._rows = np.zeros(n_learners)
        self._one_at_a_time = frozenset(one_at_a_time)
        self._budget = budget
        self._deadline = deadline
        self._young_until: float | None = None
        self._in_flight: list[Task] = []
        self._opening: list[int] = []
        self._dropped: set[int] = set()
        self._all_reported = False
        self._lock = threading.Lock()

    def next(self, now: float | None = None) -> Task | None:
        """Take the task to start now.

        Returns
        -------
        task : Task or None
            ``WAIT`` if it pays to ask again in a moment, None when none is left (or none
            fits in the time).
        """
        now = perf_counter() if now is None else now
        with self._lock:
            waiting = [i for i, folds in enumerate(self._waiting) if folds]
            free = self._that_may_start(waiting)
            learner = self._choose(free, now)
            if learner is None and len(free) < len(waiting) and not self._is_over(now):
                return WAIT
            if learner is None:
                return None
            if learner == WAIT.learner:
                return WAIT
            return self._hand_out(learner, now)

    def _that_may_start(self, waiting: list[int]) -> list[int]:
        if any(task.learner in self._one_at_a_time for task in self._in_flight):
            waiting = [i for i in waiting if i not in self._one_at_a_time]
        if self._budget is None:
            return waiting
        running = [(task.learner, self._size[task.fold]) for task in self._in_flight]
        next_sizes = {i: self._size[self._waiting[i][-1]] for i in waiting}
        return [i for i in waiting if self._budget.allows((i, next_sizes[i]), running)]

    def _is_over(self, now: float) -> bool:
        return self._deadline is not None and now >= self._deadline

    def take(self, learner: int) -> Task:
        """Take a certain learner's next task."""
        with self._lock:
            return self._hand_out(learner, perf_counter())

    def _hand_out(self, learner: int, now: float) -> Task:
        fold = self._waiting[learner].pop()
        task = Task(learner, fold, self._rounds.get(learner) if fold == REFIT else None)
        self._in_flight.append(task)
        if self._opened[learner] is None:
            self._opened[learner] = (now, self._size[task.fold])
            self._opening.append(learner)
        return task

    def waiting(self) -> list[Task]:
        """List what has not been handed out, learner by learner."""
        with self._lock:
            return [
                Task(learner, fold, self._rounds.get(learner) if fold == REFIT else None)
                for learner, folds in enumerate(self._waiting)
                for fold in folds
            ]

    def skip(self, task: Task) -> bool:
        """Forget a task that has been done before; False if it does not wait (any more)."""
        with self._lock:
            waits = task.fold in self._waiting[task.learner]
            if waits:
                self._waiting[task.learner].remove(task.fold)
            return waits

    def done(self, task: Task, seconds: float, n_bytes: int = 0) -> None:
        """Learn what a finished task has cost."""
        with self._lock:
            if self._budget is not None and n_bytes:
                self._budget.learn(task.learner, self._size[task.fold], n_bytes)
            self._seconds[task.learner] += seconds
            self._rows[task.learner] += self._size[task.fold]
            self._in_flight.remove(task)
            self._all_reported = False

    def expect(self, gains: Mapping[int, float]) -> None:
        """Learn what learners that were tried are expected to lower the loss by."""
        with self._lock:
            self._gains = dict(gains)

    @property
    def first_fold(self) -> int:
        """The fold on which learners are tried."""
        return self._plain[-1]

    def waited(self) -> None:
        """Learn that a ``WAIT`` is over, and with it all that ended before it."""
        with self._lock:
            self._all_reported = True

    def drop(self, learner: int) -> None:
        """Forget the tasks of a learner that failed, or is not needed."""
        with self._lock:
            self._waiting[learner].clear()
            self._dropped.add(learner)

    def add_refit(self, learner: int, rounds: int | None) -> None:
        """Let a watching learner be fitted on all rows, with so many rounds."""
        with self._lock:
            self._rounds[learner] = rounds
            self._waiting[learner] = [REFIT]

    def plainly(self, learner: int) -> None:
        """Give a learner whose shortcut declined its plain fits."""
        with self._lock:
            self._waiting[learner] = list(self._plain)
            self._seconds[learner] = self._rows[learner] = 0
            self._opened[learner] = None
            if learner in self._opening:
                self._opening.remove(learner)

    def lost(self) -> list[Task]:
        """Take back the tasks that were handed out and not reported: their workers died."""
        with self._lock:
            lost, self._in_flight = self._in_flight, []
            return lost

    def again(self, task: Task) -> bool:
        """Hand out a lost task once more, unless its learner has been dropped."""
        with self._lock:
            if task.learner in self._dropped:
                return False
            self._in_flight.append(task)
            return True

    @property
    def n_open(self) -> int:
        """Number of tasks that wait or run."""
        with self._lock:
            return sum(map(len, self._waiting)) + len(self._in_flight)

    def _rate(self, learner: int, now: float) -> float:
        """Seconds a row: measured, or at least the time that the first fit has been running."""
        if self._rows[learner]:
            return self._seconds[learner] / self._rows[learner]
        opened = self._opened[learner]
        return np.inf if opened is None else (now - opened[0]) / opened[1]

    def _choose(self, waiting: list[int], now: float) -> int | None:
        return (self._longest if self._deadline is None else self._in_time)(waiting, now)

    def _longest(self, waiting: list[int], now: float) -> int | None:
        def expected(learner: int) -> tuple[float, int]:
            size = self._size[self._waiting[learner][-1]]
            return self._rate(learner, now) * size, -learner

        return max(waiting, key=expected, default=None)

    def _usual(self, now: float) -> float:
        """Seconds that it has taken to try a learner."""
        tried = np.flatnonzero(self._rows).tolist()
        seconds = [self._rate(i, now) * self._size[self.first_fold] for i in tried]
        return float(np.median(seconds)) if seconds else 0.0

    def _in_time(self, waiting: list[int], now: float) -> int | None:
        assert self._deadline is not None
        left = self._deadline - now
        if self._young_until is None:
            self._young_until = now + _YOUNG * left
        if left <= 0:
            return None
        rest: dict[int, float] = {}
        unopened, running = [], []
        for learner in waiting:
            if self._opened[learner] is None:
                unopened.append(learner)
            elif not self._rows[learner]:
                running.append(learner)
            else:
                rate = self._rate(learner, now)
                if rate * self._size[self._waiting[learner][-1]] <= left:
                    rest[learner] = rate * sum(self._size[f] for f in self._waiting[learner])
        quickest = min(rest, key=rest.__getitem__, default=None)
        if quickest is not None and rest[quickest] <= left / 10:
            return quickest
        in_time = [i for i in rest if rest[i] <= _CERTAIN * left * self._n_workers]
        if unopened and (now < self._young_until or (not in_time and self._usual(now) <= left)):
            return min(unopened, key=self._opening_rank.__getitem__)
        if in_time:
            return max(in_time, key=lambda i: (self._gains.get(i, 0.0) / rest[i], -rest[i]))
        if quickest is not None:
            return quickest
        if not running:
            return None
        # joblib asks for a task before the outcome that freed the worker is handed out. Wait
        # for it: a learner that stays unreported may never end, and would take every worker.
        if not self._all_reported:
            return WAIT.learner
        n_running = Counter(task.learner for task in self._in_flight)
        return min(running, key=lambda i: (n_running[i], -self._opening.index(i)))
