"""Any scikit-learn estimator as a combiner."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge

from ..compat import HasMethods, StrOptions, safe_indexing
from ..meta_features import join
from ..out_of_fold.checks import where_it_goes
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .columns import find_columns
from .folds import Folds
from .predictions import Predictions

# Log-odds of a probability nearer to 0 or 1 say how a learner rounds, and little else.
_LEAST = 1e-6


class _MetaLearner(BaseCombiner):
    """What both share: the estimator, and its meta-features."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "estimator": [None, HasMethods(["fit", "predict"])],
        "passthrough": ["boolean"],
    }

    estimator: Any
    passthrough: bool
    estimator_: Any

    @property
    def _reads_table(self) -> bool:  # type: ignore[override]
        return self.passthrough

    @abstractmethod
    def _default(self) -> BaseEstimator:
        """Make the estimator that serves where none is given."""

    def _features(self, predictions: Predictions) -> np.ndarray:
        """Meta-features of checked predictions, of shape (n_rows, n_columns)."""
        return predictions.filled()

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        features = self._features(predictions)
        if folds.given:
            centre_folds(features, folds.numbers(y), sample_weight)
        self.estimator_ = self._default() if self.estimator is None else clone(self.estimator)
        params = {}
        if sample_weight is not None:
            where = where_it_goes(self.estimator_, "sample_weight")
            if where is None:
                raise TypeError(f"estimator={self.estimator_} does not take sample_weight.")
            params[where] = sample_weight
        self.estimator_.fit(self._beside(features, predictions), y, **params)

    def _beside(self, features: np.ndarray, predictions: Predictions) -> Any:
        """Put the columns that pass through beside the meta-features."""
        if not self.passthrough:
            return features
        table = predictions.table
        if not hasattr(table, "shape"):
            table = np.asarray(table, dtype=object)
        width = table.shape[1]
        names = np.asarray(table.columns) if hasattr(table, "columns") else None
        predicted = np.arange(width)[find_columns(self.prediction_columns, width, names)]
        others = np.setdiff1d(np.arange(width), predicted)
        if not len(others):
            return features
        called = [str(name) for name in (predicted if names is None else names[predicted])]
        return join(features, called, safe_indexing(table, others, axis=1))


def centre_folds(
    features: np.ndarray, numbers: np.ndarray, sample_weight: np.ndarray | None
) -> None:
    """Shift each column, in place, to the same mean in every fold.

    A learner that knows nothing predicts the mean of the rows it was trained on: low where a
    fold's own mean is high. Without differences between folds, no estimator can read the
    fold's truth out of that.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_columns)
    numbers : ndarray of shape (n_rows,)
        Fold of each row.
    sample_weight : ndarray of shape (n_rows,), or None

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.meta_learner import centre_folds
    >>> features = np.array([[1.0], [3.0], [5.0], [5.0]])
    >>> centre_folds(features, np.array([0, 0, 1, 1]), None)
    >>> features.ravel()
    array([2.5, 4.5, 3.5, 3.5])
    """
    mean = np.average(features, axis=0, weights=sample_weight)
    for number in np.unique(numbers):
        rows = numbers == number
        weight = None if sample_weight is None else sample_weight[rows]
        features[rows] += mean - np.average(features[rows], axis=0, weights=weight)


class MetaLearnerClassifier(_MetaLearner, BaseCombinerClassifier):
    """Any scikit-learn classifier as a combiner: on log-odds or on probabilities.

    Stacking with a generaliser [1]_, [2]_. The default is a strongly penalised logistic
    regression on log-odds. Beside what the bare classifier does, missing predictions are
    filled, columns that pass through stay out, and differences between folds are taken out.

    Parameters
    ----------
    estimator : classifier, default=None
        With ``predict_proba``. None: ``LogisticRegression(C=0.01)``.
    features : {"log_odds", "probabilities"}, default="log_odds"
        What the classifier reads: log-odds (of several classes: log probabilities, less their
        mean), or the probabilities themselves.
    passthrough : bool, default=False
        Whether it also reads the columns of X that are no predictions: a second level of
        learners, on the table and on what the first made of it.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    estimator_ : classifier
        Fitted.
    temperature_ : float
        With ``calibrate``, what log probabilities are divided by: above 1 where the combiner is
        too sure.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexClassifier : Weights that are not negative, and sum to one.
    CrossFittedBlendClassifier : Several combiners, and how far to trust each.

    Notes
    -----
    With ``folds`` in ``fit``, each column is shifted to the same mean in every fold. Signed
    weights would otherwise profit from learners that know nothing: these predict the mean of
    their training rows, which is low where the fold's own is high.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    .. [2] K. M. Ting and I. H. Witten, "Issues in stacked generalization", Journal of
       Artificial Intelligence Research 10, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import MetaLearnerClassifier
    >>> P = np.array([[0.7, 0.4], [0.2, 0.4], [0.8, 0.6], [0.3, 0.5]])
    >>> combiner = MetaLearnerClassifier().fit(P, ["yes", "no", "yes", "no"])
    >>> combiner.estimator_
    LogisticRegression(C=0.01, max_iter=1000)
    >>> combiner.predict(P)
    array(['yes', 'no', 'yes', 'no'], dtype='<U3')
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombinerClassifier._parameter_constraints,
        "estimator": [None, HasMethods(["fit", "predict_proba"])],
        "features": [StrOptions({"log_odds", "probabilities"})],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        features: str = "log_odds",
        passthrough: bool = False,
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(calibrate=calibrate, prediction_columns=prediction_columns)
        self.estimator = estimator
        self.features = features
        self.passthrough = passthrough

    def _default(self) -> BaseEstimator:
        return LogisticRegression(C=0.01, max_iter=1000)

    def _features(self, predictions: Predictions) -> np.ndarray:
        filled = predictions.filled()
        if self.features == "probabilities":
            return filled
        np.clip(filled, _LEAST, 1.0 - _LEAST, out=filled)
        if predictions.n_outputs == 1:
            return np.log(filled) - np.log1p(-filled)
        logs = np.log(filled).reshape(predictions.view.shape)
        logs -= logs.mean(axis=2, keepdims=True)
        return logs.reshape(filled.shape)

    def _combine(self, predictions: Predictions) -> np.ndarray:
        predictions.check_rows(probabilities=True)
        features = self._beside(self._features(predictions), predictions)
        found = self.estimator_.predict_proba(features)
        probabilities = np.zeros((len(found), len(self.classes_)))
        probabilities[:, self.estimator_.classes_] = found
        return probabilities[:, 1:] if self._n_outputs == 1 else probabilities


class MetaLearnerRegressor(_MetaLearner, BaseCombinerRegressor):
    """Any scikit-learn regressor as a combiner.

    Stacking with a generaliser [1]_, [2]_. The default is a ridge regression. Beside what the
    bare regressor does, missing predictions are filled, columns that pass through stay out,
    and differences between folds are taken out.

    Parameters
    ----------
    estimator : regressor, default=None
        None: ``Ridge()``.
    passthrough : bool, default=False
        Whether it also reads the columns of X that are no predictions: a second level of
        learners, on the table and on what the first made of it.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    estimator_ : regressor
        Fitted.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : Weights that are not negative, and sum to one.
    CrossFittedBlendRegressor : Several combiners, and how far to trust each.

    Notes
    -----
    With ``folds`` in ``fit``, each column is shifted to the same mean in every fold. Signed
    weights would otherwise profit from learners that know nothing: these predict the mean of
    their training rows, which is low where the fold's own is high.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    .. [2] L. Breiman, "Stacked regressions", Machine Learning 24, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from stackmeta.combiners import MetaLearnerRegressor
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> P = np.column_stack([2 * y, [0.0, 1.0, 0.0, 1.0]])
    >>> MetaLearnerRegressor(LinearRegression()).fit(P, y).predict(P)
    array([1., 2., 3., 4.])
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        passthrough: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.estimator = estimator
        self.passthrough = passthrough

    def _default(self) -> BaseEstimator:
        return Ridge()

    def _combine(self, predictions: Predictions) -> np.ndarray:
        predictions.check_rows(probabilities=False)
        features = self._beside(self._features(predictions), predictions)
        return self.estimator_.predict(features).reshape(predictions.n_rows, -1)
