"""Least squares and ridge from the Gram matrix of each fold."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.utils.validation import validate_data

from ...compat import set_ridge_classes
from ..target import Target
from .from_sums import FromSums
from .job import DeclinedError
from .moments import FARTHEST_MEAN, ROUNDING, Moments
from .table import all_finite

# A Gram matrix squares the condition of X: beyond this, fewer than nine digits are left.
_WORST_CONDITION = 1e7
# Singular values that near the tolerance may fall on either side.
_DOUBT = 1.1


class LinearFromGram(FromSums):
    """LinearRegression, Ridge and RidgeClassifier, by the normal equations."""

    follows_scaling = True

    def accepts(self, estimator: Any) -> bool:
        """Whether plain fits would solve the same equations directly."""
        if type(estimator) is LinearRegression:
            return not estimator.positive
        if type(estimator) is Ridge:
            return not estimator.positive and estimator.solver in ("auto", "cholesky", "svd")
        return False

    def sums(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, target: Target
    ) -> Moments:
        """Moments of columns and targets together."""
        return Moments.of(np.column_stack([X, y]), weights, full=True)

    def fit(self, model: Any, sums: Moments, first: Any, target: Target) -> None:
        """Solve the normal equations."""
        self.prepare(model, first, target)
        coef, offset = self._solve(model, sums, model.n_features_in_)
        one_target = len(coef) == 1
        model.coef_ = coef[0] if one_target else coef
        if not model.fit_intercept:
            model.intercept_ = 0.0
        else:
            model.intercept_ = offset[0] if one_target and not self.classifies else offset

    def _solve(self, model: Any, sums: Moments, p: int) -> tuple[np.ndarray, np.ndarray]:
        if not all_finite(sums.scatter) or sums.weight <= p:
            raise DeclinedError("NaN, infinity, or fewer rows than columns")
        scatter, mean = sums.scatter, sums.mean
        if model.fit_intercept:
            spread, size = np.sqrt(np.diag(scatter)[:p] / sums.weight), np.abs(mean[:p])
            varies = spread > ROUNDING * size
            free = isinstance(model, LinearRegression) or np.min(model.alpha) == 0
            if ((varies | free) & (size > FARTHEST_MEAN * spread)).any():
                raise DeclinedError("a column hardly varies for its size")
        else:
            scatter = scatter + sums.weight * np.outer(mean, mean)
        gram, moment = scatter[:p, :p], scatter[:p, p:]
        if isinstance(model, LinearRegression):
            self._set_singular_values(model, gram)
            alphas = np.zeros(1)
        else:
            alphas = np.atleast_1d(np.asarray(model.alpha, dtype=float))
            model.n_iter_ = None
            model.solver_ = "cholesky" if model.solver == "auto" else model.solver
        if len(alphas) not in (1, moment.shape[1]):
            raise DeclinedError("alpha has another length than the targets")
        if len(set(alphas)) == 1:
            coef = _solve_scaled(gram + alphas[0] * np.eye(p), moment)
        else:
            coef = np.column_stack(
                [
                    _solve_scaled(gram + alpha * np.eye(p), moment[:, [j]])[:, 0]
                    for j, alpha in enumerate(alphas)
                ]
            )
        return coef.T, mean[p:] - mean[:p] @ coef

    def _set_singular_values(self, model: Any, gram: np.ndarray) -> None:
        singular = np.sqrt(np.maximum(linalg.eigvalsh(gram)[::-1], 0))
        # lstsq treats smaller ones as zero, and says nothing.
        cut = max(getattr(model, "tol", 0), np.finfo(float).eps)
        if singular[-1] <= _DOUBT * cut * singular[0]:
            raise DeclinedError("X is (nearly) rank-deficient")
        model.rank_, model.singular_ = len(gram), singular


class RidgeClassifierFromGram(LinearFromGram):
    """RidgeClassifier: ridge on indicators of -1 and 1."""

    classifies = True

    def accepts(self, estimator: Any) -> bool:
        """Whether plain fits would solve the same equations directly."""
        return (
            type(estimator) is RidgeClassifier
            and not estimator.positive
            and estimator.class_weight is None
            and estimator.solver in ("auto", "cholesky", "svd")
        )

    def sums(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, target: Target
    ) -> Moments:
        """Moments of columns and indicators together."""
        codes = np.arange(target.n_classes) if target.n_classes > 2 else np.array([1])
        signs = np.where(y[:, np.newaxis] == codes, 1.0, -1.0)
        return super().sums(X, signs, weights, target)

    def prepare(self, model: Any, first: Any, target: Target) -> None:
        """Set what the model knows of its columns and classes."""
        validate_data(model, first, skip_check_array=True)
        set_ridge_classes(model, target.n_classes)


def _solve_scaled(gram: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Solve with columns scaled to one length; decline where digits are lost."""
    lengths = np.sqrt(np.diag(gram))
    if not (lengths > 0).all():
        raise DeclinedError("a column is zero")
    scaled = gram / lengths / lengths[:, np.newaxis]
    try:
        factor = linalg.cho_factor(scaled, lower=True)
    except linalg.LinAlgError as error:
        raise DeclinedError("X is rank-deficient") from error
    norm = np.abs(scaled).sum(axis=0).max()
    rcond, _ = linalg.lapack.dpocon(factor[0], norm, uplo="L")
    if rcond * _WORST_CONDITION < 1:
        raise DeclinedError("X is ill-conditioned")
    return linalg.cho_solve(factor, moment / lengths[:, np.newaxis]) / lengths[:, np.newaxis]
