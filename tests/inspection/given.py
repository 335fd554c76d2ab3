"""Fitted stacks that several files look at; each is fitted once."""

from functools import cache

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import (
    AveragingClassifier,
    ConvexClassifier,
    ConvexRegressor,
    StackingClassifier,
    StackingRegressor,
    SuperLearnerRegressor,
)

NUMBERS = load_diabetes(return_X_y=True, as_frame=True)
FLOWERS = load_iris(return_X_y=True, as_frame=True)
TWO = make_classification(300, 8, n_informative=4, flip_y=0.1, random_state=0)

REGRESSORS = [
    ("ridge", Ridge(0.1)),
    ("neighbours", KNeighborsRegressor(20)),
    ("tree", DecisionTreeRegressor(max_depth=3, random_state=0)),
]
CLASSIFIERS = [
    ("bayes", GaussianNB()),
    ("logistic", LogisticRegression(max_iter=1000)),
    ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
]


@cache
def of_numbers():
    return StackingRegressor(REGRESSORS, ConvexRegressor()).fit(*NUMBERS)


@cache
def of_flowers():
    return StackingClassifier(CLASSIFIERS, AveragingClassifier()).fit(*FLOWERS)


@cache
def of_two(final=ConvexClassifier):
    return StackingClassifier(CLASSIFIERS, None if final is None else final()).fit(*TWO)


@cache
def of_sixty():
    learners = [(f"neighbours_{k}", KNeighborsClassifier(k)) for k in range(1, 31)]
    learners += [
        (f"tree_of_depth_{k}_which_is_a_long_name", DecisionTreeClassifier(max_depth=k))
        for k in range(1, 31)
    ]
    return StackingClassifier(learners, ConvexClassifier(), cv=3, random_state=0).fit(*TWO)


@cache
def super_learner():
    X, y = NUMBERS
    return SuperLearnerRegressor(["linear", "extra_trees"], cv=3, random_state=0).fit(X, y)


class Says(RegressorMixin, BaseEstimator):
    """Predicts a column of X as it is."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.asarray(X)[:, self.column]


class SaysProbability(ClassifierMixin, BaseEstimator):
    """Takes a column of X for P(class 1)."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
        return self

    def predict_proba(self, X):
        p = np.asarray(X)[:, self.column]
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
