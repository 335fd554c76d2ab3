"""The joblib execution: one call for all fits; failures and the time limit are its business."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
import warnings
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np
from joblib import cpu_count, effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from ..compat import cloudpickle, safe_indexing
from .folds import Split
from .learner import (
    Learner,
    clone_seeded,
    renumber_class_weights,
    rows_of_params,
    take_columns,
)
from .plan import ALL_FOLDS, REFIT, WAIT, Queue, Task
from .response import OneClass, respond
from .shared import Shared
from .shortcuts import Answer, Job, Shortcut
from .target import Target, fold_labels
from .threads import Threads, limited_pools, set_threads, threads_of


@dataclass
class Work:
    """All that a task needs, handed to each worker once."""

    X: Any
    target: Target
    learners: list[Learner]
    splits: list[Split]
    seed: int | None
    keep_fold_models: bool
    shortcuts: Mapping[int, Shortcut] = field(default_factory=dict)
    main_process: int = field(default_factory=os.getpid)


@dataclass
class Outcome:
    """What came of a task.

    Attributes
    ----------
    task : Task
    seconds : float
        Fit and prediction together.
    started : float
        :func:`time.time` at the start.
    worker : int
        Process id of the worker.
    block : ndarray of shape (n_held_out, n_columns), or None
        Out-of-fold predictions of the fold's held-out rows.
    model : estimator, or None
    present : ndarray, or None
        Class codes that a fold model knows, where it does not know all.
    answer : Answer, or None
        Of a shortcut; None if it declined.
    error : Exception, or None
    """

    task: Task
    seconds: float
    started: float
    worker: int
    block: np.ndarray | None = None
    model: Any = None
    present: np.ndarray | None = None
    answer: Answer | None = None
    error: Exception | None = None


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
    n_threads = min(effective_n_jobs(n_jobs), cpu_count(), len(learners))
    parallel = Parallel(n_jobs=n_threads, require="sharedmem", return_as="generator_unordered")
    tasks = (
        delayed(run_task)(shared, queue.take(learner))
        for learner in learners
        if deadline is None or perf_counter() < deadline
    )
    with limited_pools(threads_of(n_threads, len(learners))):
        for outcome in parallel(tasks):
            queue.done(outcome.task, outcome.seconds)
            yield outcome


def _run(
    tasks: Iterator[Task],
    queue: Queue,
    shared: Shared,
    n_jobs: int | None,
    deadline: float | None,
) -> Generator[Outcome, None, None]:
    """One joblib call."""
    parallel = _parallel(n_jobs)
    outcomes = iter(
        parallel(
            delayed(_pause)()
            if task is WAIT
            else delayed(run_task)(shared, task, threads_of(n_jobs, queue.n_open))
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
                    queue.done(outcome.task, outcome.seconds)
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


def _pause() -> None:
    time.sleep(0.02)


def _parallel(n_jobs: int | None) -> Parallel:
    options: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs+1"}
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options)
    except ValueError:  # a backend that returns everything at the end
        return Parallel(n_jobs=n_jobs, **options)


def run_task(shared: Shared, task: Task, threads: Threads | None = None) -> Outcome:
    """Fit one learner on one fold (or all rows) and predict the rows it held out."""
    started, clock = time.time(), perf_counter()
    outcome = Outcome(task, 0.0, started, os.getpid())
    with shared as work:
        try:
            if task.fold == ALL_FOLDS:
                outcome.answer = _take_shortcut(work, task)
            else:
                _fit_and_predict(work, task, outcome, threads)
        except Exception as error:
            outcome.error = error if os.getpid() == work.main_process else _portable(error)
            outcome.block = outcome.model = None
    outcome.seconds = perf_counter() - clock
    return outcome


def _take_shortcut(work: Work, task: Task) -> Answer | None:
    """Answer for all folds, or None: what raises here is for the plain fits to raise."""
    learner = work.learners[task.learner]
    X = take_columns(work.X, learner.columns)
    job = Job(learner, X, work.target, work.splits, work.seed)
    try:
        answer = work.shortcuts[task.learner].run(job)
        for block, (_, test) in zip(answer.blocks, work.splits, strict=True):
            _check_block(block, len(test), learner, work.target)
    except Exception:
        return None
    if not work.keep_fold_models:
        answer.fold_models = None
    return answer


def _portable(error: Exception) -> Exception:
    """Make an error fit to travel: its traceback as a note, a stand-in if it cannot."""
    trace = "".join(traceback.format_exception(error))
    try:
        error = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"Traceback in the worker process:\n{trace}")
    return error


def _fit_and_predict(work: Work, task: Task, outcome: Outcome, threads: Threads | None) -> None:
    learner = work.learners[task.learner]
    train, test = (None, None) if task.fold == REFIT else work.splits[task.fold]
    X = take_columns(work.X, learner.columns)
    labels = fold_labels(work.target, train, renumber=learner.renumber)
    if labels.present is not None and len(labels.present) == 1:
        model: Any = OneClass()
    else:
        model = clone_seeded(learner, work.seed, task.fold)
        renumber_class_weights(model, labels.present)
        params = rows_of_params(learner.fit_params, train, len(work.target.y))
        # A copy also of all rows: a learner that works in place must not change the others' X.
        rows = np.arange(len(work.target.y)) if train is None else train
        with set_threads(model, threads, fitting=True):
            model.fit(safe_indexing(X, rows), labels.y, **params)
    if test is not None:
        with set_threads(model, threads, fitting=False):
            outcome.block = respond(
                model, safe_indexing(X, test), learner.method, work.target, labels.present
            )
        _check_block(outcome.block, len(test), learner, work.target)
    if train is None or work.keep_fold_models:
        outcome.model, outcome.present = model, labels.present


def _check_block(block: np.ndarray, n_rows: int, learner: Learner, target: Target) -> None:
    fixed = learner.method == "predict" or target.kind == "multilabel"
    width = target.n_outputs if fixed else block.shape[-1]
    if block.shape != (n_rows, width):
        raise ValueError(
            f"{learner.method} gave an array of shape {block.shape} for {n_rows} rows and "
            f"{width} columns."
        )
    if not learner.given and block.dtype.kind == "f" and np.isnan(block).any():
        n_bad = int(np.isnan(block).any(axis=1).sum())
        raise ValueError(f"{learner.method} gave NaN for {n_bad} of {n_rows} held-out rows.")
