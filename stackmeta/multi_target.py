"""Stacks for several targets that know of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score

from ._multi_target import BaseMultiTargetStack
from .combiners import ConvexClassifier, ConvexRegressor
from .compat import safe_indexing
from .out_of_fold.target import encode_target, read_numbers

__all__ = ["MultiTargetStackingClassifier", "MultiTargetStackingRegressor"]


class MultiTargetStackingRegressor(RegressorMixin, BaseMultiTargetStack):
    """Stack for several numeric targets, each helped by what is predicted of the others.

    Each target is first stacked alone. The out-of-fold predictions of all targets then become
    columns beside X, on which the learners are fitted once more over the same folds: for all
    targets at once ("stacked single target") or one after the other in several orders
    ("ensembles of regressor chains") [1]_. A target's combiner weighs both kinds beside each
    other, so that a target that the others say nothing about keeps its own learners.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Regressors of one target. ``columns`` limits a learner to some columns of X; the
        predictions of other targets it reads in any case.
    final_estimator : estimator, default=None
        Combiner of each target's predictions; :class:`ConvexRegressor` by default.
    method : {"stacked", "chains", "both"}, default="stacked"
        The second stage. "chains" costs ``n_chains`` times as many fits.
    n_chains : int, default=10
        How many orders of the targets the chains follow; all of them where there are no more.
    cv : int, splitter or iterable of (train, test), default=None
        Any splitter that covers all rows; None is 5 folds.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    shortcuts : {"exact", "approximate", False}, default="exact"
        As in :class:`StackingRegressor`.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit, as in :class:`StackingRegressor`.
    random_state : int, RandomState or None, default=None
        Seeds splitter, orders, and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    target_names_ : list
        Columns of y: their names, or 0, 1, ….
    final_estimators_ : list of estimators
        Fitted combiner of each target.
    learner_weights_ : dict of dict
        Target → learner → weight; learners of the second stage end in "_stacked" or "_chain".
    oof_predictions_ : list of ndarray
        For each target the out-of-fold predictions that its combiner was fitted on.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, where X had some.

    See Also
    --------
    MultiTargetStackingClassifier : The same for labels.
    StackingRegressor : Takes several targets, too, but each by itself.

    References
    ----------
    .. [1] E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves and I. Vlahavas, "Multi-target
       regression via input space expansion: treating targets as inputs", Machine Learning
       104, 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import MultiTargetStackingRegressor
    >>> X, Y = load_linnerud(return_X_y=True, as_frame=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(5))]
    >>> stack = MultiTargetStackingRegressor(learners).fit(X, Y)
    >>> stack.predict(X).shape
    (20, 3)
    >>> list(stack.learner_weights_["Weight"])
    ['ridge', 'neighbours', 'ridge_stacked', 'neighbours_stacked']
    """

    def _default_final(self) -> ConvexRegressor:
        return ConvexRegressor()

    def _read_targets(self, y: Any) -> list[np.ndarray]:
        return list(read_numbers(y, dtype=np.float64).T)

    def predict(self, X: Any) -> np.ndarray:
        """Predict all targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
        """
        matrices = self._for_finals(X)
        finals = zip(self.final_estimators_, matrices, strict=True)
        return self._joined([final.predict(matrix) for final, matrix in finals])


class MultiTargetStackingClassifier(ClassifierMixin, BaseMultiTargetStack):
    """Stack for several targets of labels (multilabel, too) that know of each other.

    As :class:`MultiTargetStackingRegressor`: what the second stage reads of the other targets
    are out-of-fold probabilities. Targets may differ in their classes. This is stacked
    generalization of labels ("meta binary relevance") [1]_ and ensembles of classifier chains
    [2]_, with predictions that no training row's own label has entered.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Classifiers of one target. ``columns`` limits a learner to some columns of X; the
        predictions of other targets it reads in any case.
    final_estimator : estimator, default=None
        Combiner of each target's probabilities; :class:`ConvexClassifier` by default.
    method : {"stacked", "chains", "both"}, default="stacked"
        The second stage. "chains" costs ``n_chains`` times as many fits.
    n_chains : int, default=10
        How many orders of the targets the chains follow; all of them where there are no more.
    cv : int, splitter or iterable of (train, test), default=None
        Any splitter that covers all rows; None is 5 folds, not stratified.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    shortcuts : {"exact", "approximate", False}, default="exact"
        As in :class:`StackingClassifier`.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit, as in :class:`StackingClassifier`.
    random_state : int, RandomState or None, default=None
        Seeds splitter, orders, and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    classes_ : list of ndarray
        Class labels of each target.
    target_names_ : list
        Columns of y: their names, or 0, 1, ….
    final_estimators_ : list of estimators
        Fitted combiner of each target.
    learner_weights_ : dict of dict
        Target → learner → weight; learners of the second stage end in "_stacked" or "_chain".
    oof_predictions_ : list of ndarray
        For each target the out-of-fold predictions that its combiner was fitted on.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, where X had some.

    See Also
    --------
    MultiTargetStackingRegressor : The same for numbers.

    References
    ----------
    .. [1] S. Godbole and S. Sarawagi, "Discriminative methods for multi-labeled
       classification", PAKDD 2004.
    .. [2] J. Read, B. Pfahringer, G. Holmes and E. Frank, "Classifier chains for multi-label
       classification", Machine Learning 85, 2011.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from stackmeta import MultiTargetStackingClassifier
    >>> X, Y = make_multilabel_classification(200, n_classes=3, random_state=0)
    >>> learners = [("linear", LogisticRegression(max_iter=1000)), ("bayes", GaussianNB())]
    >>> stack = MultiTargetStackingClassifier(learners, method="both").fit(X[:150], Y[:150])
    >>> [probabilities.shape for probabilities in stack.predict_proba(X[150:])]
    [(50, 2), (50, 2), (50, 2)]
    >>> round(stack.score(X[150:], Y[150:]), 1)
    0.5
    """

    def _default_final(self) -> ConvexClassifier:
        return ConvexClassifier()

    def _read_targets(self, y: Any) -> list[np.ndarray]:
        y = y.toarray() if issparse(y) else y
        columns = []
        for j in range(y.shape[1]):
            try:
                columns.append(
                    encode_target(
                        safe_indexing(y, j, axis=1),
                        classifier=True,
                        caller=type(self).__name__,
                    )
                )
            except ValueError as error:
                if y.shape[1] > 1:
                    error.add_note(f"stackmeta: this is target {j} of y.")
                raise
        self._classes = [target.classes for target in columns]
        return [target.original_y for target in columns]

    @property
    def classes_(self) -> Any:
        """Class labels of each target."""
        if not hasattr(self, "_classes"):
            raise AttributeError(f"{type(self).__name__} object has no attribute 'classes_'")
        return self._classes[0] if self._one_axis else self._classes

    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of each target's classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        probabilities : list of ndarray of shape (n_samples, n_classes)
            One for each target; an array, where y had one axis.
        """
        matrices = self._for_finals(X)
        finals = zip(self.final_estimators_, matrices, strict=True)
        answers = [final.predict_proba(matrix) for final, matrix in finals]
        return answers[0] if self._one_axis else answers

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each target.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        labels : ndarray of shape (n_samples, n_targets)
            Objects, where some targets are texts and others numbers.
        """
        matrices = self._for_finals(X)
        finals = zip(self.final_estimators_, matrices, strict=True)
        answers = [final.predict(matrix) for final, matrix in finals]
        if len({answer.dtype.kind in "US" for answer in answers}) > 1:
            answers = [answer.astype(object) for answer in answers]
        return self._joined(answers)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of rows where every target is right.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples, n_targets)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        y = y.toarray() if issparse(y) else np.asarray(y)
        right = (self.predict(X) == y).reshape(len(y), -1).all(axis=1)
        return accuracy_score(np.ones(len(right), dtype=bool), right, sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True
        return tags
