"""Learners: methods, columns, seeds, fit parameters."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta.out_of_fold.given import GivenPredictions
from stackmeta.out_of_fold.learner import (
    Learner,
    clone_seeded,
    methods_of,
    resolve_columns,
    response_method,
    rows_of_params,
)


def test_auto_takes_the_first_method_there_is():
    assert response_method("a", GaussianNB(), "auto") == "predict_proba"
    assert response_method("a", LinearSVC(), "auto") == "decision_function"
    assert response_method("a", Ridge(), "auto") == "predict"
    assert response_method("a", make_pipeline(StandardScaler(), LinearSVC()), "auto") == (
        "decision_function"
    )
    assert response_method("a", LinearSVC(), "predict") == "predict"


def test_who_uses_a_gpu():
    pytest.importorskip("xgboost")
    from lightgbm import LGBMRegressor
    from xgboost import XGBRegressor

    def on_gpu(estimator):
        return Learner("a", estimator, "predict").on_gpu

    assert on_gpu(make_pipeline(StandardScaler(), XGBRegressor(device="cuda:0")))
    assert on_gpu(LGBMRegressor(device_type="gpu"))
    assert not on_gpu(XGBRegressor(device="cpu"))
    assert not on_gpu(LGBMRegressor())
    assert not on_gpu(Ridge())


def test_a_method_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"estimator svc does not implement .*predict_proba"):
        response_method("svc", LinearSVC(), "predict_proba")


def test_methods_by_word_list_and_dict():
    names = ["a", "b"]
    assert methods_of("predict", names) == {"a": "predict", "b": "predict"}
    assert methods_of(["auto", "predict"], names) == {"a": "auto", "b": "predict"}
    assert methods_of({"b": "predict"}, names) == {"a": "auto", "b": "predict"}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"c": "predict"}, r"unknown learners \['c'\]"),
        (["predict"], "1 entries for 2 estimators"),
        ("predict_probs", "'predict_probs'"),
        ({"a": "fit"}, "stack_method for 'a' is 'fit'"),
    ],
)
def test_bad_methods(method, message):
    with pytest.raises(ValueError, match=message):
        methods_of(method, ["a", "b"])


def test_given_predictions():
    one = GivenPredictions(1, n_classes=2)
    assert_array_equal(one.predict_proba([[0.25], [1]]), [[0.75, 0.25], [0, 1]])
    with pytest.raises(ValueError, match=r"got \[?1\.5"):
        one.predict([[0.5], [1.5]])
    with pytest.raises(ValueError, match="2 columns; the target needs 1"):
        one.predict([[0.5, 0.5]])
    assert_array_equal(GivenPredictions(1).predict(pd.DataFrame({"a": [7]})), [[7.0]])


def test_missing_columns_name_the_learner():
    frame = pd.DataFrame({"a": [1.0]})
    with pytest.raises(ValueError, match=r"Learner 'lr' asks for columns .*'nope'"):
        resolve_columns(["nope"], frame, "lr")
    with pytest.raises(ValueError, match="Learner 'lr'"):
        resolve_columns([3], np.zeros((2, 2)), "lr")
    with pytest.raises(ValueError, match="Learner 'lr'"):
        resolve_columns([True], np.zeros((2, 2)), "lr")


def test_a_selector_is_called_once_with_the_table():
    frame = pd.DataFrame({"a": [1.0], "b": ["x"]})
    calls = []

    def choose(X):
        calls.append(X)
        return ["a"]

    assert resolve_columns(choose, frame, "lr") == ["a"]
    assert len(calls) == 1
    assert calls[0] is frame


def learner(estimator, name="rf"):
    return Learner(name, estimator, "predict_proba")


def test_only_unset_seeds_are_set():
    nested = BaggingClassifier(
        make_pipeline(StandardScaler(), DecisionTreeClassifier()), random_state=7
    )
    model = clone_seeded(learner(nested), 0, 1)
    assert model.random_state == 7
    tree = model.estimator[-1]
    assert isinstance(tree.random_state, int)
    assert nested.estimator[-1].random_state is None
    assert clone_seeded(learner(nested), None, 1).estimator[-1].random_state is None


def test_seeds_differ_by_fold_learner_and_seed_and_come_back():
    def seed_of(seed, fold, name="rf"):
        return clone_seeded(learner(RandomForestClassifier(), name), seed, fold).random_state

    seeds = [seed_of(0, 0), seed_of(0, 1), seed_of(0, -1), seed_of(1, 0), seed_of(0, 0, "other")]
    assert len(set(seeds)) == 5
    assert seed_of(0, 0) == seeds[0]
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_seeding_leaves_frozen_and_seedless_learners_alone():
    frozen = FrozenEstimator(LogisticRegression().fit([[0], [1]], [0, 1]))
    model = clone_seeded(learner(frozen), 0, 0)
    assert model.estimator.random_state is None
    assert isinstance(clone_seeded(learner(GaussianNB()), 0, 0), GaussianNB)


def test_fit_parameters_with_a_value_a_row_are_cut():
    rows = np.array([0, 2])
    params = {
        "array": np.array([5, 6, 7]),
        "series": pd.Series([5, 6, 7], index=[9, 8, 7]),
        "list": [5, 6, 7],
        "short": [1, 2],
        "word": "abc",
        "number": 3,
        "dict": {0: 1, 1: 2, 2: 3},
        "matrix": np.eye(3),
        "none": None,
        "scalar": np.float64(3),
    }
    cut = rows_of_params(params, rows, 3)
    assert_array_equal(cut["array"], [5, 7])
    assert_array_equal(cut["series"], [5, 7])
    assert list(cut["list"]) == [5, 7]
    assert_array_equal(cut["matrix"], np.eye(3)[rows])
    for name in ("short", "word", "number", "dict", "none", "scalar"):
        assert cut[name] is params[name]
    assert rows_of_params(params, None, 3) == params
