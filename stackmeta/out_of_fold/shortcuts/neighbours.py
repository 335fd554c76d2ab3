"""Nearest neighbours: one search structure for all folds, where rows or folds are many."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from ...compat import safe_indexing
from ..folds import covered_rows
from ..learner import clone_seeded
from ..plan import REFIT
from .job import Answer, DeclinedError, Job, Shortcut
from .nearest import Nearest
from .table import CHUNK, check_numeric

_METRICS = ("minkowski", "euclidean", "l2", "manhattan", "l1", "cityblock", "chebyshev")
# Measured: plain fits of fewer folds take as long, unless rows are held out repeatedly.
_MANY_FOLDS = 30
_REPEATS = 2


class NeighboursAmongAll(Shortcut):
    """KNeighborsClassifier and KNeighborsRegressor: pass over neighbours the fold left out.

    A fold in which some row's last neighbour is tied with the next is fitted plainly.
    """

    def accepts(self, estimator: Any) -> bool:
        """Whether distances depend on no other row, and weights on distances alone."""
        return (
            type(estimator) in (KNeighborsClassifier, KNeighborsRegressor)
            and isinstance(estimator.metric, str)
            and estimator.metric in _METRICS
            and estimator.metric_params is None
            and not callable(estimator.weights)
        )

    def run(self, job: Job) -> Answer:
        """Predict every fold's held-out rows; fit on all rows, too."""
        n_rows = len(job.target.y)
        asked = covered_rows(job.splits, n_rows)
        n_asked = sum(len(test) for _, test in job.splits)
        if len(job.splits) < _MANY_FOLDS and n_asked < _REPEATS * len(asked):
            raise DeclinedError("plain fits are as fast")
        check_numeric(job.X)
        try:
            model = _fitted(job, np.arange(n_rows), REFIT)
        except (TypeError, ValueError) as error:
            raise DeclinedError(str(error)) from error
        fewest = min(len(train) for train, _ in job.splits)
        _check_folds(job, fewest)
        nearest = Nearest(model, job.X, asked, fewest / n_rows)
        return Answer(_predict(job, nearest), model)


def _check_folds(job: Job, fewest: int) -> None:
    target, estimator = job.target, job.learner.estimator
    if job.learner.fit_params:
        raise DeclinedError("fit parameters")
    # "auto" chooses another algorithm where the rows are fewer than twice the neighbours.
    if estimator.n_neighbors >= fewest // 2:
        raise DeclinedError("a fold trains on few rows")
    if target.kind == "multilabel":
        raise DeclinedError("several outputs")
    if target.kind == "classes":
        if job.learner.method == "predict" and estimator.weights == "distance":
            raise DeclinedError("which of two equal votes wins is a matter of rounding")
        for train, _ in job.splits:
            if np.bincount(target.y[train], minlength=target.n_classes).min() == 0:
                raise DeclinedError("a fold lacks a class")


def _fitted(job: Job, rows: np.ndarray, fold: int) -> Any:
    model = clone_seeded(job.learner, job.seed, fold)
    return model.fit(safe_indexing(job.X, rows), job.target.y[rows])


def _predict(job: Job, nearest: Nearest) -> list[np.ndarray]:
    """Predict fold by fold, as many at once as make a chunk of rows."""
    voters, unsure = _voters(job), []
    blocks: dict[int, np.ndarray] = {}
    waiting: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    n_waiting = 0
    for fold, split in enumerate(job.splits):
        found = nearest.among(*split)
        if found is None:
            unsure.append(fold)
            if 2 * len(unsure) > len(job.splits):
                raise DeclinedError("most folds have ties")
        else:
            waiting[fold] = found
            n_waiting += len(split[1])
        if n_waiting >= CHUNK:
            blocks |= _vote(job, voters, waiting)
            waiting, n_waiting = {}, 0
    blocks |= _vote(job, voters, waiting)
    for fold in unsure:
        train, test = job.splits[fold]
        blocks[fold] = job.respond(_fitted(job, train, fold), safe_indexing(job.X, test))
    return [blocks[fold] for fold in range(len(job.splits))]


def _voters(job: Job) -> Any:
    """Fit a learner that takes neighbours and distances as they are given to it."""
    estimator, n_rows = job.learner.estimator, len(job.target.y)
    voters = type(estimator)(
        n_neighbors=estimator.n_neighbors, weights=estimator.weights, metric="precomputed"
    )
    return voters.fit(sparse.eye(n_rows, format="csr"), job.target.y)


def _vote(job: Job, voters: Any, found: dict[int, tuple]) -> dict[int, np.ndarray]:
    """Predict from distances and neighbours of each fold."""
    if not found:
        return {}
    distances, neighbours = (np.concatenate(parts) for parts in zip(*found.values(), strict=True))
    n_rows, k = distances.shape
    graph = sparse.csr_matrix(
        (distances.ravel(), neighbours.ravel(), np.arange(0, n_rows * k + 1, k)),
        shape=(n_rows, len(job.target.y)),
    )
    ends = np.cumsum([len(item[0]) for item in found.values()])[:-1]
    return dict(zip(found, np.split(job.respond(voters, graph), ends), strict=True))
