"""Learning over earlier tables what a few labelled rows are worth: metrics and priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .few_shot_episodes import Episode, draw_episode
from .few_shot_losses import LOSSES, N_TABLE, N_THETA, as_parameters

# Penalties of squared coefficients, in shares of the loss of knowing nothing.
_PENALTY_METRIC, _PENALTY_TABLE = 2e-3, 2e-3
_MOST_STEPS = 200


def train_few_shot(
    tasks: Mapping[str, Any],
    *,
    leave_out: str | None = None,
    n_episodes: int = 40,
    learn_metric: bool = True,
    random_state: int = 0,
) -> dict[str, dict[str, Any]]:
    """Learn the metrics and priors of the few-shot learners over earlier tables.

    From each table, small tasks are drawn: 2 to 8 classes, 1 to 20 labelled rows of each, all or
    some columns, and queries among the other rows. The parameters are those of least mean log
    loss of the queries, with a penalty that draws them to a plain Euclidean metric.

    Parameters
    ----------
    tasks : mapping of str to (X, y) or (X, y, groups)
        Earlier tables by name: a DataFrame, classes, and, where rows belong together, their
        groups; labelled rows and queries then are of different ones.
    leave_out : str, default=None
        A table of ``tasks`` that nothing is learned from, so that what was learned can be tested
        on it. What is learned is the same as without the table.
    n_episodes : int, default=40
        Tasks that are drawn from each table.
    learn_metric : bool, default=True
        False keeps the metric Euclidean (``theta`` zero), and learns the rest.
    random_state : int, default=0
        Seeds the draws.

    Returns
    -------
    learned : dict of str to dict
        Parameters of PrototypeClassifier ("prototype"), SoftNeighboursClassifier ("neighbours")
        and PriorFittedClassifier ("bayesian"), as their constructors take them, and
        ``few_shot_learners(learned=...)``.

    Raises
    ------
    ValueError
        If there is no table to learn from, or one has not two rows of two classes.

    References
    ----------
    .. [1] J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot learning",
       Advances in Neural Information Processing Systems 30, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris, load_wine
    >>> from stackmeta.experience.few_shot import train_few_shot
    >>> from stackmeta.learners.few_shot import PrototypeClassifier
    >>> tasks = {
    ...     "iris": load_iris(return_X_y=True, as_frame=True),
    ...     "wine": load_wine(return_X_y=True, as_frame=True),
    ... }
    >>> learned = train_few_shot(tasks, leave_out="wine", n_episodes=10)
    >>> X, y = tasks["wine"]
    >>> few = [0, 1, 60, 61, 140, 141]
    >>> learner = PrototypeClassifier(**learned["prototype"]).fit(X.iloc[few], y.iloc[few])
    >>> learner.score(X, y) > 0.6
    True
    """
    episodes = draw_episodes(
        tasks, leave_out=leave_out, n_episodes=n_episodes, random_state=random_state
    )
    return {name: fit_learner(name, episodes, learn_metric=learn_metric) for name in LOSSES}


def draw_episodes(
    tasks: Mapping[str, Any],
    *,
    leave_out: str | None = None,
    n_episodes: int = 40,
    random_state: int = 0,
) -> list[Episode]:
    """Draw small tasks from tables; parameters as of :func:`train_few_shot`.

    Each table has draws of its own, which do not depend on what other tables there are.

    Returns
    -------
    episodes : list of Episode
    """
    if leave_out is not None and leave_out not in tasks:
        raise ValueError(f"leave_out={leave_out!r} is none of the tasks: {', '.join(tasks)}.")
    episodes: list[Episode] = []
    for name, task in tasks.items():
        if name == leave_out:
            continue
        X, codes, groups = _checked(name, task)
        rng = np.random.default_rng([random_state, *name.encode()])
        drawn = (draw_episode(name, X, codes, groups, rng) for _ in range(n_episodes))
        episodes.extend(episode for episode in drawn if episode is not None)
    if not episodes:
        raise ValueError("There is no table to learn from: give tasks with rows of two classes.")
    return episodes


def fit_learner(
    name: str, episodes: Sequence[Episode], *, learn_metric: bool = True
) -> dict[str, Any]:
    """Learn the parameters of one learner from episodes.

    Parameters
    ----------
    name : {"prototype", "neighbours", "bayesian"}
        Which learner.
    episodes : list of Episode
        All tables count alike, however many episodes of them there are.
    learn_metric : bool, default=True
        False keeps ``theta`` zero.

    Returns
    -------
    parameters : dict
        Of the learner's constructor.
    """
    loss, own = LOSSES[name]
    start = np.concatenate([np.zeros(N_THETA + N_TABLE), own])
    start[N_THETA] = 1.0
    tables, of = np.unique([episode.table for episode in episodes], return_inverse=True)
    share = 1 / np.bincount(of)[of] / len(tables)
    # In units of knowing nothing: tasks of many classes would else count more.
    share = share / np.log([episode.n_classes for episode in episodes])
    free = np.ones(len(start))
    free[:N_THETA] = learn_metric
    penalty = np.full(len(start), _PENALTY_TABLE)
    penalty[:N_THETA] = _PENALTY_METRIC

    def objective(vector: np.ndarray) -> tuple[float, np.ndarray]:
        away = vector - start
        total, slope = penalty @ away**2, 2 * penalty * away
        for weight, episode in zip(share, episodes, strict=True):
            one, its_slope = loss(vector, episode)
            total += weight * one
            slope += weight * its_slope
        return float(total), slope * free

    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MOST_STEPS, "ftol": 1e-6, "gtol": 1e-4},
    )
    return as_parameters(name, found.x)


def _checked(name: str, task: Any) -> tuple[Any, np.ndarray, np.ndarray | None]:
    import pandas as pd

    if not isinstance(task, tuple | list) or len(task) not in (2, 3):
        raise ValueError(f"Task {name!r} must be (X, y) or (X, y, groups), not {type(task)}.")
    X = task[0] if hasattr(task[0], "iloc") else pd.DataFrame(task[0])
    y = column_or_1d(task[1])
    groups = pd.factorize(task[2])[0] if len(task) == 3 and task[2] is not None else None
    check_consistent_length(X, y, groups)
    codes = pd.factorize(y, sort=True)[0]
    if (codes < 0).any():
        raise ValueError(f"y of task {name!r} has missing values: leave their rows out.")
    if (np.bincount(codes) >= 2).sum() < 2:
        raise ValueError(f"Task {name!r} needs two rows of each of two classes.")
    return X.reset_index(drop=True), codes, groups
