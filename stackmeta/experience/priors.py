"""A prior over a combiner's weights, learned over earlier tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..combiners.weight_prior import WeightPrior
from .initialisation import initial_weights
from .prior_strength import Teach, learn_strength
from .record import TaskRecord
from .table_grams import TableGrams
from .wishart_tasks import WishartTasks

METHODS = ("hierarchical", "reptile", "maml")
#: Rows of the sub-tasks that say how much a prior is worth.
ROWS = (30, 100, 300)
# The trained initialisations take a second each: tables are left out in so many parts.
_PARTS = 5


def weight_prior(
    records: Sequence[TaskRecord],
    names: Sequence[str],
    *,
    method: str = "hierarchical",
    weights: Sequence[float] | np.ndarray | None = None,
    n_rows: float | None = None,
    rows: Sequence[int] = ROWS,
    random_state: int = 0,
) -> WeightPrior:
    """Learn from earlier tasks where a combiner's weights should start.

    Parameters
    ----------
    records : sequence of TaskRecord
        Earlier tasks, all of one kind. Each table counts once, however many records it has.
    names : sequence of str of shape (n_learners,)
        Learners that the combiner will combine. Those that no record has get a neutral entry.
    method : {"hierarchical", "reptile", "maml"}, default="hierarchical"
        - "hierarchical": the mean Gram matrix of the tables' out-of-fold errors, as if so many
          rows with these errors had been seen. It knows which learners err alike.
        - "reptile", "maml": initial weights from which few gradient steps lead far, on average
          over sub-tasks of the tables; the prior is a ridge towards them.
    weights : array-like of shape (n_records,), default=None
        How near each record is to the task at hand, such as similarities; 0 leaves it out.
    n_rows : float, default=None
        Rows that the prior is worth. None learns it: the number with which each table, of few
        rows, would have done best by what the others teach. Few tables leave it near 100.
    rows : sequence of int, default=(30, 100, 300)
        Rows of the sub-tasks on which it is learned, and the initial weights are trained.
    random_state : int, default=0
        Seeds the draws of sub-tasks.

    Returns
    -------
    prior : WeightPrior
        For ``ConvexClassifier(prior=...)`` and ``ConvexRegressor(prior=...)``. It yields: rows
        that contradict it make it worth less.

    Raises
    ------
    ValueError
        If no record has any of the learners, or records are of both kinds of task.

    Examples
    --------
    On one table, "trees" was good and "knn" added nothing:

    >>> import numpy as np
    >>> from stackmeta.experience.priors import weight_prior
    >>> from stackmeta.experience.record import TaskRecord
    >>> record = TaskRecord(
    ...     table="a", task="regression", description={"n_rows": 500.0},
    ...     names=("trees", "linear", "knn"), losses=np.array([0.6, 0.7, 0.9]),
    ...     gram=np.array([[0.4, 0.3, 0.4], [0.3, 0.5, 0.4], [0.4, 0.4, 0.8]]),
    ...     seconds=np.ones(3), weights=np.array([0.67, 0.33, 0.0]),
    ... )
    >>> prior = weight_prior([record], ["knn", "trees", "linear"])
    >>> prior
    WeightPrior(3 learners, n_rows=100)
    >>> prior.weights.round(2)
    array([0.  , 0.67, 0.33])
    """
    names = list(names)
    _check(records, names, method, weights, rows, n_rows)
    grams = TableGrams.of(records, names, weights)
    if len(grams) == 0:
        raise ValueError(
            f"None of {len(records)} record(s) says anything about the learners {names}: fit the "
            "combiner without a prior."
        )
    if method == "hierarchical" and n_rows is not None:
        return WeightPrior(2.0 * grams.pooled(), np.zeros(len(names)), n_rows, yields=True)
    tasks = WishartTasks(grams, tuple(int(n) for n in rows), random_state)
    teach = _teacher(tasks, method, random_state)
    if n_rows is None:
        n_rows = learn_strength(tasks, teach, None if method == "hierarchical" else _PARTS)
    return replace(teach(grams.weights), n_rows=float(n_rows), yields=True)


def _teacher(tasks: WishartTasks, method: str, random_state: int) -> Teach:
    """Give what makes a prior of the tables' weights."""
    if method == "hierarchical":

        def pooled(counts: np.ndarray) -> WeightPrior:
            gram = tasks.grams.pooled(counts)
            return WeightPrior(2.0 * gram, np.zeros(len(gram)), 1.0)

        return pooled

    def trained(counts: np.ndarray) -> WeightPrior:
        return WeightPrior.around(initial_weights(tasks, counts, method, random_state), 1.0)

    return trained


def _check(
    records: Sequence[TaskRecord],
    names: list[str],
    method: str,
    weights: Sequence[float] | np.ndarray | None,
    rows: Sequence[int],
    n_rows: float | None,
) -> None:
    if method not in METHODS:
        raise ValueError(f"method={method!r} should be one of {METHODS}.")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"names={names!r} should be at least one learner, and none twice.")
    kinds = sorted({record.task for record in records})
    if len(kinds) > 1:
        raise ValueError(
            f"records are of {' and '.join(kinds)}: their weights have nothing in common; give "
            "those of the kind of the task at hand."
        )
    if n_rows is not None and not 0 <= n_rows < np.inf:
        raise ValueError(f"n_rows={n_rows} should be None, or finite and at least 0.")
    if len(rows) == 0 or min(rows) < 1:
        raise ValueError(f"rows={rows!r} should be at least one number of rows, each 1 or more.")
    if weights is None:
        return
    values = np.asarray(weights, float)
    if values.shape != (len(records),) or not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(
            f"weights has shape {values.shape}: it should be {len(records)} finite numbers, one a "
            "record, none below 0."
        )
