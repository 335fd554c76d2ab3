"""What the rows of each task say about its weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rows_by_task import RowsByTask
from .simplex_batch import times

_LEAST = np.finfo(np.float64).eps


@dataclass
class Evidence:
    """Losses of the weights of tasks, in units of log likelihood, and their expansions.

    Attributes
    ----------
    hessian, linear : ndarray of shape (n_tasks, n_learners, n_learners) and \
            (n_tasks, n_learners)
        Quadratics: squared errors, and what stands for rows that were seen earlier.
    n_rows : ndarray of shape (n_tasks,)
        Weights of the rows.
    truth : RowsByTask or None
        Rows of probabilities that the learners gave to the truth. None: quadratics are all.
    """

    hessian: np.ndarray
    linear: np.ndarray
    n_rows: np.ndarray
    truth: RowsByTask | None = None

    @classmethod
    def none(cls, n_tasks: int, n_learners: int) -> Evidence:
        """Tasks of which no row is known."""
        hessian = np.zeros((n_tasks, n_learners, n_learners))
        return cls(hessian, np.zeros((n_tasks, n_learners)), np.zeros(n_tasks))

    def with_rows(self, rows: RowsByTask, *, squared: bool) -> Evidence:
        """Add rows: errors of the learners over their spread (``squared``), or probabilities."""
        n_rows = self.n_rows + rows.sums(np.ones(len(rows.rows)))
        if squared:
            return Evidence(self.hessian + rows.products(rows.rows), self.linear, n_rows)
        return Evidence(self.hessian, self.linear, n_rows, rows)

    def scaled(self, scale: np.ndarray) -> Evidence:
        """Quadratics of errors whose variance is in units of ``scale``, for each task."""
        return Evidence(
            self.hessian / scale[:, None, None], self.linear / scale[:, None], self.n_rows
        )

    def take(self, tasks: np.ndarray) -> Evidence:
        """Evidence of some tasks."""
        truth = None if self.truth is None else self.truth.take(tasks)
        return Evidence(self.hessian[tasks], self.linear[tasks], self.n_rows[tasks], truth)

    def put(self, tasks: np.ndarray, other: Evidence) -> None:
        """Replace the quadratics of some tasks."""
        self.hessian[tasks], self.linear[tasks] = other.hessian, other.linear
        self.n_rows[tasks] = other.n_rows

    def followed_by(self, n_tasks: int) -> Evidence:
        """Add tasks of which no row is known."""
        more = Evidence.none(n_tasks, self.linear.shape[1])
        return Evidence(
            np.concatenate([self.hessian, more.hessian]),
            np.concatenate([self.linear, more.linear]),
            np.concatenate([self.n_rows, more.n_rows]),
        )

    def loss(self, w: np.ndarray) -> np.ndarray:
        """Losses of weights ``w`` of shape (n_tasks, n_learners)."""
        value = np.einsum("ti,ti->t", w, 0.5 * times(self.hessian, w) + self.linear)
        if self.truth is None:
            return value
        return value - self.truth.sums(np.log(np.maximum(self.truth.mixed(w), _LEAST)))

    def expand(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hessians and linear terms of the quadratics that touch the losses at ``w``."""
        if self.truth is None:
            return self.hessian, self.linear
        scaled = self.truth.rows / np.maximum(self.truth.mixed(w), _LEAST)[:, None]
        # The products with a last column of ones are the slopes at w, but for the sign.
        products = self.truth.products(np.column_stack([scaled, np.ones(len(scaled))]))
        hessian, slope = products[:, :-1, :-1], -products[:, :-1, -1]
        return self.hessian + hessian, self.linear + slope - times(hessian, w)

    def condensed(self, w: np.ndarray) -> Evidence:
        """Evidence without its rows: the quadratics that stand for them at ``w``."""
        return Evidence(*self.expand(w), self.n_rows)
