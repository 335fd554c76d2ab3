"""The greedy path: the learner that helps most, again and again."""

from __future__ import annotations

import numpy as np

from .candidates import Candidates, Ensemble

# Losses that differ by less, as a share of the first pick's loss, differ by rounding.
_ROUNDING = 1e-12


def greedy_path(
    candidates: Candidates,
    ensemble: Ensemble,
    learners: np.ndarray,
    n_steps: int,
    n_init: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Pick learners with replacement, each the one whose mean with the others is best.

    Parameters
    ----------
    candidates : Candidates
        Tells the losses.
    ensemble : Ensemble
        Empty; filled with the picks.
    learners : ndarray of int
        The learners to choose from, in ascending order.
    n_steps : int
        Number of picks.
    n_init : int
        So many of them, one at least, are the best learners by themselves, best first.

    Returns
    -------
    picks : ndarray of shape (n_steps,)
        Of several that are equal the first learner.
    path : ndarray of shape (n_steps,)
        Loss of the mean after each pick.
    """
    start = _best_alone(candidates, ensemble, learners, n_init)
    picks, path = np.empty(n_steps, dtype=np.intp), np.empty(n_steps)
    for step in range(n_steps):
        among = start[step : step + 1] if step < len(start) else learners
        losses = candidates.losses(ensemble, among)
        best = first_best(losses, path[0] if step else 0.0)
        picks[step], path[step] = among[best], losses[best]
        ensemble.add(picks[step])
    return picks, path


def first_best(losses: np.ndarray, unit: float) -> int:
    """Position of the least loss; of those that rounding alone tells apart, the first.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        NaN where there is none, but not all.
    unit : float
        A loss to compare differences with.
    """
    least = np.nanmin(losses)
    slack = _ROUNDING * max(abs(least), abs(unit))
    return int(np.argmax(losses <= least + (slack if np.isfinite(slack) else 0.0)))


def _best_alone(
    candidates: Candidates, nobody: Ensemble, learners: np.ndarray, n_init: int
) -> np.ndarray:
    """Rank the ``n_init`` best learners, if more than one: a greedy step finds the first."""
    chosen: list[int] = []
    rest = learners
    while 1 < n_init > len(chosen) and len(rest):
        best = first_best(candidates.losses(nobody, rest), 0.0)
        chosen.append(rest[best])
        rest = np.delete(rest, best)
    return np.array(chosen, dtype=np.intp)
