"""What each learner added to a prediction: it sums to it, whatever the meta-learner."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeClassifier

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    LocalCompetenceClassifier,
    SignedWeightsClassifier,
    StackingClassifier,
    StackingRegressor,
)
from stackmeta.inspection.contributions import BASELINE

from .given import (
    CLASSIFIERS,
    FLOWERS,
    NUMBERS,
    REGRESSORS,
    TWO,
    of_flowers,
    of_numbers,
    of_two,
    super_learner,
)

COMBINERS = [
    None,
    ConvexClassifier,
    SignedWeightsClassifier,
    CrossFittedBlendClassifier,
    LocalCompetenceClassifier,
]


@pytest.mark.parametrize("final", COMBINERS)
def test_rows_sum_to_the_prediction(final):
    stack = of_two(final)
    table = stack.contributions(TWO[0][:30], n_orders=4, random_state=0)
    assert list(table.columns) == ["bayes", "logistic", "tree", BASELINE]
    expected = stack.predict_proba(TWO[0][:30])[:, 1]
    np.testing.assert_allclose(table.sum(axis=1), expected, atol=1e-12)


def test_weighted_means_are_exact():
    """Weight times how far the learner is from what it says on average."""
    X, _ = NUMBERS
    stack = of_numbers()
    table = stack.contributions(X.head(10))
    assert table.attrs["how"] == "exact"
    assert list(table.index) == list(X.index[:10])
    for name, weight in stack.learner_weights_.items():
        model = stack.named_estimators_[name]
        if model == "drop":
            assert (table[name] == 0).all()
            continue
        expected = weight * (model.predict(X.head(10)) - stack.oof_.block(name).mean())
        np.testing.assert_allclose(table[name], expected, atol=1e-9)
    np.testing.assert_allclose(table.sum(axis=1), stack.predict(X.head(10)))


def test_shapley_values_of_a_meta_learner_with_interactions():
    """Against all orders, spelled out."""
    X, y = NUMBERS
    stack = StackingRegressor(REGRESSORS, HistGradientBoostingRegressor(max_iter=20)).fit(X, y)
    table = stack.contributions(X.head(8), n_orders=6)
    assert table.attrs["how"] == "Shapley values over all orders"
    said = np.column_stack([e.predict(X.head(8)) for e in stack.estimators_])
    mean = np.tile(stack.oof_.matrix.mean(axis=0), (8, 1))
    total = np.zeros((8, 3))
    for order in permutations(range(3)):
        state = mean.copy()
        for i in order:
            before = stack.final_estimator_.predict(state)
            state[:, i] = said[:, i]
            total[:, i] += stack.final_estimator_.predict(state) - before
    np.testing.assert_allclose(table[["ridge", "neighbours", "tree"]], total / 6, atol=1e-9)
    np.testing.assert_allclose(table.sum(axis=1), stack.predict(X.head(8)))


def test_several_classes_have_two_levels():
    X, _ = FLOWERS
    stack = of_flowers()
    table = stack.contributions(X)
    assert table.columns.nlevels == 2
    assert table.attrs["how"] == "exact"
    sums = table.T.groupby(level=0).sum().T
    np.testing.assert_allclose(sums, stack.predict_proba(X), atol=1e-12)


def test_several_targets():
    X, _ = FLOWERS
    Y = X.iloc[:, :2].to_numpy()
    stack = StackingRegressor(REGRESSORS, ConvexRegressor()).fit(X.iloc[:, 2:], Y)
    table = stack.contributions(X.iloc[:5, 2:])
    np.testing.assert_allclose(table[1].sum(axis=1), stack.predict(X.iloc[:5, 2:])[:, 1])


def test_decision_values_where_there_are_no_probabilities():
    stack = StackingClassifier(CLASSIFIERS, RidgeClassifier()).fit(*TWO)
    table = stack.contributions(TWO[0][:9])
    assert table.attrs["how"] == "exact"
    np.testing.assert_allclose(table.sum(axis=1), stack.decision_function(TWO[0][:9]))


def test_columns_that_pass_through_are_in_the_baseline():
    X, y = NUMBERS
    stack = StackingRegressor(REGRESSORS, passthrough=True).fit(X, y)
    table = stack.contributions(X.head(6))
    np.testing.assert_allclose(table.sum(axis=1), stack.predict(X.head(6)))
    assert table[BASELINE].nunique() == 6


def test_super_learner():
    X, _ = NUMBERS
    table = super_learner().contributions(X.head(5), n_orders=4, random_state=0)
    np.testing.assert_allclose(table.sum(axis=1), super_learner().predict(X.head(5)))


def test_orders_are_seeded():
    X = TWO[0][:10]
    args = {"n_orders": 4, "random_state": 3}
    first, again = (of_two(LocalCompetenceClassifier).contributions(X, **args) for _ in "ab")
    pd.testing.assert_frame_equal(first, again)


def test_bad_input():
    with pytest.raises(ValueError, match="n_orders=1"):
        of_numbers().contributions(NUMBERS[0], n_orders=1)
    light = StackingRegressor(REGRESSORS, keep_oof=False).fit(*NUMBERS)
    with pytest.raises(AttributeError, match=r"contributions\(\) reads oof_.*keep_oof=True"):
        light.contributions(NUMBERS[0])
