"""How near two tasks are: a distance over descriptions, learned from what near tasks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import minimize

from .record import TaskRecord

#: Of a description, what a distance looks at, and whether as a logarithm.
FEATURES = {
    "n_rows": True,
    "n_columns": True,
    "n_classes": True,
    "categories": False,
    "texts": False,
    "missing": False,
    "levels": True,
    "entropy": False,
    "tails": False,
}
#: Weights of squared differences before anything is learned.
START = np.array([1.0, 0.5, 0.5, 2.0, 2.0, 2.0, 0.05, 4.0, 0.01])
_LARGE, _STEPS = 6.0, 40
# Weights stay near the start unless earlier tasks insist.
_PENALTY = 0.02
# A far table counts a little.
_FAR, _LEAST = 0.02, 1e-9


def features_of(description: Mapping[str, float]) -> np.ndarray:
    """Give the features of a description; what it lacks is 0."""
    found = [float(description.get(name, 0.0)) for name in FEATURES]
    logs = np.array([*FEATURES.values()])
    values = np.array(found)
    return np.where(logs, np.log1p(np.maximum(values, 0.0)), values)


def nearness(new: np.ndarray, known: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the kernel of each known task: 1 for one just like the new one.

    Parameters
    ----------
    new : ndarray of shape (n_features,)
    known : ndarray of shape (n_tasks, n_features)
    weights : ndarray of shape (n_features,)
        Of squared differences.
    """
    return np.exp(-0.5 * ((known - new) ** 2) @ weights)


def weigh_records(
    records: Sequence[TaskRecord], description: Mapping[str, float], distance: np.ndarray
) -> tuple[np.ndarray, float]:
    """Say how much each record counts for a new task: each table as much as its nearest record.

    Parameters
    ----------
    records : list of TaskRecord
    description : dict of str to float
        Of the new task.
    distance : ndarray of shape (n_features,)
        As :func:`learn_distance` gives it.

    Returns
    -------
    weights : ndarray of shape (n_records,)
        Those of far tables are small, and not 0.
    n_near : float
        How many tables just like the new one they make up for.
    """
    if not records:
        return np.empty(0), 0.0
    known = np.array([features_of(record.description) for record in records])
    near = np.maximum(nearness(features_of(description), known, distance), _LEAST)
    tables = np.array([record.table for record in records])
    same = tables[:, None] == tables
    nearest = np.where(same, near, 0.0).max(axis=1)
    share = near / (same @ near)
    return share * np.maximum(nearest, _FAR), float(share @ nearest)


def losses_of(records: Sequence[TaskRecord], names: Sequence[str]) -> np.ndarray:
    """Logarithms of the relative losses; NaN where a task did not have a learner."""
    found = np.full((len(records), len(names)), np.nan)
    for line, record in zip(found, records, strict=True):
        where = record.positions(names)
        line[where >= 0] = np.log(record.losses[where[where >= 0]])
    return found


def learn_distance(records: Sequence[TaskRecord]) -> np.ndarray:
    """Learn weights with which near tasks order learners alike.

    What a kernel regression over all *other tables* predicts for the losses of a task's learners,
    relative to their mean, should be right.

    Parameters
    ----------
    records : list of TaskRecord
        Of one kind of task.

    Returns
    -------
    weights : ndarray of shape (n_features,)
        Of squared differences of features.
    """
    names = sorted({name for record in records for name in record.names})
    losses = losses_of(records, names)
    losses = losses - np.nanmean(losses, axis=1, keepdims=True)
    there = ~np.isnan(losses)
    known = np.array([features_of(record.description) for record in records])
    tables = np.array([record.table for record in records])
    others = tables[:, None] != tables
    if len(np.unique(tables)) < 3:
        return START
    differences = (known[:, None] - known) ** 2
    filled, counted = np.where(there, losses, 0.0), there.astype(float)

    def error(logs: np.ndarray) -> float:
        weights = START * np.exp(np.clip(logs, -_LARGE, _LARGE))
        kernel = np.exp(-0.5 * differences @ weights) * others + 1e-6 * others
        predicted = kernel @ filled / np.maximum(kernel @ counted, 1e-12)
        return float(((predicted - losses)[there] ** 2).mean()) * (1 + _PENALTY * logs @ logs)

    found = minimize(error, np.zeros(len(START)), method="L-BFGS-B", options={"maxiter": _STEPS})
    return START * np.exp(np.clip(found.x, -_LARGE, _LARGE))
