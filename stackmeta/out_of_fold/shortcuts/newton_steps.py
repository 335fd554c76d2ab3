"""Newton steps of all folds at once, from coefficients near their optima."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .job import DeclinedError
from .newton_rows import Rows

_MOST_STEPS = 20
# A step that leaves more of the squared gradient than that asks for a new Hessian.
_SLOW = 0.01
# Classes that a plane separates have no optimum: the gradient vanishes, the steps do not.
_LAST_STEP = 0.01


@dataclass(frozen=True)
class Fold:
    """Coordinates and penalty of the learner in one fold.

    Attributes
    ----------
    ratio : ndarray of shape (n_features,)
        The learner's own slopes, over those of the shared coordinates.
    shift : ndarray of shape (n_features,)
        What each shared slope adds to the learner's own intercept.
    penalty : float
        Of the learner's own squared slopes, halved.
    intercept_penalty : float
        Of its own squared intercept, halved.
    """

    ratio: np.ndarray
    shift: np.ndarray
    penalty: float
    intercept_penalty: float

    def penalty_hessian(self, rows: Rows) -> np.ndarray:
        """Second derivatives of the penalty: (n_columns, n_columns)."""
        found = np.zeros((rows.n_columns, rows.n_columns))
        slopes = np.arange(len(self.ratio))
        found[slopes, slopes] = self.penalty * self.ratio**2
        if rows.intercept:
            own = np.append(self.shift, 1.0)
            found += self.intercept_penalty * np.outer(own, own)
        return found

    def own(self, coef: np.ndarray, *, intercept: bool) -> tuple[np.ndarray, np.ndarray]:
        """Slopes (width, n_features) and intercepts (width,) as the learner has them."""
        slopes = coef[: len(self.ratio)]
        free = coef[-1] + self.shift @ slopes if intercept else np.zeros(coef.shape[1])
        return (slopes * self.ratio[:, np.newaxis]).T, free

    def shared(self, slopes: np.ndarray, intercept: np.ndarray | None) -> np.ndarray:
        """Coefficients in shared coordinates, the opposite of :meth:`own`."""
        found = slopes.T / self.ratio[:, np.newaxis]
        return found if intercept is None else np.vstack([found, intercept - self.shift @ found])

    def own_gradient(self, gradient: np.ndarray, *, intercept: bool) -> np.ndarray:
        """Gradient by the learner's own coefficients, (n_columns, width)."""
        if not intercept:
            return gradient / self.ratio[:, np.newaxis]
        slopes, free = gradient[:-1], gradient[-1]
        slopes = (slopes - self.shift[:, np.newaxis] * free) / self.ratio[:, np.newaxis]
        return np.vstack([slopes, free])


def minimize(
    rows: Rows, folds: list[Fold], start: np.ndarray, tol: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find each fold's optimum.

    Hessians are those at ``start`` until one turns out to be too far off.

    Parameters
    ----------
    rows : Rows
    folds : list of Fold
    start : ndarray of shape (n_columns, width)
        Where all folds start.
    tol : float
        Largest entry of a fold's gradient, by the learner's own coefficients, at which it ends.

    Returns
    -------
    coef : ndarray of shape (n_folds, n_columns, width)
    n_steps : ndarray of shape (n_folds,)

    Raises
    ------
    DeclinedError
        If a fold does not get there.
    """
    search = _Search(rows, folds, start)
    for _ in range(_MOST_STEPS):
        still = np.flatnonzero(search.largest() > tol)
        if len(still) == 0:
            search.check_settled()
            return search.coef, search.n_steps
        search.step(still)
    raise DeclinedError("Newton's steps do not converge")


class _Search:
    def __init__(self, rows: Rows, folds: list[Fold], start: np.ndarray) -> None:
        self._rows, self._folds = rows, folds
        self._penalties = [fold.penalty_hessian(rows) for fold in folds]
        self.coef = np.repeat(start[np.newaxis], len(folds), axis=0)
        self.n_steps = np.zeros(len(folds), dtype=np.int32)
        self._gradient = self._gradients(self.coef, np.arange(len(folds)))
        self._factors = [
            self._factor(hessian, k) for k, hessian in enumerate(rows.hessians(start))
        ]
        self._length = np.ones(len(folds))

    def largest(self) -> np.ndarray:
        """Largest entry of each fold's gradient."""
        intercept = self._rows.intercept
        pairs = zip(self._folds, self._gradient, strict=True)
        found = [np.abs(fold.own_gradient(g, intercept=intercept)).max() for fold, g in pairs]
        if not np.isfinite(found).all():
            raise DeclinedError("Newton's steps leave the numbers")
        return np.array(found)

    def check_settled(self) -> None:
        """Decline where another step would still go far."""
        for k, (coef, gradient) in enumerate(zip(self.coef, self._gradient, strict=True)):
            size = max(np.abs(coef).max(), 1.0)
            if not np.abs(self._solve(k, gradient)).max() <= _LAST_STEP * size:
                raise DeclinedError("there is no optimum")

    def step(self, still: np.ndarray) -> None:
        """Take a step in the folds that are not there yet, or shorten it where it is too long."""
        directions = [self._solve(k, self._gradient[k]) for k in still]
        lengths = self._length[still, np.newaxis, np.newaxis]
        candidates = self.coef[still] - lengths * np.stack(directions)
        gradients = self._gradients(candidates, still)
        for k, direction, candidate, gradient in zip(
            still, directions, candidates, gradients, strict=True
        ):
            before = np.vdot(self._gradient[k], direction)
            after = np.vdot(gradient, self._solve(k, gradient))
            better = after < before
            if better:
                self.coef[k], self._gradient[k] = candidate, gradient
            self._length[k] = 1.0 if better else self._length[k] / 2
            self.n_steps[k] += 1
            if not after < _SLOW * before:
                self._factors[k] = self._factor(self._rows.hessian(self.coef[k], k), k)

    def _gradients(self, coef: np.ndarray, which: np.ndarray) -> np.ndarray:
        found = self._rows.gradients(coef, which)
        for position, k in enumerate(which):
            found[position] += self._penalties[k] @ coef[position]
        return found

    def _solve(self, k: int, gradient: np.ndarray) -> np.ndarray:
        if not np.isfinite(gradient).all():
            return np.full_like(gradient, np.inf)
        return linalg.cho_solve(self._factors[k], gradient.T.ravel()).reshape(gradient.T.shape).T

    def _factor(self, hessian: np.ndarray, k: int) -> tuple[np.ndarray, bool]:
        width = self._rows.loss.width
        hessian = hessian + np.kron(np.eye(width), self._penalties[k])
        if width > 1:
            # What all classes have in common moves no probability: hold still there.
            level = np.trace(hessian) / len(hessian) / width
            hessian += np.kron(np.full((width, width), level), self._without_loss(k))
        try:
            return linalg.cho_factor(hessian, lower=True)
        except linalg.LinAlgError as error:
            raise DeclinedError("the Hessian is singular") from error

    def _without_loss(self, k: int) -> np.ndarray:
        """Mark the coefficients that no penalty holds."""
        return np.diag((np.diag(self._penalties[k]) == 0).astype(float))
