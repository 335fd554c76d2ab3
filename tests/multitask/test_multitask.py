"""Stacks over tasks: who is weighed where, new tasks, no leak, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import TimeSeriesSplit, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from stackmeta import MultiTaskStackingClassifier, MultiTaskStackingRegressor

TREE = DecisionTreeRegressor(max_depth=3, random_state=0)
LEARNERS = [("linear", LinearRegression()), ("tree", TREE)]
CLASSIFIERS = [("linear", LogisticRegression()), ("bayes", GaussianNB())]


def shops(n_rows=400, n_tasks=4, seed=0):
    """Slopes and levels differ by shop."""
    rng = np.random.default_rng(seed)
    X, shop = rng.normal(size=(n_rows, 2)), rng.integers(0, n_tasks, n_rows)
    y = X[:, 0] * np.linspace(-2, 2, n_tasks)[shop] + 3 * shop + 0.3 * rng.normal(size=n_rows)
    return X, y, shop


def test_own_learners_win_where_tasks_differ_and_rows_are_many():
    X, y, shop = shops()
    stack = MultiTaskStackingRegressor(LEARNERS, random_state=0).fit(X, y, task=shop)
    own = [name for name in stack.learner_weights_ if name.endswith("_own")]
    assert stack.task_weights_[own].sum(axis=1).min() > 0.8
    assert stack.score(X, y, task=shop) > 0.95
    assert stack.leaderboard()["scope"][0] == "own"
    assert stack.leaderboard(task=2)["loss"].notna().all()
    np.testing.assert_allclose(stack.task_weights_.sum(axis=1), 1)


def test_shared_learners_win_where_tasks_are_alike():
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(300, 5)), np.arange(300) % 20
    y = X @ np.arange(5.0) + rng.normal(size=300)
    stack = MultiTaskStackingRegressor(LEARNERS, random_state=0).fit(X, y, task=task)
    weights = stack.learner_weights_
    assert weights["linear_shared"] + weights["linear_pooled"] > 0.8
    assert stack.combiner_.prior_rows_ > 10  # nothing to tell tasks apart


def test_a_column_says_the_same_as_the_keyword():
    X, y, shop = shops()
    names = np.array(["a", "b", "c", "d"])[shop]
    frame = pd.DataFrame(X, columns=["u", "v"])
    frame.insert(1, "shop", names)
    by_column = MultiTaskStackingRegressor(LEARNERS, task="shop", random_state=0).fit(frame, y)
    by_word = MultiTaskStackingRegressor(LEARNERS, random_state=0)
    by_word.fit(frame.drop(columns="shop"), y, task=names)
    np.testing.assert_allclose(
        by_column.predict(frame), by_word.predict(frame.drop(columns="shop"), task=names)
    )
    array = np.column_stack([X[:, 0], shop, X[:, 1]])
    by_position = MultiTaskStackingRegressor(LEARNERS, task=1, random_state=0).fit(array, y)
    np.testing.assert_allclose(by_position.predict(array), by_column.predict(frame))
    assert by_column.tasks_ == list(pd.unique(names))


def test_learners_read_their_columns_and_never_the_task():
    X, y, shop = shops()
    frame = pd.DataFrame(X, columns=["u", "v"]).assign(shop=shop)[["shop", "u", "v"]]
    stack = MultiTaskStackingRegressor([("linear", LinearRegression(), ["u"])], task="shop")
    models = stack.fit(frame, y).oof_.models
    assert list(models["linear_shared"].feature_names_in_) == ["u"]
    assert models["linear_pooled"].model_.n_features_in_ == 2  # and the mean of the task
    assert models["linear_own"].models_[0].n_features_in_ == 1


def test_a_small_task_borrows_and_a_large_one_keeps_its_own():
    rng = np.random.default_rng(0)
    sizes = {"large": 400, "small": 8, **{f"other{i}": 60 for i in range(8)}}
    task = np.repeat(list(sizes), list(sizes.values()))
    X = rng.normal(size=(len(task), 3))
    odd = np.isin(task, ["large", "small"])
    y = np.where(odd, np.sign(X[:, 0]) * 2, X[:, 0] * 2) + rng.normal(size=len(task))
    learners = [("linear", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=1))]
    stack = MultiTaskStackingRegressor(learners, scopes=["shared"], pooling=20.0, random_state=0)
    weights = stack.fit(X, y, task=task).task_weights_["tree_shared"]
    population = stack.learner_weights_["tree_shared"]
    assert weights["large"] > weights["small"] > population - 0.02
    assert abs(weights["small"] - population) < abs(weights["large"] - population)


def test_a_new_task_gets_the_populations_weights_and_adapts():
    X, y, shop = shops(n_tasks=6)
    old = shop < 5
    stack = MultiTaskStackingRegressor(LEARNERS, random_state=0).fit(
        X[old], y[old], task=shop[old]
    )
    new, first = np.flatnonzero(~old)[20:], np.flatnonzero(~old)[:20]
    before = np.sqrt(np.mean((stack.predict(X[new], task=shop[new]) - y[new]) ** 2))
    known = stack.predict(X[old], task=shop[old])
    population = stack.learner_weights_
    stack.adapt(X[first], y[first], task=5)
    after = np.sqrt(np.mean((stack.predict(X[new], task=shop[new]) - y[new]) ** 2))
    assert after < 0.7 * before
    assert stack.tasks_[-1] == 5
    # What was known stays: the population's weights, and the other tasks.
    assert stack.learner_weights_ == population
    np.testing.assert_array_equal(stack.predict(X[old], task=shop[old]), known)


def test_adapt_of_a_known_task_moves_it_alone():
    X, y, shop = shops()
    stack = MultiTaskStackingRegressor(LEARNERS, random_state=0).fit(X, y, task=shop)
    others = stack.predict(X[shop != 0], task=shop[shop != 0])
    before = stack.task_weights_.loc[0].to_numpy()
    stack.adapt(X[shop == 0], -y[shop == 0], task=0)
    assert np.abs(stack.task_weights_.loc[0].to_numpy() - before).max() > 0.05
    np.testing.assert_array_equal(stack.predict(X[shop != 0], task=shop[shop != 0]), others)


def test_adapt_row_by_row_is_near_adapt_at_once():
    """Weights of squared errors do not depend on how the rows come."""
    X, y, shop = shops(n_tasks=5)
    fitted = MultiTaskStackingRegressor(LEARNERS, scopes=["shared"], random_state=0)
    fitted.fit(X[shop < 4], y[shop < 4], task=shop[shop < 4])
    rows = np.flatnonzero(shop == 4)[:30]
    at_once = pickle.loads(pickle.dumps(fitted)).adapt(X[rows], y[rows], task=4)
    one_by_one = pickle.loads(pickle.dumps(fitted))
    for row in rows:
        one_by_one.adapt(X[[row]], y[[row]], task=[4])
    np.testing.assert_allclose(
        one_by_one.task_weights_.loc[4], at_once.task_weights_.loc[4], atol=1e-8
    )


@pytest.mark.theory
def test_no_leak_on_noise():
    """Targets of noise in many small tasks: no scope may seem better than the mean."""
    rng = np.random.default_rng(0)
    X, y, task = rng.normal(size=(600, 2)), rng.normal(size=600), np.arange(600) % 60
    memory = [("memory", KNeighborsRegressor(1)), ("mean", DummyRegressor())]
    stack = MultiTaskStackingRegressor(memory, min_task_rows=5, random_state=0)
    table = stack.fit(X, y, task=task).leaderboard()
    assert table["loss"].min() > 0.98 * y.std()


def test_the_mean_of_a_task_leaves_out_the_rows_own_y():
    """In tasks of one row the mean of the task would be y itself."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 1)), rng.normal(size=200)
    stack = MultiTaskStackingRegressor([("tree", DecisionTreeRegressor(random_state=0))])
    stack.fit(X, y, task=np.arange(200))
    model = stack.oof_.models["tree_pooled"].model_
    assert model.feature_importances_[1] < 0.2


def test_classes():
    X, _, shop = shops()
    y = np.array(["no", "yes", "maybe"])[
        (X[:, 0] * (shop - 1.5) > 0).astype(int) + (X[:, 1] > 1.2)
    ]
    stack = MultiTaskStackingClassifier(CLASSIFIERS, random_state=0).fit(X, y, task=shop)
    p = stack.predict_proba(X, task=shop)
    assert p.shape == (400, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert stack.score(X, y, task=shop) > 0.8
    assert list(stack.oof_.classes) == ["maybe", "no", "yes"]
    stack.adapt(X[:20], y[:20], task="new")
    assert stack.predict(X[:2], task=["new", "newer"]).shape == (2,)


def test_a_task_of_one_class_has_no_learner_of_its_own():
    X, _, shop = shops()
    y = (X[:, 0] > 0).astype(int)
    y[shop == 3] = 1
    stack = MultiTaskStackingClassifier(CLASSIFIERS, random_state=0).fit(X, y, task=shop)
    assert 3 not in {stack.tasks_[code] for code in stack.oof_.models["linear_own"].models_}
    assert np.isfinite(stack.predict_proba(X, task=shop)).all()


def test_folds_that_cover_some_rows_only():
    X, y, shop = shops()
    stack = MultiTaskStackingRegressor(LEARNERS, cv=TimeSeriesSplit(3), random_state=0)
    assert stack.fit(X, y, task=shop).score(X, y, task=shop) > 0.8


def test_missing_tasks_are_one_task():
    X, y, shop = shops()
    named = np.where(shop == 0, None, shop.astype(str).astype(object))
    stack = MultiTaskStackingRegressor(LEARNERS, random_state=0).fit(X, y, task=named)
    assert None in stack.tasks_
    nan = pd.Series(named).where(shop != 0, np.nan)
    np.testing.assert_array_equal(stack.predict(X, task=nan), stack.predict(X, task=named))


def test_deterministic_clones_and_pickles():
    X, y, shop = shops(200)
    stack = MultiTaskStackingRegressor(LEARNERS, random_state=0)
    first, second = (clone(stack).fit(X, y, task=shop) for _ in range(2))
    np.testing.assert_array_equal(first.predict(X, task=shop), second.predict(X, task=shop))
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.predict(X, task=shop), first.predict(X, task=shop))


def test_task_is_routed():
    X, y, shop = shops(200)
    with sklearn.config_context(enable_metadata_routing=True):
        stack = MultiTaskStackingRegressor(LEARNERS, random_state=0)
        stack.set_fit_request(task=True).set_score_request(task=True)
        found = cross_validate(stack, X, y, params={"task": shop}, cv=2)
    assert found["test_score"].min() > 0.5


def test_sample_weight_counts():
    X, y, shop = shops(200)
    weight = np.where(np.arange(200) < 150, 1.0, 1e-9)
    heavy = MultiTaskStackingRegressor(LEARNERS, random_state=0)
    heavy.fit(X, y, task=shop, sample_weight=weight)
    plain = MultiTaskStackingRegressor(LEARNERS, random_state=0).fit(X, y, task=shop)
    assert not np.allclose(heavy.predict(X, task=shop), plain.predict(X, task=shop))


@pytest.mark.parametrize(
    ("change", "fit", "words"),
    [
        ({}, {}, "got none"),
        ({"task": 0}, {"task": np.zeros(60)}, "got both"),
        ({"task": "shop"}, {}, "no column of X"),
        ({"task": 7}, {}, "no column of X"),
        ({}, {"task": np.zeros(59)}, "inconsistent numbers"),
        ({"scopes": ["own"]}, {"task": np.zeros(60)}, "no answer for a new task"),
        ({"scopes": ["shared", "mine"]}, {"task": np.zeros(60)}, "mine"),
        ({"pooling": -1.0}, {"task": np.zeros(60)}, "'pooling'"),
        ({"min_task_rows": 1}, {"task": np.zeros(60)}, "'min_task_rows'"),
        ({"cv": 61}, {"task": np.zeros(60)}, "61 folds"),
        ({"estimators": [("a", GaussianNB())]}, {"task": np.zeros(60)}, "be a regressor"),
        ({}, {"task": np.zeros((60, 2))}, "one value a row"),
    ],
)
def test_bad_input(change, fit, words):
    X, y, _ = shops(60)
    stack = MultiTaskStackingRegressor(**{"estimators": LEARNERS, **change})
    with pytest.raises(ValueError, match=words):
        stack.fit(X, y, **fit)


def test_bad_input_after_fit():
    X, y, shop = shops(100)
    stack = MultiTaskStackingRegressor(LEARNERS).fit(X, y, task=shop)
    with pytest.raises(ValueError, match="got none"):
        stack.predict(X)
    with pytest.raises(ValueError, match="3 values for 100 rows"):
        stack.predict(X, task=[1, 2, 3])
    with pytest.raises(ValueError, match="give each row its target"):
        stack.adapt(X[:5], y[:4], task=1)
    with pytest.raises(ValueError, match="had no row in fit"):
        stack.leaderboard(task="nowhere")
    classifier = MultiTaskStackingClassifier(CLASSIFIERS).fit(X, y > 0, task=shop)
    with pytest.raises(ValueError, match="not among the classes of fit"):
        classifier.adapt(X[:2], ["a", "b"], task=1)
    with pytest.raises(ValueError, match="no predict_proba"):
        MultiTaskStackingClassifier([("svm", LinearSVC())]).fit(X, y > 0, task=shop)
    with pytest.raises(TypeError, match="does not support sample weights"):
        MultiTaskStackingRegressor([("near", KNeighborsRegressor())]).fit(
            X, y, task=shop, sample_weight=np.ones(100)
        )


def test_a_learner_that_raises_leaves_the_stack_as_it_was():
    """adapt must not half-happen."""
    X, y, shop = shops(100)
    stack = MultiTaskStackingRegressor([("ridge", Ridge())]).fit(X, y, task=shop)
    with pytest.raises(ValueError, match="NaN"):
        stack.adapt(np.full((3, 2), np.nan), [1.0, 2.0, 3.0], task="new")
    assert "new" not in stack.tasks_
    assert "new" not in stack.task_weights_.index
