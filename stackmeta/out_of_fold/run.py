"""The joblib execution of all fits; dead workers and the time limit are its business."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
import warnings
from collections.abc import Generator, Iterator
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np
from joblib import cpu_count, effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from ..compat import let_ray_yield
from .plan import WAIT, Queue, Task
from .shared import Shared
from .task import Outcome, run_task
from .threads import Threads, limited_pools, threads_of

# With fewer rows, threads mostly wait for each other's Python.
_FEW_ROWS = 75_000


def execute(
    queue: Queue, shared: Shared, *, n_jobs: int | None, deadline: float | None = None
) -> Generator[Outcome, None, None]:
    """Run the queue through joblib; yield outcomes as they come.

    joblib asks for the next task when a worker is free, so the queue decides late. When the
    deadline passes, process workers are ended and the iterator stops. When a worker process
    dies, the tasks that were lost run again, one by one: whichever kills its worker once
    more has failed.
    """
    # A shortcut that declines last, or a worker's death, leaves tasks for another call.
    while (first := queue.next()) is not None:
        tasks = chain([first], iter(queue.next, None))
        with shared.spread():
            try:
                yield from _run(tasks, queue, shared, n_jobs, deadline)
            except BrokenProcessPool:
                for task in queue.lost():
                    yield from _run_alone(task, queue, shared, n_jobs, deadline)


def execute_here(
    learners: list[int],
    queue: Queue,
    shared: Shared,
    *,
    n_jobs: int | None,
    deadline: float | None = None,
) -> Generator[Outcome, None, None]:
    """Run the shortcuts of some learners on threads of this process, beside the data.

    After the deadline none is started.
    """
    if not learners:
        return
    small = np.size(shared.value.target.y) < _FEW_ROWS
    n_threads = 1 if small else min(effective_n_jobs(n_jobs), cpu_count(), len(learners))
    parallel = Parallel(n_jobs=n_threads, require="sharedmem", return_as="generator_unordered")
    tasks = (
        delayed(run_task)(shared, queue.take(learner))
        for learner in learners
        if deadline is None or perf_counter() < deadline
    )
    with limited_pools(threads_of(n_threads, len(learners))):
        for outcome in parallel(tasks):
            queue.done(outcome.task, outcome.seconds, outcome.peak_bytes)
            yield outcome


def execute_wide(
    learners: list[int], queue: Queue, shared: Shared, *, n_jobs: int | None
) -> Generator[Outcome, None, None]:
    """Run the shortcuts of some learners one after the other, each on all cores."""
    for learner in learners:
        outcome = run_task(shared, queue.take(learner), threads_of(n_jobs, 1))
        queue.done(outcome.task, outcome.seconds, outcome.peak_bytes)
        yield outcome


def _run(
    tasks: Iterator[Task],
    queue: Queue,
    shared: Shared,
    n_jobs: int | None,
    deadline: float | None,
) -> Generator[Outcome, None, None]:
    """One joblib call."""
    parallel = _parallel(n_jobs, deadline)
    outcomes = iter(
        parallel(
            delayed(_pause)()
            if task is WAIT
            else delayed(_FitOf(shared.value.learners[task.learner].name))(
                shared, task, threads_of(n_jobs, queue.n_open)
            )
            for task in tasks
        )
    )
    try:
        with limited_pools(threads_of(n_jobs, queue.n_open)):
            while True:
                if deadline is not None:
                    # joblib counts its timeout from the last outcome that was handed out.
                    parallel.timeout = max(deadline - perf_counter(), 0.01)
                outcome = next(outcomes)
                if outcome is None:
                    queue.waited()
                else:
                    queue.done(outcome.task, outcome.seconds, outcome.peak_bytes)
                    yield outcome
    except StopIteration:
        return
    except (TimeoutError, multiprocessing.TimeoutError):
        return
    finally:
        close = getattr(outcomes, "close", None)
        if close is not None:
            with warnings.catch_warnings():
                # joblib warns that tasks were cancelled; whoever stops early knows.
                warnings.simplefilter("ignore")
                close()


def _run_alone(
    task: Task, queue: Queue, shared: Shared, n_jobs: int | None, deadline: float | None
) -> Generator[Outcome, None, None]:
    """Run again a task whose worker died, with nothing beside it."""
    if not queue.again(task):
        return
    started, clock = time.time(), perf_counter()
    try:
        yield from _run(iter([task]), queue, shared, n_jobs, deadline)
    except BrokenProcessPool:
        queue.lost()
        error = RuntimeError(
            "The worker process died twice, the second time with nothing beside this fit: it "
            "was killed, as the system does when memory runs out, or it crashed."
        )
        yield Outcome(task, perf_counter() - clock, started, os.getpid(), error=error)


class _FitOf:
    """``run_task`` under a learner's name.

    dask foresees the seconds of calls by their name. Under one for all, a short fit waits behind
    a long one of another learner, and dask's work stealing, which takes it for shorter than its
    move, leaves it there.
    """

    def __init__(self, learner: str) -> None:
        self.__name__ = re.sub(r"\W", "_", learner)

    def __call__(self, shared: Shared, task: Task, threads: Threads | None) -> Outcome:
        return run_task(shared, task, threads)


def _pause() -> None:
    time.sleep(0.02)


def _parallel(n_jobs: int | None, deadline: float | None) -> Parallel:
    let_ray_yield()
    options: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs+1"}
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options)
    except ValueError as error:  # a backend that returns everything at the end
        if deadline is not None:
            raise ValueError(
                "time_limit needs a joblib backend that hands out results as they come, such as "
                f"loky, threading, dask or ray: {error}"
            ) from error
        return Parallel(n_jobs=n_jobs, **options)
