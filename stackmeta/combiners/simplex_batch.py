"""The exact minima of many small quadratics over the simplex, found together."""

from __future__ import annotations

import numpy as np

from .simplex import LEFT, MAX_PROXIMAL_STEPS, PROXIMAL_RIDGE, ROUNDING, minimise_quadratic


def minimise_quadratics(
    hessians: np.ndarray, linears: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise ``w @ hessian @ w / 2 + linear @ w`` over the simplex for each of many quadratics.

    The active sets of all quadratics move at once, so that a step costs a few calls of NumPy
    however many there are. Those whose duality gap does not close this way, which are rare and
    nearly flat, go to :func:`~stackmeta.combiners.simplex.minimise_quadratic`, one by one.

    Parameters
    ----------
    hessians : ndarray of shape (n, m, m)
        Symmetric, positive semi-definite.
    linears : ndarray of shape (n, m)
        Linear terms.
    starts : ndarray of shape (n, m)
        Points of the simplex.

    Returns
    -------
    weights : ndarray of shape (n, m)
        The minimisers, with exact zeros.
    gaps : ndarray of shape (n,)
        Duality gaps: upper bounds on how far above the minima they are.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.simplex_batch import minimise_quadratics
    >>> hessians = np.array([np.diag([1.0, 3.0]), np.eye(2)])
    >>> linears = np.array([[0.0, 0.0], [0.0, 5.0]])
    >>> weights, gaps = minimise_quadratics(hessians, linears, np.full((2, 2), 0.5))
    >>> weights
    array([[0.75, 0.25],
           [1.  , 0.  ]])
    """
    weights, gaps = starts.copy(), _gaps(hessians, linears, starts)
    size = np.abs(linears).max(axis=1) + np.abs(_diagonals(hessians)).max(axis=1)
    ridges = _ridges(hessians)
    live = np.flatnonzero(gaps > ROUNDING * size)
    for _ in range(MAX_PROXIMAL_STEPS):
        if live.size == 0:
            break
        hessian, linear = hessians[live], linears[live]
        try:
            closer = _active_sets(hessian, ridges[live], linear, weights[live])
        except np.linalg.LinAlgError:
            break
        closer_gaps = _gaps(hessian, linear, closer)
        better = closer_gaps < gaps[live]
        live = live[better]
        weights[live], gaps[live] = closer[better], closer_gaps[better]
        live = live[gaps[live] > ROUNDING * size[live]]
    for i in np.flatnonzero(~(gaps <= LEFT * size)):
        weights[i], gaps[i] = minimise_quadratic(hessians[i], linears[i], starts[i])
    return weights, np.maximum(gaps, 0.0)


def _gaps(hessians: np.ndarray, linears: np.ndarray, weights: np.ndarray) -> np.ndarray:
    gradients = times(hessians, weights) + linears
    return np.einsum("ij,ij->i", weights, gradients) - gradients.min(axis=1)


def times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Multiply each matrix with its vector."""
    return (matrices @ vectors[:, :, None])[:, :, 0]


def _diagonals(matrices: np.ndarray) -> np.ndarray:
    return np.einsum("ijj->ij", matrices)


def _ridges(hessians: np.ndarray) -> np.ndarray:
    """Ridges that make faces of singular matrices solvable, relative to the diagonal."""
    diagonals = _diagonals(hessians)
    least = np.where(diagonals > 0, diagonals, np.inf).min(axis=1)
    least = np.where(np.isfinite(least), least, 1.0)
    return PROXIMAL_RIDGE * np.maximum(diagonals, least[:, None])


def _active_sets(
    hessians: np.ndarray, ridges: np.ndarray, linears: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Minimise over the simplex, nearly; a learner that comes in for nothing ends the search."""
    weights, free = starts.copy(), starts > 0
    sizes = np.abs(hessians)
    live = np.arange(len(weights))
    _descend_on_faces(hessians, ridges, linears, weights, free)
    for _ in range(10 * weights.shape[1] + 100):
        here = weights[live]
        slopes = times(hessians[live], here) + linears[live]
        slopes -= np.einsum("ij,ij->i", slopes, here)[:, None]
        # Copies of a learner that is in differ by rounding: they are to stay out.
        slopes += ROUNDING * (times(sizes[live], here) + np.abs(linears[live]))
        slopes[free[live]] = 0.0
        entering = slopes.argmin(axis=1)
        falls = slopes[np.arange(live.size), entering] < 0
        live, entering, here = live[falls], entering[falls], here[falls]
        if live.size == 0:
            break
        there, mine = here.copy(), free[live]
        mine[np.arange(live.size), entering] = True
        _descend_on_faces(hessians[live], ridges[live], linears[live], there, mine)
        weights[live], free[live] = there, mine
        live = live[mine[np.arange(live.size), entering] | (there != here).any(axis=1)]
    return weights


def _descend_on_faces(
    hessians: np.ndarray,
    ridges: np.ndarray,
    linears: np.ndarray,
    weights: np.ndarray,
    free: np.ndarray,
) -> None:
    """Go to the minima over the ``free`` weights, dropping those that reach zero (in place)."""
    live = np.arange(len(weights))
    while live.size:
        inside, here = free[live], weights[live]
        faces = _faces(hessians[live], ridges[live], inside)
        slopes = np.where(inside, linears[live] - ridges[live] * here, 0.0)
        targets = _face_minima(faces, slopes, inside)
        leaving = inside & (targets <= 0)
        there = np.maximum(targets, 0.0)
        total = there.sum(axis=1)
        # So far off the simplex that rounding has eaten the 1: those weights stay as they are.
        sound = (total > 0) & (total < np.inf)
        there /= np.where(sound, total, 1.0)[:, None]
        short = leaving.any(axis=1) & sound
        short &= _values(faces, slopes, there) >= _values(faces, slopes, here)
        # Dropping all at once gains nothing: go straight as far as the first of them.
        leaving[short], there[short] = _as_far_as_first(
            here[short], targets[short], leaving[short]
        )
        weights[live[sound]] = there[sound]
        free[live[sound]] &= ~leaving[sound]
        live = live[sound & leaving.any(axis=1)]


def _faces(hessians: np.ndarray, ridges: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Hessians of the faces with their ridges, and the identity elsewhere."""
    faces = hessians * (inside[:, :, None] & inside[:, None, :])
    faces[:, *np.diag_indices(faces.shape[1])] += np.where(inside, ridges, 1.0)
    return faces


def _face_minima(faces: np.ndarray, slopes: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Minima where only the sum is a constraint; NaN or zero where rounding hides them."""
    solved = np.linalg.solve(faces, np.stack([inside.astype(float), slopes], axis=2))
    ones, rest = solved[:, :, 0], solved[:, :, 1]
    total = ones.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        targets = ones * ((1.0 + rest.sum(axis=1)) / total)[:, None] - rest
    targets[~(total > 0)] = 0.0
    return targets


def _as_far_as_first(
    here: np.ndarray, targets: np.ndarray, leaving: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which weights reach zero first on the way to the targets, and the points where they do."""
    fall = np.maximum(here - targets, np.finfo(np.float64).tiny)
    steps = np.where(leaving, here / fall, np.inf)
    first = steps.min(axis=1)[:, None]
    leaving = leaving & (steps <= first)
    return leaving, np.where(leaving, 0.0, here + first * (targets - here)).clip(0.0)


def _values(hessians: np.ndarray, linears: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", weights, 0.5 * times(hessians, weights) + linears)
