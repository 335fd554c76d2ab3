"""What all combiners share: reading predictions, and a fit over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ..compat import Interval, check_sample_weight, fit_context, is_pandas, safe_indexing
from ..meta_features import check_unique_names
from .columns import as_numbers, explained_text, find_columns
from .folds import Folds
from .predictions import Predictions, weighted_mean
from .tags import CombinerTags


class BaseCombiner(BaseEstimator, ABC):
    """What all combiners share: a fit over checked predictions.

    A leaf sets its weights in ``_fit_combiner`` or ``_fit_over`` and may override ``_combine``.
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "prediction_columns": [
            None,
            Interval(Integral, 1, None, closed="left"),
            slice,
            "array-like",
        ],
    }
    # Whether a weight can be exactly 0, and whether columns must be probabilities.
    _zero_weights = False
    _probabilities = False
    # Whether it hands all of X on.
    _reads_table = False

    # Set by fit: columns a learner.
    _n_outputs: int
    weights_: np.ndarray

    @abstractmethod
    def __init__(self, *, prediction_columns: Any = None) -> None:
        self.prediction_columns = prediction_columns

    @abstractmethod
    def _read_target(self, y: Any) -> np.ndarray:
        """Check ``y``, set ``_n_outputs``, and give it as (n_rows,) or (n_rows, n_targets)."""

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        """Set the fitted attributes: for combiners that need no folds."""
        raise NotImplementedError

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        """Set the fitted attributes: for combiners that cross-fit."""
        self._fit_combiner(predictions, y, sample_weight)

    def _calibrate(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        """Fit what is fitted to the combined predictions."""

    def _read_others(self, X: Any, *, reset: bool) -> np.ndarray | None:
        """Read the columns beside the predictions: for combiners that depend on the row."""
        return None

    def _combine(self, predictions: Predictions) -> np.ndarray:
        """Combine predictions into an array of shape (n_rows, n_outputs)."""
        used = np.flatnonzero(self.weights_)
        predictions.check_range(used, probabilities=self._probabilities)
        return weighted_mean(predictions, self.weights_)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, folds: Any = None) -> BaseCombiner:
        """Fit the combiner on predictions and the truth.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions, best made out of fold, learner by learner: a column a learner for
            one regression target or two classes (then the probability of
            ``classes_[1]``), ``n_targets`` or ``n_classes`` columns a learner otherwise.
            NaN where a learner did not cover a row: the mean of the other learners stands
            in. Columns outside ``prediction_columns`` are not read.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Truth. Only regressors take several targets.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows; rows of weight 0 are left out.
        folds : list of (train, test) or array-like of shape (n_rows,), default=None
            The folds that made the predictions, or the number of the fold that held each row
            out (-1: none did). Read by what cross-fits only. None: five folds of its own.

        Returns
        -------
        self : object
            The fitted combiner.

        Raises
        ------
        ValueError
            If the predictions are not what a combiner can read; the message names the value,
            its column and the way out.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        matrix = self._read_matrix(X, reset=True)
        y = self._read_target(y)
        check_consistent_length(matrix, y)
        n_rows, rows, table = len(matrix), None, X
        if sample_weight is not None:
            sample_weight = _check_weight(sample_weight, matrix)
            if not sample_weight.all():
                rows = np.flatnonzero(sample_weight)
                matrix, y, sample_weight = matrix[rows], y[rows], sample_weight[rows]
                table = safe_indexing(X if hasattr(X, "shape") else np.asarray(X), rows)
        predictions = self._as_predictions(matrix, rows)
        predictions.others = self._read_others(table, reset=True)
        if self._reads_table:
            predictions.table = table
        predictions.check(probabilities=self._probabilities)
        flat = predictions.view.reshape(len(y), -1)
        chosen = Folds(folds, rows, n_rows, classifies=self._probabilities, matrix=flat)
        self._fit_over(chosen, predictions, y, sample_weight)
        self._calibrate(chosen, predictions, y, sample_weight)
        return self

    def _read_matrix(self, X: Any, *, reset: bool) -> np.ndarray:
        """Check the table's shape and names, and take its prediction columns as numbers."""
        check_unique_names(X)
        if is_pandas(X) and X.shape[1] == 0:
            raise ValueError(f"X has no column: {type(self).__name__} reads a column a learner.")
        if self.prediction_columns is None:
            with explained_text():
                return validate_data(
                    self,
                    X,
                    reset=reset,
                    dtype=[np.float64, np.float32],
                    ensure_all_finite=False,
                )
        if not hasattr(X, "shape"):
            X = np.asarray(X, dtype=object)
        if len(X.shape) != 2:
            raise ValueError(
                f"Expected 2D array, got an array of shape {X.shape} instead. Reshape your data: "
                "X has a row a sample and a column a prediction."
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        # A polars frame has its names here whether or not scikit-learn reads them (1.9 does).
        names = np.asarray(X.columns) if hasattr(X, "columns") else self._feature_names()
        columns = find_columns(self.prediction_columns, X.shape[1], names)
        return as_numbers(safe_indexing(X, columns, axis=1))

    def _as_predictions(self, matrix: np.ndarray, rows: np.ndarray | None = None) -> Predictions:
        width = matrix.shape[1]
        if width % self._n_outputs:
            raise ValueError(
                f"X has {width} prediction columns, which {self._what_columns_are()} do not "
                "divide. Columns go learner by learner; if others are among them, say which are "
                "predictions with prediction_columns."
            )
        return Predictions(matrix, self._n_outputs, self._column_names(), rows)

    @abstractmethod
    def _what_columns_are(self) -> str:
        """Say what a learner's columns stand for."""

    def _feature_names(self) -> np.ndarray | None:
        return getattr(self, "feature_names_in_", None)

    def _column_names(self) -> np.ndarray | None:
        names = self._feature_names()
        if names is None:
            return None
        return names[find_columns(self.prediction_columns, len(names), names)]

    def _predict_outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        predictions = self._as_predictions(self._read_matrix(X, reset=False))
        predictions.others = self._read_others(X, reset=False)
        if self._reads_table:
            predictions.table = X
        return self._combine(predictions)

    def __sklearn_tags__(self) -> CombinerTags:
        tags = CombinerTags.extend(
            super().__sklearn_tags__(),
            zero_weights=self._zero_weights,
            reads_probabilities=self._probabilities,
        )
        tags.input_tags.allow_nan = True
        # Predictions are dense, but what passes through beside them may be sparse.
        tags.input_tags.sparse = self.prediction_columns is not None
        tags.target_tags.required = True
        return tags


def _check_weight(sample_weight: Any, matrix: np.ndarray) -> np.ndarray:
    try:
        weight = check_sample_weight(
            sample_weight, matrix, dtype=np.float64, ensure_non_negative=True
        )
    except ValueError as error:
        raise ValueError(f"sample_weight: {error}") from error
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
