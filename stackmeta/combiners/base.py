"""Abstract bases of the combiners of probabilities, and of numbers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, clone
from sklearn.utils.validation import column_or_1d

from ..out_of_fold.target import as_column, encode_target, read_numbers
from .combiner import BaseCombiner
from .folds import Folds
from .predictions import Predictions
from .tags import CombinerTags
from .temperature import fit_temperature, temper

__all__ = ["BaseCombiner", "BaseCombinerClassifier", "BaseCombinerRegressor"]


class BaseCombinerClassifier(ClassifierMixin, BaseCombiner):
    """A combiner of class probabilities."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "calibrate": ["boolean"],
    }
    _probabilities = True

    classes_: np.ndarray
    temperature_: float

    @abstractmethod
    def __init__(self, *, calibrate: bool = False, prediction_columns: Any = None) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.calibrate = calibrate

    def _read_target(self, y: Any) -> np.ndarray:
        target = encode_target(as_column(y), classifier=True, caller=type(self).__name__)
        self.classes_ = target.classes
        self._n_outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        return target.y

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

    def _calibrate(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        """Fit the temperature to rows that the combined prediction was not fitted to."""
        self.__dict__.pop("temperature_", None)
        if not self.calibrate:
            return
        rows, found = [np.arange(0)], [np.empty((0, len(self.classes_)))]
        for train, test in folds.splits(y):
            if len(np.unique(y[train])) < len(self.classes_):
                continue
            fold = clone(self)
            fold.classes_, fold._n_outputs = self.classes_, self._n_outputs
            weight = None if sample_weight is None else sample_weight[train]
            fold._fit_over(folds.part(train, len(y)), predictions.part(train), y[train], weight)
            rows.append(test)
            found.append(self._as_probabilities(fold._combine(predictions.part(test))))
        held_out = np.concatenate(rows)
        weight = None if sample_weight is None else sample_weight[held_out]
        self.temperature_ = fit_temperature(np.concatenate(found), y[held_out], weight)

    def _as_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        outputs = np.clip(outputs, 0.0, 1.0)
        if self._n_outputs == 1:
            return np.hstack([1.0 - outputs, outputs])
        return outputs / outputs.sum(axis=1, keepdims=True)

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
        probabilities = self._as_probabilities(self._predict_outputs(X))
        temperature = getattr(self, "temperature_", 1.0)
        return probabilities if temperature == 1.0 else temper(probabilities, temperature)

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
        y = read_numbers(y, dtype=np.float64)
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
