"""The matrix of predictions: whose columns they are, and what may be in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..compat import safe_indexing

# A block of rows with this many numbers stays in the processor's cache while it is worked on.
_BLOCK_NUMBERS = 1 << 18
# Rounding to float32 or to the decimals of a file is no error.
_RANGE_TOLERANCE = 1e-6
_SUM_TOLERANCE = 1e-3


class Predictions:
    """Predictions of several learners: a view that never copies the matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_learners * n_outputs)
        Learner by learner; NaN where a learner did not cover a row.
    n_outputs : int
        Columns a learner.
    names : ndarray of str, default=None
        Names of the columns, for messages.
    rows : ndarray of int, default=None
        The user's numbers of the rows, for messages; None: 0, 1, 2, …

    Attributes
    ----------
    view : ndarray of shape (n_rows, n_learners, n_outputs)
        The matrix, a slice a learner.
    others : ndarray of shape (n_rows, n_features), or None
        What a combiner that depends on the row reads of the columns beside the predictions.
    table : array-like or DataFrame of shape (n_rows, n_features), or None
        What the combiner was given, for those that pass it on.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.predictions import Predictions
    >>> predictions = Predictions(np.array([[0.2, 0.4], [0.6, np.nan]]), n_outputs=1)
    >>> predictions.check(probabilities=True)
    >>> predictions.block(slice(None))[:, :, 0]
    array([[0.2, 0.4],
           [0.6, 0.6]])
    """

    def __init__(
        self,
        matrix: np.ndarray,
        n_outputs: int,
        names: np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        self.view = matrix.reshape(len(matrix), -1, n_outputs)
        self.names = names
        self.rows = rows
        self.others: np.ndarray | None = None
        self.table: Any = None
        # Of the learners that cover a row; known after ``check``, where some do not.
        self._means: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.view.shape[0]

    @property
    def n_learners(self) -> int:
        """Number of learners."""
        return self.view.shape[1]

    @property
    def n_outputs(self) -> int:
        """Number of columns a learner: classes, targets, or 1."""
        return self.view.shape[2]

    def slices(self) -> Iterator[slice]:
        """Walk over the rows, a block that fits the cache at a time."""
        size = max(1, _BLOCK_NUMBERS // (self.n_learners * self.n_outputs))
        for start in range(0, self.n_rows, size):
            yield slice(start, min(start + size, self.n_rows))

    def block(self, rows: slice | np.ndarray, learners: np.ndarray | None = None) -> np.ndarray:
        """Give some rows as float64, missing predictions replaced by the mean of the others.

        With the mean in its place a learner neither gains nor loses by rows that it did not
        cover, and a convex loss stays convex in the weights.
        """
        block = self.view[rows]
        if learners is not None:
            block = block[:, _as_slice(learners)]
        block = block.astype(np.float64, copy=False)
        if self._means is None:
            return block
        missing = np.isnan(block).any(axis=2, keepdims=True)
        return np.where(missing, self._means[rows][:, None, :], block)

    def learner(self, index: int) -> np.ndarray:
        """Give all rows of one learner, filled as in ``block``, of shape (n_rows, n_outputs)."""
        return self.block(slice(None), np.array([index]))[:, 0]

    def filled(self) -> np.ndarray:
        """Copy the matrix as float64, filled as in ``block``."""
        filled = np.empty((self.n_rows, self.n_learners * self.n_outputs))
        for rows in self.slices():
            filled[rows] = self.block(rows).reshape(-1, filled.shape[1])
        return filled

    def take(self, rows: slice, learners: np.ndarray) -> np.ndarray:
        """Give some rows of some learners as float64; the other learners' stay unread."""
        block = self.view[rows]
        if len(learners) < self.n_learners:
            block = block[:, learners]
        return block.astype(np.float64, copy=False)

    def part(self, rows: np.ndarray) -> Predictions:
        """Copy some rows of checked predictions."""
        part = Predictions(self.view[rows].reshape(len(rows), -1), self.n_outputs, self.names)
        part.rows = rows if self.rows is None else self.rows[rows]
        part.others = None if self.others is None else self.others[rows]
        part.table = None if self.table is None else safe_indexing(self.table, rows)
        part._means = None if self._means is None else self._means[rows]
        return part

    def check(self, *, probabilities: bool) -> None:
        """Check all that a combiner is fitted on.

        Raises
        ------
        ValueError
            If a value is infinite, a learner has no prediction in any row, a row has none of
            any learner, or (``probabilities``) a value is outside [0, 1] or a learner's
            classes do not sum to one. The message names the value, its row and its column.
        """
        learners = np.arange(self.n_learners)
        low, _high = self.check_range(learners, probabilities=probabilities)
        for learner, output in np.argwhere(np.isnan(low)):
            raise ValueError(
                f"X is NaN in every row of {self._column(learner, output)}: the learner covered "
                "no row. Drop it."
            )
        self._check_cells(probabilities=probabilities)

    def check_rows(self, *, probabilities: bool) -> None:
        """Check rows to predict for a combiner that reads every learner; some may be all NaN.

        Raises
        ------
        ValueError
            As :meth:`check`.
        """
        self.check_range(np.arange(self.n_learners), probabilities=probabilities)
        self._check_cells(probabilities=probabilities)

    def _check_cells(self, *, probabilities: bool) -> None:
        self._means = None
        for rows in self.slices():
            block = self.view[rows]
            missing = np.isnan(_sums(block))
            if missing.any():
                self.check_cover(missing, rows, np.arange(self.n_learners))
                self._keep_means(rows, block, missing)
            if probabilities:
                self.check_sums(block, rows)

    def _keep_means(self, rows: slice, block: np.ndarray, missing: np.ndarray) -> None:
        if self._means is None:
            self._means = np.zeros((self.n_rows, self.n_outputs))
        known = np.where(missing[:, :, None], 0.0, block.astype(np.float64, copy=False))
        self._means[rows] = known.sum(axis=1) / (~missing).sum(axis=1, keepdims=True)

    def check_range(
        self, learners: np.ndarray, *, probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Check the values of some learners; give the least and greatest of each column.

        Raises
        ------
        ValueError
            If one is infinite or, with ``probabilities``, outside [0, 1].
        """
        low = np.full((len(learners), self.n_outputs), np.nan)
        high = low.copy()
        for rows in self.slices():
            block = self.take(rows, learners)
            low = np.fmin(low, np.fmin.reduce(block, axis=0))
            high = np.fmax(high, np.fmax.reduce(block, axis=0))
        for extreme in (low, high):
            wrong = np.isinf(extreme)
            if probabilities:
                wrong |= (extreme < -_RANGE_TOLERANCE) | (extreme > 1 + _RANGE_TOLERANCE)
            for position, output in np.argwhere(wrong):
                self._raise_value(extreme[position, output], learners[position], output)
        return low, high

    def check_cover(self, missing: np.ndarray, rows: slice, learners: np.ndarray) -> None:
        """Raise where ``missing`` (n_rows, n_learners) says that a row has no prediction.

        Raises
        ------
        ValueError
            Naming the first such row.
        """
        empty = np.flatnonzero(missing.all(axis=1))
        if len(empty) == 0:
            return
        of = "every learner"
        if len(learners) < self.n_learners:
            of += f" that has a weight ({', '.join(map(str, learners))})"
        raise ValueError(
            f"Row {self._row(rows.start + empty[0])} of X is NaN for {of}, so that there is "
            "nothing to combine. Leave out the rows that none of them predicted."
        )

    def check_sums(self, block: np.ndarray, rows: slice) -> None:
        """Raise where a learner's classes, if it has a column for each, do not sum to one.

        Raises
        ------
        ValueError
            Naming the row and the learner.
        """
        if self.n_outputs == 1:
            return
        sums = _sums(block)
        for row, learner in np.argwhere(np.abs(sums - 1) > _SUM_TOLERANCE):
            raise ValueError(
                f"The probabilities of learner {learner} ({self._column(learner, 0)} and on) in "
                f"row {self._row(rows.start + row)} of X sum to {sums[row, learner]:.6g}, not 1. "
                f"Divide its {self.n_outputs} columns by their sum; the columns go learner by "
                "learner, within a learner a column a class."
            )

    def _raise_value(self, value: float, learner: int, output: int) -> None:
        column = self.view[:, learner, output]
        row = int(np.flatnonzero(column == column.dtype.type(value))[0])
        where = f"row {self._row(row)} of {self._column(learner, output)}"
        if np.isinf(value):
            raise ValueError(
                f"X contains infinity: {value} in {where}. Drop the learner, or put NaN where it "
                "has no prediction (such rows are averaged over the other learners)."
            )
        known = column[~np.isnan(column)]
        looks = "labels" if np.array_equal(known, np.rint(known)) else "decision values"
        raise ValueError(
            f"X contains {value:g} in {where}, which is no probability; the column looks like "
            f"{looks}. Use stack_method='predict_proba', calibrate that learner, or drop it. If "
            "the column is no prediction at all, say which are with prediction_columns."
        )

    def _column(self, learner: int, output: int) -> str:
        index = int(learner) * self.n_outputs + int(output)
        name = str(index) if self.names is None else repr(str(self.names[index]))
        return f"column {name}"

    def _row(self, row: int) -> int:
        return int(row) if self.rows is None else int(self.rows[row])


def _sums(block: np.ndarray) -> np.ndarray:
    """Sum each learner's outputs: as a product, for short sums over the last axis are slow."""
    flat = block.reshape(-1, block.shape[2])
    return (flat @ np.ones(block.shape[2], dtype=block.dtype)).reshape(block.shape[:2])


def _as_slice(positions: np.ndarray) -> slice | np.ndarray:
    """Positions that follow one another as a slice, which makes a view and no copy."""
    run = slice(int(positions[0]), int(positions[0]) + len(positions))
    return run if np.array_equal(positions, np.arange(run.start, run.stop)) else positions


def weighted_mean(predictions: Predictions, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over the learners that cover each row.

    Parameters
    ----------
    predictions : Predictions
        Only learners with a weight above zero are read.
    weights : ndarray of shape (n_learners,)
        Non-negative; renormalised for rows that some learner did not cover.

    Returns
    -------
    mean : ndarray of shape (n_rows, n_outputs)

    Raises
    ------
    ValueError
        If no learner with a weight above zero covers a row.
    """
    used = np.flatnonzero(weights)
    mean = np.empty((predictions.n_rows, predictions.n_outputs))
    for rows in predictions.slices():
        block = predictions.take(rows, used)
        mean[rows] = np.einsum("rlo,l->ro", block, weights[used])
        if np.isnan(mean[rows]).any():
            missing = np.isnan(block).any(axis=2)
            predictions.check_cover(missing, rows, used)
            share = np.where(missing, 0.0, weights[used])
            share /= share.sum(axis=1, keepdims=True)
            block = np.where(missing[:, :, None], 0.0, block)
            mean[rows] = np.einsum("rlo,rl->ro", block, share)
    return mean
