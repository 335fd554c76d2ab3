"""The exact minimum of the log loss of a mixture over the simplex."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .simplex import minimise_quadratic
from .weight_prior import WeightPrior, loss_unit, prior_penalty, ridge_penalty

# Far below what is promised (1e-8): predictions are as close as the root of the gap.
_TARGET_GAP = 1e-14
# From here on a step may fail to gain for rounding alone.
_ROUNDING_GAP = 1e-6
_IDLE_STEPS = 5
_ROUNDING = 1e-14
_LEAST_STEP = 1e-12
_MAX_STEPS = 200
# No optimum has a weight this small above zero, only rounding has.
_NO_WEIGHT = 1e-10
_LEAST_PROBABILITY = np.finfo(np.float64).eps
# Above this many rows, every k-th row says which learners to start from.
_START_ROWS = 10_000
# A block of rows with this many numbers stays in the processor's cache.
_BLOCK_NUMBERS = 1 << 18
# Columns are copied if they are few, and else read again each time.
_MOST_COPIED = 3 << 21


def minimise_log_loss(
    block: Callable[[slice | np.ndarray], np.ndarray],
    sample_weight: np.ndarray,
    n_learners: int,
    ridge: float = 0.0,
    prior: WeightPrior | None = None,
) -> tuple[np.ndarray, float]:
    """Minimise ``-sample_weight @ log(truth @ w) + ridge * |w - 1/m|²`` over the simplex.

    Sequential quadratic programming with exact second derivatives, as mixsqp [1]_, over a
    growing set of learners: all learners' slopes are looked at, but second derivatives are
    taken of the few that have or want a weight.

    Parameters
    ----------
    block : callable
        Rows (a slice or indices) → ndarray of shape (n, m): the probability that each learner
        gave to the true class of each row.
    sample_weight : ndarray of shape (n_rows,)
        Non-negative, with sum one.
    n_learners : int
        m.
    ridge : float, default=0.0
        Pull towards equal weights.
    prior : WeightPrior, default=None
        What is known of the weights.

    Returns
    -------
    weights : ndarray of shape (m,)
        The minimiser, with exact zeros.
    gap : float
        Duality gap: an upper bound on how far above the minimum it is.

    Notes
    -----
    Rows to whose class no learner gives any probability have an infinite loss whatever the
    weights: they are left out.

    References
    ----------
    .. [1] Y. Kim, P. Carbonetto, M. Stephens and M. Anitescu, "A fast algorithm for maximum
       likelihood estimation of mixture proportions using sequential quadratic programming",
       Journal of Computational and Graphical Statistics 29, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.log_loss import minimise_log_loss
    >>> truth = np.array([[0.9, 0.2], [0.2, 0.9], [0.8, 0.3]])
    >>> weights, gap = minimise_log_loss(truth.__getitem__, np.ones(3) / 3, 2)
    >>> weights.round(3), gap < 1e-8
    (array([0.717, 0.283]), True)
    """
    return _LogLoss(block, sample_weight, n_learners, ridge, prior).minimise()


class _LogLoss:
    """The log loss of mixtures, and the learners that are worth a second derivative."""

    def __init__(
        self,
        block: Callable[[slice | np.ndarray], np.ndarray],
        sample_weight: np.ndarray,
        n_learners: int,
        ridge: float,
        prior: WeightPrior | None,
    ) -> None:
        self.block, self.m = block, n_learners
        n_rows = len(sample_weight)
        step = max(1, _BLOCK_NUMBERS // n_learners)
        self.slices = [slice(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]
        # Rows are scaled by their greatest probability, which changes the loss by a constant.
        self.top = np.empty(n_rows)
        self.mean = np.empty(n_rows)
        for rows in self.slices:
            truth = block(rows)
            self.top[rows] = truth.max(axis=1)
            self.mean[rows] = truth.mean(axis=1)
        self.hopeless = self.top <= 0
        self.top[self.hopeless] = 1.0
        self.mean /= self.top
        self.s = np.where(self.hopeless, 0.0, sample_weight)
        # The other rows' share is scaled to one, and the ridge with it.
        total = self.s.sum() or 1.0
        self.s /= total
        self.penalty = ridge_penalty(ridge / total, n_learners)
        self.prior = prior

    def _unit(self) -> float:
        """Give the unit of the prior; a probability of 0 counts as the least above 0."""
        losses = np.zeros(self.m)
        for rows in self.slices:
            losses -= self.s[rows] @ np.log(np.maximum(self.block(rows), _LEAST_PROBABILITY))
        return loss_unit(losses)

    def _worth(self, prior: WeightPrior) -> float:
        """Say how many rows the prior is worth."""
        if not prior.yields:
            return prior.n_rows
        own, n_rows = prior.weights, 1.0 / float(self.s @ self.s)
        weights, _ = self._grow()
        every = _Columns(self, np.arange(self.m))
        best, given = (np.maximum(every @ w, _LEAST_PROBABILITY) for w in (weights, own))
        statistic = 2.0 * n_rows * float(self.s @ np.log(best / given))
        return prior.worth(statistic, int((weights > 0).sum()) - 1, n_rows)

    def minimise(self) -> tuple[np.ndarray, float]:
        uniform = np.full(self.m, 1.0 / self.m)
        if not self.s.any():
            return (uniform if self.prior is None else self.prior.weights), 0.0
        if self.prior is not None:
            worth, unit = self._worth(self.prior), self._unit()
            self.penalty = prior_penalty(self.prior, worth, self.s, unit, self.penalty)
        if self.penalty is not None:
            weights, p = self._newton(_Columns(self, np.arange(self.m)), uniform)
            gradient = self.penalty.gradient(weights) - self._ascent(p)
            return _cleaned(weights), max(float(weights @ gradient - gradient.min()), 0.0)
        return self._grow()

    def _grow(self) -> tuple[np.ndarray, float]:
        """Newton on a set of learners and the mean of all, until no other learner helps.

        The mean of all learners is a column of its own, so that every row has a probability
        above zero from the first step; its weight goes to zero as learners come in.
        """
        chosen, weights = self._start()
        best, best_gap, idle = np.full(self.m, 1.0 / self.m), np.inf, 0
        for _ in range(self.m + 10):
            weights, p = self._newton(_Columns(self, chosen, self.mean), weights)
            full = np.full(self.m, weights[0] / self.m)
            full[chosen] += weights[1:]
            ascent = self._ascent(p)
            gap = max(float(ascent.max()), 0.0)
            if gap < best_gap:
                best, best_gap, idle = full, gap, 0
            idle += best_gap < _ROUNDING_GAP
            if gap <= _TARGET_GAP or idle > _IDLE_STEPS:
                break
            kept = weights[1:] > 0
            ascent[chosen] = 0.0
            wanting = np.argsort(-ascent, kind="stable")[: 20 + kept.sum()]
            wanting = wanting[ascent[wanting] > 0]
            if len(wanting) == 0:
                break
            weights = np.concatenate([weights[:1], weights[1:][kept], np.zeros(len(wanting))])
            chosen = np.concatenate([chosen[kept], wanting])
        return _cleaned(best), best_gap

    def _start(self) -> tuple[np.ndarray, np.ndarray]:
        if len(self.s) <= _START_ROWS:
            return np.arange(0), np.ones(1)
        rows = np.arange(0, len(self.s), -(-len(self.s) // (_START_ROWS // 2)))
        truth = self.block(rows)
        few, _ = minimise_log_loss(truth.__getitem__, self.s[rows], self.m)
        chosen = np.flatnonzero(few)
        # A little of the mean: rows outside the sample may have nothing from the chosen.
        return chosen, np.concatenate([[0.01], 0.99 * few[chosen]])

    def _ascent(self, p: np.ndarray) -> np.ndarray:
        """How fast the mean log probability grows towards each learner, from mixture ``p``."""
        ratio = self.s / (p * self.top)
        total = np.zeros(self.m)
        for rows in self.slices:
            total += ratio[rows] @ self.block(rows)
        return total - 1.0

    def _newton(self, columns: _Columns, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Minimise over the mixtures of ``columns``; give weights and mixture."""
        p, best_gap = self._mixture(columns, weights), np.inf
        best, idle = (weights, p), 0
        for _ in range(_MAX_STEPS):
            ascent, hessian = self._derivatives(columns, p)
            gradient = -ascent
            if self.penalty is not None:
                gradient += self.penalty.gradient(weights)
            gap = weights @ gradient - gradient.min()
            if gap < best_gap:
                best, best_gap, idle = (weights, p), gap, 0
            # Far from the minimum the gap may rise now and then, near it for rounding alone.
            idle += best_gap < _ROUNDING_GAP
            if gap <= _TARGET_GAP or idle > _IDLE_STEPS:
                break
            linear = -ascent
            if self.penalty is not None:
                hessian, linear = hessian + self.penalty.hessian, linear + self.penalty.linear
            target, _ = minimise_quadratic(hessian, linear, weights)
            move = target - weights
            # Relative change of the mixture: log1p keeps the digits that log(p) loses.
            change = columns @ move / p
            change[self.hopeless] = 0.0
            step = self._line_search(weights, move, change, gradient @ move)
            weights = target if step == 1.0 else weights + step * move
            p = self._mixture(columns, weights)
        return best

    def _mixture(self, columns: _Columns, weights: np.ndarray) -> np.ndarray:
        p = columns @ weights
        p[self.hopeless] = 1.0
        return p

    def _derivatives(self, columns: _Columns, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ascent = np.zeros(columns.width)
        hessian = np.zeros((columns.width,) * 2)
        root = np.sqrt(self.s)
        for rows in columns.slices:
            gain = columns.block(rows) / p[rows, None]
            gain -= 1.0
            ascent += self.s[rows] @ gain
            gain *= root[rows, None]
            hessian += gain.T @ gain
        return ascent, hessian

    def _line_search(
        self, weights: np.ndarray, move: np.ndarray, change: np.ndarray, slope: float
    ) -> float:
        """Halve the step until the loss falls as its slope promises, and it stays finite."""
        step = 1.0
        while step > _LEAST_STEP:
            if 1.0 + step * change.min() > 0:
                fall = -self.s @ np.log1p(step * change)
                if self.penalty is not None:
                    fall += self.penalty.rise(weights, move, step)
                # The loss falls by the square of the gap: rounding hides the last steps' fall.
                if fall <= 1e-4 * step * slope + _ROUNDING:
                    break
            step /= 2.0
        return step


class _Columns:
    """Probabilities of some learners, over the greatest of the row; before them, a column more."""

    def __init__(
        self, loss: _LogLoss, chosen: np.ndarray, first: np.ndarray | None = None
    ) -> None:
        self.loss, self.chosen, self.first = loss, chosen, first
        # All learners may have been chosen in another order than theirs.
        self.are_all = np.array_equal(chosen, np.arange(loss.m))
        n_rows = len(loss.s)
        self.width = len(chosen) + (first is not None)
        self.kept: np.ndarray | None = None
        self.slices = loss.slices
        if n_rows * self.width <= _MOST_COPIED:
            kept = np.empty((n_rows, self.width))
            for rows in self.slices:
                kept[rows] = self.block(rows)
            self.kept = kept
            size = max(1, _BLOCK_NUMBERS // self.width)
            self.slices = [slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size)]

    def block(self, rows: slice) -> np.ndarray:
        """Give some rows, of shape (n, width)."""
        if self.kept is not None:
            return self.kept[rows]
        block = self.loss.block(rows)
        if not self.are_all:
            block = block[:, self.chosen]
        block = block / self.loss.top[rows, None]
        return block if self.first is None else np.column_stack([self.first[rows], block])

    def __matmul__(self, weights: np.ndarray) -> np.ndarray:
        product = np.empty(len(self.loss.s))
        for rows in self.slices:
            product[rows] = self.block(rows) @ weights
        return product


def _cleaned(weights: np.ndarray) -> np.ndarray:
    weights = np.where(weights < _NO_WEIGHT, 0.0, weights)
    return weights / weights.sum()
