"""The exact minimum of a quadratic over the simplex."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

# A proximal step gains digits; more than these gain none.
MAX_PROXIMAL_STEPS = 20
PROXIMAL_RIDGE = 1e-13
# Where a face is flat and the linear term falls, the face's minimum is so far away that rounding
# hides it: if a gap is left, wider ridges bring it near.
_WIDER, _WIDEST, LEFT = 1e3, 1e-3, 1e-12
ROUNDING = 16 * np.finfo(np.float64).eps
# Copies that slopes this small let in, in turn, for no gain would take turns without end.
_TINY_SLOPE = 1e-12
_IDLE_STEPS = 20


def minimise_quadratic(
    hessian: np.ndarray, linear: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float]:
    """Minimise ``w @ hessian @ w / 2 + linear @ w`` over the simplex.

    A primal active-set method after Lawson and Hanson [1]_, with the sum as a constraint.
    Singular matrices (copies of a learner) are solved as a sequence of proximal problems, each
    with a slight ridge around the last solution.

    Parameters
    ----------
    hessian : ndarray of shape (m, m)
        Symmetric, positive semi-definite.
    linear : ndarray of shape (m,)
        Linear term.
    start : ndarray of shape (m,)
        A point of the simplex.

    Returns
    -------
    weights : ndarray of shape (m,)
        The minimiser, with exact zeros.
    gap : float
        Duality gap: an upper bound on how far above the minimum it is.

    References
    ----------
    .. [1] C. L. Lawson and R. J. Hanson, "Solving least squares problems", Prentice-Hall, 1974.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.simplex import minimise_quadratic
    >>> weights, gap = minimise_quadratic(np.diag([1.0, 3.0, 9.0]), np.zeros(3), np.ones(3) / 3)
    >>> weights.round(4)
    array([0.6923, 0.2308, 0.0769])
    >>> weights, gap = minimise_quadratic(np.eye(2), np.array([0.0, 5.0]), np.ones(2) / 2)
    >>> weights
    array([1., 0.])
    """
    weights, gap = start, _quadratic_gap(hessian, linear, start)
    left = LEFT * (np.abs(linear).max() + np.abs(hessian.diagonal()).max())
    ridge = PROXIMAL_RIDGE
    while True:
        for _ in range(MAX_PROXIMAL_STEPS):
            closer = _proximal_step(hessian, linear, weights, ridge)
            closer_gap = _quadratic_gap(hessian, linear, closer)
            if closer_gap >= gap:
                break
            weights, gap = closer, closer_gap
        ridge *= _WIDER
        if gap <= left or ridge > _WIDEST:
            return weights, max(gap, 0.0)


def _quadratic_gap(hessian: np.ndarray, linear: np.ndarray, weights: np.ndarray) -> float:
    gradient = hessian @ weights + linear
    return float(weights @ gradient - gradient.min())


def _proximal_step(
    hessian: np.ndarray, linear: np.ndarray, start: np.ndarray, least_ridge: float
) -> np.ndarray:
    """Minimise over the simplex, nearly: faces are solved with a tiny ridge."""
    diagonal = hessian.diagonal()
    least = diagonal[diagonal > 0].min(initial=np.inf)
    ridge = least_ridge * np.maximum(diagonal, least if np.isfinite(least) else 1.0)
    while True:
        try:
            return _active_set(hessian, ridge, linear, start)
        except LinAlgError:
            ridge *= 100


def _active_set(
    hessian: np.ndarray, ridge: np.ndarray, linear: np.ndarray, start: np.ndarray
) -> np.ndarray:
    weights, free = start.copy(), start > 0
    size = np.abs(hessian)
    # Learners that came in and left at once, attractive by rounding alone.
    barred = np.zeros(len(weights), dtype=bool)
    steepest, idle = -np.inf, 0
    _descend_on_face(hessian, ridge, linear, weights, free)
    for _ in range(10 * len(weights) + 100):
        gradient = hessian @ weights + linear
        slope = gradient - gradient @ weights
        # Copies of a learner that is in differ by rounding: they are to stay out.
        slope += ROUNDING * (size @ weights + np.abs(linear))
        slope[free | barred] = 0.0
        entering = int(slope.argmin())
        idle = 0 if slope[entering] > steepest else idle + 1
        steepest = max(steepest, slope[entering])
        if slope[entering] >= 0 or (steepest > -_TINY_SLOPE and idle > _IDLE_STEPS):
            break
        free[entering] = True
        before = weights.copy()
        _descend_on_face(hessian, ridge, linear, weights, free)
        if free[entering] or not np.array_equal(before, weights):
            barred[:] = False
        else:
            barred[entering] = True
    return weights


def _descend_on_face(
    hessian: np.ndarray,
    ridge: np.ndarray,
    linear: np.ndarray,
    weights: np.ndarray,
    free: np.ndarray,
) -> None:
    """Go to the minimum over the ``free`` weights, dropping those that reach zero (in place)."""
    while True:
        index = np.flatnonzero(free)
        here = weights[index]
        face = hessian[np.ix_(index, index)]
        face[np.diag_indices_from(face)] += ridge[index]
        slope = linear[index] - ridge[index] * here
        factor = cho_factor(face, check_finite=False)
        ones, rest = cho_solve(
            factor, np.column_stack([np.ones(len(index)), slope]), check_finite=False
        ).T
        if not ones.sum() > 0:
            return
        target = ones * ((1.0 + rest.sum()) / ones.sum()) - rest
        leaving = target <= 0
        there = np.maximum(target, 0.0)
        # So far off the simplex that rounding has eaten the 1: the weights stay as they are.
        if not 0 < there.sum() < np.inf:
            return
        there /= there.sum()
        if leaving.any() and _quadratic(face, slope, there) >= _quadratic(face, slope, here):
            # Dropping all at once gains nothing: go straight as far as the first of them.
            steps = np.full(len(index), np.inf)
            fall = np.maximum(here[leaving] - target[leaving], np.finfo(np.float64).tiny)
            steps[leaving] = here[leaving] / fall
            leaving = steps <= steps.min()
            there = np.where(leaving, 0.0, here + steps.min() * (target - here)).clip(0.0)
        weights[index] = there
        free[index[leaving]] = False
        if not leaving.any():
            return


def _quadratic(hessian: np.ndarray, linear: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ (0.5 * (hessian @ weights) + linear))
