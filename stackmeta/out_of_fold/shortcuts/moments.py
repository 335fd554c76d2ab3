"""Weight, mean and scatter of rows, which merge without cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: A mean that many deviations away from 0 costs as many digits.
FARTHEST_MEAN = 1e6
#: Relative deviations of a constant column from its computed mean.
ROUNDING = 1e-13


@dataclass(frozen=True)
class Moments:
    """Moments of several sets of rows, stacked along the leading axes.

    Attributes
    ----------
    weight : ndarray of shape (...,)
        Sum of weights.
    mean : ndarray of shape (..., n_columns)
    scatter : ndarray of shape (..., n_columns, n_columns) or (..., n_columns)
        Sum of weighted products of deviations from the mean; squares alone in the second.
    """

    weight: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, block: np.ndarray, weights: np.ndarray | None, *, full: bool) -> Moments:
        """Compute the moments of the rows of a block."""
        n_rows, n_columns = block.shape
        weight = float(n_rows) if weights is None else float(weights.sum())
        if weight == 0:
            shape = (n_columns, n_columns) if full else (n_columns,)
            return cls(np.array(0.0), np.zeros(n_columns), np.zeros(shape))
        mean = block.mean(axis=0) if weights is None else weights @ block / weight
        centred = block - mean
        if weights is not None:
            centred *= np.sqrt(weights)[:, np.newaxis]
        scatter = centred.T @ centred if full else np.einsum("ij,ij->j", centred, centred)
        return cls(np.array(weight), mean, scatter)

    @classmethod
    def stack(cls, items: Sequence[Moments]) -> Moments:
        """Put moments side by side along a new leading axis."""
        return cls(
            np.stack([item.weight for item in items]),
            np.stack([item.mean for item in items]),
            np.stack([item.scatter for item in items]),
        )

    def merged(self, times: np.ndarray | None = None) -> Moments:
        """Merge along the leading axis, each set taken ``times`` times.

        Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance".
        """
        times = np.ones(len(self.weight)) if times is None else times
        shares = self.weight * times.reshape(-1, *[1] * (self.weight.ndim - 1))
        weight = shares.sum(axis=0)
        safe = np.where(weight > 0, weight, 1.0)
        mean = np.einsum("k...,k...j->...j", shares, self.mean) / safe[..., np.newaxis]
        away = self.mean - mean
        if self.scatter.ndim > self.mean.ndim:
            between = np.einsum("k...,k...i,k...j->...ij", shares, away, away)
        else:
            between = np.einsum("k...,k...j,k...j->...j", shares, away, away)
        within = np.tensordot(times.astype(float), self.scatter, axes=1)
        return Moments(weight, mean, within + between)

    def standardized(self, centre: np.ndarray, scale: np.ndarray) -> Moments:
        """Moments of ``(rows - centre) / scale``; columns beyond those stay as they are."""
        more = self.mean.shape[-1] - len(scale)
        centre, scale = np.pad(centre, (0, more)), np.pad(scale, (0, more), constant_values=1)
        full = self.scatter.ndim > self.mean.ndim
        squares = np.outer(scale, scale) if full else scale**2
        return Moments(self.weight, (self.mean - centre) / scale, self.scatter / squares)


def moments_of_classes(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, n_classes: int, *, full: bool
) -> Moments:
    """Moments of the rows of each class, stacked."""
    of_class = [np.flatnonzero(y == code) for code in range(n_classes)]
    return Moments.stack(
        [
            Moments.of(X[rows], None if weights is None else weights[rows], full=full)
            for rows in of_class
        ]
    )
