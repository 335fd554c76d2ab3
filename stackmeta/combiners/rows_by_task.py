"""Rows in the order of their tasks, and sums over the rows of each task."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# A product of two small matrices costs as much as this many sums of products.
_PRODUCT = 2000


@dataclass
class RowsByTask:
    """Rows of task after task.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_learners)
    weight : ndarray of shape (n_rows,)
    starts : ndarray of shape (n_tasks + 1,)
        Where the rows of each task start, and where the last one's end.
    """

    rows: np.ndarray
    weight: np.ndarray
    starts: np.ndarray

    @classmethod
    def sort(
        cls, rows: np.ndarray, weight: np.ndarray, codes: np.ndarray, n_tasks: int
    ) -> RowsByTask:
        """Sort rows by the task of each.

        Examples
        --------
        >>> import numpy as np
        >>> from stackmeta.combiners.rows_by_task import RowsByTask
        >>> rows, codes = np.array([[1.0], [2.0], [5.0]]), np.array([2, 0, 2])
        >>> by_task = RowsByTask.sort(rows, np.ones(3), codes, 3)
        >>> by_task.sums(by_task.rows[:, 0])
        array([2., 0., 6.])
        """
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(n_tasks + 1))
        return cls(rows[order], weight[order], starts)

    @cached_property
    def codes(self) -> np.ndarray:
        """The task of each row."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def take(self, tasks: np.ndarray) -> RowsByTask:
        """Rows of some tasks."""
        n_rows = np.diff(self.starts)[tasks]
        starts = np.concatenate([[0], np.cumsum(n_rows)])
        index = np.arange(starts[-1]) + np.repeat(self.starts[tasks] - starts[:-1], n_rows)
        return RowsByTask(self.rows[index], self.weight[index], starts)

    def mixed(self, weights: np.ndarray) -> np.ndarray:
        """Rows combined with the weights of their tasks, of shape (n_tasks, n_learners)."""
        return np.einsum("rl,rl->r", self.rows, weights[self.codes])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of a value a row, for each task."""
        return np.bincount(self.codes, self.weight * values, minlength=len(self.starts) - 1)

    def products(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of products of the columns of ``values``, a matrix for each task."""
        n_tasks, m = len(self.starts) - 1, values.shape[1]
        if values.size * m > _PRODUCT * n_tasks:
            weighted = self.weight[:, None] * values
            bounds = zip(self.starts[:-1], self.starts[1:], strict=True)
            return np.array([values[a:b].T @ weighted[a:b] for a, b in bounds])
        products = np.zeros((n_tasks, m, m))
        if values.size:
            columns, (i, j) = np.ascontiguousarray(values.T), np.triu_indices(m)
            # An empty stretch would be read as one row.
            some = np.flatnonzero(np.diff(self.starts))
            starts = self.starts[some]
            sums = np.add.reduceat(columns[i] * columns[j] * self.weight, starts, axis=1).T
            products[some[:, None], i, j] = products[some[:, None], j, i] = sums
        return products
