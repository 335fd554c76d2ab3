"""Rolling evaluation: what is known when, what is fitted when."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, SGDRegressor
from sklearn.neighbors import KNeighborsRegressor

from stackmeta import OnlineWeightsRegressor, StackingRegressor, rolling_evaluation


class Remembers(RegressorMixin, BaseEstimator):
    """Predicts the latest row that it was shown, and notes all."""

    def fit(self, X, y):
        self.shown_ = list(np.asarray(X)[:, 0].astype(int))
        return self

    def partial_fit(self, X, y):
        self.shown_ += list(np.asarray(X)[:, 0].astype(int))
        return self

    def predict(self, X):
        return np.full(len(X), max(self.shown_), dtype=float)


X = np.arange(100.0)[:, None]
Y = X[:, 0]


def test_nothing_is_known_before_its_time():
    """The latest row shown is the one before the gap, in every window."""
    for how in ({}, {"refit_every": 2, "update": True}, {"max_train_size": 7}):
        found = rolling_evaluation(Remembers(), X, Y, initial=30, step=8, gap=3, **how)
        for _, window in found.table.iterrows():
            inside = slice(window["test_start"], window["test_end"])
            assert set(found.predictions[inside]) == {window["test_start"] - 3 - 1}
        assert np.isnan(found.predictions[:30]).all()
        assert found.table["test_end"].iloc[-1] == 100


def test_each_row_is_shown_once_between_fits():
    found = rolling_evaluation(
        Remembers(), X, Y, initial=30, step=10, gap=2, refit_every=None, update=True
    )
    assert found.estimator.shown_ == list(range(88))
    assert found.table["what"].tolist() == ["fit", *["update"] * 6]
    kept = rolling_evaluation(Remembers(), X, Y, initial=30, step=10, refit_every=3)
    assert kept.table["what"].tolist() == ["fit", "kept", "kept", "fit", "kept", "kept", "fit"]
    assert kept.table["train_end"].tolist() == [30, 30, 30, 60, 60, 60, 90]


def test_most_rows_of_a_fit():
    found = rolling_evaluation(Remembers(), X, Y, initial=30, step=50, max_train_size=10)
    assert found.estimator.shown_ == list(range(70, 80))
    assert found.table["train_start"].tolist() == [20, 70]


@pytest.mark.theory
def test_copies_of_late_rows_are_of_no_use():
    """Noise that a learner could only remember: no window may beat the mean of y."""
    rng = np.random.default_rng(0)
    x, y = np.arange(400.0)[:, None], rng.normal(size=400)
    found = rolling_evaluation(KNeighborsRegressor(1), x, y, initial=100, step=10)
    assert found.loss > y.std()


def test_losses():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = np.where(x[:, 0] > 0, "a", "b")
    y[150:155] = "c"  # not known in the windows before
    found = rolling_evaluation(LogisticRegression(), x, y, initial=100, step=25)
    assert found.table.attrs["loss"] == "log loss"
    assert found.table["loss"].iloc[2] > 1
    assert found.predictions.shape == (200, 3)
    assert (found.predictions[100:175, 2] == 0).all()
    numbers = rolling_evaluation(
        LogisticRegression(), x[:150], y[:150], initial=100, step=25, scoring="accuracy"
    )
    assert (numbers.table["loss"] < 0).all()


def test_a_stack_that_is_updated():
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(300, 2)), columns=["u", "v"])
    y = x["u"] + 0.1 * rng.normal(size=300)
    learners = [("sgd", SGDRegressor(random_state=0)), ("near", KNeighborsRegressor())]
    stack = StackingRegressor(learners, OnlineWeightsRegressor())
    how = {"initial": 100, "step": 50, "refit_every": None, "update": True}
    found = rolling_evaluation(stack, x, y, **how)
    assert list(found.weights.columns) == ["sgd", "near"]
    assert len(found.weights) == 4
    again = rolling_evaluation(stack, x, y, **how)
    np.testing.assert_array_equal(found.predictions, again.predictions)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"initial": 0}, "initial=0"),
        ({"step": 0}, "step=0"),
        ({"gap": -1}, "gap=-1"),
        ({"gap": 30}, "leave none to fit"),
        ({"initial": 100}, "none of 100 rows"),
        ({"max_train_size": 0}, "max_train_size=0"),
        ({"refit_every": 0}, "refit_every=0"),
        ({"step": 1.5}, "step=1.5"),
    ],
)
def test_bad_numbers(change, words):
    with pytest.raises(ValueError, match=words):
        rolling_evaluation(Remembers(), X, Y, **{"initial": 30, "step": 10, **change})


def test_update_needs_partial_fit():
    with pytest.raises(TypeError, match="needs partial_fit"):
        rolling_evaluation(KNeighborsRegressor(), X, Y, initial=30, step=10, update=True)
