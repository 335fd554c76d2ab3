"""Weights of tasks that are drawn towards the weights of all, as far as the tasks agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from .rows_by_task import RowsByTask
from .simplex import minimise_quadratic
from .simplex_batch import minimise_quadratics
from .task_evidence import Evidence

_MAX_ROUNDS = 20
_MAX_STEPS = 50
_LEAST_STEP = 1e-8
# Rows at the spread of all tasks that a task's own spread is averaged with.
_NOISE_ROWS = 10.0
_NO_ERROR = 1e-12
_TINY = np.finfo(np.float64).tiny


def spread_of_tasks(errors: RowsByTask, of_task: np.ndarray) -> tuple[np.ndarray, float]:
    """Variance of the combined error in each task, a little towards that of all, and that."""
    squares = errors.sums(errors.mixed(of_task) ** 2)
    counts = errors.sums(np.ones(len(errors.rows)))
    # Where errors are zero, but for rounding, any spread will do.
    sizes = float(errors.weight @ (errors.rows**2).mean(axis=1))
    common = max(float(squares.sum()), _NO_ERROR * sizes) / counts.sum() or 1.0
    variances = (squares + _NOISE_ROWS * common) / (counts + _NOISE_ROWS)
    return np.maximum(variances, 1e-12 * common), common


@dataclass
class Population:
    """Weights of all tasks, and how far single tasks are from them.

    Attributes
    ----------
    weights : ndarray of shape (n_learners,)
    precision : float
        Of the weights of a task around them, in units of log likelihood: the rows of the prior
        times the mean curvature of a row, so that a task of so many rows is half its own.
    """

    weights: np.ndarray
    precision: float


def fit_population(tasks: Evidence, start: np.ndarray, prior_rows: float) -> Population:
    """Find the weights of the population, around which those of tasks lie.

    The weights of a task are normal around the population's, with the same variance for each
    learner. The population's are those of greatest marginal likelihood (Laplace's approximation):
    a task counts by its rows while they are few, and by itself once they are many.

    Parameters
    ----------
    tasks : Evidence
    start : ndarray of shape (n_learners,)
        A point of the simplex.
    prior_rows : float
        Strength of the prior.

    Returns
    -------
    population : Population

    References
    ----------
    .. [1] B. Efron and C. Morris, "Stein's estimation rule and its competitors: an empirical
       Bayes approach", Journal of the American Statistical Association 68, 1973.
    .. [2] B. P. Carlin and T. A. Louis, "Bayes and empirical Bayes methods for data analysis",
       Chapman & Hall, 2000.
    """
    m = len(start)
    if m == 1:
        return Population(np.ones(1), 0.0)
    basis = null_space(np.ones((1, m)))
    n_rows = tasks.n_rows.sum()
    w = start
    for _ in range(_MAX_ROUNDS):
        hessian, linear = tasks.expand(np.tile(w, (len(tasks.linear), 1)))
        values, vectors = np.linalg.eigh(basis.T @ hessian @ basis)
        values = np.maximum(values, 0.0)
        slopes = np.einsum("tij,ti->tj", vectors, (hessian @ w + linear) @ basis)
        row = max(float(values.sum()) / (n_rows * (m - 1)), _TINY)
        precision, before = prior_rows * row, w
        # Without pooling the population is what all rows together say.
        w = _centre(values, vectors, slopes, basis, w, precision or np.inf)
        # Quadratics are the same from everywhere.
        if tasks.truth is None or np.abs(w - before).max() < 1e-6:
            break
    return Population(w, precision)


def _centre(
    values: np.ndarray,
    vectors: np.ndarray,
    slopes: np.ndarray,
    basis: np.ndarray,
    w: np.ndarray,
    precision: float,
) -> np.ndarray:
    """Best weights of the population, where tasks lie around it with this precision."""
    share = np.ones_like(values) if np.isinf(precision) else precision / (values + precision)
    shared = vectors * (values * share)[:, None, :]
    inner = np.tensordot(shared, vectors, axes=([0, 2], [0, 2]))
    slope = np.einsum("tij,tj->i", vectors, slopes * share)
    unit = max(float(np.trace(inner)), _TINY)
    hessian = basis @ inner @ basis.T / unit
    linear = basis @ slope / unit - hessian @ w
    return minimise_quadratic(hessian, linear, w)[0]


def fit_tasks(tasks: Evidence, population: Population) -> np.ndarray:
    """Weights of each task: of least loss plus ``precision / 2 * |w - population|²``.

    Parameters
    ----------
    tasks : Evidence
    population : Population

    Returns
    -------
    weights : ndarray of shape (n_tasks, n_learners)
    """
    w = np.tile(population.weights, (len(tasks.linear), 1))
    if np.isinf(population.precision):
        return w
    if tasks.truth is None:
        return _targets(tasks, w, population)
    value, live = _total(tasks, w, population), np.arange(len(w))
    for _ in range(_MAX_STEPS):
        here, before = w[live], value[live]
        move = _targets(tasks, here, population) - here
        step, after = _search(tasks, here, move, before, population)
        moved = step > _LEAST_STEP
        w[live[moved]] = (here + step[:, None] * move)[moved]
        value[live[moved]] = after[moved]
        going = moved & (before - after > 1e-10 * np.maximum(1.0, np.abs(after)))
        if not going.any():
            break
        live, tasks = live[going], tasks.take(np.flatnonzero(going))
    return w / w.sum(axis=1, keepdims=True)


def _total(tasks: Evidence, w: np.ndarray, population: Population) -> np.ndarray:
    distance = ((w - population.weights) ** 2).sum(axis=1)
    return tasks.loss(w) + 0.5 * population.precision * distance


def _targets(tasks: Evidence, w: np.ndarray, population: Population) -> np.ndarray:
    """Minima over the simplex of what touches the losses at ``w``, with the prior."""
    m, precision = w.shape[1], population.precision
    hessian, linear = tasks.expand(w)
    # Scaled to about one, which the solver's tolerances are made for.
    unit = np.maximum(np.trace(hessian, axis1=1, axis2=2) / m + precision, _TINY)
    hessian = (hessian + precision * np.eye(m)) / unit[:, None, None]
    linear = (linear - precision * population.weights) / unit[:, None]
    return minimise_quadratics(hessian, linear, w)[0]


def _search(
    tasks: Evidence,
    w: np.ndarray,
    move: np.ndarray,
    value: np.ndarray,
    population: Population,
) -> tuple[np.ndarray, np.ndarray]:
    """Step lengths at which the totals are not above ``value``, by halving, and the totals."""
    step, total = np.ones(len(w)), _total(tasks, w + move, population)
    worse = np.flatnonzero(total > value)
    while worse.size:
        step[worse] /= 2.0
        there = w[worse] + step[worse, None] * move[worse]
        total[worse] = _total(tasks.take(worse), there, population)
        worse = worse[(total[worse] > value[worse]) & (step[worse] > _LEAST_STEP)]
    return step, total
