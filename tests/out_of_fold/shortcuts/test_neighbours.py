"""KNeighborsClassifier and KNeighborsRegressor from one search among all rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import KFold, LeaveOneGroupOut, LeaveOneOut, RepeatedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta.out_of_fold.shortcuts import nearest, neighbours

from .given import (
    assert_same_as_refits,
    assert_same_attributes,
    job_of,
    refitted,
    shortcut,
    tables,
)

SETTINGS = [
    {},
    {"n_neighbors": 1},
    {"n_neighbors": 3, "weights": "distance"},
    {"n_neighbors": 2, "algorithm": "brute", "weights": "distance"},
    {"n_neighbors": 4, "algorithm": "kd_tree", "weights": "distance", "leaf_size": 3},
    {"n_neighbors": 3, "algorithm": "ball_tree", "p": 1},
    {"n_neighbors": 3, "algorithm": "brute", "p": 1, "weights": "distance"},
    {"n_neighbors": 3, "p": 3.5, "weights": None},
    {"n_neighbors": 3, "metric": "chebyshev", "weights": "distance"},
    {"n_neighbors": 3, "metric": "l2", "algorithm": "brute"},
]


def grid(n_rows, n_columns, values, seed):
    """Rows full of ties and copies."""
    return np.random.RandomState(seed).randint(0, values, (n_rows, n_columns)) / 10


@st.composite
def any_tables(draw, n_classes=None, n_targets=1):
    X, y = draw(tables(n_classes=n_classes, n_targets=n_targets))
    if draw(st.booleans()):
        X = grid(*X.shape, draw(st.sampled_from([2, 10, 1000])), draw(st.integers(0, 99)))
    elif draw(st.booleans()):
        X[::9] = X[0]
    return X, y


def assert_equal_or_declined(learner, table, splits, **options):
    job = job_of(learner, *table, splits, **options)
    answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


@settings(max_examples=120, deadline=None)
@given(
    any_tables(),
    st.sampled_from(SETTINGS),
    st.sampled_from(["repeats", "leave one out", "draws", "time", "groups", "bootstrap"]),
)
def test_regressor_equals_refits(table, params, splits):
    assert_equal_or_declined(KNeighborsRegressor(**params), table, splits)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(2, 4).flatmap(lambda n: any_tables(n_classes=n)),
    st.sampled_from(SETTINGS),
    st.sampled_from(["repeats", "leave one out"]),
    st.sampled_from(["predict_proba", "predict"]),
)
def test_classifier_equals_refits(table, params, splits, method):
    assert_equal_or_declined(KNeighborsClassifier(**params), table, splits, method=method)


def ordinary(learner, n_columns=3, n_rows=120, n_targets=1):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, n_columns))
    if isinstance(learner, KNeighborsClassifier):
        return X, np.array(list("abc"))[rng.randint(0, 3, n_rows)]
    y = X[:, [0]] + rng.normal(size=(n_rows, n_targets))
    return X, y[:, 0] if n_targets == 1 else y


@pytest.mark.parametrize("params", SETTINGS)
@pytest.mark.parametrize("kind", [KNeighborsClassifier, KNeighborsRegressor])
@pytest.mark.parametrize(
    "cv", [LeaveOneOut(), RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), KFold(30)]
)
def test_ordinary_tables_take_it(kind, params, cv, monkeypatch):
    learner = kind(**params)
    X, y = ordinary(learner)
    job = job_of(learner, X, y, list(cv.split(X)))
    monkeypatch.setattr(neighbours, "_fitted", counted(neighbours._fitted, most=1))
    answer = shortcut(job)
    monkeypatch.undo()
    assert_same_as_refits(job, answer)
    assert_same_attributes(answer.model, refitted(job, np.arange(len(y))))


def counted(function, most):
    """Let a function be called so often and no more."""
    calls = iter(range(most))

    def call(*args):
        next(calls)
        return function(*args)

    return call


@pytest.mark.parametrize("n_columns", [2, 20])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, pd.DataFrame])
def test_several_targets_and_containers(n_columns, container):
    learner = KNeighborsRegressor(4, weights="distance")
    X, y = ordinary(learner, n_columns, n_targets=2)
    X = container(X)
    if container is pd.DataFrame:
        X.columns = [f"x{k}" for k in range(n_columns)]
    job = job_of(learner, X, y, "repeats")
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    assert_same_attributes(answer.model, refitted(job, np.arange(len(y))))


@pytest.mark.parametrize("algorithm", ["auto", "brute", "kd_tree"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_tied_folds_are_refitted(algorithm, weights, monkeypatch):
    """Three rows at one distance from a fourth, which wants two of them."""
    learner = KNeighborsRegressor(2, algorithm=algorithm, weights=weights)
    X, y = ordinary(learner, 2)
    X[:4] = [[50, 50], [51, 50], [49, 50], [50, 51]]
    job = job_of(learner, X, y, "leave one out")
    monkeypatch.setattr(neighbours, "_fitted", counted(neighbours._fitted, most=5))
    answer = shortcut(job)
    monkeypatch.undo()
    assert_same_as_refits(job, answer)


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_copies_weigh_all(algorithm):
    learner = KNeighborsRegressor(4, algorithm=algorithm, weights="distance")
    X, y = ordinary(learner)
    X[1], X[2] = X[0], X[0]
    job = job_of(learner, X, y, "leave one out")
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    np.testing.assert_allclose(answer.blocks[0], y[1:3].mean())


def test_neighbours_that_share_a_fold_are_searched_farther():
    """The nearest forty rows of each row are all held out with it."""
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(30), 40)
    X = rng.normal(size=(1200, 2)) + 20 * rng.normal(size=(30, 2))[groups]
    job = job_of(
        KNeighborsRegressor(), X, X[:, 0], list(LeaveOneGroupOut().split(X, groups=groups))
    )
    assert_same_as_refits(job, shortcut(job))


def test_rows_far_from_zero_are_not_told_apart_by_products():
    """Distances by matrix products lose their digits there; trees keep them."""
    learner = KNeighborsRegressor(3, algorithm="brute", weights="distance")
    X, y = ordinary(learner)
    assert shortcut(job_of(learner, X + 1e6, y, "leave one out")) is None
    learner.algorithm = "kd_tree"
    job = job_of(learner, X + 1e6, y, "leave one out")
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("splits", ["folds", "shuffled", "groups", "time", "uneven"])
def test_declined_where_plain_fits_are_as_fast(splits):
    learner = KNeighborsRegressor()
    assert shortcut(job_of(learner, *ordinary(learner), splits)) is None


@pytest.mark.parametrize(
    "learner",
    [
        KNeighborsRegressor(100),  # more than a fold's training rows
        KNeighborsRegressor(50),  # "auto" changes its mind
        KNeighborsRegressor(0),
        KNeighborsRegressor(metric="cosine"),
        KNeighborsRegressor(metric="precomputed"),
        KNeighborsRegressor(metric=lambda a, b: abs(a - b).sum()),
        KNeighborsRegressor(metric_params={"w": np.ones(3)}),
        KNeighborsRegressor(weights=np.exp),
        KNeighborsRegressor(p=0.5, algorithm="kd_tree"),
        KNeighborsClassifier(weights="typo"),
        make_pipeline(StandardScaler(), KNeighborsRegressor()),
        type("Subclass", (KNeighborsRegressor,), {})(),
    ],
)
def test_declined_learners(learner):
    X, y = ordinary(learner)
    assert shortcut(job_of(clone(learner), X, y, "repeats")) is None


def test_declined_tables():
    learner = KNeighborsRegressor()
    X, y = ordinary(learner)
    hole = X.copy()
    hole[3, 1] = np.nan
    labels = np.arange(len(y)) % 3
    labels[7] = 3  # a class of one row
    twice = [(np.r_[train, train[:1]], test) for train, test in LeaveOneOut().split(X)]
    for job in [
        job_of(learner, X.astype(np.float32), y, "leave one out"),
        job_of(learner, hole, y, "leave one out"),
        job_of(learner, X.round(), y, "leave one out"),
        job_of(learner, X, y, twice),
        job_of(learner, X, y, "leave one out", fit_params={"sample_weight": np.ones(len(y))}),
        job_of(KNeighborsClassifier(), X, labels, "leave one out"),
        job_of(KNeighborsClassifier(), X, np.eye(4, dtype=int)[labels], "repeats"),
    ]:
        assert shortcut(job) is None


def test_declined_where_a_fold_trains_on_few_rows():
    learner = KNeighborsRegressor(2)
    X, y = ordinary(learner)
    splits = [(np.arange(10, 25), np.arange(10)), *KFold(40).split(X)]
    assert shortcut(job_of(learner, X, y, splits)) is None


def test_a_shared_last_distance_is_a_tie(monkeypatch):
    """Without the check, the choice would be whichever the search met first."""
    learner = KNeighborsRegressor(3, algorithm="kd_tree", leaf_size=1)
    X = grid(200, 2, 6, 0)
    y = np.random.RandomState(0).normal(size=200)
    job = job_of(learner, X, y, "leave one out")
    monkeypatch.setattr(nearest.Nearest, "_unsure", lambda *_: False)
    with pytest.raises(AssertionError, match="Not equal"):
        assert_same_as_refits(job, shortcut(job))
