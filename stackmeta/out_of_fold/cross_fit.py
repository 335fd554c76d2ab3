"""The engine: learners × folds → out-of-fold predictions and models."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from time import perf_counter
from typing import Any

from joblib import effective_n_jobs

from ..compat import backend_is_local, is_pandas
from .collected import Collected
from .failures import Failures
from .folds import Split
from .gains import ExpectedGains
from .learner import Learner
from .memory import Budget, bytes_of, limit_in_bytes
from .opening import opening_order
from .plan import ALL_FOLDS, REFIT, Queue
from .planned import PlannedQueue
from .progress import Progress
from .result import FitRecord, OutOfFold
from .run import execute, execute_here, execute_wide
from .shared import Shared
from .shortcuts import find_shortcut
from .store import as_store
from .store.keeper import Keeper
from .target import Target
from .task import Outcome, Work


class CrossFit:
    """Fits learners on folds, and on all rows, through one queue.

    Parameters
    ----------
    learners : list of Learner
    X : array-like of shape (n_rows, n_features)
    target : Target
    splits : list of (train, test)
    n_jobs : int, default=None
    on_error : {"raise", "drop"}, default="raise"
        Whether a learner that raises ends the fit, or only leaves it.
    time_limit : float, default=None
        Seconds, counted from the construction.
    costs : dict of str to float, default=None
        Expected seconds of a fold of each learner, which are then taken in their order.
    advise : callable, default=None
        With ``costs``: is given the predictions of the learners that are done, each time that one
        more is, and the share of the time limit that is left (None without a limit); answers the
        names of the others, best first.
    enough : callable, default=None
        Is given the predictions of the first learner, the first two, and so on, as soon as they
        are there; if it answers True, those that come later are not needed.
    seed : int, default=None
        Seeds the learners whose own ``random_state`` is None.
    keep_fold_models : bool, default=False
    shortcuts : {"exact", "approximate", False}, default="exact"
        Which learners may answer for all folds at once.
    store : str, Path or OutOfFoldStore, default=None
        Where finished fits are kept, and found again.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or a share of what is free.
    exchangeable : bool, default=False
        Whether any row could have been held out with any other.
    progress : Progress, default=None
    """

    def __init__(
        self,
        learners: list[Learner],
        X: Any,
        target: Target,
        splits: list[Split],
        *,
        n_jobs: int | None = None,
        on_error: str = "raise",
        time_limit: float | None = None,
        costs: Mapping[str, float] | None = None,
        advise: Callable[[OutOfFold, float | None], Sequence[str]] | None = None,
        enough: Callable[[OutOfFold], bool] | None = None,
        seed: int | None = None,
        keep_fold_models: bool = False,
        shortcuts: str | bool = "exact",
        store: Any = None,
        memory_limit: float | None = None,
        exchangeable: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.learners = learners
        self.target = target
        self.splits = splits
        self.n_jobs = n_jobs
        self.keep_fold_models = keep_fold_models
        self.progress = Progress() if progress is None else progress
        self._costs = costs
        self._advise = advise
        self._enough = enough
        self._n_judged = 0
        self._n_needed = len(learners)
        self._deadline = None if time_limit is None else perf_counter() + time_limit
        self._time_limit = time_limit
        found = {
            i: find_shortcut(
                learner, shortcuts, exchangeable=exchangeable, keep_models=keep_fold_models
            )
            for i, learner in enumerate(learners)
        }
        self._shortcuts = {i: shortcut for i, shortcut in found.items() if shortcut is not None}
        limit = limit_in_bytes(memory_limit)
        self._budget = None if limit is None else Budget(limit, bytes_of(X) / len(target.y))
        work = Work(
            X,
            target,
            learners,
            splits,
            seed,
            keep_fold_models,
            measure_memory=limit is not None,
            thin_forests=keep_fold_models and shortcuts == "approximate",
            shortcuts=self._shortcuts,
        )
        self._shared = Shared(work)
        self._keeper = None if store is None else Keeper(as_store(store), work)
        #: ``with engine.spread():`` keeps X on the workers of a cluster from run to refits.
        self.spread = self._shared.spread
        self._sizes = [len(train) for train, _ in splits]
        self._collected = Collected(learners, splits, target)
        self._refit = False
        self._gains: ExpectedGains | None = None
        self.refits: dict[str, Any] = {}
        self.errors = Failures(on_error, len(splits), time_limit)
        self.records: list[FitRecord] = []

    def run(self, *, refit: bool) -> OutOfFold:
        """Fit all folds of all learners and, with ``refit``, each learner on all rows.

        Raises
        ------
        Exception
            What a learner raised, with a note naming learner and fold (``on_error="raise"``).
        ValueError
            If every learner failed.
        TimeoutError
            If no learner was done in time.
        """
        self.progress.open([learner.name for learner in self.learners], len(self.splits) + 1)
        self._refit = refit
        queue = self._queue(refit=refit, folds=True)
        if self._deadline is not None and self._costs is None:
            self._gains = ExpectedGains(self.learners, self.splits, self.target, queue.first_fold)
        with self._interruptible():
            self._run(queue)
        needed = self.learners[: self._n_needed]
        done = [
            learner.name
            for i, learner in enumerate(needed)
            if learner.name not in self.errors
            and self._collected.done(i)
            and (not refit or learner.name in self.refits)
        ]
        late = [x.name for x in needed if x.name not in self.errors and x.name not in done]
        self.errors.report(done, late)
        return self._result(done)

    def _run(self, queue: Queue) -> None:
        """Take what the store has, then what runs beside the data, then all else."""
        self._take_kept(queue)
        light = self._shortcuts_that_wait(queue, "light")
        here = execute_here(
            light, queue, self._shared, n_jobs=self.n_jobs, deadline=self._deadline
        )
        self._collect(here, queue)
        # A worker process can be ended in time, this one can not.
        if self._deadline is None and backend_is_local():
            wide = self._shortcuts_that_wait(queue, "wide")
            self._collect(execute_wide(wide, queue, self._shared, n_jobs=self.n_jobs), queue)
        there = execute(queue, self._shared, n_jobs=self.n_jobs, deadline=self._deadline)
        self._collect(there, queue)

    def _shortcuts_that_wait(self, queue: Queue, kind: str) -> list[int]:
        waiting = [task.learner for task in queue.waiting() if task.fold == ALL_FOLDS]
        return [i for i in waiting if getattr(self._shortcuts[i], kind)]

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Say, when a user interrupts, what is kept and how to go on."""
        try:
            yield
        except KeyboardInterrupt as error:
            if self._keeper is not None:
                n_fits = self._keeper.n_found + self._keeper.n_kept
                error.add_note(
                    f"stackmeta: {n_fits} finished fits are in {self._keeper.store}. Call fit "
                    "again with the same store= to go on from there."
                )
            raise

    def _take_kept(self, queue: Queue, learner: int | None = None) -> None:
        """Take from the store what waits in the queue, of one learner or of all."""
        if self._keeper is None:
            return
        for task in queue.waiting():
            if learner not in (None, task.learner):
                continue
            outcome = self._keeper.find(task)
            # What was taken before it may have made it needless.
            if outcome is not None and queue.skip(task):
                self._take(outcome, queue, kept=True)

    def refit(self, names: Iterable[str]) -> list[str]:
        """Fit the named learners on all rows; return the names of those that failed.

        Raises
        ------
        Exception
            As :meth:`run`.
        """
        wanted = set(names) - self.refits.keys()
        queue = self._queue(refit=True, folds=False)
        for i, learner in enumerate(self.learners):
            if learner.name not in wanted:
                queue.drop(i)
            elif i in self._collected.rounds:
                queue.add_refit(i, self._collected.rounds[i])
        with self._interruptible():
            self._take_kept(queue)
            self._collect(execute(queue, self._shared, n_jobs=self.n_jobs), queue)
        failed = [x.name for x in self.learners if x.name in wanted and x.name in self.errors]
        if len(self.errors) == len(self.learners):
            self.errors.report([], [])
        for name in failed:
            self.errors.warn(name)
        return failed

    def _queue(self, *, refit: bool, folds: bool) -> Queue:
        watching = [i for i, x in enumerate(self.learners) if x.watches and len(self.splits) > 1]
        make: type[Queue] = Queue
        planned: dict[str, Any] = {}
        if self._costs is not None and folds:
            make = PlannedQueue
            planned = {"costs": [self._costs[learner.name] for learner in self.learners]}
        return make(
            self._sizes,
            len(self.learners),
            n_rows=len(self.target.y),
            refit=refit,
            folds=folds,
            shortcuts=self._shortcuts if folds else (),
            watching=watching,
            one_at_a_time=[i for i, x in enumerate(self.learners) if x.on_gpu],
            budget=self._budget,
            opening=opening_order(self.learners),
            n_workers=effective_n_jobs(self.n_jobs),
            deadline=self._deadline if folds else None,
            **planned,
        )

    def _collect(self, outcomes: Generator[Outcome, None, None], queue: Queue) -> None:
        # An error's traceback would keep the iterator, and with it the workers, alive.
        with closing(outcomes):
            for outcome in outcomes:
                self._take(outcome, queue)

    def _take(self, outcome: Outcome, queue: Queue, *, kept: bool = False) -> None:
        task = outcome.task
        if self._keeper is not None and not kept:
            self._keeper.keep(outcome)
        name = self.learners[task.learner].name
        self.records.append(
            FitRecord(name, task.fold, outcome.seconds, outcome.started, outcome.worker)
        )
        if outcome.error is not None:
            queue.drop(task.learner)
            self.errors.add(name, task.fold, outcome.error)
            return
        if task.fold == ALL_FOLDS:
            self._take_answer(outcome, queue)
            return
        self.progress.fit_done(name, task.fold, outcome.seconds)
        if task.fold == REFIT:
            self.refits[name] = outcome.model
            return
        self._collected.add(outcome)
        widths = self._collected.widths(task.learner)
        if len(widths) > 1:
            queue.drop(task.learner)
            error = ValueError(f"{name!r} gave {' and '.join(map(str, sorted(widths)))} columns.")
            self.errors.add(name, task.fold, error)
        elif self._collected.done(task.learner):
            if self._refit and task.learner in queue.watching:
                queue.add_refit(task.learner, self._collected.rounds.get(task.learner))
                self._take_kept(queue, task.learner)
            if self.progress.verbose:
                self._announce(task.learner)
            self._stop_if_enough(queue)
            self._take_advice(queue)
        news = task.fold == queue.first_fold or self._collected.done(task.learner)
        if self._gains is not None and news:
            queue.expect(self._gains(self._collected))

    def _stop_if_enough(self, queue: Queue) -> None:
        """Judge in the order of the learners: in which they end depends on the machine."""
        while self._enough is not None and self._n_judged < self._n_needed:
            if not self._settled(self._n_judged):
                return
            self._n_judged += 1
            names = [x.name for x in self.learners[: self._n_judged] if x.name not in self.errors]
            if names and self._enough(self._result(names)):
                self._n_needed = self._n_judged
                for i in range(self._n_needed, len(self.learners)):
                    queue.drop(i)

    def _take_advice(self, queue: Queue) -> None:
        if self._advise is None or not isinstance(queue, PlannedQueue):
            return
        done = [x.name for i, x in enumerate(self.learners) if self._collected.done(i)]
        left = None
        if self._deadline is not None and self._time_limit:
            left = max(self._deadline - perf_counter(), 0.0) / self._time_limit
        advised = self._advise(self._result(done), left)
        rank = {name: position for position, name in enumerate(advised)}
        queue.reorder({i: rank[x.name] for i, x in enumerate(self.learners) if x.name in rank})

    def _settled(self, position: int) -> bool:
        return self._collected.done(position) or self.learners[position].name in self.errors

    def _take_answer(self, outcome: Outcome, queue: Queue) -> None:
        learner, answer = outcome.task.learner, outcome.answer
        if answer is None:
            del self._shortcuts[learner]
            queue.plainly(learner)
            self._take_kept(queue, learner)
            return
        name = self.learners[learner].name
        self.progress.fit_done(name, ALL_FOLDS, outcome.seconds)
        if answer.model is not None:
            self.refits[name] = answer.model
        self._collected.add_all(learner, answer)
        if self.progress.verbose:
            self._announce(learner)
        self._take_advice(queue)

    def _announce(self, position: int) -> None:
        name = self.learners[position].name
        oof = self._result([name])
        self.progress.learner_done(name, oof.loss_name, oof.loss()[name], oof.fit_seconds[name])

    def _result(self, names: list[str]) -> OutOfFold:
        positions = [i for i, learner in enumerate(self.learners) if learner.name in names]
        by_repeat, columns = self._collected.matrix(positions)
        return OutOfFold(
            by_repeat,
            columns,
            self.splits,
            methods={learner.name: learner.method for learner in self.learners},
            target=self.target,
            paths={learner.name: self._path(learner, names) for learner in self.learners},
            models=self._models(positions),
            learner_columns={learner.name: learner.columns for learner in self.learners},
            label_learners=frozenset(x.name for x in self.learners if x.answers_labels),
            index=self._shared.value.X.index if is_pandas(self._shared.value.X) else None,
            records=self.records,
        )

    def _path(self, learner: Learner, done: list[str]) -> str:
        if learner.name in self.errors:
            return "failed"
        position = self.learners.index(learner)
        if position >= self._n_needed:
            return "not needed"
        if learner.name not in done:
            return "time limit"
        shortcut = self._shortcuts.get(position)
        if shortcut is not None:
            return shortcut.path
        return "given" if learner.given else "refit"

    def _models(self, positions: list[int]) -> dict[str, Any]:
        if not self.keep_fold_models:
            names = [self.learners[i].name for i in positions if self._refit]
            return {name: self.refits[name] for name in names if name in self.refits}
        models = {}
        for i in positions:
            name, average = self.learners[i].name, self._collected.average(i)
            models[name] = self.refits[name] if average is None else average
        return models
