"""Learners that go wrong in every way: named, left out or raised, and nothing done is lost."""

import os
import resource
import time

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from stackmeta import ConvexClassifier, OutOfFoldStore, StackingClassifier

X, Y = load_iris(return_X_y=True)
N_FOLDS = 4
TREE = ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))
BAYES = ("bayes", GaussianNB())

# How it goes wrong, and what is said of it.
FAULTS = {
    "raises": "ValueError: that was it",
    "raises in one fold": "ValueError: only here",
    "raises at predict": "ValueError: cannot predict",
    "raises something odd": "OddError: odd",
    "gives NaN": "gave NaN for 1",
    "gives inf": "gave inf for 1",
    "gives too few rows": "shape",
    "gives too few classes": "2|shape|columns",
    "gives other classes": r"classes_ are .*cat",
    "gives text": "numbers were expected",
    "gives nothing": "gave None",
    "exhausts memory": "MemoryError",
}


class OddError(Exception):
    """An exception that cannot be pickled."""

    def __init__(self, one, two):
        super().__init__("odd")


class Faulty(ClassifierMixin, BaseEstimator):
    """Goes wrong as it is told to."""

    def __init__(self, fault, main=0):
        self.fault = fault
        self.main = main

    def fit(self, X, y):
        fault = self.fault
        self.classes_ = np.unique(y)
        if fault == "raises":
            raise ValueError("that was it")
        # Exactly one fold is trained without the first row.
        if fault == "raises in one fold" and not (globals()["X"][0] == X).all(axis=1).any():
            raise ValueError("only here")
        if fault == "raises something odd":
            raise OddError(1, 2)
        if fault == "gives other classes":
            self.classes_ = np.array(["cat", "dog", "cow"])
        if fault == "exhausts memory":
            exhaust_memory()
        if fault == "is killed" and os.getpid() != self.main:
            os.kill(os.getpid(), 9)
        if fault == "hangs":
            time.sleep(1000)
        return self

    def predict_proba(self, X):
        P = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        if self.fault == "raises at predict":
            raise ValueError("cannot predict")
        if self.fault == "gives NaN":
            P[0, 0] = np.nan
        if self.fault == "gives inf":
            P[0, 0] = np.inf
        if self.fault == "gives text":
            return P.astype(str) + "?"
        if self.fault == "gives nothing":
            return None
        if self.fault == "gives too few rows":
            return P[1:]
        return P[:, 1:] if self.fault == "gives too few classes" else P


def exhaust_memory():
    """Ask for more than the process may have; the limit is lifted again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (2**33, hard))
        np.ones(2**34, dtype=np.uint8)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def stack_of(faulty, **options):
    learners = [TREE, ("faulty", faulty), BAYES]
    return StackingClassifier(learners, ConvexClassifier(), cv=N_FOLDS, random_state=0, **options)


@pytest.fixture(scope="module")
def without():
    """Predictions of the stack without the learner that goes wrong."""
    learners = [TREE, BAYES]
    stack = StackingClassifier(learners, ConvexClassifier(), cv=N_FOLDS, random_state=0)
    return stack.fit(X, Y).predict_proba(X)


@pytest.mark.parametrize("fault", FAULTS)
def test_drop(fault, without):
    with pytest.warns(FitFailedWarning, match=f"(?s)'faulty' failed in fold .*{FAULTS[fault]}"):
        stack = stack_of(Faulty(fault), on_error="drop").fit(X, Y)
    assert stack.oof_.paths["faulty"] == "failed"
    assert_array_equal(stack.predict_proba(X), without)


@pytest.mark.parametrize("fault", FAULTS)
def test_raise_keeps_what_is_done(fault, without, tmp_path):
    with pytest.raises(Exception) as caught:
        stack_of(Faulty(fault), store=tmp_path).fit(X, Y)
    assert "learner 'faulty' failed in fold" in "".join(caught.value.__notes__)
    store = OutOfFoldStore(tmp_path)
    assert "faulty" not in set(store.to_frame().learner) or fault == "raises in one fold"
    before = len(store)
    learners = [TREE, BAYES]
    stack = StackingClassifier(
        learners, ConvexClassifier(), cv=N_FOLDS, random_state=0, store=store
    )
    assert_array_equal(stack.fit(X, Y).predict_proba(X), without)
    assert len(store.to_frame().query("learner == 'bayes'")) > 0
    assert before > 0 or fault != "raises at predict"


@pytest.mark.parametrize("fault", ["exhausts memory", "raises in one fold", "is killed"])
def test_drop_in_workers(fault, without, tmp_path):
    said = FAULTS.get(fault, "died")
    faulty = Faulty(fault, main=os.getpid())
    with pytest.warns(FitFailedWarning, match=f"(?s)'faulty' failed in fold .*{said}"):
        stack = stack_of(faulty, on_error="drop", n_jobs=2, store=tmp_path).fit(X, Y)
    assert_array_equal(stack.predict_proba(X), without)
    kept = OutOfFoldStore(tmp_path).to_frame().groupby("learner").size()
    assert kept["tree"] == N_FOLDS + 1


def test_one_that_hangs_is_left_out_and_the_others_are_kept(without, tmp_path):
    with parallel_config("loky"), pytest.warns(UserWarning, match=r"\['faulty'\]"):
        stack = stack_of(Faulty("hangs"), n_jobs=2, time_limit=6, store=tmp_path).fit(X, Y)
    assert stack.leaderboard().set_index("learner").path["faulty"] == "time limit"
    assert_array_equal(stack.predict_proba(X), without)
    assert OutOfFoldStore(tmp_path).to_frame().groupby("learner").size()["tree"] == N_FOLDS + 1


@pytest.mark.parametrize("on_error", ["raise", "drop"])
def test_one_that_fails_on_new_rows_is_named(on_error):
    """Once it is fitted, nothing can stand in for it: the error says whose it is."""
    faulty = Faulty("gives it later")
    stack = StackingClassifier(
        [("tree", TREE[1]), ("faulty", faulty)], cv=N_FOLDS, on_error=on_error, random_state=0
    ).fit(X, Y)
    stack.named_estimators_["faulty"].fault = "raises at predict"
    with pytest.raises(ValueError, match="cannot predict") as caught:
        stack.predict(X)
    assert "'faulty'" in "".join(getattr(caught.value, "__notes__", []))
