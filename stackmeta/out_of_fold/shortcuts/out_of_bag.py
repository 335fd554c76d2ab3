"""Bootstrapped forests and bagging: each row is predicted by the models that did not draw it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import validate_data

from ...compat import safe_indexing, validate_params
from ..learner import clone_seeded, rows_of_params
from ..plan import REFIT
from .job import Answer, DeclinedError, Job, Shortcut

FORESTS = (
    RandomForestClassifier,
    RandomForestRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
)
_BAGGING = (BaggingClassifier, BaggingRegressor)
# An average of fewer is much noisier than that of the whole ensemble, which new rows get.
_FEWEST_MODELS, _FEW_MODELS = 15, 100
# Models of all rows are better than those of the folds, so that the other learners of a stack
# look worse beside them. Measured: it matters where learning curves are steep.
MANY_ROWS, _NEARLY_ALL = 5000, 0.95
#: Plain fits of fewer rows take no time, and stacks of them are easily misled.
FEWEST_ROWS = 2000
_SMALLEST_BLOCK, _LARGEST_BLOCK = 256, 4096


class OutOfBag(Shortcut):
    """A row's prediction averages the models that did not draw it.

    Large tables: the models of one ensemble, fitted on all rows. Small ones: a few models
    from each fold's training rows, so that as many rows teach them as teach other learners;
    a fold's models also answer for those of its training rows that they did not draw.

    References
    ----------
    Breiman (1996), "Out-of-bag estimation".
    """

    path = "out-of-bag"
    exact = False
    wide = True
    gives_models = True
    needs_exchangeable = True

    def accepts(self, estimator: Any) -> bool:
        """Whether each model of the ensemble draws rows with replacement."""
        return type(estimator) in (*FORESTS, *_BAGGING) and estimator.bootstrap is True

    def run(self, job: Job) -> Answer:
        """Fit on all rows; average what is outside of the bags for each held-out row."""
        _check(job)
        rows = np.arange(len(job.target.y))
        trained = np.mean([len(train) for train, _ in job.splits]) / len(rows)
        if len(rows) < MANY_ROWS and trained < _NEARLY_ALL:
            values = _values_of_folds(job)
            model = fit_rows(clone_seeded(job.learner, job.seed, REFIT), job, rows)
        else:
            if _share_outside(job) * job.learner.estimator.n_estimators < _FEWEST_MODELS:
                raise DeclinedError("few models leave out the same row")
            model = fit_rows(clone_seeded(job.learner, job.seed, REFIT), job, rows)
            values = _averages(job, *_sums_outside(model, job.X))
        answers = _Labels(values) if is_classifier(model) else _Answers(values)
        return Answer([job.respond(answers, test) for _, test in job.splits], model)


def _check(job: Job) -> None:
    """Decline, before anything is fitted, what bags do not answer."""
    validate_params(job.learner.estimator)
    if job.target.kind == "multilabel" or job.learner.method == "decision_function":
        raise DeclinedError("several outputs, or decisions")
    check_worth(job)
    _ = job.weights  # declines what the bags may not follow


def check_worth(job: Job) -> None:
    """Decline small tables."""
    if len(job.target.y) < FEWEST_ROWS:
        raise DeclinedError("few rows")


def check_classes(job: Job) -> None:
    """Decline folds whose training rows lack a class: their models would answer less."""
    if job.target.kind == "classes" and is_classifier(job.learner.estimator):
        for train, _ in job.splits:
            if np.bincount(job.target.y[train], minlength=job.target.n_classes).min() == 0:
                raise DeclinedError("a fold lacks a class")


def fit_rows(model: Any, job: Job, rows: np.ndarray) -> Any:
    """Fit the learner on some rows, as a plain fit does."""
    params = rows_of_params(job.learner.fit_params, rows, len(job.target.y))
    return model.fit(safe_indexing(job.X, rows), job.target.y[rows], **params)


def _share_outside(job: Job) -> float:
    """Expect the share of models that have not drawn a row."""
    draws, n_rows = job.learner.estimator.max_samples, len(job.target.y)
    if draws is None:
        draws = n_rows
    elif not isinstance(draws, Integral):
        draws = max(round(draws * n_rows), 1)
    return (1 - 1 / n_rows) ** draws


def _values_of_folds(job: Job) -> np.ndarray:
    """Average over a few models of each fold, which predict what they have not drawn.

    Raises
    ------
    DeclinedError
        If that takes most of the models that a plain fit would.
    """
    check_classes(job)
    n_rows, outside = len(job.target.y), _share_outside(job)
    answering = sum(len(test) + outside * len(train) for train, test in job.splits) / n_rows
    n_models = ceil(_FEW_MODELS / answering)
    if 2 * n_models > job.learner.estimator.n_estimators:
        raise DeclinedError("each fold needs most of its models")
    total: Any = 0.0
    count = np.zeros(n_rows, dtype=np.intp)
    for fold, (train, test) in enumerate(job.splits):
        model = clone_seeded(job.learner, job.seed, fold)
        model.set_params(n_estimators=n_models, oob_score=False)
        rows = np.concatenate([train, test])
        found = _sums_outside(fit_rows(model, job, train), safe_indexing(job.X, rows))
        if fold == 0:
            total = np.zeros((n_rows, *found[0].shape[1:]))
        total[rows] += found[0]
        count[rows] += found[1]
    return _averages(job, total, count)


def _averages(job: Job, total: np.ndarray, count: np.ndarray) -> np.ndarray:
    if any((count[test] == 0).any() for _, test in job.splits):
        raise DeclinedError("all models have drawn the same row")
    return total / np.maximum(count, 1).reshape(-1, *[1] * (total.ndim - 1))


@dataclass(frozen=True)
class _Answers:
    """Answers as a fitted model would, for rows by their positions."""

    values: np.ndarray

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        return self.values[rows]

    def predict_log_proba(self, rows: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(self.values[rows])

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.values[rows]


class _Labels(_Answers):
    """Of a classifier: its label is the likeliest class."""

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.values[rows].argmax(axis=1)


def _sums_outside(model: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Add up the models that have not drawn a row.

    Parameters
    ----------
    model : fitted forest or bagging ensemble
    X : array-like of shape (n_rows, n_features)
        The rows it was fitted on, then others.

    Returns
    -------
    total : ndarray of shape (n_rows, n_classes), (n_rows,) or (n_rows, n_outputs)
        Models are added up in their order, so that threads change nothing.
    count : ndarray of shape (n_rows,)
        How many they are.
    """
    X = _as_the_models_read_it(model, X)
    n_rows = X.shape[0]
    outside = np.ones((n_rows, len(model.estimators_)), dtype=bool)
    for position, drawn in enumerate(model.estimators_samples_):
        outside[drawn, position] = False
    size = min(max(n_rows // 16, _SMALLEST_BLOCK), _LARGEST_BLOCK)
    blocks = Parallel(n_jobs=model.n_jobs, require="sharedmem")(
        delayed(_sum)(model, X[start : start + size], outside[start : start + size])
        for start in range(0, n_rows, size)
    )
    return np.concatenate(blocks), outside.sum(axis=1)


def _as_the_models_read_it(model: Any, X: Any) -> Any:
    """Convert the table once, not once a model."""
    dtype = np.float32 if type(model) in FORESTS else None
    return validate_data(
        model, X, reset=False, dtype=dtype, accept_sparse="csr", ensure_all_finite=False
    )


def _sum(model: Any, X: Any, outside: np.ndarray) -> np.ndarray:
    """Add up the models that each row of a block is outside of."""
    total = np.zeros((len(outside), *_answer(model, 0, X[:1]).shape[1:]))
    for position in range(outside.shape[1]):
        rows = np.flatnonzero(outside[:, position])
        if len(rows):
            total[rows] += _answer(model, position, X[rows])
    return total


def _answer(model: Any, position: int, X: Any) -> np.ndarray:
    """Predict with one model of the ensemble: probabilities of all classes, or numbers."""
    part = model.estimators_[position]
    if type(model) in FORESTS:
        predict = part.predict_proba if is_classifier(model) else part.predict
        return predict(X, check_input=False)
    X = X[:, model.estimators_features_[position]]
    if not is_classifier(model):
        return part.predict(X)
    answer = np.zeros((X.shape[0], len(model.classes_)))
    if hasattr(part, "predict_proba"):
        answer[:, part.classes_] = part.predict_proba(X)
    else:
        answer[np.arange(len(answer)), part.predict(X)] = 1
    return answer
