"""Kernel ridge and Gaussian processes: one Cholesky factor for all folds."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils.validation import validate_data

from ...compat import safe_indexing, validate_params
from ..learner import clone_seeded
from ..plan import REFIT
from .job import Answer, DeclinedError, Job, Shortcut
from .kernel_linear import LinearKernel
from .left_out import LeftOut, check_worth
from .table import check_numeric


class KernelRidgeLeftOut(Shortcut):
    """KernelRidge: blocks of the inverse of ``K + alpha I``."""

    def accepts(self, estimator: Any) -> bool:
        """Whether the kernel reads rows of a table."""
        return type(estimator) is KernelRidge and estimator.kernel != "precomputed"

    def run(self, job: Job) -> Answer:
        """Predict every fold's held-out rows; fit on all rows, too."""
        if job.learner.estimator.kernel == "linear":
            try:
                return LinearKernel().run(job)
            except DeclinedError:
                pass
        check_numeric(job.X)
        check_worth(job.splits, len(job.target.y))
        root = _root_weights(job)
        y = job.target.y.reshape(len(root), -1).astype(np.float64)
        model, kernel = _kernel_of(job)
        if job.weights is not None:
            kernel *= root
            kernel *= root[:, np.newaxis]
        dual = np.empty(y.shape)
        blocks = [np.empty((len(test), y.shape[1])) for _, test in job.splits]
        alphas = _alphas(model, y.shape[1])
        for alpha in np.unique(alphas):
            columns = np.flatnonzero(alphas == alpha)
            system = kernel.copy() if len(columns) < len(alphas) else kernel
            system[np.diag_indices_from(system)] += alpha
            left_out = _factored(system)
            left_out.check_condition(_rounding(model) * root.max() ** 2, root.max() / root.min())
            solution = left_out.solve(root[:, np.newaxis] * y[:, columns])
            dual[:, columns] = root[:, np.newaxis] * solution
            found = left_out.residuals(solution, job.splits)
            for block, (test, residual) in zip(blocks, found, strict=True):
                block[:, columns] = y[np.ix_(test, columns)] - residual / root[test, np.newaxis]
        model.dual_coef_ = dual.reshape(job.target.y.shape)
        return Answer(blocks, model)


class GaussianProcessLeftOut(Shortcut):
    """GaussianProcessRegressor with a fixed kernel: blocks of the inverse from its own factor."""

    def accepts(self, estimator: Any) -> bool:
        """Whether fits on other rows use the same kernel and noise."""
        if type(estimator) is not GaussianProcessRegressor:
            return False
        kernel = estimator.kernel
        fixed = estimator.optimizer is None or (kernel is not None and kernel.n_dims == 0)
        on_tables = kernel is None or kernel.requires_vector_input
        return fixed and on_tables and isinstance(estimator.alpha, Real)

    def run(self, job: Job) -> Answer:
        """Predict every fold's held-out rows; fit on all rows, too."""
        check_numeric(job.X)
        check_worth(job.splits, len(job.target.y), factorizations=2)
        if job.learner.fit_params:
            raise DeclinedError("fit parameters")
        try:
            rows = safe_indexing(job.X, np.arange(len(job.target.y)))
            model = clone_seeded(job.learner, job.seed, REFIT).fit(rows, job.target.y)
        except ValueError as error:
            raise DeclinedError(str(error)) from error
        left_out = LeftOut(model.L_)
        left_out.check_condition()
        y = job.target.y.reshape(len(job.target.y), -1).astype(np.float64)
        centre = y.mean(axis=0) if model.normalize_y else np.zeros(y.shape[1])
        y = y - centre
        constant = np.ones((len(y), 1))
        solution = left_out.solve(np.hstack([y, constant]))
        blocks = []
        residuals = left_out.residuals(solution, job.splits)
        for (train, _), (test, residual) in zip(job.splits, residuals, strict=True):
            block = y[test] - residual[:, :-1]
            if model.normalize_y:
                # The fold's own mean is taken off; it returns but for what shrinks to zero.
                block += y[train].mean(axis=0) * residual[:, -1:]
            blocks.append(block)
        return Answer([block + centre for block in blocks], model)


def _kernel_of(job: Job) -> tuple[KernelRidge, np.ndarray]:
    """Evaluate the kernel on all rows, as the learner does; the model lacks ``dual_coef_``."""
    model = clone_seeded(job.learner, job.seed, REFIT)
    try:
        validate_params(model)
        rows = safe_indexing(job.X, np.arange(len(job.target.y)))
        X, _ = validate_data(model, rows, job.target.y, multi_output=True, y_numeric=True)
        if callable(model.kernel):
            params = model.kernel_params or {}
        else:
            params = {"gamma": model.gamma, "degree": model.degree, "coef0": model.coef0}
        kernel = pairwise_kernels(X, metric=model.kernel, filter_params=True, **params)
    except ValueError as error:
        raise DeclinedError(str(error)) from error
    model.X_fit_ = X
    # Symmetric, so that its transpose is itself, and in the order that LAPACK factors in place.
    return model, np.asarray(kernel, dtype=np.float64).T


def _alphas(model: KernelRidge, n_outputs: int) -> np.ndarray:
    try:
        alphas = np.atleast_1d(np.asarray(model.alpha, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise DeclinedError(str(error)) from error
    if alphas.size and (alphas == alphas[0]).all():
        return np.full(n_outputs, alphas[0])
    if alphas.shape != (n_outputs,):
        raise DeclinedError("alpha has another length than the targets")
    return alphas


def _root_weights(job: Job) -> np.ndarray:
    weights = job.weights
    if weights is None:
        return np.ones(len(job.target.y))
    if not (weights > 0).all():
        raise DeclinedError("a weight is zero")
    return np.sqrt(weights)


def _factored(system: np.ndarray) -> LeftOut:
    """Factor in place."""
    try:
        return LeftOut(linalg.cholesky(system, lower=True, overwrite_a=True))
    except ValueError as error:  # LinAlgError among them
        raise DeclinedError(str(error)) from error


def _rounding(model: KernelRidge) -> float:
    """Norm that the kernel's rounding is relative to, where products of rows pass through exp."""
    if model.kernel not in ("rbf", "sigmoid"):
        return 0.0
    X = model.X_fit_
    gamma = 1 / X.shape[1] if model.gamma is None else model.gamma
    return gamma * np.einsum("ij,ij->i", X, X, dtype=float).max() * np.sqrt(len(X))
