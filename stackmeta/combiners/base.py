"""Abstract bases of the combiners: reading predictions and y, and answering."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from ..compat import Interval, check_sample_weight, fit_context, safe_indexing
from .columns import as_numbers, explained_text, find_columns
from .predictions import Predictions, weighted_mean
from .tags import CombinerTags


class BaseCombiner(BaseEstimator, ABC):
    """What all combiners share: a fit over checked predictions.

    A leaf sets its weights in ``_fit_combiner`` and may override ``_combine``.
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

    # Set by fit: columns a learner.
    _n_outputs: int
    weights_: np.ndarray

    @abstractmethod
    def __init__(self, *, prediction_columns: Any = None) -> None:
        self.prediction_columns = prediction_columns

    @abstractmethod
    def _read_target(self, y: Any) -> np.ndarray:
        """Check ``y``, set ``_n_outputs``, and give it as (n_rows,) or (n_rows, n_targets)."""

    @abstractmethod
    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        """Set the fitted attributes."""

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
        folds : list of (train, test) row indices, default=None
            The folds that made the predictions. Ignored, present for API consistency with
            the combiners that cross-fit.

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
        rows = None
        if sample_weight is not None:
            sample_weight = _check_weight(sample_weight, matrix)
            if not sample_weight.all():
                rows = np.flatnonzero(sample_weight)
                matrix, y, sample_weight = matrix[rows], y[rows], sample_weight[rows]
        predictions = self._as_predictions(matrix, rows)
        predictions.check(probabilities=self._probabilities)
        self._fit_combiner(predictions, y, sample_weight)
        return self

    def _read_matrix(self, X: Any, *, reset: bool) -> np.ndarray:
        """Check the table's shape and names, and take its prediction columns as numbers."""
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
        return self._combine(self._as_predictions(self._read_matrix(X, reset=False)))

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


class BaseCombinerClassifier(ClassifierMixin, BaseCombiner):
    """A combiner of class probabilities."""

    _probabilities = True

    classes_: np.ndarray

    def _read_target(self, y: Any) -> np.ndarray:
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y contains one class only, {self.classes_[0]!r}. {type(self).__name__} needs at "
                "least two classes: check how y was selected."
            )
        self._n_outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        return codes

    def __sklearn_tags__(self) -> CombinerTags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _what_columns_are(self) -> str:
        return f"{len(self.classes_)} classes (a column a class and learner)"

    def _combine(self, predictions: Predictions) -> np.ndarray:
        outputs = super()._combine(predictions)
        # A mean sums to one if its terms do, and fails to if one of them does.
        predictions.check_sums(outputs[:, None, :], slice(0, len(outputs)))
        return outputs

    def predict_proba(self, X: Any) -> np.ndarray:
        """Combine the predictions of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``. Rows that a learner did not cover
            (NaN) are averaged over the others; learners with weight 0 may be all NaN.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
            Rows sum to one; columns in the order of ``classes_``.
        """
        outputs = np.clip(self._predict_outputs(X), 0.0, 1.0)
        if self._n_outputs == 1:
            return np.hstack([1.0 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Give each row its most probable class.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_rows,)
            Members of ``classes_``.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


class BaseCombinerRegressor(RegressorMixin, BaseCombiner):
    """A combiner of numeric predictions of one or more targets."""

    # Whether predict answers with one axis, as y had one.
    _one_target: bool

    def _read_target(self, y: Any) -> np.ndarray:
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if y.ndim == 1 or y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._one_target = y.ndim == 1
        self._n_outputs = 1 if self._one_target else y.shape[1]
        return y

    def _what_columns_are(self) -> str:
        return f"{self._n_outputs} targets (a column a target and learner)"

    def predict(self, X: Any) -> np.ndarray:
        """Combine the predictions of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``. Rows that a learner did not cover
            (NaN) are averaged over the others; learners with weight 0 may be all NaN.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_targets)
            Combined predictions.
        """
        outputs = self._predict_outputs(X)
        return outputs[:, 0] if self._one_target else outputs

    def __sklearn_tags__(self) -> CombinerTags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags


def _check_weight(sample_weight: Any, matrix: np.ndarray) -> np.ndarray:
    weight = check_sample_weight(sample_weight, matrix, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
