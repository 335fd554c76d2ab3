"""What the learners of few rows share: the table as features, and the learned metric on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ...compat import fit_context, is_pandas, is_polars
from ...out_of_fold.target import plain
from .descriptors import COLUMN_DESCRIPTORS, TABLE_DESCRIPTORS, describe_columns, describe_table
from .features import ColumnFeatures
from .learned import learned
from .metric import column_weights, positive


class MetricClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of raw tables on features that are weighted by their column."""

    _parameter_constraints: dict = {
        "theta": ["array-like", None],
        "sharpness": ["array-like", None],
    }

    #: Under which name the learned values are stored.
    _name: str

    theta: Any
    sharpness: Any

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> Any:
        """Learn from labelled rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Labelled rows: numbers, texts, categories, dates, with missing values.
        y : array-like of shape (n_rows,)
            Classes.

        Returns
        -------
        self : estimator
        """
        table = self._table(X, reset=True)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        y = column_or_1d(y, warn=True)
        check_consistent_length(table, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise ValueError(
                f"y has one class only, {plain(self.classes_[0])!r}: {type(self).__name__} needs "
                "at least two. Label a row of another class."
            )
        self._columns = ColumnFeatures()
        features = self._columns.fit_transform(table)
        described = describe_columns(features, self._columns, codes, n_classes)
        self._described = describe_table(described, len(features), n_classes)
        theta = self._values("theta", self.theta, COLUMN_DESCRIPTORS)
        self.column_weights_ = column_weights(described, theta)
        self.column_descriptors_ = described
        sharpness = self._values("sharpness", self.sharpness, TABLE_DESCRIPTORS)
        self.sharpness_ = positive(sharpness, self._described)
        self._scale = np.sqrt(self.sharpness_ * self.column_weights_[self._columns.column_of_])
        self.class_prior_ = np.bincount(codes) / len(codes)
        self._fit_scaled(features * self._scale, codes)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Give the probability of each class.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows, with the columns of ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        features = self._columns.transform(self._table(X, reset=False))
        return self._probabilities(features * self._scale)

    def predict(self, X: Any) -> np.ndarray:
        """Give each row its most probable class.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows, with the columns of ``fit``.

        Returns
        -------
        classes : ndarray of shape (n_rows,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def _fit_scaled(self, features: np.ndarray, codes: np.ndarray) -> None:
        """Learn from features whose squared distances are in units of the metric."""
        raise NotImplementedError

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _values(self, name: str, given: Any, descriptors: tuple[str, ...]) -> np.ndarray:
        """Coefficients as given, or as learned; one a descriptor."""
        values = learned(self._name)[name] if given is None else given
        values = check_array(values, ensure_2d=False, input_name=name, dtype=np.float64)
        if values.shape != (len(descriptors),):
            raise ValueError(
                f"{name} has shape {values.shape}, but there are {len(descriptors)} descriptors: "
                f"{', '.join(descriptors)}. Give a number for each, or None for the learned ones."
            )
        return values

    def _number(self, name: str, given: float | None) -> float:
        return float(learned(self._name)[name] if given is None else given)

    def _table(self, X: Any, *, reset: bool) -> Any:
        if not (is_pandas(X) or is_polars(X)):
            X = check_array(X, dtype=None, ensure_all_finite="allow-nan", estimator=self)
        elif reset and (len(X) < 1 or X.shape[1] < 1):
            raise ValueError(
                f"Found array with {len(X)} sample(s) and {X.shape[1]} feature(s) "
                f"(shape={X.shape}) while a minimum of 1 is required by {type(self).__name__}."
            )
        validate_data(self, X=X, reset=reset, skip_check_array=True)
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
