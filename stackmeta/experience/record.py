"""TaskRecord: what one fit taught, in numbers that hold no row of the data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Records of a later version are skipped: nobody knows what they mean.
VERSION = 1
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class TaskRecord:
    """One task: a table, the learners that were fitted on it, and how they did.

    All losses are relative to those of a constant prediction (class frequencies, or the mean), so
    that tables compare: 1 is as good as knowing nothing.

    Attributes
    ----------
    table : str
        Which table the rows are from: of two records with the same, one says nothing new about
        how the other's task would go.
    task : {"classification", "regression"}
    description : dict of str to float
        What the table is like, see :func:`describe_table`.
    names : tuple of str
        Learners.
    losses : ndarray of shape (n_learners,)
        Out-of-fold log loss, or root mean squared error.
    gram : ndarray of shape (n_learners, n_learners)
        Mean over rows of the products of two learners' out-of-fold errors (of all classes'
        probabilities, or of numbers). For weights ``w``, ``w @ gram @ w`` is the squared error
        (Brier score) of their blend.
    seconds : ndarray of shape (n_learners,)
        Mean seconds of a fold.
    weights : ndarray of shape (n_learners,)
        Convex weights of least out-of-fold loss.
    settings : dict of str to dict
        Parameters of each learner's last step, where they are plain values.
    columns : tuple of str
        Names of the columns, if they were asked for.
    """

    table: str
    task: str
    description: Mapping[str, float]
    names: tuple[str, ...]
    losses: np.ndarray
    gram: np.ndarray
    seconds: np.ndarray
    weights: np.ndarray
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Training rows."""
        return int(self.description["n_rows"])

    def positions(self, names: Sequence[str]) -> np.ndarray:
        """Say where each learner is; -1 for those that this task did not have."""
        return np.array([self.names.index(n) if n in self.names else -1 for n in names], int)

    def gram_of(self, names: Sequence[str]) -> np.ndarray:
        """Give ``gram`` for the named learners; NaN for those that this task did not have."""
        where = self.positions(names)
        found = self.gram[np.ix_(where, where)]
        found[where < 0] = np.nan
        found[:, where < 0] = np.nan
        return found

    def to_json(self) -> str:
        """Write the record as text that people can read."""
        return json.dumps(
            {
                "version": VERSION,
                "table": self.table,
                "task": self.task,
                "description": {k: _short(v) for k, v in self.description.items()},
                "names": list(self.names),
                "losses": [_short(x) for x in self.losses],
                "gram": [[_short(x) for x in row] for row in self.gram],
                "seconds": [_short(x) for x in self.seconds],
                "weights": [_short(x) for x in self.weights],
                "settings": self.settings,
                "columns": list(self.columns),
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> TaskRecord:
        """Read a record.

        Raises
        ------
        ValueError
            If it is none, or of another version.
        """
        try:
            found = json.loads(text)
            if found.pop("version") != VERSION:
                raise ValueError("it is of another version of stackmeta")
            record = cls(
                **{
                    **found,
                    "names": tuple(found["names"]),
                    "columns": tuple(found["columns"]),
                    "description": {k: float(v) for k, v in found["description"].items()},
                    **{
                        name: np.asarray(found[name], float)
                        for name in ("losses", "gram", "seconds", "weights")
                    },
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks or has what it should not: {error}") from error
        record.check()
        return record

    def check(self) -> None:
        """Raise ValueError where the numbers do not belong together."""
        n = len(self.names)
        shapes = {"losses": (n,), "seconds": (n,), "weights": (n,), "gram": (n, n)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape or not np.isfinite(values).all():
                raise ValueError(f"{name} should be {shape} finite numbers")
        if self.task not in TASKS or not self.description.get("n_rows", 0) > 0 or n == 0:
            raise ValueError("task, rows or learners are missing")


def _short(value: float) -> float:
    """Five digits say as much as the folds' chance allows."""
    return float(f"{value:.5g}")
