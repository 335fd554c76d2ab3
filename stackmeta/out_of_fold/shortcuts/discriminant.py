"""Linear and quadratic discriminant analysis from the scatter of each class."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)

from ...compat import discriminants_divide_by_n, set_discriminant_components
from ..target import Target
from .from_sums import FromSums
from .job import DeclinedError
from .moments import FARTHEST_MEAN, Moments, moments_of_classes
from .table import all_finite

# Of a correlation matrix; it squares the condition of X.
_WORST_CONDITION = 1e7
# Of a covariance matrix with the columns' own scales, where scikit-learn solves with it, times
# the squared distance of the means from 0, of which intercepts are a small difference.
_WORST_SCALE = 1e7
# Singular values that near the tolerance may fall on either side.
_DOUBT = 1.01


class Discriminant(FromSums):
    """What both have: moments of each class, priors, no weights."""

    follows_scaling = True
    classifies = True

    def n_numbers(self, n_columns: int, target: Target) -> int:
        """Count the numbers that the sums of one part hold."""
        return target.n_classes * n_columns**2

    def check(self, job: Any, estimator: Any) -> None:
        """Decline weights, which neither takes, and what sums do not cover.

        Raises
        ------
        DeclinedError
            As :meth:`FromSums.check`.
        """
        super().check(job, estimator)
        if job.learner.fit_params:
            raise DeclinedError("fit parameters")

    def sums(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, target: Target
    ) -> Moments:
        """Moments of each class."""
        return moments_of_classes(X, y, None, target.n_classes, full=True)

    def fit(self, model: Any, sums: Moments, first: Any, target: Target) -> None:
        """Check the moments, set means and priors, then what differs."""
        self.prepare(model, first, target)
        if not all_finite(sums.scatter) or sums.weight.min() < 2:
            raise DeclinedError("NaN, infinity, or a class of one row")
        spread = np.sqrt(np.diagonal(sums.scatter, axis1=1, axis2=2).sum(axis=0))
        spread /= np.sqrt(sums.weight.sum())
        if not (FARTHEST_MEAN * spread > np.abs(sums.mean)).all():
            raise DeclinedError("a column hardly varies for its size")
        model.means_ = sums.mean
        model.priors_ = _priors(model.priors, sums.weight)
        self.solve(model, sums)

    def solve(self, model: Any, sums: Moments) -> None:
        """Set what follows from means, priors and scatter."""
        raise NotImplementedError


def _priors(priors: Any, counts: np.ndarray) -> np.ndarray:
    if priors is None:
        return counts / counts.sum()
    priors = np.asarray(priors, dtype=np.float64)
    if priors.shape != counts.shape or (priors <= 0).any() or not np.isclose(priors.sum(), 1):
        raise DeclinedError("priors are none")
    return priors


def _triangular(scatter: np.ndarray) -> np.ndarray:
    """Square root of a scatter matrix, by way of correlations; decline ill-conditioned ones."""
    lengths = np.sqrt(np.diag(scatter))
    if not (lengths > 0).all():
        raise DeclinedError("a column is constant")
    correlation = scatter / lengths / lengths[:, np.newaxis]
    try:
        root = linalg.cholesky(correlation, lower=True)
    except linalg.LinAlgError as error:
        raise DeclinedError("collinear columns") from error
    rcond, _ = linalg.lapack.dpocon(root, np.abs(correlation).sum(axis=0).max(), uplo="L")
    if rcond * _WORST_CONDITION < 1:
        raise DeclinedError("nearly collinear columns")
    return root.T * lengths


def _covariances(sums: Moments, shrinkage: float | None) -> np.ndarray:
    """Biased covariance of each class, shrunk towards its mean variance."""
    covariances = sums.scatter / sums.weight[:, np.newaxis, np.newaxis]
    if shrinkage is None:
        return covariances
    return np.stack([_shrunk(covariance, shrinkage) for covariance in covariances])


def _shrunk(covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    p = len(covariance)
    return (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / p * np.eye(p)


class LinearDiscriminant(Discriminant):
    """LinearDiscriminantAnalysis with any solver, and fixed shrinkage or none."""

    def accepts(self, estimator: Any) -> bool:
        """Whether plain fits estimate nothing but moments."""
        if type(estimator) is not LinearDiscriminantAnalysis:
            return False
        if estimator.covariance_estimator is not None:
            return False
        if estimator.solver == "svd":
            return estimator.shrinkage is None
        return estimator.shrinkage is None or isinstance(estimator.shrinkage, Real)

    def solve(self, model: Any, sums: Moments) -> None:
        """Set coefficients as the model's solver does."""
        n_classes, p = sums.mean.shape
        most = min(n_classes - 1, p)
        if model.n_components is not None and model.n_components > most:
            raise DeclinedError("n_components is too large")
        n_components = most if model.n_components is None else model.n_components
        set_discriminant_components(model, n_components)
        solve = self._solve_svd if model.solver == "svd" else self._solve_covariance
        solve(model, sums, n_components)
        if n_classes == 2:
            model.coef_ = model.coef_[[1]] - model.coef_[[0]]
            model.intercept_ = model.intercept_[[1]] - model.intercept_[[0]]

    def _solve_svd(self, model: Any, sums: Moments, n_components: int) -> None:
        n_rows, n_classes = sums.weight.sum(), len(sums.mean)
        within = sums.scatter.sum(axis=0)
        if model.store_covariance:
            shares = model.priors_[:, np.newaxis, np.newaxis]
            model.covariance_ = (shares * _covariances(sums, None)).sum(axis=0)
        model.xbar_ = model.priors_ @ model.means_
        std = np.sqrt(np.diag(within) / n_rows)
        divisor = n_rows if discriminants_divide_by_n else n_rows - n_classes
        if divisor <= 0:
            raise DeclinedError("too few rows")
        _, values, rows = linalg.svd(_triangular(within) / std / np.sqrt(divisor))
        if values[-1] <= _DOUBT * model.tol:
            raise DeclinedError("nearly collinear columns")
        scalings = (rows / std).T / values
        away = model.means_ - model.xbar_
        shares = np.sqrt(n_rows * model.priors_ / (n_classes - 1))
        _, values, rows = linalg.svd((shares[:, np.newaxis] * away) @ scalings, False)
        cut = model.tol * values[0]
        if ((values > cut / _DOUBT) & (values < cut * _DOUBT)).any():
            raise DeclinedError("class means that are nearly on a line")
        model.explained_variance_ratio_ = (values**2 / (values**2).sum())[:n_components]
        model.scalings_ = scalings @ rows[values > cut].T
        coef = away @ model.scalings_
        model.coef_ = coef @ model.scalings_.T
        model.intercept_ = np.log(model.priors_) - 0.5 * (coef**2).sum(axis=1)
        model.intercept_ -= model.coef_ @ model.xbar_

    def _solve_covariance(self, model: Any, sums: Moments, n_components: int) -> None:
        shares = model.priors_[:, np.newaxis, np.newaxis]
        model.covariance_ = (shares * _covariances(sums, model.shrinkage)).sum(axis=0)
        _triangular(model.covariance_)
        if model.solver == "eigen":
            self._set_directions(model, sums, n_components)
        model.coef_ = linalg.solve(model.covariance_, model.means_.T, assume_a="pos").T
        squares = np.einsum("ij,ij->i", model.means_, model.coef_)
        sizes = linalg.eigvalsh(model.covariance_)
        if max(squares.max(), 1) * sizes[-1] > _WORST_SCALE * sizes[0]:
            raise DeclinedError("columns of very different scales, or far from 0")
        model.intercept_ = np.log(model.priors_) - 0.5 * squares

    def _set_directions(self, model: Any, sums: Moments, n_components: int) -> None:
        whole = sums.merged()
        total = whole.scatter / whole.weight
        if model.shrinkage is not None:
            total = _shrunk(total, model.shrinkage)
        values, vectors = linalg.eigh(total - model.covariance_, model.covariance_)
        order = np.argsort(values)[::-1]
        model.explained_variance_ratio_ = (values / values.sum())[order][:n_components]
        model.scalings_ = vectors[:, order]


class QuadraticDiscriminant(Discriminant):
    """QuadraticDiscriminantAnalysis by singular values, regularised or not."""

    def accepts(self, estimator: Any) -> bool:
        """Whether plain fits estimate nothing but moments, by singular values."""
        return (
            type(estimator) is QuadraticDiscriminantAnalysis
            and getattr(estimator, "solver", "svd") == "svd"
            and getattr(estimator, "shrinkage", None) is None
            and getattr(estimator, "covariance_estimator", None) is None
        )

    def solve(self, model: Any, sums: Moments) -> None:
        """Set rotations and scalings of each class."""
        model.scalings_, model.rotations_, covariances = [], [], []
        for weight, scatter in zip(sums.weight, sums.scatter, strict=True):
            _, values, rows = linalg.svd(_triangular(scatter))
            squares = values**2 / (weight if discriminants_divide_by_n else weight - 1)
            squares = (1 - model.reg_param) * squares + model.reg_param
            if squares[-1] <= _DOUBT * model.tol or values[-1] * FARTHEST_MEAN < values[0]:
                raise DeclinedError("nearly singular, or of very different scales")
            model.scalings_.append(squares)
            model.rotations_.append(rows.T)
            covariances.append(squares * rows.T @ rows)
        if model.store_covariance:
            model.covariance_ = covariances
