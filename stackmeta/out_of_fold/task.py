"""What a worker does: fit one learner on one fold and predict it, or take a shortcut."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone

from ..compat import cloudpickle, safe_indexing
from .folds import Split
from .learner import (
    Learner,
    clone_seeded,
    renumber_class_weights,
    rows_of_params,
    take_columns,
)
from .memory import PeakMemory
from .plan import ALL_FOLDS, REFIT, Task
from .response import OneClass, respond
from .rounds import Staged, predict_stages
from .shared import Shared
from .shortcuts import Answer, Job, Shortcut
from .target import FoldLabels, Target, fold_labels
from .thinning import thin_out
from .threads import Threads, put_back_threads, set_threads


@dataclass
class Work:
    """All that a task needs, handed to each worker once."""

    X: Any
    target: Target
    learners: list[Learner]
    splits: list[Split]
    seed: int | None
    keep_fold_models: bool
    measure_memory: bool = False
    thin_forests: bool = False
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
    staged : Staged, or None
        In place of ``block``, of a learner that stops early.
    model : estimator, or None
    present : ndarray, or None
        Class codes that a fold model knows, where it does not know all.
    answer : Answer, or None
        Of a shortcut; None if it declined.
    error : Exception, or None
    peak_bytes : int
        By how much the worker's memory grew, if that was asked for.
    """

    task: Task
    seconds: float
    started: float
    worker: int
    block: np.ndarray | None = None
    staged: Staged | None = None
    model: Any = None
    present: np.ndarray | None = None
    answer: Answer | None = None
    error: Exception | None = None
    peak_bytes: int = 0


def run_task(shared: Shared, task: Task, threads: Threads | None = None) -> Outcome:
    """Fit one learner on one fold (or all rows) and predict the rows it held out."""
    started, clock = time.time(), perf_counter()
    outcome = Outcome(task, 0.0, started, os.getpid())
    with shared as work, _peak(work) as peak:
        try:
            if task.fold == ALL_FOLDS:
                outcome.answer = _take_shortcut(work, task, threads)
            else:
                _fit_and_predict(work, task, outcome, threads)
        except Exception as error:
            outcome.error = error if os.getpid() == work.main_process else _portable(error)
            outcome.block = outcome.staged = outcome.model = None
    outcome.seconds = perf_counter() - clock
    outcome.peak_bytes = 0 if peak is None else peak.bytes
    return outcome


def _peak(work: Work) -> AbstractContextManager[PeakMemory | None]:
    return PeakMemory() if work.measure_memory else nullcontext()


def _take_shortcut(work: Work, task: Task, threads: Threads | None) -> Answer | None:
    """Answer for all folds, or None: what raises here is for the plain fits to raise."""
    learner = work.learners[task.learner]
    try:
        estimator = clone(learner.estimator)
        X = take_columns(work.X, learner.columns)
        learner = replace(learner, estimator=estimator)
        job = Job(learner, X, work.target, work.splits, work.seed, work.keep_fold_models)
        with set_threads(estimator, threads, fitting=True):
            answer = work.shortcuts[task.learner].run(job)
        for block, (_, test) in zip(answer.blocks, work.splits, strict=True):
            _check_block(block, len(test), learner, work.target)
    except Exception:
        return None
    if not work.keep_fold_models:
        answer.fold_models = None
    models = [answer.model, *(answer.fold_models or [])]
    put_back_threads([model for model in models if model is not None], learner.estimator)
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
        model = _fitted(work, task, labels, threads)
    if test is not None:
        rows = safe_indexing(X, test)
        with set_threads(model, threads, fitting=False):
            if hasattr(model, "stages_"):
                outcome.staged = predict_stages(
                    model, rows, learner.method, work.target, labels.present
                )
                block = outcome.staged.blocks[-1]
            else:
                outcome.block = block = respond(
                    model, rows, learner.method, work.target, labels.present
                )
        _check_block(block, len(test), learner, work.target)
    if train is None or work.keep_fold_models:
        if train is not None and work.thin_forests:
            thin_out(model, len(work.splits))
        outcome.model, outcome.present = model, labels.present


def _fitted(work: Work, task: Task, labels: FoldLabels, threads: Threads | None) -> Any:
    """Fit a clone on the rows of a fold, or on all rows.

    All rows are given as they are, but locked: a learner that works in place must not change
    the others' X, and gets a copy.
    """
    learner = work.learners[task.learner]
    train, test = (None, None) if task.fold == REFIT else work.splits[task.fold]
    params = rows_of_params(learner.fit_params, train, len(work.target.y))
    X = take_columns(work.X, learner.columns)
    watched = _watched(X, work.target, test, labels) if learner.watches else None

    def fit(rows: Any) -> Any:
        model = clone_seeded(learner, work.seed, task.fold)
        renumber_class_weights(model, labels.present)
        if task.rounds is not None:
            model.set_params(rounds=task.rounds)
        with set_threads(model, threads, fitting=True):
            if watched is not None and len(work.splits) > 1:
                model.fit_watching(rows, labels.y, *watched, **params)
            else:
                model.fit(rows, labels.y, **params)
        return model

    if train is None and isinstance(X, np.ndarray):
        locked = X.view()
        locked.flags.writeable = False
        try:
            return fit(locked)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
    return fit(safe_indexing(X, np.arange(len(work.target.y)) if train is None else train))


def _watched(
    X: Any, target: Target, test: np.ndarray | None, labels: FoldLabels
) -> tuple[Any, np.ndarray] | None:
    """Rows that a learner may watch while it is trained, of the classes that it is trained on."""
    if test is None:
        return None
    y = safe_indexing(target.y, test)
    if labels.present is not None:
        known = np.isin(y, labels.present)
        test, y = test[known], np.searchsorted(labels.present, y[known])
    return (safe_indexing(X, test), y) if len(test) else None


def _check_block(block: np.ndarray, n_rows: int, learner: Learner, target: Target) -> None:
    fixed = learner.method == "predict" or target.kind == "multilabel"
    width = target.n_outputs if fixed else block.shape[-1]
    if block.shape != (n_rows, width):
        raise ValueError(
            f"{learner.method} gave an array of shape {block.shape} for {n_rows} rows and "
            f"{width} columns."
        )
    if block.dtype.kind not in "biuf":
        raise ValueError(
            f"{learner.method} gave {block.dtype} where numbers were expected, such as "
            f"{block.flat[0]!r}."
        )
    if learner.given or block.dtype.kind != "f":
        return
    # The logarithm of a probability of 0 is none.
    bad = ~np.isfinite(block) & (np.isnan(block) | (learner.method != "predict_log_proba"))
    if bad.any():
        value = "NaN" if np.isnan(block[bad][0]) else f"{block[bad][0]}"
        n_bad = int(bad.any(axis=1).sum())
        raise ValueError(f"{learner.method} gave {value} for {n_bad} of {n_rows} held-out rows.")
