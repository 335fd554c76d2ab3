"""What is known of the weights before the rows are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .simplex import minimise_quadratic

# Rounding makes the least eigenvalue of a Gram matrix this negative, as a share of the greatest.
_NEGATIVE = 1e-8
# The statistic of chance alone is about the number of free weights; so many times that is still
# no contradiction.
_NO_CONTRADICTION = 2.0


@dataclass(frozen=True)
class Penalty:
    """``w @ hessian @ w / 2 + linear @ w``, which a solver adds to its mean loss."""

    hessian: np.ndarray
    linear: np.ndarray

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Slope at ``weights``."""
        return self.hessian @ weights + self.linear

    def rise(self, weights: np.ndarray, move: np.ndarray, step: float) -> float:
        """How much more it is at ``weights + step * move``."""
        bend = 0.5 * step**2 * (move @ self.hessian @ move)
        return float(step * (move @ self.gradient(weights)) + bend)


@dataclass(frozen=True, eq=False, repr=False)
class WeightPrior:
    """A prior over convex weights, worth so many rows.

    Combiners that take it add ``n_rows / n * (w @ hessian @ w / 2 + linear @ w)`` to their mean
    loss over n rows, in units of the lower quartile of the learners' losses on these rows: that
    of the best may be luck, and the worst say nothing. So the prior says about as much as
    ``n_rows`` rows: with fewer it leads, with many more it is overruled.

    Parameters
    ----------
    hessian : array-like of shape (n_learners, n_learners)
        Symmetric and positive semi-definite. Twice a Gram matrix of errors makes the prior
        pseudo-rows with these errors; see :func:`~stackmeta.experience.priors.weight_prior`.
    linear : array-like of shape (n_learners,)
        Linear term.
    n_rows : float
        Rows that the prior is worth, at least 0.
    yields : bool, default=False
        Whether rows that contradict the prior make it worth less than ``n_rows``. By how much
        is an empirical Bayes estimate, as in James and Stein's shrinkage [1]_: the likelihood
        ratio of the prior's own weights and of the best ones tells how far this table is from
        the prior beyond chance.

    Notes
    -----
    Rows are counted as Kish's effective number: ``sum(sample_weight)² / sum(sample_weight²)``.

    References
    ----------
    .. [1] B. Efron and C. Morris, "Stein's estimation rule and its competitors: an empirical
       Bayes approach", Journal of the American Statistical Association 68, 1973.

    Examples
    --------
    Of three learners, the first two are expected to be about equally good:

    >>> import numpy as np
    >>> from stackmeta.combiners import ConvexRegressor
    >>> from stackmeta.combiners.weight_prior import WeightPrior
    >>> prior = WeightPrior.around([0.5, 0.5, 0.0], n_rows=30)
    >>> prior
    WeightPrior(3 learners, n_rows=30)
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> P = np.column_stack([y + 1, y - 3, 5 - y])
    >>> ConvexRegressor().fit(P, y).weights_.round(2)
    array([0.75, 0.25, 0.  ])
    >>> ConvexRegressor(prior=prior).fit(P, y).weights_.round(2)
    array([0.56, 0.43, 0.02])
    """

    hessian: np.ndarray
    linear: np.ndarray
    n_rows: float
    yields: bool = False

    def __post_init__(self) -> None:
        hessian, linear = np.asarray(self.hessian, float), np.asarray(self.linear, float)
        n_rows = float(self.n_rows)
        if linear.ndim != 1 or len(linear) == 0 or hessian.shape != (len(linear),) * 2:
            raise ValueError(
                f"hessian has shape {hessian.shape} and linear {linear.shape}: for n learners "
                "they should be (n, n) and (n,), with n at least 1."
            )
        if not (np.isfinite(hessian).all() and np.isfinite(linear).all()):
            raise ValueError("hessian and linear of a prior should be finite numbers.")
        if not 0 <= n_rows < np.inf:
            raise ValueError(f"n_rows={self.n_rows} of a prior should be finite and at least 0.")
        size = np.abs(hessian).max()
        if np.abs(hessian - hessian.T).max() > _NEGATIVE * size:
            raise ValueError("hessian of a prior should be symmetric: give (H + H.T) / 2.")
        hessian = (hessian + hessian.T) / 2
        least = float(np.linalg.eigvalsh(hessian)[0])
        if least < -_NEGATIVE * len(hessian) * size:
            raise ValueError(
                f"hessian of a prior has an eigenvalue of {least:.2g}: it should be positive "
                "semi-definite, as a Gram matrix is."
            )
        for name, value in (("hessian", hessian), ("linear", linear), ("n_rows", n_rows)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"WeightPrior({len(self)} learners, n_rows={self.n_rows:.4g})"

    def __len__(self) -> int:
        return len(self.linear)

    @classmethod
    def around(cls, weights: Sequence[float] | np.ndarray, n_rows: float) -> WeightPrior:
        """Draw towards given weights, by ``sum((w - weights) ** 2)``.

        Parameters
        ----------
        weights : array-like of shape (n_learners,)
            Where the prior is least.
        n_rows : float
            Rows that it is worth.

        Returns
        -------
        prior : WeightPrior
        """
        weights = np.asarray(weights, float)
        return cls(2.0 * np.eye(weights.size), -2.0 * weights, n_rows)

    @property
    def weights(self) -> np.ndarray:
        """Weights of shape (n_learners,) that the prior alone would give."""
        start = np.full(len(self), 1.0 / len(self))
        return minimise_quadratic(self.hessian, self.linear, start)[0]

    def restrict(self, positions: Sequence[int] | np.ndarray) -> WeightPrior:
        """Give the prior of some of the learners, the others having weight 0.

        Parameters
        ----------
        positions : array-like of int of shape (n_kept,)
            Which learners, in which order.

        Returns
        -------
        prior : WeightPrior
        """
        index = np.asarray(positions)
        valid = index.ndim == 1 and len(index) > 0 and index.dtype.kind in "iu"
        if not valid or index.min() < 0 or index.max() >= len(self):
            raise ValueError(
                f"positions={positions!r} should be at least one of 0 … {len(self) - 1}, the "
                "learners of the prior."
            )
        if len(np.unique(index)) < len(index):
            raise ValueError(f"positions={positions!r} has a learner twice.")
        return replace(self, hessian=self.hessian[np.ix_(index, index)], linear=self.linear[index])

    def check_learners(self, n_learners: int) -> None:
        """Raise ValueError if it is for other learners."""
        if len(self) != n_learners:
            raise ValueError(
                f"prior={self!r} is for {len(self)} learners, but X has predictions of "
                f"{n_learners}: give a prior for these, or take those that it is for with "
                "prior.restrict(positions)."
            )

    def worth(self, statistic: float, n_free: int, n_rows: float) -> float:
        """Say how many rows it is worth for rows that contradict it.

        Parameters
        ----------
        statistic : float
            Twice the log likelihood ratio of the best weights and of the prior's own.
        n_free : int
            Weights above zero among the best, less one.
        n_rows : float
            Rows that say so.

        Returns
        -------
        n_rows : float
            At most the prior's own.

        Examples
        --------
        >>> from stackmeta.combiners.weight_prior import WeightPrior
        >>> prior = WeightPrior.around([0.5, 0.5], n_rows=100)
        >>> [prior.worth(statistic, 1, 100) for statistic in (1, 4, 12, 202)]
        [100.0, 100.0, 20.0, 1.0]
        """
        chance = _NO_CONTRADICTION * max(n_free, 1)
        excess = statistic - chance
        return min(self.n_rows, n_rows * chance / excess) if excess > 0 else self.n_rows


def loss_unit(losses: np.ndarray) -> float:
    """Give the unit of a prior's penalty: the lower quartile of the learners' losses."""
    return float(np.quantile(losses, 0.25))


def ridge_penalty(ridge: float, n_learners: int) -> Penalty | None:
    """Make a penalty of ``ridge * |w - 1/m|²``; its linear term is the same everywhere."""
    if ridge == 0:
        return None
    return Penalty(2.0 * ridge * np.eye(n_learners), np.zeros(n_learners))


def prior_penalty(
    prior: WeightPrior, n_rows: float, share: np.ndarray, unit: float, ridge: Penalty | None
) -> Penalty:
    """Make a penalty of a prior, and add that of a ridge.

    Parameters
    ----------
    prior : WeightPrior
    n_rows : float
        Rows that it is worth here.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    unit : float
        See :func:`loss_unit`.
    ridge : Penalty or None

    Returns
    -------
    penalty : Penalty
    """
    # The effective number of rows is one over the sum of squared shares.
    strength = unit * n_rows * float(share @ share)
    penalty = Penalty(strength * prior.hessian, strength * prior.linear)
    if ridge is None:
        return penalty
    return Penalty(penalty.hessian + ridge.hessian, penalty.linear + ridge.linear)
