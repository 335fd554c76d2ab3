"""The joblib execution: one call for all fits; failures and the time limit are its business."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
import warnings
from collections.abc import Generator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
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
from .plan import REFIT, WAIT, Queue, Task
from .response import OneClass, respond
from .shared import Shared
from .target import Target, fold_labels


@dataclass
class Work:
    """All that a task needs, handed to each worker once."""

    X: Any
    target: Target
    learners: list[Learner]
    splits: list[Split]
    seed: int | None
    keep_fold_models: bool
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
    error : Exception, or None
    """

    task: Task
    seconds: float
    started: float
    worker: int
    block: np.ndarray | None = None
    model: Any = None
    present: np.ndarray | None = None
    error: Exception | None = None


def execute(
    queue: Queue, shared: Shared, *, n_jobs: int | None, deadline: float | None = None
) -> Generator[Outcome, None, None]:
    """Run the queue through one joblib call; yield outcomes as they come.

    joblib asks for the next task when a worker is free, so the queue decides late. When the
    deadline passes, process workers are ended and the iterator stops.
    """
    parallel = _parallel(n_jobs)
    outcomes = iter(
        parallel(
            delayed(_pause)() if task is WAIT else delayed(run_task)(shared, task)
            for task in iter(queue.next, None)
        )
    )
    try:
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


def _pause() -> None:
    time.sleep(0.02)


def _parallel(n_jobs: int | None) -> Parallel:
    options: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs+1"}
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options)
    except ValueError:  # a backend that returns everything at the end
        return Parallel(n_jobs=n_jobs, **options)


def run_task(shared: Shared, task: Task) -> Outcome:
    """Fit one learner on one fold (or all rows) and predict the rows it held out."""
    started, clock = time.time(), perf_counter()
    outcome = Outcome(task, 0.0, started, os.getpid())
    with shared as work:
        try:
            _fit_and_predict(work, task, outcome)
        except Exception as error:
            outcome.error = error if os.getpid() == work.main_process else _portable(error)
            outcome.block = outcome.model = None
    outcome.seconds = perf_counter() - clock
    return outcome


def _portable(error: Exception) -> Exception:
    """Make an error fit to travel: its traceback as a note, a stand-in if it cannot."""
    trace = "".join(traceback.format_exception(error))
    try:
        error = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"Traceback in the worker process:\n{trace}")
    return error


def _fit_and_predict(work: Work, task: Task, outcome: Outcome) -> None:
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
        model.fit(safe_indexing(X, rows), labels.y, **params)
    if test is not None:
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
