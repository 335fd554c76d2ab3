"""Tables are prepared once for all learners that want the same."""

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression, Ridge

from stackmeta import SuperLearnerRegressor, out_of_fold
from stackmeta.learners import preparation
from stackmeta.learners.pipelines import on_categories, on_codes, on_numbers
from stackmeta.learners.preparation import Preparation, sharing


class Counted(TransformerMixin, BaseEstimator):
    """Subtracts a mean, and counts how often."""

    calls = 0

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        type(self).calls += 1
        return X - self.mean_


@pytest.fixture
def fitted():
    X = np.random.default_rng(0).normal(size=(30, 2))
    first, second = Preparation(Counted()).fit(X), Preparation(Counted()).fit(X.copy())
    other = Preparation(Counted()).fit(X[:20])
    Counted.calls = 0
    return X, first, second, other


def test_equals_share(fitted):
    X, first, second, other = fitted
    with sharing(X):
        a, b, c = (one.transform(X) for one in (first, second, other))
        assert a is b
        assert not np.array_equal(a, c)
        assert Counted.calls == 2
        first.transform(X.copy())  # another table
        assert Counted.calls == 3
    first.transform(X)
    assert Counted.calls == 4
    assert not preparation._shared


def test_threads_wait_for_each_other(fitted):
    X, first, second, _ = fitted
    with sharing(X):
        Parallel(4, require="sharedmem")(delayed(one.transform)(X) for one in [first, second] * 10)
    assert Counted.calls == 1


def test_what_is_kept_is_bounded(fitted, monkeypatch):
    X, first, _, other = fitted
    monkeypatch.setattr(preparation, "_MOST_CELLS", 70)
    with sharing(X):
        for one in (first, other, first):
            one.transform(X)
        assert Counted.calls == 3
        assert len(preparation._shared[id(X)]) == 1


def test_an_error_is_no_result(fitted):
    X, first, _, _ = fitted
    with sharing(X[:, :1]), pytest.raises(ValueError, match="broadcast"):
        first.transform(np.ones((3, 5)))


def test_a_super_learner_prepares_once(monkeypatch):
    """Learners of a family share what a fold has learned; so do folds that learned the same."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 2)), columns=["a", "b"])
    learner = SuperLearnerRegressor(
        [("one", on_numbers(Ridge())), ("two", on_numbers(Ridge(5.0)))],
        levels=1,
        cv=3,
        random_state=0,
    ).fit(X, X["a"])
    found = []
    inner = Preparation.transform

    def noted(self, table):
        found.append(inner(self, table))
        return found[-1]

    monkeypatch.setattr(Preparation, "transform", noted)
    learner.predict(X)
    assert len(found) > len({id(table) for table in found})
    assert len({id(table) for table in found}) == 4  # one cleaned, and one a fold


def test_many_categories_do_not_leak():
    """Labels are noise, and a target encoding that saw its own row would tell them."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"code": rng.integers(0, 150, 600).astype(str), "x": rng.normal(size=600)})
    y = rng.integers(0, 2, 600)
    learner = on_numbers(LogisticRegression(C=100.0))
    oof = out_of_fold([("it", learner)], X, y, cv=5, random_state=0)
    assert oof.loss()["it"] > np.log(2) - 0.01
    told = out_of_fold([("it", learner)], X, X["code"].astype(int) % 2, cv=5, random_state=0)
    assert told.loss()["it"] < 0.4


@pytest.mark.parametrize("pipeline", [on_numbers, on_codes, on_categories])
def test_whole_numbers_as_a_target(pipeline):
    X = pd.DataFrame({"code": [f"c{i % 60}" for i in range(240)]})
    y = np.arange(240) % 60
    from lightgbm import LGBMRegressor

    learner = LGBMRegressor(verbosity=-1, n_estimators=5) if pipeline is on_categories else Ridge()
    if pipeline is on_codes:
        from sklearn.tree import DecisionTreeRegressor

        learner = DecisionTreeRegressor()
    assert pipeline(learner).fit(X, y).predict(X).shape == (240,)
