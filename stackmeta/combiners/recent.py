"""Any combiner, with the weight of rows falling with their age."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    clone,
    is_classifier,
)
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..compat import HasMethods, Interval, check_sample_weight, fit_context
from .tags import CombinerTags


class _Recent(MetaEstimatorMixin, BaseEstimator):
    """What both share: weights of rows, and a combiner that reads them."""

    _parameter_constraints: dict[str, list[Any]] = {
        "combiner": [HasMethods(["fit", "predict"])],
        "half_life": [Interval(Real, 0, None, closed="neither")],
    }

    combiner_: Any

    def __init__(self, combiner: Any, *, half_life: float = 1000.0) -> None:
        self.combiner = combiner
        self.half_life = half_life

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, folds: Any = None) -> _Recent:
        """Fit the combiner; a row counts half as much as one ``half_life`` rows after it.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions, in the order of time.
        y : array-like of shape (n_rows,)
            Truth.
        sample_weight : array-like of shape (n_rows,), default=None
            Further weights of the rows.
        folds : list of (train, test) or array-like of shape (n_rows,), default=None
            As the combiner takes them.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the combiner takes no sample weights, or is of the wrong kind.
        """
        if is_classifier(self.combiner) is not is_classifier(self):
            kind = "classifier" if is_classifier(self) else "regressor"
            raise ValueError(f"combiner={self.combiner!r} should be a {kind}.")
        if not has_fit_parameter(self.combiner, "sample_weight"):
            raise ValueError(
                f"combiner={self.combiner!r} takes no sample_weight: recent rows cannot count "
                "more. Take ConvexRegressor, or another whose fit does."
            )
        n_rows = X.shape[0] if hasattr(X, "shape") else len(np.asarray(X))
        age = np.arange(n_rows, dtype=np.float64)[::-1]
        weight = np.exp2(-age / self.half_life)
        if sample_weight is not None:
            weight = weight * check_sample_weight(sample_weight, np.empty((n_rows, 1)))
        given = {"folds": folds} if has_fit_parameter(self.combiner, "folds") else {}
        self.combiner_ = clone(self.combiner).fit(X, y, sample_weight=weight, **given)
        return self

    @property
    def weights_(self) -> np.ndarray:
        """Weights of the learners, where the combiner has them."""
        return self.combiner_.weights_

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X in ``fit``."""
        return self.combiner_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, where it had some."""
        return self.combiner_.feature_names_in_

    def predict(self, X: Any) -> np.ndarray:
        """Combine the predictions of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        return self.combiner_.predict(X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "combiner_")

    def __sklearn_tags__(self) -> CombinerTags:
        own, inner = super().__sklearn_tags__(), get_tags(self.combiner)
        own.input_tags, own.target_tags = inner.input_tags, inner.target_tags
        for kind in ("classifier_tags", "regressor_tags"):
            if getattr(own, kind) is not None and getattr(inner, kind) is not None:
                setattr(own, kind, getattr(inner, kind))
        return CombinerTags.extend(
            own,
            zero_weights=getattr(inner, "zero_weights", False),
            reads_probabilities=getattr(inner, "reads_probabilities", False),
        )


def _combiner_has(method: str) -> Any:
    def check(self: Any) -> bool:
        getattr(getattr(self, "combiner_", self.combiner), method)
        return True

    return check


class RecentRegressor(RegressorMixin, _Recent):
    """Any combiner of numbers, with the weight of rows falling with their age.

    Parameters
    ----------
    combiner : estimator
        What is fitted, such as :class:`ConvexRegressor`; its ``fit`` takes ``sample_weight``.
    half_life : float, default=1000.0
        Rows after which a row counts half. Rows are in the order of time, as a stack over
        :class:`~sklearn.model_selection.TimeSeriesSplit` hands them on.

    Attributes
    ----------
    combiner_ : estimator
        The fitted combiner.
    weights_ : ndarray of shape (n_learners,)
        Its weights.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    OnlineWeightsRegressor : Weights that go on learning.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import ConvexRegressor, RecentRegressor
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=400)
    >>> spread = np.repeat([[0.1, 1.0], [1.0, 0.1]], 200, axis=0)
    >>> P = y[:, None] + spread * rng.normal(size=(400, 2))
    >>> ConvexRegressor().fit(P, y).weights_.round(1)
    array([0.5, 0.5])
    >>> RecentRegressor(ConvexRegressor(), half_life=30).fit(P, y).weights_.round(1)
    array([0., 1.])
    """


class RecentClassifier(ClassifierMixin, _Recent):
    """Any combiner of probabilities, with the weight of rows falling with their age.

    Parameters
    ----------
    combiner : estimator
        What is fitted, such as :class:`ConvexClassifier`; its ``fit`` takes ``sample_weight``.
    half_life : float, default=1000.0
        Rows after which a row counts half. Rows are in the order of time, as a stack over
        :class:`~sklearn.model_selection.TimeSeriesSplit` hands them on.

    Attributes
    ----------
    combiner_ : estimator
        The fitted combiner.
    weights_ : ndarray of shape (n_learners,)
        Its weights.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    OnlineWeightsClassifier : Weights that go on learning.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import ConvexClassifier, RecentClassifier
    >>> y = np.arange(400) % 2
    >>> right, wrong = np.where(y == 1, 0.8, 0.2), np.where(y == 1, 0.4, 0.6)
    >>> P = np.where(np.arange(400) < 200, [right, wrong], [wrong, right]).T
    >>> RecentClassifier(ConvexClassifier(), half_life=20).fit(P, y).weights_.round(1)
    array([0., 1.])
    """

    @property
    def classes_(self) -> np.ndarray:
        """Class labels."""
        return self.combiner_.classes_

    @available_if(_combiner_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Combine the probabilities of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
        """
        check_is_fitted(self)
        return self.combiner_.predict_proba(X)
