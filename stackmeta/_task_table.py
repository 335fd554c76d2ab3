"""What a stack of tasks reads: columns and tasks of X, and the learners of each scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import validate_data

from .compat import safe_indexing
from .learners.per_task import (
    PerTaskClassifier,
    PerTaskRegressor,
    PooledClassifier,
    PooledRegressor,
)
from .meta_features import check_real
from .out_of_fold.checks import as_table, check_names, check_takes_weights, read_entries
from .out_of_fold.learner import resolve_columns

SCOPES = ("shared", "own", "pooled")


class TaskTable:
    """Mixin for stacks whose rows belong to tasks."""

    estimators: list[tuple]
    task: Any
    scopes: Sequence[str]
    min_task_rows: int
    _validate_names: Callable[[list[str]], None]

    def _check_entries(self, sample_weight: Any) -> list[tuple]:
        entries = read_entries(self.estimators)
        check_names(entries)
        self._validate_names([name for name, _, _ in entries])
        scopes = list(self.scopes)
        if unknown := [scope for scope in scopes if scope not in SCOPES]:
            raise ValueError(f"scopes={self.scopes!r} names {unknown}; there are {[*SCOPES]}.")
        if not {"shared", "pooled"} & set(scopes) or len(set(scopes)) < len(scopes):
            raise ValueError(
                f"scopes={self.scopes!r} should name 'shared' or 'pooled', each once: learners "
                "of single tasks alone have no answer for a new task."
            )
        kind = "classifier" if is_classifier(self) else "regressor"
        kept = [entry for entry in entries if entry[1] != "drop"]
        for name, estimator, _ in kept:
            if isinstance(estimator, str) or is_classifier(estimator) is not is_classifier(self):
                raise ValueError(f"Learner {name!r}, {estimator!r}, should be a {kind}.")
            if is_classifier(self) and not hasattr(estimator, "predict_proba"):
                raise ValueError(
                    f"Learner {name!r}, {estimator!r}, has no predict_proba: "
                    "CalibratedClassifierCV around it does."
                )
            if sample_weight is not None:
                check_takes_weights(estimator)
        return kept

    def _learners(self, entries: list[tuple], X: Any) -> list[tuple]:
        """Make the learners of each scope, over the columns of X without the task's."""
        wraps = {
            "own": PerTaskClassifier if is_classifier(self) else PerTaskRegressor,
            "pooled": PooledClassifier if is_classifier(self) else PooledRegressor,
        }
        width = X.shape[1] - (self.task is not None)
        learners = []
        for scope in self.scopes:
            for name, estimator, columns in entries:
                positions = self._positions(name, columns, X)
                if scope == "shared":
                    entry = estimator, positions
                else:
                    size = {"min_rows": self.min_task_rows} if scope == "own" else {}
                    entry = wraps[scope](estimator, **size), [*positions, width]
                learners.append((f"{name}_{scope}", *entry))
        check_names(learners)
        return learners

    def _positions(self, name: str, columns: Any, X: Any) -> list[int]:
        """Positions of a learner's columns once the task's column is gone."""
        position = self._task_position(X)
        everything = np.arange(X.shape[1])
        columns = resolve_columns(columns, X, name)
        if columns is None:
            asked = everything
        elif isinstance(columns, list) and all(isinstance(c, str) for c in columns):
            asked = np.array([list(X.columns).index(c) for c in columns])
        else:
            asked = everything[columns]
        asked = asked[asked != position] if position is not None else asked
        if len(asked) == 0:
            raise ValueError(
                f"Learner {name!r} is left without a column: X has {X.shape[1]} feature(s), and "
                f"task={self.task!r} is not among what learners read."
            )
        return [int(i - (position is not None and i > position)) for i in asked]

    def _task_position(self, X: Any) -> int | None:
        if self.task is None:
            return None
        names = list(getattr(X, "columns", range(X.shape[1])))
        if self.task in names:
            return names.index(self.task)
        if isinstance(self.task, Integral) and -X.shape[1] <= self.task < X.shape[1]:
            return int(self.task) % X.shape[1]
        raise ValueError(
            f"task={self.task!r} is no column of X, which has {names!s:.300}. Name one, or pass "
            "task= to fit and predict."
        )

    def _part(self, X: Any, task: Any) -> tuple[Any, Any]:
        """Part X into the learners' columns and the task of each row."""
        position = self._task_position(X)
        if (position is None) == (task is None):
            raise ValueError(
                "Which task does a row belong to? Name a column of X in the constructor, "
                "task='hospital', or pass task= to fit and predict: one of the two; got "
                + ("both." if task is not None else "none.")
            )
        if position is None:
            if len(task) != X.shape[0]:
                raise ValueError(f"task has {len(task)} values for {X.shape[0]} rows of X.")
            return X, task
        rest = [i for i in range(X.shape[1]) if i != position]
        if not rest:
            raise ValueError(
                f"X has 1 feature(s), the task's (task={self.task!r}): learners need others."
            )
        column = safe_indexing(X, [position], axis=1)
        column = column.to_numpy() if hasattr(column, "to_numpy") else column
        return safe_indexing(X, rest, axis=1), column

    def _read_table(self, X: Any, *, reset: bool) -> Any:
        """Check the shape and the names of X; what is in it is for the learners to judge."""
        X = as_table(X, type(self).__name__)
        check_real(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X
