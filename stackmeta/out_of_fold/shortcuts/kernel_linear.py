"""KernelRidge with a linear kernel is ridge regression: solve for columns, not for rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import validate_data

from ...compat import safe_indexing, validate_params
from ..learner import clone_seeded
from ..plan import REFIT
from .job import Answer, DeclinedError, Job, Shortcut
from .left_out import check_condition
from .linear import LinearFromGram
from .scaled import Scaled


class LinearKernel(Shortcut):
    """``KernelRidge(kernel="linear")``, also behind a StandardScaler, on many rows.

    Saunders, Gammerman and Vovk (1998), "Ridge Regression Learning Algorithm in Dual Variables".
    """

    light = True

    def __init__(self) -> None:
        self._plain = LinearFromGram()
        self._scaled = Scaled(self._plain)

    def accepts(self, estimator: Any) -> bool:
        """Whether it is, or ends in, a linear kernel ridge."""
        final = _final(estimator)
        if type(final) is not KernelRidge or final.kernel != "linear":
            return False
        return final is estimator or self._scaled.accepts(_as_ridge(estimator, 1.0))

    def run(self, job: Job) -> Answer:
        """Predict every fold's held-out rows; fit on all rows, too."""
        if 4 * job.X.shape[1] > min(len(train) for train, _ in job.splits):
            raise DeclinedError("few rows for the columns")
        model = clone_seeded(job.learner, job.seed, REFIT)
        final = _final(model)
        try:
            validate_params(final)
            alphas = np.asarray(final.alpha, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DeclinedError(str(error)) from error
        if alphas.ndim > 1 or not (alphas > 0).all():
            raise DeclinedError("alpha is not positive")
        ridge = replace(job.learner, estimator=_as_ridge(model, alphas))
        shortcut = self._plain if final is model else self._scaled
        answer = shortcut.run(replace(job, learner=ridge))
        self._set_dual(model, answer.model, job)
        return Answer(answer.blocks, model)

    def _set_dual(self, model: Any, primal: Any, job: Job) -> None:
        """Set what fitting the dual on all rows sets, if it could be solved to eight digits."""
        final, y = _final(model), job.target.y
        X = safe_indexing(job.X, np.arange(len(y)))
        if final is not model:
            model.steps[0] = primal.steps[0]
            X = model.steps[0][1].transform(X)
        try:
            X, _ = validate_data(final, X, y, multi_output=True, y_numeric=True)
        except ValueError as error:
            raise DeclinedError(str(error)) from error
        weights = np.ones(len(y)) if job.weights is None else job.weights
        alpha = np.asarray(final.alpha, dtype=np.float64)
        check_condition(1 + np.einsum("ij,ij,i->", X, X, weights) / alpha.min())
        final.X_fit_ = X
        final.dual_coef_ = _dual(X, y.reshape(len(y), -1), weights, alpha).reshape(y.shape)


def _dual(X: np.ndarray, y: np.ndarray, weights: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Weighted residuals of the ridge, over alpha; refined once, since alpha may be small."""
    ridge = Ridge(alpha=alpha, fit_intercept=False, solver="cholesky")
    weights = weights[:, np.newaxis]
    dual, rest = np.zeros(y.shape), y
    for _ in range(2):
        coef = np.atleast_2d(ridge.fit(X, rest, weights[:, 0]).coef_)
        dual += weights * (rest - X @ coef.T) / alpha
        fitted = X @ (X.T @ dual) + alpha * np.divide(
            dual, weights, out=np.zeros(y.shape), where=weights > 0
        )
        rest = np.where(weights > 0, y - fitted, 0.0)
    return dual


def _final(estimator: Any) -> Any:
    return estimator.steps[-1][1] if type(estimator) is Pipeline else estimator


def _as_ridge(estimator: Any, alpha: Any) -> Any:
    """Put a Ridge of the same predictions in the place of the KernelRidge."""
    ridge = Ridge(alpha=alpha, fit_intercept=False, solver="cholesky")
    if type(estimator) is not Pipeline:
        return ridge
    estimator = clone(estimator)
    estimator.steps[-1] = (estimator.steps[-1][0], ridge)
    return estimator
