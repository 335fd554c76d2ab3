"""Settings: where a learner's parameters start, from what earlier tables say about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from .distance import START, weigh_records
from .record import TaskRecord
from .recording import last_of

#: Settings that fewer tables know are not believed.
LEAST_TABLES = 5
#: What is put between a family's name and anything, in the name of a learner of the family.
MARK = "#"
# One table's disaster says no more than that.
_MOST = 0.5
# A far table counts a little, and each as one, however many tasks were drawn from it.
_LEAST = 1e-9


@dataclass(frozen=True)
class Family:
    """Learners of the portfolio that differ in their settings alone; the first is the default."""

    members: tuple[str, ...]
    parameters: tuple[str, ...]
    usual: Mapping[str, Any] = field(default_factory=dict)

    @property
    def default(self) -> str:
        """The learner that the others are compared with."""
        return self.members[0]


#: What starting points are known for, with values of parameters that are not always set.
FAMILIES = {
    "linear": Family(("linear",), ("C",)),
    "extra_trees": Family(("extra_trees",), ("min_samples_leaf", "max_features")),
    "lightgbm": Family(
        ("lightgbm_small", "lightgbm", "lightgbm_extra", "lightgbm_deep"),
        (
            "num_leaves",
            "learning_rate",
            "min_child_samples",
            "colsample_bytree",
            "reg_lambda",
            "extra_trees",
        ),
        {"extra_trees": False},
    ),
    "xgboost": Family(
        ("xgboost_lossguide", "xgboost", "xgboost_shallow"),
        (
            "max_depth",
            "max_leaves",
            "grow_policy",
            "learning_rate",
            "min_child_weight",
            "subsample",
            "colsample_bytree",
            "reg_lambda",
        ),
        {"grow_policy": "depthwise", "max_leaves": 0},
    ),
}


def starting_points(
    records: Sequence[TaskRecord],
    description: Mapping[str, float],
    *,
    distance: np.ndarray = START,
) -> dict[str, dict[str, Any]]:
    """Give, for each family of learners, the settings that did best on tables like this one.

    Settings are compared with the family's default on the same task, so tasks that did not
    fit the default say nothing. Near tables count more, and each table once, however many tasks
    were drawn from it. Settings are taken only if :data:`LEAST_TABLES` tables know them, and they
    beat the default by more than the standard error over tables.

    Parameters
    ----------
    records : list of TaskRecord
        Of other tables and the same kind of task. Learners count that have a name of the
        portfolio, or one that starts with a family's and ``#``. Learning rates as of ``pace=1``.
    description : dict of str to float
        Of the new task, see :func:`describe_table`.
    distance : ndarray of shape (n_features,)
        As :func:`learn_distance` gives it.

    Returns
    -------
    points : dict of str to dict
        Family → parameters; none where the default stays.

    Raises
    ------
    ValueError
        If records are of several kinds of task, or ``description`` tells no rows.

    Examples
    --------
    >>> from stackmeta.experience.settings import starting_points
    >>> starting_points([], {"n_rows": 300.0})
    {'linear': {}, 'extra_trees': {}, 'lightgbm': {}, 'xgboost': {}}
    """
    if not description.get("n_rows", 0) > 0:
        raise ValueError(
            f"description should tell n_rows > 0, got {dict(description)!r}; "
            "make it with describe_table."
        )
    if len(tasks := {record.task for record in records}) > 1:
        raise ValueError(f"records should be of one kind of task, got {sorted(tasks)}.")
    weights, _ = weigh_records(records, description, distance)
    return {name: _best(name, family, records, weights) for name, family in FAMILIES.items()}


def start_from(
    learners: Iterable[tuple[str, BaseEstimator]],
    points: Mapping[str, Mapping[str, Any]],
    *,
    pace: float = 1.0,
) -> list[tuple[str, BaseEstimator]]:
    """Put a learner with the settings of each starting point beside the portfolio's default.

    Beside, not in its place: on tables that are left out, what stands in the default's place
    makes a stack no better on average, and now and then much worse.

    Parameters
    ----------
    learners : list of (str, estimator)
        As :func:`stackmeta.learners.portfolio` lists them.
    points : dict of str to dict
        As :func:`starting_points` gives them.
    pace : float, default=1.0
        That the portfolio was made with: learning rates are multiplied by it.

    Returns
    -------
    learners : list of (str, estimator)
        In the same order, with a learner ``family#near`` after each default whose family has a
        starting point.

    Raises
    ------
    ValueError
        If there is no such family.
    """
    if unknown := sorted(set(points) - set(FAMILIES)):
        raise ValueError(f"points should be of {[*FAMILIES]}, got {unknown}.")
    places = {FAMILIES[family].default: family for family, found in points.items() if found}
    found = []
    for name, learner in learners:
        found.append((name, learner))
        if family := places.get(name):
            near = with_settings(learner, points[family], pace=pace)
            found.append((f"{family}{MARK}near", near))
    return found


def with_settings(
    learner: BaseEstimator, settings: Mapping[str, Any], *, pace: float = 1.0
) -> BaseEstimator:
    """Copy a learner, with other parameters of what it ends in.

    Parameters
    ----------
    learner : estimator
        Of the portfolio.
    settings : dict of str to value
        Those that it does not have are left out: ridge regression has no ``C``.
    pace : float, default=1.0
        The learning rate is multiplied by it.
    """
    learner = clone(learner)
    last = last_of(learner)
    had = last.get_params(deep=False)
    # LightGBM takes this one without having it.
    takes = {*had, "extra_trees"} if "num_leaves" in had else set(had)
    new = {name: value for name, value in settings.items() if name in takes}
    if "learning_rate" in new:
        new["learning_rate"] = pace * new["learning_rate"]
    if "min_samples_leaf" in new:
        # Where there are many rows, leaves are large for the sake of the models' size.
        new["min_samples_leaf"] = max(new["min_samples_leaf"], had["min_samples_leaf"])
    if new.get("extra_trees") and "device_type" in had:
        new["device_type"] = "cpu"
    last.set_params(**new)
    return learner


def _best(
    name: str, family: Family, records: Sequence[TaskRecord], weights: np.ndarray
) -> dict[str, Any]:
    gains: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for record, weight in zip(records, weights, strict=True):
        for key, gain in _gains(name, family, record).items():
            gains.setdefault(key, {}).setdefault(record.table, []).append((weight, gain))
    scores = {
        key: _surely(tables.values())
        for key, tables in sorted(gains.items())
        if len(tables) >= LEAST_TABLES
    }
    best = max(scores, key=lambda key: scores[key], default="")
    return json.loads(best) if best and scores[best] > 0 else {}


def _gains(name: str, family: Family, record: TaskRecord) -> dict[str, float]:
    """By how much the logarithm of the loss is below the default's, for each of the settings."""
    if family.default not in record.names:
        return {}
    default = record.losses[record.names.index(family.default)]
    found: dict[str, float] = {}
    for learner, loss in zip(record.names, record.losses, strict=True):
        if learner not in family.members and not learner.startswith(name + MARK):
            continue
        settings = {**family.usual, **record.settings.get(learner, {})}
        tuned = {x: settings[x] for x in family.parameters if x in settings}
        if tuned:
            gain = float(np.clip(np.log(default / max(loss, _LEAST)), -_MOST, _MOST))
            found[json.dumps(tuned)] = gain
    return found


def _surely(tables: Iterable[list[tuple[float, float]]]) -> float:
    """Mean gain over tables, less its standard error."""
    pairs = [np.array(of_one) for of_one in tables]
    weights = np.array([of_one[:, 0].sum() for of_one in pairs])
    gains = np.array([np.average(of_one[:, 1], weights=of_one[:, 0]) for of_one in pairs])
    shares = weights / weights.sum()
    mean = shares @ gains
    spread = shares @ (gains - mean) ** 2 / max(1 - shares @ shares, _LEAST)
    return float(mean - np.sqrt(spread * (shares @ shares)))
