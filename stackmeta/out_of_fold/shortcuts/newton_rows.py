"""Sums over rows that Newton steps need: gradients of all folds in one pass, Hessians."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .parts import Parts
from .smooth_losses import SmoothLoss
from .table import chunks


@dataclass
class Rows:
    """The rows, in coordinates that all folds share: centred and scaled columns, and a one.

    Attributes
    ----------
    X : ndarray or DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
    loss : SmoothLoss
    parts : Parts
        Of the splits of one repeat.
    weights : ndarray of shape (n_rows,), or None
    class_weights : ndarray of shape (n_splits, n_classes), or None
    centre, scale : ndarray of shape (n_features,)
    intercept : bool
        Whether there is a column of ones, the last.
    """

    X: Any
    y: np.ndarray
    loss: SmoothLoss
    parts: Parts
    weights: np.ndarray | None
    class_weights: np.ndarray | None
    centre: np.ndarray
    scale: np.ndarray
    intercept: bool

    def __post_init__(self) -> None:
        self._part = np.empty(len(self.y), dtype=np.intp)
        for part, rows in enumerate(self.parts.rows):
            self._part[rows] = part
        self.totals = np.ones(len(self.parts.splits))
        folds = np.arange(len(self.totals))
        self.totals = sum(self._shares(rows, folds).sum(axis=0) for _, rows in self._blocks())

    @property
    def n_columns(self) -> int:
        """Number of columns with the one."""
        return len(self.centre) + self.intercept

    def gradients(self, coef: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Sum up the gradient of each fold's mean loss at its own coefficients.

        Parameters
        ----------
        coef : ndarray of shape (n_folds, n_columns, width)
        folds : ndarray of shape (n_folds,)
            Positions among the splits of the parts.

        Returns
        -------
        gradients : ndarray of shape (n_folds, n_columns, width)
        """
        n_folds, n_columns, width = coef.shape
        side_by_side = coef.transpose(1, 0, 2).reshape(n_columns, -1)
        total = np.zeros_like(side_by_side)
        for block, rows in self._blocks():
            predictors = (block @ side_by_side).reshape(-1, n_folds, width)
            slopes = self.loss.gradient(predictors, self.y[rows])
            slopes *= self._shares(rows, folds)[:, :, np.newaxis]
            total += block.T @ slopes.reshape(len(rows), -1)
        return total.reshape(n_columns, n_folds, width).transpose(1, 0, 2)

    def hessian(self, coef: np.ndarray, fold: int) -> np.ndarray:
        """Sum up the Hessian of a fold's mean loss: (width * n_columns,) * 2."""
        trained = np.flatnonzero(self.parts.times[fold][self._part])
        total = np.zeros((self.n_columns * self.loss.width,) * 2)
        for block, rows in self._blocks(trained):
            total += self._hessian(block, rows, coef, self._shares(rows, np.array([fold]))[:, 0])
        return total

    def hessians(self, coef: np.ndarray) -> list[np.ndarray]:
        """Sum up the Hessian of each fold's mean loss, all at the same coefficients.

        The parts of the rows are gone through once; folds that weigh classes by their own
        numbers share nothing.
        """
        if self.class_weights is not None and np.ptp(self.class_weights, axis=0).any():
            return [self.hessian(coef, fold) for fold in range(len(self.totals))]
        of_parts = np.stack(
            [
                sum(
                    self._hessian(block, some, coef, self._weights_of(some, 0))
                    for block, some in self._blocks(rows)
                )
                for rows in self.parts.rows
            ]
        )
        return [
            np.tensordot(times.astype(float), of_parts, axes=1) / total
            for times, total in zip(self.parts.times, self.totals, strict=True)
        ]

    def _hessian(
        self, block: np.ndarray, rows: np.ndarray, coef: np.ndarray, shares: np.ndarray
    ) -> np.ndarray:
        curvature = self.loss.curvature(block @ coef, self.y[rows])
        curvature *= shares[:, np.newaxis, np.newaxis]
        n, width = self.n_columns, self.loss.width
        found = np.empty((width, n, width, n))
        for i in range(width):
            for j in range(i + 1):
                found[i, :, j] = block.T @ (block * curvature[:, i, j, np.newaxis])
                found[j, :, i] = found[i, :, j].T
        return found.reshape(width * n, width * n)

    def _blocks(self, rows: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rows = np.arange(len(self.y)) if rows is None else rows
        for block, some in chunks(self.X, rows):
            columns = np.ones((len(some), self.n_columns))
            np.subtract(block, self.centre, out=columns[:, : len(self.centre)])
            columns[:, : len(self.centre)] /= self.scale
            yield columns, some

    def _weights_of(self, rows: np.ndarray, fold: int) -> np.ndarray:
        found = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        if self.class_weights is not None:
            found = found * self.class_weights[fold, self.y[rows]]
        return found

    def _shares(self, rows: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Weights in each fold's mean, of shape (n_rows, n_folds); held-out rows have none."""
        found = self.parts.times[folds][:, self._part[rows]] / self.totals[folds, np.newaxis]
        if self.weights is not None:
            found = found * self.weights[rows]
        if self.class_weights is not None:
            found = found * self.class_weights[folds][:, self.y[rows]]
        return found.T
