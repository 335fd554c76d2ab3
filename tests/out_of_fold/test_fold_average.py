"""Fold models averaged."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta import StackingClassifier, StackingRegressor, out_of_fold

from .given import classes, numbers

CV = KFold(3)


def fold_models(learner, X, y):
    return [clone(learner).fit(X[train], y[train]) for train, _ in CV.split(X)]


def average_of(learner, X, y, **options):
    oof = out_of_fold([("a", learner)], X, y, cv=CV, keep_models=True, **options)
    return oof.models["a"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities(n_classes):
    X, y = classes(n_classes)
    average = average_of(GaussianNB(), X, y)
    wanted = np.mean([m.predict_proba(X) for m in fold_models(GaussianNB(), X, y)], axis=0)
    assert_allclose(average.predict_proba(X), wanted)
    assert_allclose(average.predict_log_proba(X), np.log(wanted))
    assert not hasattr(average, "decision_function")


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decision_values(n_classes):
    X, y = classes(n_classes)
    svc = LinearSVC(random_state=0)
    wanted = np.mean([m.decision_function(X) for m in fold_models(svc, X, y)], axis=0)
    average = average_of(svc, X, y)
    assert_allclose(average.decision_function(X), wanted)
    assert not hasattr(average, "predict_proba")


def test_votes():
    X, y = classes(3)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    votes = np.array([m.predict(X) for m in fold_models(tree, X, y)])
    wanted = [np.bincount(column, minlength=3).argmax() for column in votes.T]
    assert_array_equal(average_of(tree, X, y, method="predict").predict(X), wanted)
    assert (votes[0] != votes[1]).any()


@pytest.mark.parametrize("n_targets", [1, 2])
def test_numbers(n_targets):
    X, y = numbers(n_targets=n_targets)
    wanted = np.mean([m.predict(X) for m in fold_models(LinearRegression(), X, y)], axis=0)
    found = average_of(LinearRegression(), X, y).predict(X)
    assert found.shape == wanted.shape
    assert_allclose(found, wanted)


def test_multilabel():
    X, first = classes()
    y = np.column_stack([first, X[:, 0] > 0]).astype(int)
    knn = KNeighborsClassifier()
    models = fold_models(knn, X, y)
    average = average_of(knn, X, y)
    proba = np.mean([[p[:, 1] for p in m.predict_proba(X)] for m in models], axis=0).T
    assert_allclose(average.predict_proba(X), proba)
    assert_array_equal(average.predict(X), np.mean([m.predict(X) for m in models], axis=0) > 0.5)


def test_models_that_know_different_classes():
    y = np.repeat([0, 1, 2], 10)
    X = np.random.RandomState(0).normal(size=(30, 2)) + y[:, None]
    with pytest.warns(UserWarning, match="no training row"):
        average = average_of(GaussianNB(), X, y)  # each fold lacks a class
    proba = average.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1)
    wanted = np.zeros((30, 3))
    for fold, (train, _) in enumerate(CV.split(X)):
        present = [k for k in range(3) if k != fold]
        wanted[:, present] += GaussianNB().fit(X[train], y[train]).predict_proba(X) * 2 / 3
        wanted[:, fold] += 1 / 3
    assert_allclose(proba, wanted / 3)
    votes = average.predict(X)
    assert set(votes) <= {0, 1, 2}
    assert (votes == y).mean() > 0.5


def test_pickle_and_features():
    X, y = classes()
    average = average_of(GaussianNB(), X, y)
    twin = pickle.loads(pickle.dumps(average))
    assert_array_equal(twin.predict_proba(X), average.predict_proba(X))
    assert average.n_features_in_ == 5
    assert len(pickle.dumps(average)) < 6_000  # no rows, no y


@pytest.mark.parametrize("final", [None, KNeighborsClassifier()])
def test_a_stack_of_fold_models_predicts(final):
    X, y = classes(3)
    learners = [("nb", GaussianNB()), ("lr", LogisticRegression())]
    stack = StackingClassifier(learners, final, cv=CV, refit=False).fit(X, y)
    assert (stack.predict(X) == y).mean() > 0.5
    wanted = np.mean([m.predict_proba(X) for m in fold_models(GaussianNB(), X, y)], axis=0)
    assert_allclose(stack.transform(X)[:, :3], wanted)


def test_a_stack_of_fold_models_fits_nothing_more():
    X, y = numbers()
    learners = [("line", LinearRegression())]
    stack = StackingRegressor(learners, cv=CV, refit=False, shortcuts=False).fit(X, y)
    assert sorted(record.fold for record in stack.oof_.records) == [0, 1, 2]
