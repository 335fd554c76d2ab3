"""How many rows a prior is worth, learned over tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..combiners.simplex import minimise_quadratic
from ..combiners.weight_prior import WeightPrior, loss_unit
from .wishart_tasks import WishartTasks

#: Rows that are tried.
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
#: Where few tables say otherwise, a prior is worth so many rows, as surely as if so many tables
#: had said it.
DEFAULT_STRENGTH, DEFAULT_TABLES = 100.0, 3.0
# So many tables, those that count most, say how much the prior is worth.
_MOST_TABLES = 40
# So many sub-tasks of each number of rows.
_DRAWS = 2

#: Weights of the tables → what they teach of all learners' weights.
Teach = Callable[[np.ndarray], WeightPrior]


def learn_strength(tasks: WishartTasks, teach: Teach, n_folds: int | None = None) -> float:
    """Choose the rows that a prior is worth by the loss on tables that did not teach it.

    The prior is taught by the other tables, the weights are fitted to few rows of this one, and
    judged by its Gram matrix of all rows. Where tables disagree, others mislead, and the prior
    turns out to be worth few rows.

    Parameters
    ----------
    tasks : WishartTasks
        Tables and their sub-tasks.
    teach : callable
        Makes the prior.
    n_folds : int, default=None
        Tables are left out in so many parts. None: one at a time.

    Returns
    -------
    n_rows : float
        Geometric mean of the best of ``STRENGTHS`` and the default, by the number of tables.
    """
    counts = tasks.grams.weights
    judges = np.argsort(-counts, kind="stable")[:_MOST_TABLES]
    if len(counts) < 2:
        return DEFAULT_STRENGTH
    n_parts = min(n_folds or len(judges), len(judges))
    losses = np.zeros(len(STRENGTHS))
    for part in (judges[i::n_parts] for i in range(n_parts)):
        others = counts.copy()
        others[part] = 0.0
        prior = teach(others)
        for table in part:
            losses += counts[table] * _log_losses(tasks, int(table), prior)
    # Tables that count little are little evidence: their number is Kish's effective one.
    n_tables = counts.sum() ** 2 / (counts**2).sum()
    best = STRENGTHS[int(losses.argmin())]
    share = n_tables / (n_tables + DEFAULT_TABLES)
    return float(np.exp(share * np.log(best) + (1.0 - share) * np.log(DEFAULT_STRENGTH)))


def _log_losses(tasks: WishartTasks, table: int, prior: WeightPrior) -> np.ndarray:
    """Mean log squared error at each strength, over the table's sub-tasks."""
    here, truth = prior.restrict(tasks.known[table]), tasks.truth[table]
    own = here.weights
    strongest = replace(here, n_rows=STRENGTHS[-1])
    losses = []
    for n_rows, grams in zip(tasks.rows, tasks.drawn[table][:, :_DRAWS], strict=True):
        for gram in grams:
            unit, zero = loss_unit(gram.diagonal()), np.zeros(len(own))
            plain, _ = minimise_quadratic(2.0 * gram, zero, own)
            least = plain @ gram @ plain + np.finfo(np.float64).eps
            statistic = n_rows * (own @ gram @ own / least - 1.0)
            worth = strongest.worth(statistic, int((plain > 0).sum()) - 1, n_rows)
            weights, found = plain, []
            for strength in STRENGTHS:
                factor = unit * min(strength, worth) / n_rows
                weights, _ = minimise_quadratic(
                    2.0 * gram + factor * here.hessian, factor * here.linear, weights
                )
                # A perfect learner's error is 0.
                found.append(np.log(weights @ truth @ weights + np.finfo(np.float64).eps))
                if strength >= worth:
                    break
            # What is worth less already is not worth more.
            losses.append(found + found[-1:] * (len(STRENGTHS) - len(found)))
    return np.mean(losses, axis=0)
