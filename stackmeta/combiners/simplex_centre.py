"""The middle of a log-concave density on the simplex, and directions to leave it by."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

_MAX_STEPS = 100
_TARGET_DECREMENT = 1e-10
_LEAST_STEP = 1e-10
_ROUNDING = 1e-12


def central_weights(hessian: np.ndarray, concentration: float, start: np.ndarray) -> np.ndarray:
    """Minimise ``w @ hessian @ w / 2 - concentration * sum(log(w))`` over the simplex.

    This is the mode of a posterior's density in log weights. Other than the mode in weights
    it is where the mass is: a weight that the data press to zero has its mean there.

    Parameters
    ----------
    hessian : ndarray of shape (m, m)
        Symmetric, positive semi-definite.
    concentration : float
        Of the Dirichlet prior.
    start : ndarray of shape (m,)
        Positive, with sum one.

    Returns
    -------
    weights : ndarray of shape (m,)
        Positive, with sum one.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.simplex_centre import central_weights
    >>> central_weights(np.zeros((2, 2)), 1.0, np.array([0.9, 0.1])).round(6)
    array([0.5, 0.5])
    >>> central_weights(np.diag([0.0, 1000.0]), 1.0, np.ones(2) / 2).round(2)
    array([0.97, 0.03])
    """
    weights = start
    value = _barrier(hessian, concentration, weights)
    for _ in range(_MAX_STEPS):
        # Newton's step in relative changes, so that tiny weights do no harm to the digits.
        scaled = weights[:, None] * hessian * weights
        scaled[np.diag_indices_from(scaled)] += concentration
        factor = cho_factor(scaled, check_finite=False)
        slope = weights * (hessian @ weights) - concentration
        towards, along = cho_solve(factor, np.column_stack([slope, weights])).T
        change = along * ((weights @ towards) / (weights @ along)) - towards
        fall = -(slope @ change)
        if fall < _TARGET_DECREMENT:
            break
        step = min(1.0, 0.9 / max(-change.min(), _ROUNDING))
        while step > _LEAST_STEP:
            moved = weights * (1.0 + step * change)
            moved /= moved.sum()
            lower = _barrier(hessian, concentration, moved)
            if lower <= value - 1e-4 * step * fall + _ROUNDING * abs(value):
                break
            step /= 2.0
        weights, value = moved, lower
    return weights


def _barrier(hessian: np.ndarray, concentration: float, weights: np.ndarray) -> float:
    return float(0.5 * weights @ hessian @ weights - concentration * np.log(weights).sum())


def conjugate_directions(
    hessian: np.ndarray, centre: np.ndarray, concentration: float
) -> np.ndarray:
    """Directions in the simplex along which a Gaussian's coordinates are independent.

    The Gaussian has the second derivatives of the log-posterior in log weights at ``centre``.
    In each direction a learner gains what those with more weight, which resemble it, lose.

    Parameters
    ----------
    hessian : ndarray of shape (m, m)
        Minus the log-likelihood's second derivatives.
    centre : ndarray of shape (m,)
        Positive.
    concentration : float
        Of the Dirichlet prior.

    Returns
    -------
    directions : ndarray of shape (m, m - 1)
        Columns with sum zero, each as long as a standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.simplex_centre import conjugate_directions
    >>> conjugate_directions(np.zeros((2, 2)), np.array([0.5, 0.5]), 2.0).round(3)
    array([[-0.25],
           [ 0.25]])
    """
    # Rounded, so that copies of a learner stay in place whatever their rounding errors.
    exponent = np.floor(np.log10(centre))
    order = np.argsort(-np.round(centre / 10**exponent, 4) * 10**exponent, kind="stable")
    first, rest = order[0], order[1:]
    # Relative changes of all but the first, which takes up the sum.
    scale = centre[rest]
    part = hessian[np.ix_(rest, rest)] - hessian[rest, first][:, None] - hessian[rest, first]
    part += hessian[first, first]
    precision = scale[:, None] * part * scale
    precision += concentration * np.outer(scale, scale) / centre[first] ** 2
    precision[np.diag_indices_from(precision)] += concentration
    upper = cholesky(precision, check_finite=False)
    directions = np.zeros((len(centre), len(rest)))
    directions[rest] = scale[:, None] * solve_triangular(upper, np.eye(len(rest)))
    directions[first] = -directions.sum(axis=0)
    return directions
