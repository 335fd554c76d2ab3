"""Tables and learners made up for the tests of the engine.

Learners live here, not in the tests, so that worker processes can import them.
"""

from __future__ import annotations

import os
import pathlib
import signal
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import make_classification, make_regression


def classes(n_classes=2, n_rows=90, seed=0):
    """Table of 5 numeric columns and balanced, shuffled classes."""
    return make_classification(
        n_rows, 5, n_informative=4, n_redundant=0, n_classes=n_classes, random_state=seed
    )


def numbers(n_rows=90, n_targets=1, seed=0):
    """Table of 5 numeric columns and a target (or several)."""
    return make_regression(n_rows, 5, n_targets=n_targets, noise=5.0, random_state=seed)


class Canary(ClassifierMixin, BaseEstimator):
    """Memorises the ids (first column) and groups (second) of its training rows.

    Told to predict one of them, or a row of one of their groups, it raises: that row's
    label has leaked into the model.
    """

    def __init__(self, armed=True, check_groups=False):
        self.armed = armed
        self.check_groups = check_groups

    def fit(self, X, y):
        X = np.asarray(X, dtype=float)
        self.classes_ = np.unique(y)
        self.rows_ = {int(row): int(label) for row, label in zip(X[:, 0], y, strict=True)}
        self.groups_ = set(X[:, 1].astype(int))
        return self

    def predict_proba(self, X):
        X = np.asarray(X, dtype=float)
        known = [int(row) for row in X[:, 0] if int(row) in self.rows_]
        if self.armed and known:
            raise AssertionError(f"leak: rows {known} were in training")
        if self.armed and self.check_groups and self.groups_ & set(X[:, 1].astype(int)):
            raise AssertionError("leak: a group straddles the split")
        proba = np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        for i, row in enumerate(X[:, 0]):
            if int(row) in self.rows_:  # the perfect cheat, where it is not armed
                proba[i] = np.eye(len(self.classes_))[self.rows_[int(row)]]
        return proba

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class TooOld(Exception):
    """Pickles like any exception."""


class Unpicklable(Exception):
    """Cannot be rebuilt from its arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")
        self.lock = (x for x in ())  # generators do not pickle


ERRORS = {"TooOld": lambda: TooOld("boo"), "Unpicklable": lambda: Unpicklable("a", "b")}


class Fails(RegressorMixin, BaseEstimator):
    """Raises when fitted on ``n_rows`` rows (any number for None) with ``without`` not in them.

    ``without`` is a value of the first column: naming one row picks the fold that holds it out.
    """

    def __init__(self, error="TooOld", n_rows=None, without=None):
        self.error = error
        self.n_rows = n_rows
        self.without = without

    def fit(self, X, y):
        X = np.asarray(X)
        size = self.n_rows is None or len(X) == self.n_rows
        fold = self.without is None or self.without not in X[:, 0]
        if size and fold:
            raise ERRORS[self.error]()
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Answers(RegressorMixin, BaseEstimator):
    """Predicts something of a chosen shape."""

    def __init__(self, what="nan"):
        self.what = what

    def fit(self, X, y):
        self.width_ = 2 if X[0, 0] > 0.5 else 3
        return self

    def predict(self, X):
        if self.what == "nan":
            return np.r_[np.nan, np.zeros(len(X) - 1)]
        if self.what == "long":
            return np.zeros(len(X) + 1)
        if self.what == "cube":
            return np.zeros((len(X), 1, 1))
        if self.what == "wide":
            return np.zeros((len(X), 2))
        return np.zeros((len(X), self.width_))  # another width in another fold


class Sleeps(RegressorMixin, BaseEstimator):
    """Takes its time, then predicts the mean."""

    def __init__(self, seconds=60.0):
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Strict(ClassifierMixin, BaseEstimator):
    """Refuses labels with gaps, as XGBoost does; predicts class frequencies.

    ``answer`` chooses which methods it has.
    """

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if not np.array_equal(self.classes_, np.arange(len(self.classes_))):
            raise ValueError(f"labels are not consecutive: {self.classes_}")
        self.share_ = np.bincount(y) / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))

    def predict(self, X):
        return np.full(len(X), self.share_.argmax())


class Noise(RegressorMixin, BaseEstimator):
    """Predicts a constant drawn from its seed: shows which seed a fit was given."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.constant_ = np.random.RandomState(self.random_state).normal()
        return self

    def predict(self, X):
        return np.full(len(X), self.constant_)


class Tagged(RegressorMixin, BaseEstimator):
    """Takes a fit parameter, notes what memory its X lives in and in which process."""

    def fit(self, X, y, tag=None):
        self.pid_ = os.getpid()
        self.is_mapped_ = backed_by_map(np.asarray(X))
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Counted:
    """Counts how often it is pickled (here) and rebuilt (lines of a file, one a time)."""

    pickled = 0

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        type(self).pickled += 1
        return rebuild_counted, (self.path,)


def rebuild_counted(path):
    """Note the process that rebuilds."""
    with pathlib.Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return Counted(path)


def backed_by_map(array):
    """Whether the array's memory is a file map."""
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


class Dies(RegressorMixin, BaseEstimator):
    """Kills its process the first ``times`` times (a file counts), as the system would."""

    def __init__(self, path, times=1, main=0):
        self.path = path
        self.times = times
        self.main = main

    def fit(self, X, y):
        with pathlib.Path(self.path).open("a+") as file:
            file.write("x")
        if os.getpid() != self.main and pathlib.Path(self.path).stat().st_size <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Writes(RegressorMixin, BaseEstimator):
    """Centres its X in place."""

    def fit(self, X, y):
        X -= X.mean(axis=0)
        self.fits_ = getattr(self, "fits_", 0) + 1
        return self

    def predict(self, X):
        return np.zeros(len(X))


class ReadOnly(RegressorMixin, BaseEstimator):
    """Raises what looks like the error of a learner that writes, whatever it is given."""

    def fit(self, X, y):
        raise ValueError("read-only by nature")

    def predict(self, X):
        return np.zeros(len(X))
