"""Learners get the threads that are left, and keep their parameters."""

import os

import numpy as np
import pytest
from joblib import cpu_count, parallel_config
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from stackmeta import out_of_fold
from stackmeta.out_of_fold import threads as threads_module
from stackmeta.out_of_fold.shortcuts import out_of_bag
from stackmeta.out_of_fold.threads import Threads, set_threads, threads_of

from .given import numbers

X, Y = numbers()


@pytest.fixture
def sixteen(monkeypatch):
    """Let joblib count 16 cores."""
    monkeypatch.setattr(threads_module, "cpu_count", lambda: 16)


def during(model, threads, *, fitting=True):
    with set_threads(model, threads, fitting=fitting):
        return {k: v for k, v in model.get_params().items() if k.endswith("n_jobs")}


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(
    ("n_jobs", "n_open", "wanted"),
    [
        (2, 50, Threads(8, 8)),
        (2, 1, Threads(8, 16)),
        (16, 100, Threads(1, 1)),
        (16, 3, Threads(1, 5)),
        (32, 100, Threads(1, 1)),
        (1, 10, None),
        (None, 10, None),
    ],
)
def test_cores_are_shared_out(n_jobs, n_open, wanted):
    assert threads_of(n_jobs, n_open) == wanted


@pytest.mark.parametrize(
    ("set_to", "wanted"), [(None, 8), (-1, 8), (-2, 8), (64, 8), (8, 8), (3, 3), (1, 1)]
)
@pytest.mark.parametrize("kind", [RandomForestRegressor, LGBMRegressor])
def test_unset_is_raised_and_too_many_are_cut(kind, set_to, wanted):
    model = kind(n_jobs=set_to)
    assert during(model, Threads(8, 8)) == {"n_jobs": wanted}
    assert model.n_jobs == set_to


def test_idle_cores_go_to_those_whose_results_do_not_depend_on_it():
    assert during(RandomForestRegressor(), Threads(2, 16)) == {"n_jobs": 16}
    assert during(LGBMRegressor(), Threads(2, 16)) == {"n_jobs": 2}


def test_predictions_get_no_more_than_asked_for():
    """A forest adds up in the order in which threads end: the last digits would differ."""
    assert during(RandomForestRegressor(), Threads(8, 8), fitting=False) == {"n_jobs": None}
    assert during(RandomForestRegressor(n_jobs=-1), Threads(8, 8), fitting=False) == {"n_jobs": 8}
    assert during(LGBMRegressor(), Threads(8, 8), fitting=False) == {"n_jobs": 8}


def test_what_is_inside_of_something_parallel_gets_one():
    bag = BaggingRegressor(RandomForestRegressor(n_jobs=-1))
    assert during(bag, Threads(8, 8)) == {"n_jobs": 8, "estimator__n_jobs": 1}
    pipeline = make_pipeline(StandardScaler(), LGBMRegressor(n_jobs=-1))
    assert during(pipeline, Threads(8, 8)) == {"lgbmregressor__n_jobs": 8}


def test_parameters_are_put_back_after_an_error():
    model = RandomForestRegressor()
    with pytest.raises(ZeroDivisionError), set_threads(model, Threads(8, 8), fitting=True):
        raise ZeroDivisionError
    assert model.n_jobs is None


class Tells(RegressorMixin, BaseEstimator):
    """Notes its n_jobs, its pools and the pinned environment while it is fitted."""

    def __init__(self, n_jobs=None):
        self.n_jobs = n_jobs

    def fit(self, X, y):
        self.seen_ = self.n_jobs
        self.pools_ = [pool["num_threads"] for pool in threadpool_info()]
        self.pid_ = os.getpid()
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_a_fit(backend, monkeypatch):
    """On two workers each fit is told its share, and never more."""
    if backend == "threading":
        monkeypatch.setattr(threads_module, "cpu_count", lambda: 16)
    share = 8 if backend == "threading" else max(cpu_count() // 2, 1)
    with parallel_config(backend):
        oof = out_of_fold(
            [("tells", Tells()), ("many", Tells(n_jobs=-1))], X, Y, cv=3, refit=True, n_jobs=2
        )
    for model in oof.models.values():
        assert model.seen_ == share
        assert all(pool <= share for pool in model.pools_)
    assert oof.models["tells"].n_jobs is None
    assert oof.models["many"].n_jobs == -1


def test_one_task_at_a_time_is_left_alone():
    oof = out_of_fold([("tells", Tells(n_jobs=-1))], X, Y, cv=3, refit=True)
    assert oof.models["tells"].seen_ == -1


def test_the_forest_is_the_same_to_the_bit():
    forest = RandomForestRegressor(20, random_state=0)
    alone = out_of_fold([("forest", forest)], X, Y, cv=3)
    with parallel_config("threading"):
        beside = out_of_fold([("forest", forest), ("ridge", Ridge())], X, Y, cv=3, n_jobs=2)
    assert np.array_equal(alone.block("forest"), beside.block("forest"))


def test_in_a_shortcut(monkeypatch):
    """A forest out of bag is one task: it gets the threads of one, and its n_jobs back."""
    monkeypatch.setattr(threads_module, "cpu_count", lambda: 16)
    seen = []

    class Tells(RandomForestRegressor):
        def fit(self, *args, **kwargs):
            seen.append(self.n_jobs)
            return super().fit(*args, **kwargs)

    monkeypatch.setattr(out_of_bag, "FORESTS", (*out_of_bag.FORESTS, Tells))
    table = np.random.RandomState(0).normal(size=(5000, 2))
    forest = Tells(60, max_depth=2, random_state=0)
    with parallel_config("threading"):
        oof = out_of_fold(
            [("forest", forest), ("tells", Ridge(positive=True))],
            table,
            table[:, 0],
            cv=3,
            refit=True,
            n_jobs=2,
            shortcuts="approximate",
        )
    assert oof.paths["forest"] == "out-of-bag"
    assert seen == [8]
    assert oof.models["forest"].n_jobs is None


def test_no_n_jobs_is_set_that_has_no_effect():
    """scikit-learn 1.8 and on warns of LogisticRegression(n_jobs=...)."""
    assert during(LogisticRegression(), Threads(2, 2)) == {"n_jobs": None}
    assert during(LogisticRegressionCV(), Threads(2, 2)) == {"n_jobs": 2}
