"""What learners under a time limit are expected to gain."""

import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_friedman1
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta import out_of_fold
from stackmeta.out_of_fold.collected import Collected
from stackmeta.out_of_fold.gains import ExpectedGains
from stackmeta.out_of_fold.learner import Learner
from stackmeta.out_of_fold.plan import Task
from stackmeta.out_of_fold.target import encode_target
from stackmeta.out_of_fold.task import Outcome


def gains_after(oof, y, *, done, tried, classifier):
    """Expected gains when some learners are done and others tried on the first fold."""
    target = encode_target(y, classifier=classifier, caller="test")
    learners = [Learner(name, LinearRegression(), oof.methods[name]) for name in oof.names]
    collected = Collected(learners, oof.splits, target)
    for i, learner in enumerate(learners):
        folds = range(len(oof.splits)) if learner.name in done else [0]
        if learner.name not in (*done, *tried):
            continue
        for fold in folds:
            test = oof.splits[fold][1]
            outcome = Outcome(Task(i, fold), 1.0, 0.0, "")
            outcome.block = oof.matrix[test, oof.columns[learner.name]]
            collected.add(outcome)
    gains = ExpectedGains(learners, oof.splits, target, 0)(collected)
    return {learners[i].name: gain for i, gain in gains.items()}


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_a_copy_gains_nothing_and_another_view_does(load):
    X, y = load(return_X_y=True)
    learners = [
        ("nb", GaussianNB()),
        ("copy", GaussianNB()),
        ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
        ("constant", DummyClassifier()),
    ]
    oof = out_of_fold(learners, X, y, cv=3)
    tried = ["copy", "tree", "constant"]
    gains = gains_after(oof, y, done=["nb"], tried=tried, classifier=True)
    assert set(gains) == set(tried)
    assert gains["tree"] > max(gains["copy"], 0.0)
    assert min(gains.values()) >= 0.0


def test_without_any_that_is_done_the_best_gains_most():
    X, y = load_diabetes(return_X_y=True)
    oof = out_of_fold([("line", LinearRegression()), ("mean", DummyRegressor())], X, y, cv=3)
    gains = gains_after(oof, y, done=[], tried=["line", "mean"], classifier=False)
    assert gains["line"] > 10 > gains["mean"] >= 0


def test_several_outputs():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, X[:, 0]])
    oof = out_of_fold([("line", LinearRegression()), ("mean", DummyRegressor())], X, Y, cv=3)
    gains = gains_after(oof, Y, done=["mean"], tried=["line"], classifier=False)
    assert gains["line"] > 1


def test_decision_values_cannot_be_blended():
    X, y = load_breast_cancer(return_X_y=True)
    oof = out_of_fold([("svc", LinearSVC()), ("nb", GaussianNB())], X, y, cv=3)
    assert gains_after(oof, y, done=["nb"], tried=["svc"], classifier=True) == {}


class Slowly(RegressorMixin, BaseEstimator):
    """Fits another estimator, after a sleep."""

    def __init__(self, estimator, seconds=0.3):
        self.estimator = estimator
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.estimator_ = self.estimator.fit(X, y)
        return self

    def predict(self, X):
        return self.estimator_.predict(X)


@pytest.mark.parametrize("useful", [0, 1, 2])
def test_the_learner_that_helps_is_completed(useful):
    """Three learners cost the same, and there is time for one."""
    X, y = make_friedman1(300, random_state=0)
    learners = [(f"useless{i}", Slowly(DummyRegressor())) for i in range(3)]
    learners[useful] = ("useful", Slowly(KNeighborsRegressor()))
    learners.append(("line", LinearRegression()))
    with pytest.warns(UserWarning, match="time_limit"):
        oof = out_of_fold(learners, X, y, cv=5, time_limit=3.1)
    assert {"useful", "line"} <= set(oof.names)
    assert [oof.paths[name] for name, _ in learners].count("time limit") >= 1


def test_classes_too():
    class SlowClassifier(ClassifierMixin, Slowly):
        def predict_proba(self, X):
            return self.estimator_.predict_proba(X)

        @property
        def classes_(self):
            return self.estimator_.classes_

    X, y = load_iris(return_X_y=True)
    learners = [
        ("useless", SlowClassifier(DummyClassifier(), 0.5)),
        ("useful", SlowClassifier(LogisticRegression(max_iter=500), 0.5)),
    ]
    with pytest.warns(UserWarning, match="time_limit"):
        oof = out_of_fold(learners, X, y, cv=5, time_limit=4.2)
    assert oof.names == ["useful"]
