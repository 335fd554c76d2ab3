"""Stacks of several targets: what the second stage gains, what it must not know, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from stackmeta import MultiTargetStackingClassifier, MultiTargetStackingRegressor

REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
CLASSIFIERS = [("linear", LogisticRegression()), ("bayes", GaussianNB())]


def sharing(n_rows=300, seed=0):
    """Targets whose common part trees find, and whose second is a bend of the first."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 4))
    first = np.where(X[:, 0] > 0, 2.0, -2.0) + X[:, 1]
    Y = np.column_stack([first, first**2, rng.normal(size=n_rows)])
    Y[:, :2] += 0.1 * rng.normal(size=(n_rows, 2))
    return X, Y


def labels(n_rows=240, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    first = X[:, 0] + 0.3 * rng.normal(size=n_rows) > 0
    second = first ^ (X[:, 1] > 0)
    return X, np.column_stack([first, second]).astype(int)


@pytest.mark.parametrize("method", ["stacked", "chains", "both"])
def test_second_stage_helps_the_target_that_depends_on_another(method):
    X, Y = sharing()
    stack = MultiTargetStackingRegressor(REGRESSORS, method=method, random_state=0).fit(X, Y)
    table = stack.leaderboard().query("target == 1")
    best = table.groupby(table["stage"] == "alone")["loss"].min()
    assert best[False] < 0.9 * best[True]
    assert stack.predict(X).shape == Y.shape
    weights = stack.learner_weights_[1]
    assert sum(w for name, w in weights.items() if name not in ("ridge", "tree")) > 0.5
    assert sum(weights.values()) == pytest.approx(1)


@pytest.mark.theory
@pytest.mark.parametrize("method", ["stacked", "chains"])
def test_no_leak_on_targets_of_noise(method):
    """A learner that remembers its rows finds copies of a target in noise if one slips in."""
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(400, 2)), rng.normal(size=400)
    memory = [("memory", KNeighborsRegressor(1)), ("linear", LinearRegression())]
    # The first two targets are one: whoever sees the other's label knows this one.
    Y = np.column_stack([noise, noise, rng.normal(size=400)])
    stack = MultiTargetStackingRegressor(memory, method=method, random_state=0).fit(X, Y)
    assert stack.leaderboard()["loss"].min() > 0.93 * Y.std()


def test_oof_predictions_are_of_models_that_did_not_see_the_row():
    """The first stage's are those of the engine on the same folds, target by target."""
    X, Y = sharing(100)
    cv = KFold(4, shuffle=True, random_state=1)
    stack = MultiTargetStackingRegressor(REGRESSORS, cv=cv).fit(X, Y)
    for j in range(3):
        expected = np.empty(100)
        for train, test in cv.split(X):
            expected[test] = Ridge().fit(X[train], Y[train, j]).predict(X[test])
        np.testing.assert_allclose(stack.oof_predictions_[j][:, 0], expected, atol=1e-8)


def test_chain_reads_the_targets_before_it_only():
    X, Y = sharing(120)
    stack = MultiTargetStackingRegressor(REGRESSORS, method="chains", n_chains=3, random_state=0)
    stack.fit(X, Y)
    assert len(stack._stages.chains) == 3
    for chain in stack._stages.chains:
        order = [step.target for step in chain]
        assert sorted(order) == [0, 1, 2]
        for position, step in enumerate(chain):
            assert step.reads == order[:position]
            assert step.oof.models["ridge"].n_features_in_ == 4 + position


def test_all_orders_where_there_are_no_more():
    X, Y = sharing(60)
    stack = MultiTargetStackingRegressor(REGRESSORS, method="chains").fit(X, Y)
    orders = {tuple(step.target for step in chain) for chain in stack._stages.chains}
    assert len(orders) == 6


def test_frames_columns_and_sparse():
    X, Y = sharing(90)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(target0_0=1.0)
    Y = pd.DataFrame(Y, columns=["one", "two", "three"])
    learners = [("ridge", Ridge(), ["a", "b"]), ("tree", DecisionTreeRegressor(max_depth=2))]
    stack = MultiTargetStackingRegressor(learners, random_state=0).fit(frame, Y)
    assert list(stack.learner_weights_) == ["one", "two", "three"]
    assert list(stack.feature_names_in_) == [*"abcd", "target0_0"]
    by_position = [("ridge", Ridge(), [0, 1]), ("tree", DecisionTreeRegressor(max_depth=2))]
    wide = MultiTargetStackingRegressor(by_position, random_state=0)
    array = frame.to_numpy()
    np.testing.assert_allclose(wide.fit(array, Y).predict(array), stack.predict(frame))
    thin = sparse.csr_matrix(array)
    # Ridge has another solver for sparse rows.
    np.testing.assert_allclose(wide.fit(thin, Y).predict(thin), stack.predict(frame), atol=0.1)


def test_multilabel_gains_and_answers_in_order():
    X, Y = labels()
    stack = MultiTargetStackingClassifier(
        [*CLASSIFIERS, ("near", KNeighborsClassifier(15))], method="both", random_state=0
    ).fit(X[:160], Y[:160])
    probabilities = stack.predict_proba(X[160:])
    assert [p.shape for p in probabilities] == [(80, 2), (80, 2)]
    for p, column in zip(probabilities, stack.predict(X[160:]).T, strict=True):
        np.testing.assert_array_equal(p.argmax(axis=1), column)
    assert stack.score(X[160:], Y[160:]) > 0.6
    assert stack.fit(X, sparse.csr_matrix(Y)).predict(X).shape == Y.shape


def test_targets_of_different_classes():
    X, Y = labels(90)
    frame = pd.DataFrame({"word": np.where(Y[:, 0], "yes", "no"), "three": np.arange(90) % 3})
    stack = MultiTargetStackingClassifier(CLASSIFIERS).fit(X, frame)
    assert [list(c) for c in stack.classes_] == [["no", "yes"], [0, 1, 2]]
    answer = stack.predict(X)
    assert answer.dtype == object
    assert set(answer[:, 0]) <= {"no", "yes"}
    assert [p.shape[1] for p in stack.predict_proba(X)] == [2, 3]
    assert set(stack.leaderboard()["target"]) == {"word", "three"}


def test_deterministic_and_pickles():
    X, Y = sharing(80)
    learners = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_features=1))]
    stack = MultiTargetStackingRegressor(learners, method="both", n_chains=2, random_state=3)
    first, second = clone(stack).fit(X, Y), clone(stack).fit(X, Y)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).predict(X), first.predict(X))


def test_weights_and_groups_arrive():
    X, Y = sharing(60)
    group = np.arange(60) % 6
    weight = np.where(np.arange(60) < 50, 1.0, 0.0)
    stack = MultiTargetStackingRegressor(REGRESSORS, cv=GroupKFold(3))
    answer = stack.fit(X, Y, groups=group, sample_weight=weight).predict(X)
    assert not np.allclose(answer, stack.fit(X, Y, groups=group).predict(X))


def test_one_column_is_a_plain_stack():
    X, Y = sharing(50)
    one = MultiTargetStackingRegressor(REGRESSORS).fit(X, Y[:, 0])
    assert one.predict(X).shape == (50,)
    assert list(one.learner_weights_[0]) == ["ridge", "tree"]


@pytest.mark.parametrize(
    ("change", "y", "words"),
    [
        ({"cv": TimeSeriesSplit(3)}, None, "holds out all rows but"),
        ({"estimators": [("a", Ridge()), ("a_stacked", Ridge())]}, None, "rename"),
        ({"estimators": [("a", LogisticRegression())]}, None, "should be a regressor"),
        ({"estimators": [("a", "passthrough", [0])]}, None, "take estimators only"),
        ({"final_estimator": LogisticRegression()}, None, "should be a regressor"),
        ({"method": "chain"}, None, "'method'"),
        ({"n_chains": 0}, None, "'n_chains'"),
        ({}, np.full((50, 2), np.nan), "finite numbers"),
        ({}, np.zeros((50, 2, 2)), "a column a target"),
        ({}, np.zeros((49, 2)), "inconsistent numbers"),
        ({}, np.zeros((50, 0)), "a column a target"),
    ],
)
def test_bad_input_of_the_regressor(change, y, words):
    X, Y = sharing(50)
    stack = MultiTargetStackingRegressor(**{"estimators": REGRESSORS, **change})
    with pytest.raises(ValueError, match=words):
        stack.fit(X, Y if y is None else y)


def test_bad_input_of_the_classifier():
    X, Y = labels(40)
    with pytest.raises(ValueError, match="one class only") as raised:
        MultiTargetStackingClassifier(CLASSIFIERS).fit(X, np.column_stack([Y[:, 0], np.ones(40)]))
    assert "target 1" in str(raised.value.__notes__)
    with pytest.raises(ValueError, match="predict_proba"):
        MultiTargetStackingClassifier([("ridge", RidgeClassifier())]).fit(X, Y)
    with pytest.raises(ValueError, match="4 features, but"):
        MultiTargetStackingClassifier(CLASSIFIERS).fit(X, Y).predict(np.zeros((2, 4)))
