"""Test doubles: learners that record what they are given, or refuse to be fitted."""

import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


class Log(list):
    """A list that clones of its owner share."""

    def __deepcopy__(self, memo):
        return self


class Recording(BaseEstimator):
    """Appends a dict a fit, and a dict a prediction, to ``log``."""

    def __init__(self, log=None, estimator=None):
        self.log = log
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None, groups=None):
        self.log.append(
            {"call": "fit", "X": X, "y": y, "sample_weight": sample_weight, "groups": groups}
        )
        default = LogisticRegression() if isinstance(self, ClassifierMixin) else Ridge()
        self.model_ = (self.estimator or default).fit(X, y)
        self.n_features_in_ = X.shape[1]
        if hasattr(self.model_, "classes_"):
            self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        self.log.append({"call": "predict", "X": X})
        return self.model_.predict(X)


class RecordingClassifier(ClassifierMixin, Recording):
    """Logistic regression that records."""

    def predict_proba(self, X):
        self.log.append({"call": "predict_proba", "X": X})
        return self.model_.predict_proba(X)


class RecordingRegressor(RegressorMixin, Recording):
    """Ridge that records."""


class NeverFit(ClassifierMixin, BaseEstimator):
    """A classifier whose fit means that a check came too late."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a learner was fitted before the input was refused")

    def predict(self, X):
        raise AssertionError("a learner predicted before the input was refused")

    predict_proba = predict


class NeverFitRegressor(RegressorMixin, BaseEstimator):
    """A regressor whose fit means that a check came too late."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a learner was fitted before the input was refused")

    def predict(self, X):
        raise AssertionError("a learner predicted before the input was refused")


class Failing(ClassifierMixin, BaseEstimator):
    """A classifier that raises where the training rows are fewer than ``below``."""

    def __init__(self, below=np.inf):
        self.below = below

    def fit(self, X, y):
        if len(X) < self.below:
            raise RuntimeError("no luck with this data")
        self.model_ = GaussianNB().fit(X, y)
        self.classes_, self.n_features_in_ = self.model_.classes_, X.shape[1]
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


class Slow(RegressorMixin, BaseEstimator):
    """Ridge that sleeps."""

    def __init__(self, seconds=0.1):
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.model_ = Ridge().fit(X, y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.model_.predict(X)


def fits(log):
    """Keep the records of fits."""
    return [entry for entry in log if entry["call"] == "fit"]


def classifiers():
    """Two quick, deterministic classifiers."""
    return [("nb", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))]


def regressors():
    """Two quick, deterministic regressors."""
    return [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]


def useless_classifier():
    """A classifier that no sensible combiner gives weight beside good ones."""
    return DummyClassifier(strategy="prior")


def useless_regressor():
    """A regressor that no sensible combiner gives weight beside good ones."""
    return DummyRegressor(strategy="constant", constant=1e6)
