"""Stacks for rows that belong to tasks: hospitals, shops, users."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score

from ._multitask import BaseMultiTaskStack
from .combiners import (
    ConvexClassifier,
    ConvexRegressor,
    PartiallyPooledClassifier,
    PartiallyPooledRegressor,
)
from .combiners.partially_pooled import codes_of
from .out_of_fold.target import Target, as_column, encode_target, read_numbers

__all__ = ["MultiTaskStackingClassifier", "MultiTaskStackingRegressor"]


class MultiTaskStackingRegressor(RegressorMixin, BaseMultiTaskStack):
    """Stack for rows that belong to tasks, such as hospitals, shops or users.

    Each learner competes in three scopes: "shared" is fitted on all rows and knows no task, "own"
    is fitted on the rows of each task alone, "pooled" on all rows with the task's mean of y, drawn
    towards the mean of all. Their out-of-fold predictions are weighted for each task, with weights
    that are drawn towards those of all tasks as far as the task is small and the tasks agree
    (empirical Bayes). A new task gets the population's weights; ``adapt`` takes its first rows.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Regressors. ``columns`` limits one to some columns of X. None reads the task's column.
    task : str or int, default=None
        The column of X that says which task a row belongs to. None: ``fit`` and ``predict`` are
        given ``task=``, which metadata routing brings through pipelines and searches.
    scopes : list of {"shared", "own", "pooled"}, default=("shared", "own", "pooled")
        In which scopes each learner is fitted; "shared" or "pooled" is needed.
    pooling : "auto" or float, default="auto"
        How many rows the population's weights count for; 0 gives each task the weights of least
        loss on its own rows, ``np.inf`` all tasks the same. "auto" finds it.
    min_task_rows : int, default=10
        Training rows that a task needs for an "own" learner; below, the best mixture of the
        other scopes stands in.
    cv : int, splitter or iterable of (train, test), default=None
        None (5) or a number deals the rows of each task to so many folds; any splitter is taken,
        also those that cover some rows only.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    shortcuts : {"exact", "approximate", False}, default="exact"
        As in :class:`StackingRegressor`, for the shared learners.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit, as in :class:`StackingRegressor`.
    random_state : int, RandomState or None, default=None
        Seeds the folds, and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        The population's weights.
    learner_weights_ : dict of str -> float
        The same by name: ``name_shared``, ``name_own``, ``name_pooled``.
    task_weights_ : DataFrame
        Weights of the learners in each task.
    tasks_ : list
        The tasks that are known.
    combiner_ : PartiallyPooledRegressor
        Fitted combiner; ``combiner_.prior_rows_`` says how strongly tasks are pooled.
    oof_ : OutOfFold
        Out-of-fold predictions, splits, timings.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, where X had some.

    See Also
    --------
    MultiTaskStackingClassifier : The same for classes.
    PartiallyPooledRegressor : The combiner alone.

    References
    ----------
    .. [1] R. Caruana, "Multitask learning", Machine Learning 28, 1997.
    .. [2] C. N. Morris, "Parametric empirical Bayes inference: theory and applications",
       Journal of the American Statistical Association 78, 1983.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from stackmeta import MultiTaskStackingRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=300), "shop": rng.choice(list("abc"), 300)})
    >>> y = X["size"] * X["shop"].map({"a": 1.0, "b": -1.0, "c": 2.0})
    >>> learners = [("ridge", RidgeCV()), ("tree", DecisionTreeRegressor(random_state=0))]
    >>> stack = MultiTaskStackingRegressor(learners, task="shop").fit(X, y)
    >>> round(stack.score(X, y), 2)
    1.0
    >>> first_rows = pd.DataFrame({"size": [1.0, -1.0, 0.5], "shop": "d"})
    >>> stack.adapt(first_rows, [1.0, -1.0, 0.5]).tasks_[-1]
    'd'
    """

    def _read_y(self, y: Any) -> Target:
        if y is None:
            return encode_target(y, classifier=False, caller=type(self).__name__)
        return encode_target(as_column(y), classifier=False, caller=type(self).__name__)

    def _further_y(self, y: Any) -> np.ndarray:
        return read_numbers(as_column(y), dtype=np.float64)

    def _stand_in_combiner(self) -> ConvexRegressor:
        return ConvexRegressor()

    def _combiner(self) -> PartiallyPooledRegressor:
        return PartiallyPooledRegressor(pooling=self.pooling)

    def predict(self, X: Any, *, task: Any = None) -> np.ndarray:
        """Predict the target.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        task : array-like of shape (n_samples,), default=None
            Their tasks, known or not, where no column of X says it.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        matrix, codes, _ = self._matrix(X, task)
        return self.combiner_.predict(np.column_stack([matrix, codes]))

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, task: Any = None) -> float:
        """Coefficient of determination.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Their target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        task : array-like of shape (n_samples,), default=None
            Their tasks, where no column of X says it.

        Returns
        -------
        score : float
        """
        return r2_score(y, self.predict(X, task=task), sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Where the task is a column of X, no learner reads it as a number.
        tags.regressor_tags.poor_score = True
        return tags


class MultiTaskStackingClassifier(ClassifierMixin, BaseMultiTaskStack):
    """Stack of classifiers for rows that belong to tasks, such as hospitals, shops or users.

    As :class:`MultiTaskStackingRegressor`: "pooled" learners see each class's share in the task,
    drawn towards its share in all.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Classifiers with ``predict_proba``. ``columns`` limits one to some columns of X. None
        reads the task's column.
    task : str or int, default=None
        The column of X that says which task a row belongs to. None: ``fit`` and ``predict`` are
        given ``task=``, which metadata routing brings through pipelines and searches.
    scopes : list of {"shared", "own", "pooled"}, default=("shared", "own", "pooled")
        In which scopes each learner is fitted; "shared" or "pooled" is needed.
    pooling : "auto" or float, default="auto"
        How many rows the population's weights count for; 0 gives each task the weights of least
        loss on its own rows, ``np.inf`` all tasks the same. "auto" finds it.
    min_task_rows : int, default=10
        Training rows that a task needs, and of two classes, for an "own" learner; below, the
        best mixture of the other scopes stands in.
    cv : int, splitter or iterable of (train, test), default=None
        None (5) or a number deals the rows of each task and class to so many folds; any splitter
        is taken, also those that cover some rows only.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    shortcuts : {"exact", "approximate", False}, default="exact"
        As in :class:`StackingClassifier`, for the shared learners.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit, as in :class:`StackingClassifier`.
    random_state : int, RandomState or None, default=None
        Seeds the folds, and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    weights_ : ndarray of shape (n_learners,)
        The population's weights.
    learner_weights_ : dict of str -> float
        The same by name: ``name_shared``, ``name_own``, ``name_pooled``.
    task_weights_ : DataFrame
        Weights of the learners in each task.
    tasks_ : list
        The tasks that are known.
    combiner_ : PartiallyPooledClassifier
        Fitted combiner; ``combiner_.prior_rows_`` says how strongly tasks are pooled.
    oof_ : OutOfFold
        Out-of-fold predictions, splits, timings.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, where X had some.

    See Also
    --------
    MultiTaskStackingRegressor : The same for numbers.
    PartiallyPooledClassifier : The combiner alone.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from stackmeta import MultiTaskStackingClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, hospital = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    >>> y = np.where(X[:, 0] * (hospital - 1) + 0.1 * X[:, 1] > 0, "ill", "well")
    >>> learners = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    >>> stack = MultiTaskStackingClassifier(learners).fit(X, y, task=hospital)
    >>> stack.score(X, y, task=hospital) > 0.9
    True
    >>> stack.leaderboard()["scope"][0]
    'own'
    """

    def _read_y(self, y: Any) -> Target:
        if y is None:
            return encode_target(y, classifier=True, caller=type(self).__name__)
        target = encode_target(as_column(y), classifier=True, caller=type(self).__name__)
        self.classes_ = target.classes
        return target

    def _further_y(self, y: Any) -> np.ndarray:
        return codes_of(y, self.classes_)

    def _stand_in_combiner(self) -> ConvexClassifier:
        return ConvexClassifier()

    def _combiner(self) -> PartiallyPooledClassifier:
        return PartiallyPooledClassifier(pooling=self.pooling)

    def predict_proba(self, X: Any, *, task: Any = None) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        task : array-like of shape (n_samples,), default=None
            Their tasks, known or not, where no column of X says it.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        matrix, codes, _ = self._matrix(X, task)
        return self.combiner_.predict_proba(np.column_stack([matrix, codes]))

    def predict(self, X: Any, *, task: Any = None) -> np.ndarray:
        """Give each row its most probable class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        task : array-like of shape (n_samples,), default=None
            Their tasks, known or not, where no column of X says it.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        best = self.predict_proba(X, task=task).argmax(axis=1)
        return self.classes_[best]

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, task: Any = None) -> float:
        """Share of rows that are right.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        task : array-like of shape (n_samples,), default=None
            Their tasks, where no column of X says it.

        Returns
        -------
        score : float
        """
        return accuracy_score(y, self.predict(X, task=task), sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Where the task is a column of X, no learner reads it as a number.
        tags.classifier_tags.poor_score = True
        return tags
