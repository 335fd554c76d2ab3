"""Weights of tasks that are drawn towards the weights of all, as far as the tasks agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from .simplex import minimise_quadratic

_MAX_ROUNDS = 20
_MAX_STEPS = 50
_LEAST_STEP = 1e-8
# Rows at the spread of all tasks that a task's own spread is averaged with.
_NOISE_ROWS = 10.0
_LEAST = np.finfo(np.float64).eps
_NO_ERROR = 1e-12


@dataclass
class Evidence:
    """What rows say about weights: a loss in units of log likelihood, and its expansion.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_learners)
        Errors of the learners over their spread (``squared``), or probabilities that they gave
        to the truth.
    weight : ndarray of shape (n_rows,)
        Weights of the rows.
    squared : bool
    hessian, linear : ndarray of shape (n_learners, n_learners) and (n_learners,)
        A quadratic that stands for rows that were seen earlier.
    """

    rows: np.ndarray
    weight: np.ndarray
    squared: bool
    hessian: np.ndarray
    linear: np.ndarray

    def loss(self, w: np.ndarray) -> float:
        """Loss of weights ``w``."""
        value = float(w @ (0.5 * (self.hessian @ w) + self.linear))
        mixed = self.rows @ w
        if self.squared:
            return value + 0.5 * float(self.weight @ mixed**2)
        return value - float(self.weight @ np.log(np.maximum(mixed, _LEAST)))

    def expand(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hessian and linear term of the quadratic that touches the loss at ``w``."""
        if self.squared:
            return self.hessian + self.rows.T @ (self.weight[:, None] * self.rows), self.linear
        scaled = self.rows / np.maximum(self.rows @ w, _LEAST)[:, None]
        hessian = scaled.T @ (self.weight[:, None] * scaled)
        # The slope at w, and the hessian times w, are the same sum but for the sign.
        slope = -(self.weight @ scaled)
        return self.hessian + hessian, self.linear + slope - hessian @ w


def evidence(rows: np.ndarray, weight: np.ndarray, *, squared: bool) -> Evidence:
    """Make the evidence of rows alone."""
    m = rows.shape[1]
    return Evidence(rows, weight, squared, np.zeros((m, m)), np.zeros(m))


def spread_of_tasks(
    errors: Sequence[np.ndarray], weights: Sequence[np.ndarray], of_task: np.ndarray
) -> tuple[np.ndarray, float]:
    """Variance of the combined error in each task, a little towards that of all, and that."""
    squares = np.array(
        [weight @ (e @ w) ** 2 for e, weight, w in zip(errors, weights, of_task, strict=True)]
    )
    counts = np.array([weight.sum() for weight in weights])
    # Where errors are zero, but for rounding, any spread will do.
    sizes = sum(
        float(weight @ (e**2).mean(axis=1)) for e, weight in zip(errors, weights, strict=True)
    )
    common = max(float(squares.sum()), _NO_ERROR * sizes) / counts.sum() or 1.0
    variances = (squares + _NOISE_ROWS * common) / (counts + _NOISE_ROWS)
    return np.maximum(variances, 1e-12 * common), common


def minimise(data: Evidence, centre: np.ndarray, precision: float) -> np.ndarray:
    """Minimise the loss plus ``precision / 2 * |w - centre|²`` over the simplex.

    Parameters
    ----------
    data : Evidence
    centre : ndarray of shape (n_learners,)
        A point of the simplex.
    precision : float
        Of the prior.

    Returns
    -------
    weights : ndarray of shape (n_learners,)
    """
    m, w = len(centre), centre

    def total(at: np.ndarray) -> float:
        return data.loss(at) + 0.5 * precision * float((at - centre) @ (at - centre))

    value = total(w)
    for _ in range(_MAX_STEPS):
        hessian, linear = data.expand(w)
        # Scaled to about one, which the solver's tolerances are made for.
        unit = max(float(np.trace(hessian)) / m + precision, np.finfo(np.float64).tiny)
        hessian = (hessian + precision * np.eye(m)) / unit
        target, _ = minimise_quadratic(hessian, (linear - precision * centre) / unit, w)
        if data.squared:
            return target
        step, move = 1.0, target - w
        while step > _LEAST_STEP and total(w + step * move) > value:
            step /= 2.0
        if step <= _LEAST_STEP:
            break
        w = w + step * move
        gain, value = value - total(w), total(w)
        if gain <= 1e-10 * max(1.0, abs(value)):
            break
    return w / w.sum()


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


def fit_population(tasks: Sequence[Evidence], start: np.ndarray, prior_rows: float) -> Population:
    """Find the weights of the population, around which those of tasks lie.

    The weights of a task are normal around the population's, with the same variance for each
    learner. The population's are those of greatest marginal likelihood (Laplace's approximation):
    a task counts by its rows while they are few, and by itself once they are many.

    Parameters
    ----------
    tasks : list of Evidence
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
    n_rows = sum(task.weight.sum() for task in tasks)
    w = start
    for _ in range(_MAX_ROUNDS):
        expansions = [task.expand(w) for task in tasks]
        values, vectors = np.linalg.eigh(basis.T @ np.array([h for h, _ in expansions]) @ basis)
        values = np.maximum(values, 0.0)
        slopes = np.array([basis.T @ (h @ w + linear) for h, linear in expansions])
        slopes = np.einsum("tij,ti->tj", vectors, slopes)
        row = max(float(values.sum()) / (n_rows * (m - 1)), np.finfo(np.float64).tiny)
        precision, before = prior_rows * row, w
        # Without pooling the population is what all rows together say.
        w = _centre(values, vectors, slopes, basis, w, precision or np.inf)
        if np.abs(w - before).max() < 1e-6:
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
    inner = np.einsum("tij,tj,tkj->ik", vectors, values * share, vectors)
    slope = np.einsum("tij,tj->i", vectors, slopes * share)
    unit = max(float(np.trace(inner)), np.finfo(np.float64).tiny)
    hessian = basis @ inner @ basis.T / unit
    linear = basis @ slope / unit - hessian @ w
    return minimise_quadratic(hessian, linear, w)[0]


def fit_tasks(
    tasks: Sequence[Evidence],
    population: Population,
    map_: Callable = map,
) -> np.ndarray:
    """Weights of each task, of shape (n_tasks, n_learners)."""
    if np.isinf(population.precision):
        return np.tile(population.weights, (len(tasks), 1))

    def one(task: Evidence) -> np.ndarray:
        return minimise(task, population.weights, population.precision)

    return np.array(list(map_(one, tasks)))
