"""Smooth convex learners: Newton steps from the fit on all rows to each fold's optimum."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from ...compat import safe_indexing, validate_params
from ..learner import clone_seeded
from ..plan import REFIT
from .job import WEIGHT, Answer, DeclinedError, Job, Shortcut
from .moments import FARTHEST_MEAN, Moments
from .newton_rows import Rows
from .newton_steps import Fold, minimize
from .parts import Parts, parts_of
from .scaled import set_scale
from .smooth_losses import Binomial, Multinomial, SmoothLoss, Squared, TweedieOfLog
from .table import all_finite, check_numeric, chunks

_GLMS = (PoissonRegressor, GammaRegressor, TweedieRegressor)
#: Largest entry of the gradient at which the solvers stop by default, and our share of it.
_DEFAULT_TOL, _SHARE = 1e-4, 1e-3
_MOST_COEFFICIENTS = 1500
_MOST_NUMBERS = 2**24


class Newton(Shortcut):
    """LogisticRegression and generalized linear models, also behind a StandardScaler.

    The fit on all rows is a plain one. Each fold's optimum is near it; the gradients of all
    folds come from one pass over the rows, and the Hessian is that of its training rows at
    the common start, made anew where that converges slowly. Folds end nearer to their
    optimum than the learner's solver does.
    """

    path = "Newton"
    exact = False
    gives_models = True

    def accepts(self, estimator: Any) -> bool:
        """Whether the learner has one optimum, and its loss is smooth."""
        if type(estimator) is not Pipeline:
            return _is_smooth(estimator)
        if len(estimator.steps) != 2 or estimator.memory is not None:
            return False
        (_, scaler), (_, final) = estimator.steps
        follows = type(scaler) is StandardScaler and _is_smooth(final)
        # Without an intercept the fold's mean is part of the predictor.
        return follows and (final.fit_intercept or not scaler.with_mean)

    def run(self, job: Job) -> Answer:
        """Fit on all rows, then go on from there in every fold."""
        _check(job)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", ConvergenceWarning)
            groups = parts_of(job.splits, len(job.target.y))
            columns = [_columns_of(job, parts) for parts in groups]
            model = _fitted(job)
            found: dict[int, Any] = {}
            for parts, moments in zip(groups, columns, strict=True):
                found |= _fit_folds(job, model, parts, moments)
        models = [found[k] for k in range(len(job.splits))]
        blocks = [
            job.respond(fold_model, safe_indexing(job.X, test))
            for fold_model, (_, test) in zip(models, job.splits, strict=True)
        ]
        return Answer(blocks, model, models)


def _is_smooth(estimator: Any) -> bool:
    if type(estimator) is LogisticRegression:
        plain = not estimator.dual and getattr(estimator, "multi_class", None) in (
            None,
            "deprecated",
        )
        return plain and not estimator.warm_start and _has_squared_penalty(estimator)
    if type(estimator) not in _GLMS or estimator.warm_start:
        return False
    return type(estimator) is not TweedieRegressor or _tweedie(estimator) is not None


def _has_squared_penalty(estimator: Any) -> bool:
    if estimator.penalty == "deprecated":  # scikit-learn >= 1.8
        return not estimator.l1_ratio
    return estimator.penalty in ("l2", None)


def _tweedie(estimator: Any) -> SmoothLoss | None:
    """Find the loss of a TweedieRegressor; None where it is not convex."""
    power, link = estimator.power, estimator.link
    if power == 0 and link in ("auto", "identity"):
        return Squared()
    if 1 <= power <= 2 and link in ("auto", "log"):
        return TweedieOfLog(power)
    return None


def _loss(final: Any, target: Any) -> SmoothLoss:
    if type(final) is LogisticRegression:
        return Binomial() if target.n_classes == 2 else Multinomial(target.n_classes)
    if type(final) is TweedieRegressor:
        found = _tweedie(final)
        assert found is not None
        return found
    return TweedieOfLog(1.0 if type(final) is PoissonRegressor else 2.0)


def _steps(estimator: Any) -> tuple[Any, Any]:
    """Scaler (or None) and learner."""
    if type(estimator) is Pipeline:
        return tuple(step for _, step in estimator.steps)
    return None, estimator


def _check(job: Job) -> None:
    """Decline, before anything is fitted, what the steps do not cover."""
    scaler, final = _steps(job.learner.estimator)
    prefix = f"{job.learner.estimator.steps[1][0]}__" if scaler is not None else ""
    if set(job.learner.fit_params) - {prefix + WEIGHT}:
        raise DeclinedError("fit parameters for other steps")
    for part in (scaler, final):
        if part is not None:
            validate_params(part)
    check_numeric(job.X)
    target = job.target
    if target.kind != ("classes" if is_classifier(final) else "numbers") or target.n_outputs > 1:
        raise DeclinedError("another kind of target")
    width = _loss(final, target).width
    n_coefficients = (job.X.shape[1] + 1) * width
    if n_coefficients > _MOST_COEFFICIENTS or (width > 1 and final.solver == "liblinear"):
        raise DeclinedError("many coefficients, or one against the rest")
    if is_classifier(final):
        weights = np.ones(len(target.y)) if job.weights is None else job.weights
        for train, _ in job.splits:
            if np.bincount(target.y[train], weights[train], target.n_classes).min() == 0:
                raise DeclinedError("a fold lacks a class")
    for parts in parts_of(job.splits, len(target.y)):
        if len(parts.rows) * max(n_coefficients**2, len(parts.splits)) > _MOST_NUMBERS:
            raise DeclinedError("too many parts")


def _columns_of(job: Job, parts: Parts) -> Moments:
    """Moments of the columns in each part, unweighted."""
    found = [
        Moments.stack(
            [Moments.of(block, None, full=False) for block, _ in chunks(job.X, rows)]
        ).merged()
        for rows in parts.rows
    ]
    moments = Moments.stack(found)
    if not all_finite(moments.scatter):
        raise DeclinedError("NaN or infinity")
    return moments


def _fitted(job: Job) -> Any:
    """Fit plainly on all rows."""
    rows = np.arange(len(job.target.y))
    model = clone_seeded(job.learner, job.seed, REFIT)
    model.fit(safe_indexing(job.X, rows), job.target.y, **job.learner.fit_params)
    final = _steps(model)[1]
    if np.max(final.n_iter_) >= final.max_iter:
        raise DeclinedError("the fit on all rows did not converge")
    return model


def _fit_folds(job: Job, model: Any, parts: Parts, moments: Moments) -> dict[int, Any]:
    """Give a model of each split of the parts."""
    rows = _rows(job, parts, moments)
    models = [deepcopy(model) for _ in parts.splits]
    folds = [
        _fold(one, rows, moments.merged(times), total)
        for one, times, total in zip(models, parts.times, rows.totals, strict=True)
    ]
    scaler, final = _steps(model)
    ratio, shift = _geometry(scaler, rows)
    slopes = final.coef_.reshape(rows.loss.width, -1)
    intercept = np.atleast_1d(final.intercept_) if rows.intercept else None
    start = Fold(ratio, shift, 0.0, 0.0).shared(slopes, intercept)
    tol = _SHARE * min(final.tol, _DEFAULT_TOL)
    found, n_steps = minimize(rows, folds, start, tol)
    for one, fold, coef, n in zip(models, folds, found, n_steps, strict=True):
        _set_coefficients(_steps(one)[1], *fold.own(coef, intercept=rows.intercept), n)
    return dict(zip(parts.splits, models, strict=True))


def _rows(job: Job, parts: Parts, moments: Moments) -> Rows:
    final = _steps(job.learner.estimator)[1]
    columns = moments.merged()
    spread = np.sqrt(columns.scatter / columns.weight)
    if (np.abs(columns.mean) > FARTHEST_MEAN * spread)[spread > 0].any():
        raise DeclinedError("a column hardly varies for its size")
    centre = columns.mean if final.fit_intercept else np.zeros_like(spread)
    scale = np.where(spread > 0, spread, 1.0)
    y, loss = job.target.y, _loss(final, job.target)
    class_weights = _class_weights(final, job, parts)
    if not is_classifier(final):
        y = y.astype(np.float64)
    intercept = final.fit_intercept
    return Rows(job.X, y, loss, parts, job.weights, class_weights, centre, scale, intercept)


def _class_weights(final: Any, job: Job, parts: Parts) -> np.ndarray | None:
    """Weigh the classes in each fold: (n_splits, n_classes)."""
    if getattr(final, "class_weight", None) is None:
        return None
    weights = job.weights
    if weights is None:
        weights = np.ones(len(job.target.y))
    classes = np.arange(job.target.n_classes)
    return np.stack(
        [
            compute_class_weight(
                final.class_weight,
                classes=classes,
                y=job.target.y[job.splits[split][0]],
                sample_weight=weights[job.splits[split][0]],
            )
            for split in parts.splits
        ]
    )


def _fold(model: Any, rows: Rows, columns: Moments, total: float) -> Fold:
    """Fit the fold's scaler, and say how the learner behind it is penalized."""
    scaler, final = _steps(model)
    if scaler is not None:
        set_scale(scaler, columns)
    ratio, shift = _geometry(scaler, rows)
    if type(final) in _GLMS:
        return Fold(ratio, shift, final.alpha, 0.0)
    penalty = 0.0 if final.penalty is None else 1 / (final.C * total)
    # liblinear has the intercept as the slope of a constant column.
    liblinear = final.solver == "liblinear"
    return Fold(ratio, shift, penalty, penalty / final.intercept_scaling**2 * liblinear)


def _geometry(scaler: Any, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Ratio and shift of the learner's coordinates behind a fitted scaler (or none)."""
    mean = scaler.mean_ if scaler is not None and scaler.with_mean else 0.0
    scale = scaler.scale_ if scaler is not None and scaler.with_std else 1.0
    return scale / rows.scale, (mean - rows.centre) / rows.scale


def _set_coefficients(final: Any, slopes: np.ndarray, intercept: np.ndarray, n: int) -> None:
    if type(final) is LogisticRegression:
        final.coef_, final.intercept_ = slopes, intercept
        final.n_iter_ = np.array([n], dtype=np.int32)
        return
    final.coef_ = slopes[0]
    final.intercept_ = intercept[0] if final.fit_intercept else 0.0
    final.n_iter_ = int(n)
