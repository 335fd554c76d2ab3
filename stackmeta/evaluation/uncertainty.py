"""A loss over rows, how sure it is, and intervals: rows or groups of rows are what was drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

_N_BLOCKS = 50


@dataclass(frozen=True)
class Measured:
    """A loss, and what each cluster of rows did to it.

    Attributes
    ----------
    value : float
    influence : ndarray of shape (n_clusters,)
        By how much each row, group or block of rows moved the value from what the others say.
    """

    value: float
    influence: np.ndarray

    @property
    def se(self) -> float:
        """Standard error; NaN of fewer than two clusters."""
        n = len(self.influence)
        if n < 2:
            return np.nan
        return float(np.sqrt(n / (n - 1) * (self.influence @ self.influence)))

    @property
    def dof(self) -> float:
        """Degrees of freedom of the standard error.

        As many as clusters less one where losses are normal; fewer where they have heavy tails
        (Satterthwaite: the variance of a variance grows with the kurtosis).
        """
        n = len(self.influence)
        squares = self.influence**2
        if n < 3 or not squares.sum() > 0:
            return max(n - 1.0, 1.0)
        kurtosis = (squares @ squares) / n / (squares.sum() / n) ** 2
        return float(np.clip(2 * n / max(kurtosis - 1, 1e-9), 2, n - 1))

    def minus(self, other: Measured) -> Measured:
        """Take the loss of another, measured over the same clusters, from this one."""
        return Measured(self.value - other.value, self.influence - other.influence)


def sortable(groups: Any) -> np.ndarray:
    """Read names of groups; those that are not all of one kind, or missing, as texts."""
    groups = np.asarray(groups)
    return groups.astype(str) if groups.dtype == object else groups


class Clusters:
    """What was drawn independently: groups of rows or, without groups, rows.

    Parameters
    ----------
    n_rows : int
    groups : array-like of shape (n_rows,), default=None

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation.uncertainty import Clusters
    >>> losses = np.array([1.0, 1.0, 3.0, 3.0])
    >>> round(Clusters(4).mean(losses).se, 2), round(Clusters(4, [0, 0, 1, 1]).mean(losses).se, 2)
    (0.58, 1.0)
    """

    def __init__(self, n_rows: int, groups: np.ndarray | None = None) -> None:
        self.n_rows = n_rows
        self.grouped = groups is not None
        if groups is None:
            self.codes, self.n = np.arange(n_rows), n_rows
        else:
            names, self.codes = np.unique(sortable(groups), return_inverse=True)
            self.n = len(names)

    def mean(self, losses: np.ndarray) -> Measured:
        """Mean of a loss that each row has (cluster-robust)."""
        value = float(losses.mean())
        off = losses - value
        return Measured(value, np.bincount(self.codes, off, self.n) / self.n_rows)

    def root_mean(self, squares: np.ndarray) -> Measured:
        """Root of the mean square, averaged over columns, by the delta method.

        Parameters
        ----------
        squares : ndarray of shape (n_rows, n_targets)
        """
        parts = [self.mean(column) for column in squares.T]
        roots = [np.sqrt(part.value) for part in parts]
        influence = [
            part.influence / (2 * root) if root > 0 else part.influence
            for part, root in zip(parts, roots, strict=True)
        ]
        return Measured(float(np.mean(roots)), np.mean(influence, axis=0))

    def jackknife(self, score: Callable[[np.ndarray], float]) -> Measured:
        """Any function of the rows, each of some fifty blocks of clusters left out in turn.

        Parameters
        ----------
        score : callable
            From row positions to a number.
        """
        blocks = np.random.default_rng(0).permutation(self.n) % min(self.n, _N_BLOCKS)
        block_of_row = blocks[self.codes]
        rows = np.arange(self.n_rows)
        value = float(score(rows))
        n = blocks.max() + 1
        if n < 2 or np.isnan(value):
            return Measured(value, np.full(2, np.nan))
        without = np.array([score(rows[block_of_row != block]) for block in range(n)])
        return Measured(value, (n - 1) / n * (without.mean() - without))


def interval(
    mean: float, se: float, dof: float, level: float, *, positive: bool = False
) -> tuple[float, float]:
    """Student's interval; of a loss above zero on the scale of its logarithm.

    Losses are skewed: where the interval is wide, the side above is the longer one.
    """
    half = float(special.stdtrit(dof, 0.5 + level / 2)) * se
    if positive and mean > 0:
        return mean * np.exp(-half / mean), mean * np.exp(half / mean)
    return mean - half, mean + half


def proportion_interval(hits: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's interval of a proportion; NaN of no rows."""
    if n == 0:
        return np.nan, np.nan
    z = float(special.ndtri(0.5 + level / 2))
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
