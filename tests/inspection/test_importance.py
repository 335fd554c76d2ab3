"""Importance of columns through the whole stack."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from stackmeta import (
    AveragingRegressor,
    ConvexRegressor,
    StackingRegressor,
    SuperLearnerRegressor,
)
from stackmeta.inspection import shap_values

from .given import TWO, of_two

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(120, 3)), columns=["strong", "weak", "noise"])
Y = 3 * X["strong"] + X["weak"] + 0.1 * RNG.normal(size=120)
LEARNERS = [("linear", LinearRegression()), ("ridge", Ridge(10.0))]


def test_permutation():
    stack = StackingRegressor(LEARNERS, ConvexRegressor()).fit(X, Y)
    table = stack.importance(X, Y, random_state=0)
    assert list(table.columns) == ["column", "importance", "se"]
    assert list(table["column"])[:2] == ["strong", "weak"]
    assert table.attrs["scoring"] == "neg_root_mean_squared_error"
    assert stack.importance(X, Y, scoring="r2", n_repeats=1).attrs["scoring"] == "r2"


def test_arrays_and_classes():
    table = of_two().importance(*TWO, n_repeats=2, random_state=0)
    assert set(table["column"]) == {f"x{i}" for i in range(8)}
    assert table.attrs["scoring"] == "neg_log_loss"


def test_polars():
    stack = StackingRegressor(LEARNERS).fit(pl.from_pandas(X), Y)
    table = stack.importance(pl.from_pandas(X), Y, random_state=0)
    assert table["column"].iloc[0] == "strong"


def test_raw_table():
    table = pd.DataFrame({"colour": ["red", "blue", None] * 40, "size": range(120)})
    y = 50.0 * (table["colour"] == "red")
    learner = SuperLearnerRegressor(["linear"], levels=1, cv=3, random_state=0).fit(table, y)
    found = learner.importance(table, y, n_repeats=2, random_state=0)
    assert found["column"].iloc[0] == "colour"


def test_bad_input():
    stack = StackingRegressor(LEARNERS).fit(X, Y)
    with pytest.raises(ValueError, match="needs y"):
        stack.importance(X)
    with pytest.raises(ValueError, match="method='gini'"):
        stack.importance(X, Y, method="gini")


def test_without_shap(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    stack = StackingRegressor(LEARNERS).fit(X, Y)
    with pytest.raises(ImportError, match=r'pip install "stackmeta\[explain\]"'):
        shap_values(stack, X)


def test_shap_values_of_linear_models_are_known():
    """Weight times coefficient times distance from the background's mean, added up."""
    pytest.importorskip("shap")
    stack = StackingRegressor(LEARNERS, AveragingRegressor()).fit(X, Y)
    found = shap_values(stack, X.head(7), background=X.iloc[50:80])
    assert set(found.how.values()) == {"exact (linear)"}
    slopes = np.mean([e.coef_ for e in stack.estimators_], axis=0)
    expected = slopes * (X.head(7) - X.iloc[50:80].mean())
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_values, stack.predict(X.head(7))
    )
    table = stack.importance(X.head(7), method="shap", random_state=0)
    assert table["column"].iloc[0] == "strong"


def test_shap_values_add_up_whatever_the_meta_learner():
    pytest.importorskip("shap")
    final = KNeighborsRegressor(3)
    stack = StackingRegressor(LEARNERS, final).fit(X, Y)
    found = shap_values(stack, X.head(4), background=X.iloc[:10])
    assert set(found.how) == {"stack"}
    total = found.values.sum(axis=1) + found.base_values
    np.testing.assert_allclose(total, stack.predict(X.head(4)))


def test_shap_values_of_a_raw_table():
    pytest.importorskip("shap")
    table = pd.DataFrame(
        {
            "colour": pd.Categorical(["red", "blue", None] * 40),
            "size": pd.array([1, None, 3] * 40, dtype="Int64"),
        }
    )
    y = 50.0 * (table["colour"] == "red").to_numpy(bool)
    learner = SuperLearnerRegressor(["linear"], levels=1, cv=3, random_state=0).fit(table, y)
    found = shap_values(learner, table.head(6), background=table.head(9))
    total = found.values.sum(axis=1) + np.ravel(found.base_values)
    np.testing.assert_allclose(total, learner.predict(table.head(6)))
