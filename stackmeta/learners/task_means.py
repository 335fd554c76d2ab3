"""The mean of y in each task, drawn towards the mean of all tasks as far as the task is small."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import numpy as np

_FOLDS = 5


class TaskMeans:
    """Empirical Bayes means of tasks.

    A task's mean counts as much as its rows do against ``prior_rows`` rows at the mean of all:
    the variance within tasks over the variance between them, as the rows of ``fit`` tell.

    Parameters
    ----------
    tasks : ndarray of int of shape (n_rows,)
        Task of each row.
    y : ndarray of shape (n_rows, n_columns)
        Numbers, or indicators of classes.

    Attributes
    ----------
    prior_rows : ndarray of shape (n_columns,)
        Rows that a task needs for half of its mean to be its own.

    References
    ----------
    .. [1] C. N. Morris, "Parametric empirical Bayes inference: theory and applications",
       Journal of the American Statistical Association 78, 1983.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.learners.task_means import TaskMeans
    >>> y = np.array([1.0, 1.2, 0.8, 5.0, 5.2, 4.8])[:, None]
    >>> means = TaskMeans(np.repeat([0, 1], 3), y)
    >>> means.of(np.array([0, 1, 7])).ravel().round(1)
    array([1., 5., 3.])
    """

    def __init__(self, tasks: np.ndarray, y: np.ndarray) -> None:
        self._sums: dict[int, np.ndarray] = {}
        self._counts: dict[int, int] = {}
        self.mean = y.mean(axis=0)
        self.add(tasks, y)
        self.prior_rows = self._prior_rows(y)

    def add(self, tasks: np.ndarray, y: np.ndarray) -> None:
        """Count further rows in their tasks; the mean of all tasks stays."""
        for task, own in _by_task(tasks, y):
            self._sums[task] = self._sums.get(task, 0.0) + own.sum(axis=0)
            self._counts[task] = self._counts.get(task, 0) + len(own)

    def copy(self) -> TaskMeans:
        """Copy, so that rows added to one are not in the other."""
        other = copy(self)
        other._sums, other._counts = dict(self._sums), dict(self._counts)
        return other

    def of(self, tasks: np.ndarray) -> np.ndarray:
        """Give each row the mean of its task, (n_rows, n_columns); unknown ones that of all."""
        known, inverse = np.unique(tasks, return_inverse=True)
        means = [
            (self._sums[t] + self.prior_rows * self.mean) / (self._counts[t] + self.prior_rows)
            if t in self._counts
            else self.mean
            for t in known.tolist()
        ]
        return np.asarray(means)[inverse]

    def _prior_rows(self, y: np.ndarray) -> np.ndarray:
        counts = np.array(list(self._counts.values()), dtype=float)
        means = np.array(list(self._sums.values())) / counts[:, None]
        n_rows, n_tasks = len(y), len(counts)
        between = counts @ (means - self.mean) ** 2
        within = np.maximum(((y - self.mean) ** 2).sum(axis=0) - between, 0.0)
        noise = within / max(n_rows - n_tasks, 1)
        spread = (between - (n_tasks - 1) * noise) / max(n_rows - (counts**2).sum() / n_rows, 1.0)
        # No spread that noise does not explain: as good as no mean of its own.
        return np.where(spread > 0, noise / np.where(spread > 0, spread, 1.0), 1e6)


def cross_fitted(tasks: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Give each row its task's mean over rows of other folds, so that its own y is not in it."""
    fold = np.random.default_rng(0).permutation(len(y)) % _FOLDS
    means = np.empty(y.shape)
    for k in range(_FOLDS):
        rest, held_out = fold != k, fold == k
        if held_out.any():
            of = TaskMeans(tasks[rest], y[rest]) if rest.any() else TaskMeans(tasks, 0.0 * y)
            means[held_out] = of.of(tasks[held_out])
    return means


def _by_task(tasks: np.ndarray, y: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    order = np.argsort(tasks, kind="stable")
    known, starts = np.unique(tasks[order], return_index=True)
    yield from zip(known.tolist(), np.split(y[order], starts[1:]), strict=True)
