"""Diversity of learners: numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_multilabel_classification
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta import StackingClassifier, StackingRegressor, out_of_fold
from stackmeta.inspection import diversity

from .given import FLOWERS, NUMBERS, SaysProbability, of_flowers, of_numbers


def says(*columns, y):
    P = np.column_stack(columns).astype(float)
    learners = [(f"c{i}", SaysProbability(i)) for i in range(P.shape[1])]
    return out_of_fold(learners, P, y, cv=2)


def test_by_hand():
    """Rows: both right 3, only the first 2, only the second 1, neither 2."""
    y = np.array([1, 1, 0, 1, 0, 1, 0, 1])
    first = np.array([0.9, 0.8, 0.1, 0.9, 0.2, 0.3, 0.7, 0.2])
    second = np.array([0.8, 0.6, 0.2, 0.4, 0.9, 0.7, 0.6, 0.1])
    found = diversity(says(first, second, y=y))
    assert found.q_statistic.loc["c0", "c1"] == pytest.approx((3 * 2 - 2 * 1) / (3 * 2 + 2 * 1))
    assert found.double_fault.loc["c0", "c1"] == 2 / 8
    assert found.double_fault.loc["c0", "c0"] == 3 / 8
    assert found.disagreement.loc["c0", "c1"] == 3 / 8
    expected = np.corrcoef(y - first, y - second)[0, 1]
    assert found.correlation.loc["c0", "c1"] == pytest.approx(expected)
    assert found.copies == []
    pairs = found.pairs
    assert pairs.iloc[0].tolist()[:2] == ["c0", "c1"]


def test_regression():
    found = of_numbers().diversity()
    assert found.q_statistic is None
    y = NUMBERS[1].to_numpy()
    errors = y[:, None] - of_numbers().oof_.matrix
    np.testing.assert_allclose(found.correlation, np.corrcoef(errors.T))
    assert sorted(found.order()) == ["neighbours", "ridge", "tree"]


def test_copies():
    X, y = NUMBERS
    learners = [("a", LinearRegression()), ("b", LinearRegression()), ("c", DummyRegressor())]
    found = StackingRegressor(learners).fit(X, y).diversity()
    assert found.copies == [["a", "b"]]
    assert "a = b" in repr(found)
    assert "a = b" in found._repr_html_()
    assert StackingRegressor(learners).fit(X, y).diversity(copies_above=1.0).copies in (
        [],
        [["a", "b"]],
    )


def test_copies_are_alike_two_by_two():
    """a is like b and b like c, but a is not like c: no group of three."""
    rng = np.random.default_rng(0)
    y = np.zeros(4000)
    u, v = rng.normal(size=(2, 4000))
    errors = np.column_stack([u, u + 0.13 * v, u + 0.26 * v])
    from stackmeta.inspection.diversity import _groups

    groups = _groups(np.corrcoef((y[:, None] - errors).T), 0.985)
    assert [len(group) for group in groups] == [2]


def test_several_classes_and_labels():
    found = of_flowers().diversity()
    truth = np.eye(3)[FLOWERS[1]]
    blocks = [truth - of_flowers().oof_.block(name) for name in ("bayes", "tree")]
    expected = np.corrcoef(blocks[0].ravel(), blocks[1].ravel())[0, 1]
    assert found.correlation.loc["bayes", "tree"] == pytest.approx(expected, abs=1e-6)


def test_learners_without_probabilities():
    learners = [("svc", LinearSVC()), ("tree", DecisionTreeClassifier(max_depth=2))]
    found = StackingClassifier(learners).fit(*FLOWERS).diversity()
    assert found.double_fault.notna().all().all()
    assert found.correlation.shape == (2, 2)


def test_multilabel():
    X, Y = make_multilabel_classification(120, n_classes=3, random_state=0)
    learners = [("near", KNeighborsClassifier()), ("tree", DecisionTreeClassifier(max_depth=2))]
    stack = StackingClassifier(learners, KNeighborsClassifier()).fit(X, Y)
    found = stack.diversity()
    right = [(np.rint(stack.oof_.block(n)) == Y).all(axis=1) for n in ("near", "tree")]
    assert found.double_fault.loc["near", "tree"] == pytest.approx((~right[0] & ~right[1]).mean())


def test_a_learner_that_is_always_right_says_nothing():
    y = np.array([0, 1] * 10)
    found = diversity(says(y, 0.5 + 0.4 * (y - 0.5), y=y))
    assert isinstance(found.pairs, pd.DataFrame)
    assert found.copies == []
    assert found.order() == ["c0", "c1"]


@pytest.mark.parametrize("bad", [0, -1, 1.5])
def test_bad_bound(bad):
    with pytest.raises(ValueError, match="copies_above"):
        of_numbers().diversity(copies_above=bad)
