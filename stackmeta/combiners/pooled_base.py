"""What combiners with weights by task share: the column of tasks, fit and further rows."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..compat import Interval, StrOptions, is_pandas, is_polars, safe_indexing
from ..meta_features import check_real
from .base import BaseCombiner
from .columns import find_columns
from .folds import Folds
from .predictions import Predictions
from .rows_by_task import RowsByTask
from .shrunken_weights import fit_tasks
from .tags import CombinerTags
from .task_evidence import Evidence
from .task_ids import TaskIds
from .task_rows import TaskRows, choose_strength

# Rounds of spreads and weights; the first spread is that of the mean of all learners.
_ROUNDS = 4


class PartiallyPooled(BaseCombiner):
    """What both share: the column of tasks, and weights by task."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "task_column": [Integral, str],
        "pooling": [StrOptions({"auto"}), Interval(Real, 0, None, closed="both")],
    }
    _squared = False

    task_weights_: np.ndarray
    prior_rows_: float
    _evidence: Evidence

    def __init__(
        self, *, task_column: Any = -1, pooling: Any = "auto", prediction_columns: Any = None
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.task_column = task_column
        self.pooling = pooling

    def _read_matrix(self, X: Any, *, reset: bool) -> np.ndarray:
        X = X if hasattr(X, "shape") else np.asarray(X)
        check_real(X)
        if self.prediction_columns is not None or len(X.shape) != 2 or X.shape[1] == 0:
            return super()._read_matrix(X, reset=reset)
        if reset:
            self._positions = self._all_but_task(X)
        # What all but the task's are, once it is known, for as long as they are read.
        self.prediction_columns = self._positions
        try:
            return super()._read_matrix(X, reset=reset)
        finally:
            self.prediction_columns = None

    def _all_but_task(self, X: Any) -> list[int]:
        if X.shape[1] == 1:
            raise ValueError(
                f"X has 1 feature(s): {type(self).__name__} reads predictions and, in "
                f"task_column={self.task_column!r}, the task of each row."
            )
        position = self._task_position(X)
        return [i for i in range(X.shape[1]) if i != position]

    def _column_names(self) -> np.ndarray | None:
        return None if self.prediction_columns is None else super()._column_names()

    def _task_position(self, X: Any) -> int:
        names = np.asarray(X.columns) if hasattr(X, "columns") else None
        try:
            found = find_columns([self.task_column], X.shape[1], names)
        except ValueError as error:
            message = str(error).replace("prediction_columns", "task_column")
            raise ValueError(message) from None
        return int(np.arange(X.shape[1])[found][0])

    def _read_others(self, X: Any, *, reset: bool) -> np.ndarray:
        """Read the task of each row as a number."""
        column = self._task_values(X)
        if reset:
            self._ids = TaskIds()
            return self._ids.add(column)
        return self._ids.find(column)

    def _task_values(self, X: Any) -> Any:
        X = X if hasattr(X, "shape") else np.asarray(X, dtype=object)
        position = self._task_position(X)
        if is_pandas(X):
            return X.iloc[:, position].to_numpy()
        if is_polars(X):
            return X[:, position].to_numpy()
        return safe_indexing(X, [position], axis=1)

    @property
    def tasks_(self) -> list:
        """The tasks that have weights of their own, in the order of ``task_weights_``."""
        check_is_fitted(self)
        return self._ids.names

    def __sklearn_tags__(self) -> CombinerTags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _rows(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        """Give what weights are judged by: errors, or probabilities of the truth."""
        raise NotImplementedError

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        rows, codes = self._rows(predictions, y), np.asarray(predictions.others)
        repeats = len(rows) // len(y)
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        every = TaskRows(
            rows, np.repeat(weight / repeats, repeats), np.repeat(codes, repeats), self._squared
        )
        self.prior_rows_ = (
            choose_strength(every, folds.splits(y), repeats)
            if self.pooling == "auto"
            else float(self.pooling)
        )
        found = every.weigh(self.prior_rows_, _ROUNDS)
        self._population, self.weights_ = found.population, found.population.weights
        self._scale, self._spread = found.scale, found.spread
        self.task_weights_ = found.of_task
        self._evidence = found.data.condensed(found.of_task)

    def adapt(self, X: Any, y: Any, sample_weight: Any = None) -> PartiallyPooled:
        """Let the weights of tasks, known or new, follow further rows.

        The population's weights stay as they are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions and tasks, as in ``fit``.
        y : array-like of shape (n_rows,)
            Truth.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If y holds classes that ``fit`` has not seen, or the predictions cannot be read.
        """
        check_is_fitted(self)
        y = self._read_further(y)
        predictions = self._as_predictions(self._read_matrix(X, reset=False))
        check_consistent_length(predictions.view, y)
        predictions.check(probabilities=self._probabilities)
        codes = self._ids.add(self._task_values(X))
        rows = self._rows(predictions, y)
        repeats = len(rows) // len(y)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        weight = np.repeat(weight / repeats, repeats)
        codes = np.repeat(codes, repeats)
        self._make_room(len(self._ids.names))
        tasks, codes = np.unique(codes, return_inverse=True)
        rows = rows / np.sqrt(self._scale[tasks])[codes, None]
        further = RowsByTask.sort(rows, weight, codes, len(tasks))
        data = self._evidence.take(tasks).with_rows(further, squared=self._squared)
        self.task_weights_[tasks] = fit_tasks(data, self._population)
        self._evidence.put(tasks, data.condensed(self.task_weights_[tasks]))
        return self

    def _make_room(self, n_tasks: int) -> None:
        """Start tasks that are new from the population's weights and no evidence."""
        n_new = n_tasks - len(self.task_weights_)
        self._evidence = self._evidence.followed_by(n_new)
        self._scale = np.concatenate([self._scale, np.full(n_new, self._spread)])
        self.task_weights_ = np.vstack([self.task_weights_, np.tile(self.weights_, (n_new, 1))])

    def _read_further(self, y: Any) -> np.ndarray:
        raise NotImplementedError

    def _combine(self, predictions: Predictions) -> np.ndarray:
        codes = np.asarray(predictions.others)
        known = (codes >= 0) & (codes < len(self.task_weights_))
        weights = np.tile(self.weights_, (len(codes), 1))
        weights[known] = self.task_weights_[codes[known]]
        predictions.check_rows(probabilities=self._probabilities)
        outputs = np.empty((predictions.n_rows, predictions.n_outputs))
        for rows in predictions.slices():
            outputs[rows] = np.einsum("rlo,rl->ro", predictions.block(rows), weights[rows])
        return outputs
