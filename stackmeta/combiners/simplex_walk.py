"""Steps of a random walk on the simplex that leave a posterior as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from .simplex_centre import conjugate_directions

# Along directions, a sweep takes so many steps at most: exchanges do most of the work.
_MOST_DIRECTIONS = 64
# Weights stay above zero, so that whichever learners cover a row have some.
_TINY = 1e-300
_LOG_RANGE = 600.0
_ROUNDING = 1e-15


class Likelihood:
    """``exp(-precision @ [w @ gram @ w for gram in grams] / 2)``, and what it leaves out.

    Parameters
    ----------
    grams : ndarray of shape (n_terms, m, m)
        Symmetric, positive semi-definite.
    degrees : float, default=None
        Degrees of freedom of the precisions' posterior (a scaled chi-square distribution given
        the weights); None: the precisions are 1.
    floor : float, default=0.0
        Added to each ``w @ gram @ w`` in that posterior: the prior's part.
    correction : callable, default=None
        Weights of shape (m, n) → (n,): the log-likelihood minus the quadratic one.
    """

    def __init__(
        self,
        grams: np.ndarray,
        degrees: float | None = None,
        floor: float = 0.0,
        correction: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.grams, self.degrees, self.floor = grams, degrees, floor
        self.correction = correction

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Give ``w @ gram @ w`` of each term and column of weights, (n_terms, n)."""
        return np.maximum(((self.grams @ weights) * weights).sum(axis=1), 0.0)

    def precisions(self, weights: np.ndarray) -> np.ndarray:
        """Give the mean precisions given the weights, (n_terms, n)."""
        if self.degrees is None:
            return np.ones((len(self.grams), weights.shape[1]))
        return self.degrees / (self.sums(weights) + self.floor)

    def draw_precisions(self, weights: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Draw precisions given the weights, (n_terms, n)."""
        mean = self.precisions(weights)
        if self.degrees is None:
            return mean
        return mean * random.chisquare(self.degrees, size=mean.shape) / self.degrees


class Walk:
    """Points of the simplex that walk side by side: an array costs hardly more than one.

    Parameters
    ----------
    likelihood : Likelihood
        Of m learners.
    centre : ndarray of shape (m,)
        Where directions are conjugate; positive.
    concentration : float
        Of the symmetric Dirichlet prior.
    n_chains : int
        Number of points.
    random : RandomState
        Source of randomness.

    Attributes
    ----------
    weights : ndarray of shape (m, n_chains)
        Columns on the simplex.
    """

    def __init__(
        self,
        likelihood: Likelihood,
        centre: np.ndarray,
        concentration: float,
        n_chains: int,
        random: np.random.RandomState,
    ) -> None:
        self.likelihood, self.concentration, self.random = likelihood, concentration, random
        precision = likelihood.precisions(centre[:, None])[:, 0]
        hessian = np.tensordot(precision, likelihood.grams, axes=1)
        self.directions = conjugate_directions(hessian, centre, concentration)
        self.images = likelihood.grams @ self.directions
        self.curvatures = (self.images * self.directions).sum(axis=1)
        # Exchange with a learner that has no weight changes none.
        self.partners = np.sqrt(centre) / np.sqrt(centre).sum()
        # About the spread of a weight's logarithm under the prior.
        self.width = 2.0 / concentration + 4.0 / np.sqrt(concentration)
        start = self.directions @ random.standard_normal((self.directions.shape[1], n_chains))
        self.weights = centre[:, None] * np.exp(np.clip(start / centre[:, None], -3.0, 3.0))
        self.weights /= self.weights.sum(axis=0)

    def sweep(self) -> np.ndarray:
        """Choose steps, in random order: pairs of learners, and (d, -1) for directions.

        That an order is as likely as its reverse is what makes a series of steps a proposal
        whose acceptance needs densities alone.
        """
        m, directions = len(self.weights), np.arange(self.directions.shape[1])
        partners = self.random.choice(m, size=m, p=self.partners)
        pairs = np.column_stack([np.arange(m), partners])[partners != np.arange(m)]
        if len(directions) > _MOST_DIRECTIONS:
            directions = self.random.choice(directions, _MOST_DIRECTIONS, replace=False)
        lines = np.column_stack([directions, np.full(len(directions), -1)])
        return self.random.permutation(np.concatenate([pairs, lines]))

    def go(self, steps: np.ndarray) -> None:
        """Draw precisions, and take steps given them."""
        self.precision = self.likelihood.draw_precisions(self.weights, self.random)
        for first, second in steps:
            if second < 0:
                self._along(first)
            else:
                self._exchange(first, second)
        self.weights /= self.weights.sum(axis=0)

    def _exchange(self, first: int, second: int) -> None:
        """Move weight from one learner to another."""
        grams, here = self.likelihood.grams, self.weights[[first, second]]
        image = grams[:, first] - grams[:, second]
        line = self._line(image, image[:, first] - image[:, second])
        if self.concentration == 1.0:
            moved = here + self._step(line, -here[0], here[1]) * [[1.0], [-1.0]]
        else:
            moved = self._exchange_log_odds(line, here)
        self.weights[[first, second]] = np.maximum(moved, _TINY)

    def _exchange_log_odds(self, line: _Line, here: np.ndarray) -> np.ndarray:
        """Draw the log-odds of a pair: there the density has no poles, whatever the prior."""
        total = here.sum(axis=0)

        def density(odds: np.ndarray) -> np.ndarray:
            small = np.exp(-np.abs(odds))
            prior = np.abs(odds) + 2.0 * np.log1p(small)
            share = np.where(odds < 0, small, 1.0) / (1.0 + small)
            return line(total * share - here[0]) - self.concentration * prior

        odds = self._slice(density, np.log(here[0] / here[1]))
        return total * expit(np.array([odds, -odds]))

    def _along(self, index: int) -> None:
        """Move along a conjugate direction: drawn for a flat prior, accepted by the prior."""
        direction = self.directions[:, index]
        line = self._line(self.images[:, :, index], self.curvatures[:, index])
        up, down = direction > 0, direction < 0
        low = -(self.weights[up] / direction[up, None]).min(axis=0)
        high = (self.weights[down] / -direction[down, None]).min(axis=0)
        moved = self.weights + direction[:, None] * self._step(line, low, high)
        np.maximum(moved, _TINY, out=moved)
        if self.concentration != 1.0:
            prior = (self.concentration - 1.0) * np.log(moved / self.weights).sum(axis=0)
            back = self.random.uniform(size=len(prior)) >= np.exp(np.minimum(prior, 0.0))
            moved[:, back] = self.weights[:, back]
        self.weights = moved

    def _line(self, image: np.ndarray, curvature: np.ndarray) -> _Line:
        """Take the log-likelihood along a direction, from its product with each gram."""
        slope = (self.precision * (image @ self.weights)).sum(axis=0)
        return _Line(slope, curvature @ self.precision)

    def _step(self, line: _Line, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Draw from the slice between the walls."""
        ends = line.slice(self.random.standard_exponential(len(low)))
        low, high = np.maximum(low, ends[0]), np.minimum(high, ends[1])
        return low + self.random.uniform(size=len(low)) * (high - low)

    def _slice(self, density: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> np.ndarray:
        """Draw from the slice of any log-density: an interval that steps out, then shrinks."""
        level = density(start) - self.random.standard_exponential(len(start))
        low = start - self.width * self.random.uniform(size=len(start))
        high = low + self.width
        while (inside := (density(low) > level) & (low > -_LOG_RANGE)).any():
            low = low - self.width * inside
        while (inside := (density(high) > level) & (high < _LOG_RANGE)).any():
            high = high + self.width * inside
        found, left = start.copy(), np.ones(len(start), dtype=bool)
        while left.any():
            guess = low + self.random.uniform(size=len(start)) * (high - low)
            inside = density(guess) >= level
            found = np.where(left & inside, guess, found)
            # An interval that is down to rounding has come back to where it began.
            left &= ~inside & (high - low > _ROUNDING * (1.0 + np.abs(start)))
            low = np.where(guess < start, guess, low)
            high = np.where(guess < start, high, guess)
        return found


class _Line:
    """``-(slope * t + curvature * t² / 2)``, for each chain its own."""

    def __init__(self, slope: np.ndarray, curvature: np.ndarray) -> None:
        self.slope, self.curvature = slope, np.maximum(curvature, _TINY)

    def __call__(self, step: np.ndarray) -> np.ndarray:
        return -step * (self.slope + 0.5 * self.curvature * step)

    def slice(self, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the ends of the interval where it is at least ``-depth``."""
        size = np.abs(self.slope) + np.sqrt(self.slope**2 + 2.0 * self.curvature * depth)
        # Each end in the form that subtracts no two numbers of a size.
        near, far = 2.0 * depth / size, size / self.curvature
        downhill = self.slope < 0
        return np.where(downhill, -near, -far), np.where(downhill, far, near)
