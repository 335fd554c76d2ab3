"""Dummy learners read y alone: all of their fits cost nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor

from ...compat import safe_indexing
from ..learner import clone_seeded
from ..plan import REFIT
from .job import Answer, DeclinedError, Job, Shortcut


class WithoutX(Shortcut):
    """DummyClassifier and DummyRegressor, fitted on each fold without copying its rows."""

    light = True
    gives_models = True

    def accepts(self, estimator: Any) -> bool:
        """Whether it is one of them."""
        return type(estimator) in (DummyClassifier, DummyRegressor)

    def run(self, job: Job) -> Answer:
        """Fit on y and predict every fold's held-out rows."""
        weights = job.weights
        if job.target.kind == "multilabel":
            raise DeclinedError("several outputs")
        blocks, models = [], []
        for fold, (train, test) in enumerate(job.splits):
            if job.target.kind == "classes" and type(job.learner.estimator) is DummyClassifier:
                _check_classes(job, train)
            models.append(_fitted(job, train, weights, fold))
            blocks.append(job.respond(models[-1], safe_indexing(job.X, test)))
        everything = np.arange(len(job.target.y))
        return Answer(blocks, _fitted(job, everything, weights, REFIT), models)


def _check_classes(job: Job, train: np.ndarray) -> None:
    counts = np.bincount(job.target.y[train], minlength=job.target.n_classes)
    if counts.min() == 0:
        raise DeclinedError("a fold lacks a class")


def _fitted(job: Job, rows: np.ndarray, weights: np.ndarray | None, fold: int) -> Any:
    model = clone_seeded(job.learner, job.seed, fold)
    stub = np.zeros((len(rows), 1))
    model.fit(stub, job.target.y[rows], None if weights is None else weights[rows])
    return model
