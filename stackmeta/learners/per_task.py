"""Learners of rows that belong to tasks, whose numbers are the last column of X."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils import get_tags

from ..compat import is_pandas, is_polars, safe_indexing
from ..meta_features import append
from ..out_of_fold.learner import rows_of_params
from ..out_of_fold.response import fill_probabilities
from .task_means import TaskMeans, cross_fitted


def split_tasks(X: Any) -> tuple[Any, np.ndarray]:
    """Part a table into its columns and the tasks' numbers behind them."""
    last = X.shape[1] - 1
    if is_pandas(X):
        return X.iloc[:, :last], X.iloc[:, last].to_numpy().astype(np.intp)
    if is_polars(X):
        return X[:, :last], X[:, last].to_numpy().astype(np.intp)
    column = X[:, [last]]
    column = column.toarray() if hasattr(column, "toarray") else np.asarray(column)
    return X[:, :last], column.ravel().astype(np.intp)


class _OfTasks(BaseEstimator):
    """What the learners below share: an estimator inside."""

    classes_: np.ndarray

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _columns(self, y: np.ndarray) -> np.ndarray:
        """Columns of y whose means are taken: numbers, or indicators of classes."""
        return np.asarray(y, dtype=np.float64).reshape(len(y), -1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags


class _OfTasksClassifier(ClassifierMixin, _OfTasks):
    """The same for classes."""

    def _columns(self, y: np.ndarray) -> np.ndarray:
        self.classes_ = np.unique(y)
        indicators = (np.asarray(y)[:, None] == self.classes_).astype(np.float64)
        return indicators[:, 1:] if len(self.classes_) == 2 else indicators

    def predict(self, X: Any) -> np.ndarray:
        """Give each row its most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]  # type: ignore[attr-defined]


class _Pooled(_OfTasks):
    """One model for all tasks, which sees the mean of y in the row's task."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> _Pooled:
        """Fit on columns and cross-fitted means, so that no row's y is in its own mean."""
        table, tasks = split_tasks(X)
        columns = self._columns(y)
        self.means_ = TaskMeans(tasks, columns)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.model_ = clone(self.estimator).fit(
            self._widen(table, cross_fitted(tasks, columns)), y, **weights
        )
        return self

    def adapt(self, tasks: np.ndarray, y: np.ndarray) -> None:
        """Count further rows in the means of their tasks; y as ``fit`` had it."""
        known = getattr(self, "classes_", None)
        columns = self._columns(y) if known is None else (y[:, None] == known).astype(float)
        self.means_.add(
            tasks, columns[:, 1:] if known is not None and len(known) == 2 else columns
        )

    def _answer(self, X: Any, method: str) -> np.ndarray:
        table, tasks = split_tasks(X)
        return getattr(self.model_, method)(self._widen(table, self.means_.of(tasks)))

    @staticmethod
    def _widen(table: Any, means: np.ndarray) -> Any:
        return append(table, means, [f"task_mean{i}" for i in range(means.shape[1])])


class PooledClassifier(_OfTasksClassifier, _Pooled):
    """One classifier for all tasks, which sees each class's share in the row's task."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities."""
        return self._answer(X, "predict_proba")


class PooledRegressor(RegressorMixin, _Pooled):
    """One regressor for all tasks, which sees the mean of y in the row's task."""

    def predict(self, X: Any) -> np.ndarray:
        """Predict numbers."""
        return self._answer(X, "predict")


class _PerTask(_OfTasks):
    """A model for each task with enough rows."""

    def __init__(self, estimator: Any, min_rows: int = 10) -> None:
        super().__init__(estimator)
        self.min_rows = min_rows

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> _PerTask:
        """Fit a clone on the rows of each task that has enough of them."""
        table, tasks = split_tasks(X)
        y = np.asarray(y)
        columns = self._columns(y)
        self.mean_ = columns.mean(axis=0)
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.models_ = {}
        for task in tasks_with_enough(tasks, y, self.min_rows, hasattr(self, "classes_")):
            rows = np.flatnonzero(tasks == task)
            weights = rows_of_params(given, rows, len(y))
            part = safe_indexing(table, rows)
            self.models_[task] = clone(self.estimator).fit(part, y[rows], **weights)
        return self

    def _fill(self, X: Any, answers: np.ndarray) -> np.ndarray:
        """Put in what the models say of the rows of their tasks."""
        table, tasks = split_tasks(X)
        for task in np.unique(tasks).tolist():
            if task in self.models_:
                rows = np.flatnonzero(tasks == task)
                answers[rows] = self._of_model(self.models_[task], safe_indexing(table, rows))
        return answers

    def _of_model(self, model: Any, table: Any) -> np.ndarray:
        raise NotImplementedError


class PerTaskClassifier(_OfTasksClassifier, _PerTask):
    """A classifier for each task; the classes' shares elsewhere."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities."""
        share = self.mean_ if len(self.mean_) > 1 else np.array([1 - self.mean_[0], self.mean_[0]])
        if len(self.classes_) == 1:
            share = np.ones(1)
        return self._fill(X, np.tile(share, (X.shape[0], 1)))

    def _of_model(self, model: Any, table: Any) -> np.ndarray:
        answer = model.predict_proba(table)
        if len(model.classes_) == len(self.classes_):
            return answer
        share = self.mean_ if len(self.mean_) > 1 else np.array([1 - self.mean_[0], self.mean_[0]])
        return fill_probabilities(answer, np.searchsorted(self.classes_, model.classes_), share)


class PerTaskRegressor(RegressorMixin, _PerTask):
    """A regressor for each task; the mean of all rows elsewhere."""

    def predict(self, X: Any) -> np.ndarray:
        """Predict numbers."""
        return self._fill(X, np.full(X.shape[0], self.mean_[0]))

    def _of_model(self, model: Any, table: Any) -> np.ndarray:
        return np.asarray(model.predict(table), dtype=np.float64).ravel()


def tasks_with_enough(
    tasks: np.ndarray, y: np.ndarray, min_rows: int, classifies: bool
) -> list[int]:
    """List the tasks that get a model of their own: so many rows, and two classes or more."""
    known, counts = np.unique(tasks, return_counts=True)
    enough = known[(counts >= min_rows) & (known >= 0)].tolist()
    if not classifies:
        return enough
    return [task for task in enough if len(np.unique(y[tasks == task])) > 1]
