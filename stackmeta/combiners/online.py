"""Weights that follow a stream of rows: exponentiated gradient with fixed share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Settings that run side by side where none is given.
RATES = (0.003, 0.01, 0.03, 0.1)
SHARES = (0.0, 1e-4, 1e-3, 1e-2)
# How fast settings that used to be good are forgotten, and scales of gradients and losses.
_META_SHARE = 1e-3
_MEMORY = 0.01
_LEAST = np.finfo(np.float64).eps


class Stream:
    """Simplex weights, updated row by row.

    Each setting (a rate and a share) has weights of its own, which move against the gradient of
    the row's loss and are then drawn towards equal weights by the share, so that a learner that
    was bad can come back [2]_. The settings are mixed by their likelihood so far [3]_.

    Parameters
    ----------
    n_learners : int
    squared : bool
        Whether rows are errors (squared loss), or probabilities of the truth (log loss).
    rates, shares : sequence of float
        Every pair is a setting.

    Attributes
    ----------
    weights : ndarray of shape (n_learners,)
        The mixture of the settings' weights.
    n_rows : int
        Rows seen.
    loss : float
        Sum of the losses of the rows, each before its update.

    References
    ----------
    .. [1] J. Kivinen and M. K. Warmuth, "Exponentiated gradient versus gradient descent for
       linear predictors", Information and Computation 132, 1997.
    .. [2] M. Herbster and M. K. Warmuth, "Tracking the best expert", Machine Learning 32, 1998.
    .. [3] N. Cesa-Bianchi, P. Gaillard, G. Lugosi and G. Stoltz, "Mirror descent meets fixed
       share (and feels no regret)", NIPS 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.online import Stream
    >>> stream = Stream(2, squared=True, rates=[0.1], shares=[0.001])
    >>> stream.update(np.tile([[0.0, 1.0]], (200, 1)), np.ones(200))
    >>> stream.weights.round(1)
    array([1., 0.])
    """

    def __init__(
        self,
        n_learners: int,
        *,
        squared: bool,
        rates: Sequence[float] = RATES,
        shares: Sequence[float] = SHARES,
    ) -> None:
        pairs = np.array([(rate, share) for rate in rates for share in shares])
        self._rates, self._shares = pairs[:, :1], pairs[:, 1:]
        self._of_setting = np.full((len(pairs), n_learners), 1.0 / n_learners)
        self._trust = np.full(len(pairs), 1.0 / len(pairs))
        self._slope = self._spread = 0.0
        self.squared = squared
        self.weights = np.full(n_learners, 1.0 / n_learners)
        self.n_rows, self.loss = 0, 0.0

    def update(self, rows: np.ndarray, weight: np.ndarray) -> None:
        """Follow rows in their order.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_learners)
            Errors of the learners, or probabilities that they gave to the truth.
        weight : ndarray of shape (n_rows,)
            Weights of the rows.
        """
        for row, importance in zip(rows, weight.tolist(), strict=True):
            mixed = float(self.weights @ row)
            self.loss += importance * (mixed**2 if self.squared else -np.log(max(mixed, _LEAST)))
            self._step(row, importance)
            self.weights = self._trust @ self._of_setting
            self.weights /= self.weights.sum()
            self.n_rows += 1

    def _step(self, row: np.ndarray, importance: float) -> None:
        mixed = self._of_setting @ row
        memory = max(_MEMORY, 1.0 / (self.n_rows + 1))
        if self.squared:
            self._spread += memory * (float(self._trust @ mixed**2) - self._spread)
            losses = mixed**2 / (2.0 * max(self._spread, np.finfo(np.float64).tiny))
            gradient = mixed[:, None] * row
        else:
            mixed = np.maximum(mixed, _LEAST)
            losses = -np.log(mixed)
            gradient = -row / mixed[:, None]
        # What all learners have in common moves nothing.
        gradient = gradient - (self._of_setting * gradient).sum(axis=1, keepdims=True)
        self._slope += memory * (float((gradient**2).max()) - self._slope)
        if self._slope > 0:
            steps = importance * self._rates * gradient / np.sqrt(self._slope)
            moved = self._of_setting * np.exp(-np.clip(steps, -50.0, 50.0))
            moved /= moved.sum(axis=1, keepdims=True)
            self._of_setting = (1.0 - self._shares) * moved + self._shares / moved.shape[1]
        if len(self._trust) > 1:
            trust = self._trust * np.exp(-importance * (losses - losses.min()))
            trust /= trust.sum()
            self._trust = (1.0 - _META_SHARE) * trust + _META_SHARE / len(trust)
