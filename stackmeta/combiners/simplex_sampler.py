"""Draws from a posterior on the simplex whose log-likelihood is quadratic, or nearly so."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .simplex_walk import Likelihood, Walk

_FEWEST_CHAINS, _MOST_CHAINS = 50, 250
# Sweeps of a round: the first, and the longest before it is given up.
_FIRST_ROUND, _LONGEST_ROUND = 8, 512
# Correlations with where the chains began: forgotten, and too much to be silent.
_FORGOTTEN, _REMEMBERED = 0.1, 0.5
# Share of proposals accepted above which looking at them changes nothing, and below which
# they are too bold.
_SURE, _DOUBTFUL = 0.99, 0.4


def draw_weights(
    likelihood: Likelihood,
    centre: np.ndarray,
    concentration: float,
    n_samples: int,
    random: np.random.RandomState,
) -> np.ndarray:
    """Draw weights from the posterior under a symmetric Dirichlet prior.

    Slice sampling [1]_ along two kinds of lines: the exchange of weight between two learners,
    for which no third learner's weight of nearly zero stands in the way, and directions that
    are conjugate at the posterior's centre, along which learners that resemble each other make
    way for one another. On a line a quadratic log-density's slice has its ends in closed form:
    there is no step size to tune. Where the log-likelihood is only nearly quadratic, these
    steps are proposals, which are accepted or rejected by the true one [2]_.

    Parameters
    ----------
    likelihood : Likelihood
        Of m learners.
    centre : ndarray of shape (m,)
        Where directions are conjugate; positive.
    concentration : float
        Of the Dirichlet distribution.
    n_samples : int
        Number of draws.
    random : RandomState
        Source of randomness.

    Returns
    -------
    weights : ndarray of shape (n_samples, m)
        Rows on the simplex.

    References
    ----------
    .. [1] R. M. Neal, "Slice sampling", Annals of Statistics 31, 2003.
    .. [2] J. A. Christen and C. Fox, "Markov chain Monte Carlo using an approximation", Journal
       of Computational and Graphical Statistics 14, 2005.

    Examples
    --------
    With no likelihood it is the Dirichlet distribution, whose mean is the same for all:

    >>> import numpy as np
    >>> from stackmeta.combiners.simplex_sampler import draw_weights
    >>> from stackmeta.combiners.simplex_walk import Likelihood
    >>> nothing, third = Likelihood(np.zeros((1, 3, 3))), np.full(3, 1 / 3)
    >>> weights = draw_weights(nothing, third, 1.0, 2000, np.random.RandomState(0))
    >>> weights.mean(axis=0).round(1), weights.std(axis=0).round(1)
    (array([0.3, 0.3, 0.3]), array([0.2, 0.2, 0.2]))
    """
    if len(centre) == 1:
        return np.ones((n_samples, 1))
    n_chains = min(max(n_samples, _FEWEST_CHAINS), _MOST_CHAINS)
    chains = _Chains(Walk(likelihood, centre, concentration, n_chains, random))
    length = chains.forget()
    draws = []
    for _ in range(-(-n_samples // n_chains)):
        chains.run(length)
        draws.append(chains.walk.weights.T.copy())
    return np.concatenate(draws)[:n_samples]


class _Chains:
    """A walk in rounds, each of proposals that the true likelihood accepts or rejects."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.pieces = walk, 1
        self.correction: Callable[[np.ndarray], np.ndarray] | None = None
        self.run(_FIRST_ROUND)
        # Not before: chains that begin where the quadratic is far too small would stay there.
        self.correction = walk.likelihood.correction
        if self.correction is not None:
            self.excess = self.correction(walk.weights)

    def forget(self) -> int:
        """Run until the chains have forgotten where they began; give the sweeps of a round."""
        length, memory, noise = _FIRST_ROUND, 1.0, 3.5 / np.sqrt(self.walk.weights.shape[1])
        while length <= _LONGEST_ROUND:
            before = self.walk.weights.copy()
            accepted = self.run(length)
            if accepted < _DOUBTFUL and self.pieces < length * len(before):
                self.pieces *= 4
                continue
            if accepted > _SURE:
                self.correction = None
            memory = _correlation(before, self.walk.weights).max()
            if memory < _FORGOTTEN + noise:
                return length
            length, self.pieces = 2 * length, 2 * self.pieces
        if memory > _REMEMBERED + noise:
            warnings.warn(
                f"After {length // 2} sweeps the weights still remember where they began "
                f"(correlation {memory:.2f}): their spread is only roughly known. Drop learners "
                "that hardly differ, or raise concentration.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return length // 2

    def run(self, length: int) -> float:
        """Go through ``length`` sweeps; give the share of proposals that were accepted."""
        if self.correction is None:
            for _ in range(length):
                self.walk.go(self.walk.sweep())
            return 1.0
        steps = np.concatenate([self.walk.sweep() for _ in range(length)])
        return float(np.mean([self._propose(part) for part in np.array_split(steps, self.pieces)]))

    def _propose(self, steps: np.ndarray) -> float:
        """Take steps, and take them back in the chains where the true likelihood says so."""
        assert self.correction is not None
        before, excess = self.walk.weights.copy(), self.excess
        self.walk.go(steps)
        self.excess = self.correction(self.walk.weights)
        chance = np.exp(np.minimum(self.excess - excess, 0.0))
        back = self.walk.random.uniform(size=len(chance)) >= chance
        self.walk.weights[:, back], self.excess[back] = before[:, back], excess[back]
        return float(chance.mean())


def _correlation(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Correlation of each learner's weight over the chains."""
    before = before - before.mean(axis=1, keepdims=True)
    after = after - after.mean(axis=1, keepdims=True)
    norm = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
    return (before * after).sum(axis=1) / np.maximum(norm, np.finfo(np.float64).tiny)
