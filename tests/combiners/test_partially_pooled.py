"""Weights by task: how far they are drawn together, and the same numbers by other ways."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    PartiallyPooledClassifier,
    PartiallyPooledRegressor,
    StackingRegressor,
)
from stackmeta.combiners.rows_by_task import RowsByTask
from stackmeta.combiners.shrunken_weights import fit_tasks
from stackmeta.combiners.task_evidence import Evidence

from .given import binary, multiclass, regression


def with_tasks(P, n_tasks=4):
    return np.column_stack([P, np.arange(len(P)) % n_tasks])


def test_all_the_same_weights_without_bounds_on_pooling():
    """Infinitely many prior rows: the population's weights, in every task."""
    P, y = binary()
    combiner = PartiallyPooledClassifier(pooling=np.inf).fit(with_tasks(P), y)
    np.testing.assert_allclose(combiner.weights_, ConvexClassifier().fit(P, y).weights_, atol=1e-4)
    np.testing.assert_array_equal(combiner.task_weights_, np.tile(combiner.weights_, (4, 1)))


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_each_task_its_own_without_pooling(classes):
    P, y = {0: regression, 2: binary, 3: multiclass}[classes]()
    kind = (PartiallyPooledClassifier, ConvexClassifier)
    own, convex = kind if classes else (PartiallyPooledRegressor, ConvexRegressor)
    combiner = own(pooling=0).fit(with_tasks(P), y)
    for task in range(4):
        rows = np.arange(len(y)) % 4 == task
        expected = convex().fit(P[rows], y[rows]).weights_
        np.testing.assert_allclose(combiner.task_weights_[task], expected, atol=2e-3)


def test_weights_of_a_task_minimise_what_they_should():
    """Against a general solver."""
    P, y = regression(n_learners=3)
    combiner = PartiallyPooledRegressor(pooling=30.0).fit(with_tasks(P), y)
    precision = combiner._population.precision
    for task in range(4):
        rows = np.arange(len(y)) % 4 == task
        errors = (y[rows, None] - P[rows]) / np.sqrt(combiner._scale[task])

        def loss(w, errors=errors):
            shift = w - combiner.weights_
            return 0.5 * np.sum((errors @ w) ** 2) + 0.5 * precision * shift @ shift

        found = minimize(
            loss,
            combiner.weights_,
            bounds=[(0, 1)] * 3,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14},
        )
        np.testing.assert_allclose(combiner.task_weights_[task], found.x, atol=1e-4)


@pytest.mark.theory
def test_prior_follows_how_far_tasks_differ():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(40), 50)
    y = rng.normal(size=2000)
    strengths = []
    for far in (0.0, 0.3, 0.9):
        share = 0.5 + far * (task % 2 - 0.5)
        spread = np.column_stack([np.sqrt(share), np.sqrt(1 - share)]) + 0.05
        P = y[:, None] + spread * rng.normal(size=(2000, 2))
        fitted = PartiallyPooledRegressor().fit(np.column_stack([P, task]), y)
        strengths.append(fitted.prior_rows_)
    assert strengths[0] > strengths[2]
    assert strengths[1] >= strengths[2]


@pytest.mark.theory
def test_better_on_new_rows_than_one_set_of_weights_and_than_own_ones():
    """Many small tasks whose best weights differ: the empirical Bayes case."""
    losses = {np.inf: [], 0: [], "auto": []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        share = rng.beta(3, 3, size=60)
        task = np.repeat(np.arange(60), 30)
        y = rng.normal(size=1800)
        spread = np.column_stack([np.sqrt(share[task]), np.sqrt(1 - share[task])])
        P = y[:, None] + spread * rng.normal(size=(1800, 2))
        train = np.arange(1800) % 30 < 8
        table = np.column_stack([P, task])
        for pooling, found in losses.items():
            combiner = PartiallyPooledRegressor(pooling=pooling).fit(table[train], y[train])
            found.append(np.mean((combiner.predict(table[~train]) - y[~train]) ** 2))
    means = {pooling: np.mean(found) for pooling, found in losses.items()}
    assert means["auto"] < min(means[0], means[np.inf])


def test_a_task_by_name_in_a_stack():
    """An ordinary stack passes the column on; learners read the others."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["u", "v"])
    X["shop"] = np.array(["a", "b"])[np.arange(300) % 2]
    y = np.where(X["shop"] == "a", 2 * X["u"], np.sign(X["u"]))
    learners = [
        ("linear", LinearRegression(), ["u", "v"]),
        ("tree", DecisionTreeRegressor(max_depth=1), ["u", "v"]),
    ]
    combiner = PartiallyPooledRegressor(task_column="shop")
    stack = StackingRegressor(learners, combiner, passthrough=["shop"]).fit(X, y)
    final = stack.final_estimator_
    weights = dict(zip(final.tasks_, final.task_weights_, strict=True))
    assert weights["a"][0] > 0.9
    assert weights["b"][1] > 0.9
    assert stack.predict(X.assign(shop="new")).shape == (300,)


def test_adapt_goes_on_where_fit_ended():
    """Of squared errors: fit on some rows and adapt on others weigh as all rows do."""
    P, y = regression(400)
    table = with_tasks(P)
    fitted = PartiallyPooledRegressor(pooling=20.0).fit(table[:200], y[:200])
    population = fitted.weights_.copy()
    fitted.adapt(table[200:], y[200:])
    np.testing.assert_array_equal(fitted.weights_, population)
    everything = RowsByTask.sort(
        (y[:, None] - P) / np.sqrt(fitted._scale)[np.arange(400) % 4, None],
        np.ones(400),
        np.arange(400) % 4,
        4,
    )
    data = Evidence.none(4, P.shape[1]).with_rows(everything, squared=True)
    expected = fit_tasks(data, fitted._population)
    np.testing.assert_allclose(fitted.task_weights_, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task_column": "shop"}, "task_column: 'shop'"),
        ({"task_column": 9}, "task_column: 9"),
        ({"pooling": "some"}, "'pooling'"),
        ({"pooling": -1}, "'pooling'"),
    ],
)
def test_bad_input(change, words):
    P, y = regression()
    with pytest.raises(ValueError, match=words):
        PartiallyPooledRegressor(**change).fit(with_tasks(P), y)


def test_adapt_refuses_unknown_classes():
    P, y = binary()
    combiner = PartiallyPooledClassifier().fit(with_tasks(P), y)
    with pytest.raises(ValueError, match="not among the classes of fit"):
        combiner.adapt(with_tasks(P)[:2], [0, 7])
