"""Weights of the learners at a row, from how they did on the training rows around it."""

from __future__ import annotations

import numpy as np

from .neighbourhoods import Neighbours

# A learner without global weight starts with this share of an equal weight.
_LEAST_SHARE = 0.01


def eliminate(near: Neighbours, right: np.ndarray, covers: np.ndarray) -> np.ndarray:
    """KNORA-Eliminate: the learners that are right on the most of the nearest rows on end.

    Shrinking a neighbourhood until some learner is right on all of it finds those whose first
    mistake is furthest away. Rows that a learner did not cover are passed over.

    Parameters
    ----------
    near : Neighbours
        Of the rows that are predicted.
    right : ndarray of shape (n_known, n_learners)
        1 where a learner was right on a training row, else 0; NaN where it did not cover it.
    covers : ndarray of bool of shape (n, n_learners)
        Which learners predict the row.

    Returns
    -------
    weights : ndarray of shape (n, n_learners)
        Rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.competence import eliminate
    >>> from stackmeta.combiners.neighbourhoods import Neighbours
    >>> near = Neighbours(np.array([[2, 0, 1]]), np.ones((1, 3)), 3)
    >>> right = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> eliminate(near, right, np.ones((1, 3), dtype=bool))
    array([[0.5, 0.5, 0. ]])
    """
    run = near.first(right == 0)
    run[(near.first(right == 1) > run) | ~covers] = 0
    return shares((run == run.max(axis=1, keepdims=True)) & (run > 0), covers)


def unite(near: Neighbours, right: np.ndarray, covers: np.ndarray) -> np.ndarray:
    """KNORA-Union: weights proportional to how often a learner is right nearby."""
    return shares(np.nan_to_num(near.mean(right)), covers)


def exceed(
    near: Neighbours, right: np.ndarray, covers: np.ndarray, chance: float | None
) -> np.ndarray:
    """DES-P: weights proportional to how much oftener than by chance a learner is right.

    ``chance`` None is how often a learner drawn at random is right on the same neighbours.
    """
    rate = near.mean(right)
    if chance is None:
        total = np.nansum(rate, axis=1, keepdims=True)
        level = total / np.maximum((~np.isnan(rate)).sum(axis=1, keepdims=True), 1)
    else:
        level = np.full((len(rate), 1), chance)
    # Averages of the same numbers differ by rounding, which is no competence.
    excess = np.nan_to_num(rate - level)
    return shares(np.where(excess > 1e-9, excess, 0.0), covers)


def shares(competence: np.ndarray, covers: np.ndarray) -> np.ndarray:
    """Scale competences to sum to one a row; learners that cover it get equal ones if all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.competence import shares
    >>> shares(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([[True, True], [True, False]]))
    array([[0.25, 0.75],
           [1.  , 0.  ]])
    """
    weights = np.where(covers, competence, 0.0)
    none = ~weights.any(axis=1)
    weights[none] = covers[none]
    return weights / weights.sum(axis=1, keepdims=True)


def lean(relative: np.ndarray, prior: np.ndarray, covers: np.ndarray, evidence: float):
    """Tilt global weights towards the learners with less loss nearby.

    Parameters
    ----------
    relative : ndarray of shape (n, n_learners)
        Mean loss nearby in nats, relative to the mean of the learners.
    prior : ndarray of shape (n_learners,)
        Global weights.
    covers : ndarray of bool of shape (n, n_learners)
        Which learners predict the row.
    evidence : float
        For how many rows the mean stands; 0 leaves the global weights as they are.

    Returns
    -------
    weights : ndarray of shape (n, n_learners)
        Proportional to ``prior * exp(-evidence * relative)``; rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.competence import lean
    >>> covers = np.ones((1, 2), dtype=bool)
    >>> lean(np.array([[-0.1, 0.1]]), np.array([0.5, 0.5]), covers, 5.0).round(3)
    array([[0.731, 0.269]])
    """
    if evidence == 0:
        return shares(np.broadcast_to(prior, covers.shape), covers)
    start = (1 - _LEAST_SHARE) * prior + _LEAST_SHARE / len(prior)
    logits = np.where(covers, np.log(start) - evidence * relative, -np.inf)
    logits -= logits.max(axis=1, keepdims=True)
    return shares(np.exp(logits), covers)


def relative_losses(losses: np.ndarray) -> np.ndarray:
    """Losses (n, n_learners) less their mean over the learners that cover the row.

    A learner that does not cover a row counts there as good as the mean of the others.
    """
    covered = ~np.isnan(losses)
    total = np.where(covered, losses, 0.0).sum(axis=1, keepdims=True)
    return np.where(covered, losses - total / covered.sum(axis=1, keepdims=True), 0.0)
