"""Dummy learners read y alone."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from .given import SPLITS, assert_same_as_refits, job_of, plain_blocks, shortcut, weights_of

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 2))
CODES = RNG.permutation(np.arange(60) % 3)
NUMBERS = RNG.normal(size=60)


@pytest.mark.parametrize("kind", ["none", "random"])
@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("strategy", ["prior", "most_frequent", "constant"])
def test_classifier(strategy, splits, kind):
    learner = DummyClassifier(strategy=strategy, constant=1 if strategy == "constant" else None)
    found = weights_of(kind, 60)
    params = {} if found is None else {"sample_weight": found}
    job = job_of(learner, X, CODES, splits, fit_params=params)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize("strategy", ["stratified", "uniform"])
def test_drawn_predictions_have_the_seeds_of_refits(strategy, method):
    job = job_of(DummyClassifier(strategy=strategy), X, CODES, "shuffled", method=method, seed=7)
    for found, plain in zip(shortcut(job).blocks, plain_blocks(job), strict=True):
        assert np.array_equal(found, plain)


@pytest.mark.parametrize("kind", ["none", "random"])
@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize(
    "learner",
    [
        DummyRegressor(),
        DummyRegressor(strategy="median"),
        DummyRegressor(strategy="quantile", quantile=0.8),
        DummyRegressor(strategy="constant", constant=3.0),
    ],
    ids=str,
)
def test_regressor(learner, splits, kind):
    found = weights_of(kind, 60)
    params = {} if found is None else {"sample_weight": found}
    job = job_of(learner, X, NUMBERS, splits, fit_params=params)
    assert_same_as_refits(job, shortcut(job))


def test_several_targets_and_any_x():
    job = job_of(DummyRegressor(), X, np.column_stack([NUMBERS, CODES]), "shuffled")
    assert_same_as_refits(job, shortcut(job))
    text = np.array([["a"], ["b"]] * 30, dtype=object)
    job = job_of(DummyRegressor(), text, NUMBERS, "shuffled")
    assert_same_as_refits(job, shortcut(job))


def test_a_fold_that_lacks_a_class():
    codes = np.zeros(60, dtype=int)
    codes[:2] = 1
    assert shortcut(job_of(DummyClassifier(), X, codes, "folds")) is None
