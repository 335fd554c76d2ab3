"""Early stopping for any model that is trained in rounds, inside a stack or alone."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
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
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, check_consistent_length, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ..compat import HasMethods, Interval, check_sample_weight, fit_context, safe_indexing
from .staged import kind_of
from .stages import log_loss_of, stages_up_to


class _EarlyStopping(MetaEstimatorMixin, BaseEstimator):
    """What both tasks share."""

    _parameter_constraints: dict = {
        "estimator": [None, HasMethods(["fit", "predict"])],
        "max_rounds": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "rounds": [None, Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        max_rounds: int = 1000,
        patience: int = 50,
        rounds: int | None = None,
        validation_fraction: float = 0.125,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.max_rounds = max_rounds
        self.patience = patience
        self.rounds = rounds
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train; without ``rounds``, watch some rows that are put aside.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Training rows.
        y : array-like of shape (n_rows,)
            Target.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        self : estimator
        """
        X = X if hasattr(X, "shape") else np.asarray(X)
        y = self._encode(X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        held = None if self.rounds is not None else self._put_aside(y)
        if held is None:
            self._train(X, y, self.rounds or self.max_rounds, sample_weight)
            return self
        rows = np.setdiff1d(np.arange(len(y)), held)
        weight = None if sample_weight is None else sample_weight[rows]
        X_held, y_held = safe_indexing(X, held), y[held]
        self._watch(safe_indexing(X, rows), y[rows], X_held, y_held, weight)
        answers = self.staged_answers(X_held, self._method)
        losses = [self._loss(answer, y_held) for answer in answers]
        self.use_rounds(int(self.stages_[np.argmin(losses)]))
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_watching(
        self, X: Any, y: Any, X_held: Any, y_held: Any, sample_weight: Any = None
    ) -> Any:
        """Train until the loss of held-out rows has not fallen for ``patience`` rounds.

        Which rounds predict is for :meth:`use_rounds` to say; until then all do.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Training rows.
        y : array-like of shape (n_rows,)
            Target.
        X_held : array-like or DataFrame of shape (n_held_out, n_features)
            Rows that are watched.
        y_held : array-like of shape (n_held_out,)
            Their target; of classes, none that ``y`` lacks.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the training rows.

        Returns
        -------
        self : estimator
        """
        y = self._encode(X, y)
        self._watch(X, y, X_held, self._code(y_held), sample_weight)
        return self

    def staged_answers(self, X: Any, method: str) -> Iterator[np.ndarray]:
        """Predict with the rounds up to each of ``stages_``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Rows to predict.
        method : str
            Which method to ask.

        Yields
        ------
        answer : ndarray
            As of the method.
        """
        rows = self._prepare(X)
        for answer in self._kind.each(self._last, rows, self._method, self.stages_):
            yield answer if method == self._method else self._decode(answer)

    def use_rounds(self, rounds: int) -> None:
        """Let the first rounds predict, one of ``stages_``.

        Parameters
        ----------
        rounds : int
            Number of rounds.
        """
        self.rounds_ = rounds
        self._kind.keep(self._last, rounds)
        del self.stages_

    def _put_aside(self, y: np.ndarray) -> np.ndarray | None:
        """Draw the rows that are watched; None if there are too few."""
        labels = y if is_classifier(self) else None
        if len(y) < 2 or (labels is not None and np.bincount(labels).min() < 2):
            return None
        n_held = max(
            round(self.validation_fraction * len(y)), 1 if labels is None else labels.max() + 1
        )
        if n_held > len(y) / 2:
            return None
        rows = np.arange(len(y))
        return train_test_split(
            rows, test_size=n_held, stratify=labels, random_state=self.random_state
        )[1]

    def _start(self, X: Any, y: np.ndarray) -> Any:
        """Make the model and fit what stands before it; give its rows."""
        self.estimator_ = clone(self._estimator())
        self._kind = kind_of(self._last)
        if isinstance(self.estimator_, Pipeline) and len(self.estimator_) > 1:
            return self.estimator_[:-1].fit_transform(X, y)
        return X

    def _train(self, X: Any, y: np.ndarray, rounds: int, weight: Any) -> None:
        params = {} if weight is None else {"sample_weight": weight}
        rows = self._start(X, y)
        self._kind.fit(self._last, rows, y, rounds, params)
        self.rounds_ = rounds
        self.__dict__.pop("stages_", None)

    def _watch(self, X: Any, y: Any, X_held: Any, y_held: Any, weight: Any) -> None:
        params = {} if weight is None else {"sample_weight": weight}
        rows = self._start(X, y)
        held = (self._prepare(X_held), y_held)
        self.rounds_ = self._kind.watch(
            self._last, rows, y, held, self.max_rounds, self.patience, params
        )
        self.stages_ = stages_up_to(self.rounds_)

    def _prepare(self, X: Any) -> Any:
        if isinstance(self.estimator_, Pipeline) and len(self.estimator_) > 1:
            return self.estimator_[:-1].transform(X)
        return X

    def _answer(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._kind.answer(self._last, self._prepare(X), self._method, self.rounds_)

    @property
    def _last(self) -> Any:
        return self.estimator_[-1] if isinstance(self.estimator_, Pipeline) else self.estimator_

    @property
    def n_features_in_(self) -> int:
        """Number of features seen during fit."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features seen during fit, where they have some."""
        return self.estimator_.feature_names_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._estimator())
        tags.input_tags = inner.input_tags
        tags.target_tags.multi_output = False
        return tags


class EarlyStoppingClassifier(ClassifierMixin, _EarlyStopping):
    """A classifier that is trained in rounds, stopped where held-out rows no longer gain.

    Inside a stack it costs no rows: each fold's model watches the rows that the fold holds
    out, but they are predicted with the number of rounds that is best for the *other* folds. A
    fit on all rows takes the rounds that are best over all folds. Alone, ``fit`` puts rows aside.

    Parameters
    ----------
    estimator : classifier, default=None
        Of LightGBM, XGBoost, CatBoost, HistGradientBoosting or MLP, or a pipeline that ends in
        one. None: HistGradientBoostingClassifier.
    max_rounds : int, default=1000
        Most rounds: trees a class, or passes over the rows.
    patience : int, default=50
        Rounds without gain after which training ends.
    rounds : int, default=None
        Exactly so many, and no rows are put aside.
    validation_fraction : float, default=0.125
        Share of the rows that ``fit`` puts aside where it chooses by itself.
    random_state : int, RandomState instance or None, default=None
        Draws these rows.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    rounds_ : int
        Rounds that predict.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where they have some.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from stackmeta.learners import EarlyStoppingClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = EarlyStoppingClassifier(random_state=0).fit(X, y)
    >>> 10 < model.rounds_ < 500
    True
    """

    _method = "predict_proba"

    def _estimator(self) -> Any:
        return HistGradientBoostingClassifier() if self.estimator is None else self.estimator

    def _encode(self, X: Any, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        return codes

    def _code(self, y: Any) -> np.ndarray:
        return np.searchsorted(self.classes_, np.asarray(y))

    def _loss(self, answer: np.ndarray, y: np.ndarray) -> float:
        return log_loss_of(answer, y)

    def _decode(self, answer: np.ndarray) -> np.ndarray:
        return self.classes_[answer.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Rows to predict.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
        """
        return self._answer(X)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Rows to predict.

        Returns
        -------
        labels : ndarray of shape (n_rows,)
        """
        return self._decode(self._answer(X))


class EarlyStoppingRegressor(RegressorMixin, _EarlyStopping):
    """A regressor that is trained in rounds, stopped where held-out rows no longer gain.

    Inside a stack it costs no rows: each fold's model watches the rows that the fold holds
    out, but they are predicted with the number of rounds that is best for the *other* folds. A
    fit on all rows takes the rounds that are best over all folds. Alone, ``fit`` puts rows aside.

    Parameters
    ----------
    estimator : regressor, default=None
        Of LightGBM, XGBoost, CatBoost, HistGradientBoosting or MLP, or a pipeline that ends in
        one. None: HistGradientBoostingRegressor.
    max_rounds : int, default=1000
        Most rounds: trees, or passes over the rows.
    patience : int, default=50
        Rounds without gain after which training ends.
    rounds : int, default=None
        Exactly so many, and no rows are put aside.
    validation_fraction : float, default=0.125
        Share of the rows that ``fit`` puts aside where it chooses by itself.
    random_state : int, RandomState instance or None, default=None
        Draws these rows.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    rounds_ : int
        Rounds that predict.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where they have some.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from stackmeta import StackingRegressor
    >>> from stackmeta.learners import EarlyStoppingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> stack = StackingRegressor([("hist", EarlyStoppingRegressor())], random_state=0)
    >>> 5 < stack.fit(X, y).named_estimators_["hist"].rounds_ < 100
    True
    """

    _method = "predict"

    def _estimator(self) -> Any:
        return HistGradientBoostingRegressor() if self.estimator is None else self.estimator

    def _encode(self, X: Any, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = column_or_1d(y, dtype=np.float64, warn=True)
        assert_all_finite(y, input_name="y")
        check_consistent_length(X, y)
        return y

    def _code(self, y: Any) -> np.ndarray:
        return np.asarray(y, dtype=np.float64)

    def _loss(self, answer: np.ndarray, y: np.ndarray) -> float:
        return float(((answer - y) ** 2).mean())

    def predict(self, X: Any) -> np.ndarray:
        """Predict numbers.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Rows to predict.

        Returns
        -------
        predictions : ndarray of shape (n_rows,)
        """
        return self._answer(X)
