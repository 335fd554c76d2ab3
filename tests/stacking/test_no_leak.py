"""Theory: what a stack of learners that memorise may and may not know."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
)

from .doubles import Log, RecordingRegressor

SPLITTERS = [
    KFold(5),
    RepeatedKFold(n_splits=5, n_repeats=2, random_state=0),
    ShuffleSplit(5, test_size=0.3, random_state=0),
    TimeSeriesSplit(4),
]
N = 400


@pytest.fixture(scope="module")
def noise():
    """Features and balanced labels that have nothing to do with each other."""
    rng = np.random.RandomState(0)
    return rng.normal(size=(N, 5)), rng.permutation(np.arange(N) % 2), rng.normal(size=N)


@pytest.mark.parametrize("final", [LogisticRegression(), ConvexClassifier()], ids=str)
@pytest.mark.parametrize("cv", SPLITTERS, ids=repr)
def test_labels_without_signal(noise, cv, final):
    """Memorising learners look perfect in-sample; out of fold they are at chance."""
    X, y, _ = noise
    learners = [
        ("knn", KNeighborsClassifier(1)),
        ("tree", DecisionTreeClassifier(random_state=0)),
        ("lr", LogisticRegression()),
    ]
    stack = StackingClassifier(learners, final, cv=cv).fit(X, y)
    n_rows = len(stack.oof_.covered)
    sigma = 0.5 / np.sqrt(n_rows)
    for name, loss in stack.oof_.loss("accuracy").items():
        assert abs(-loss - 0.5) < 4 * sigma, name
    # No learner beats the loss of the prior by more than chance.
    assert stack.oof_.loss()["lr"] > np.log(2) - 0.02


@pytest.mark.parametrize("cv", SPLITTERS, ids=repr)
def test_numbers_without_signal(noise, cv):
    X, _, y = noise
    stack = StackingRegressor([("knn", KNeighborsRegressor(1)), ("ridge", Ridge())], cv=cv)
    losses = stack.set_params(final_estimator=ConvexRegressor()).fit(X, y).oof_.loss("r2")
    assert losses["knn"] > 0.5  # one neighbour doubles the variance: R² of -1
    assert losses["ridge"] > -0.02


def test_the_meta_learner_trusts_no_memory(noise):
    """A stack trained on in-sample predictions gives the memorising learner all the weight."""
    X, _, _ = noise
    rng = np.random.RandomState(1)
    y = (X[:, 0] + 0.7 * rng.normal(size=N) > 0).astype(int)
    learners = [("lr", LogisticRegression()), ("memory", DecisionTreeClassifier(random_state=0))]
    honest = StackingClassifier(learners, ConvexClassifier(), cv=5).fit(X, y)
    fitted = [(name, learner.fit(X, y)) for name, learner in learners]
    leaky = StackingClassifier(fitted, ConvexClassifier(), cv="prefit").fit(X, y)
    assert leaky.learner_weights_["memory"] > 0.99
    assert honest.learner_weights_["memory"] < 0.2


@pytest.mark.parametrize("cv", SPLITTERS, ids=repr)
def test_no_row_is_predicted_by_a_model_that_saw_it(cv):
    """Marker: the row's own number is a feature; the rows of each fit are read off it."""
    log = Log()
    X = np.c_[np.arange(60.0), np.random.RandomState(0).normal(size=60)]
    face = OutOfFoldTransformer([("a", RecordingRegressor(log))], cv=cv)
    face.fit_transform(X, X[:, 1])
    seen = None
    n_predictions = 0
    for entry in log:
        rows = set(entry["X"][:, 0])
        if entry["call"] == "fit":
            seen = rows
        else:
            n_predictions += 1
            assert not rows & seen
    assert n_predictions == len(face.oof_.splits)


def test_time_order_is_kept():
    """With TimeSeriesSplit no out-of-fold prediction comes from a later row."""
    log = Log()
    X = np.c_[np.arange(60.0), np.random.RandomState(0).normal(size=60)]
    StackingRegressor([("a", RecordingRegressor(log))], cv=TimeSeriesSplit(4)).fit(X, X[:, 1])
    held_out = [(a, b) for a, b in pairwise(log) if (a["call"], b["call"]) == ("fit", "predict")]
    assert len(held_out) == 4
    assert all(a["X"][:, 0].max() < b["X"][:, 0].min() for a, b in held_out)
