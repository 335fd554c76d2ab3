"""partial_fit of a stack: weights follow, learners that can follow, others stay."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.model_selection import TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import (
    ConvexRegressor,
    OnlineWeightsClassifier,
    OnlineWeightsRegressor,
    RecentRegressor,
    StackingClassifier,
    StackingRegressor,
)

LEARNERS = [
    ("line", LinearRegression(), [1]),
    ("step", DecisionTreeRegressor(max_depth=1), [0]),
    ("sgd", SGDRegressor(random_state=0)),
]


def drifting(n_rows=900):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 2))
    late = np.arange(n_rows) >= n_rows // 2
    y = np.where(late, np.sign(X[:, 0]), X[:, 1]) + 0.1 * rng.normal(size=n_rows)
    return X, y


def test_only_with_a_meta_learner_that_can():
    assert hasattr(StackingRegressor(LEARNERS, OnlineWeightsRegressor()), "partial_fit")
    assert not hasattr(StackingRegressor(LEARNERS, ConvexRegressor()), "partial_fit")
    assert not hasattr(StackingRegressor(LEARNERS), "partial_fit")


def test_weights_learn_from_predictions_of_before():
    """The rows' own update of a learner must not be in what its weight is judged by."""
    X, y = drifting()
    stack = StackingRegressor(LEARNERS, OnlineWeightsRegressor()).fit(X[:400], y[:400])
    combiner = OnlineWeightsRegressor().fit(stack.oof_.matrix, y[:400])
    np.testing.assert_array_equal(combiner.weights_, stack.final_estimator_.weights_)
    before = stack.transform(X[400:450])
    stack.partial_fit(X[400:450], y[400:450])
    np.testing.assert_array_equal(
        combiner.partial_fit(before, y[400:450]).weights_, stack.final_estimator_.weights_
    )


def test_learners_that_can_are_updated_and_the_others_stay():
    X, y = drifting()
    stack = StackingRegressor(LEARNERS, OnlineWeightsRegressor()).fit(X[:400], y[:400])
    line = stack.named_estimators_["line"].coef_.copy()
    sgd = stack.named_estimators_["sgd"].coef_.copy()
    stack.partial_fit(X[500:], y[500:])
    np.testing.assert_array_equal(stack.named_estimators_["line"].coef_, line)
    assert np.abs(stack.named_estimators_["sgd"].coef_ - sgd).max() > 0.05


def test_classes_are_those_of_fit():
    X, y = drifting()
    labels = np.where(y > 0, "up", "down")
    learners = [("bayes", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=2))]
    stack = StackingClassifier(learners, OnlineWeightsClassifier(), random_state=0)
    stack.partial_fit(X[:450], labels[:450], classes=["down", "up"])
    early = stack.score(X[450:], labels[450:])
    seen = stack.named_estimators_["bayes"].class_count_.sum()
    stack.partial_fit(X[450:], labels[450:])
    assert stack.named_estimators_["bayes"].class_count_.sum() == seen + 450
    assert set(stack.predict(X)) == {"down", "up"}
    assert stack.score(X[450:], labels[450:]) > early
    with pytest.raises(ValueError, match="not among the classes of fit"):
        stack.partial_fit(X[:2], ["up", "sideways"])
    with pytest.raises(ValueError, match="holds more than the rows of the first call"):
        StackingClassifier(learners, OnlineWeightsClassifier()).partial_fit(
            X, labels, classes=["down", "up", "sideways"]
        )


def test_forward_folds_with_a_gap_end_to_end():
    """No fold of the weights predicts rows older than, or near, those it was fitted on."""
    X, y = drifting()
    cv = TimeSeriesSplit(4, gap=10)
    recent = RecentRegressor(ConvexRegressor(), half_life=50)
    stack = StackingRegressor(LEARNERS, recent, cv=cv).fit(X, y)
    for train, test in stack.oof_.splits:
        assert train.max() + 10 < test.min()
    expected = RecentRegressor(ConvexRegressor(), half_life=50)
    rows = stack.oof_.covered
    expected.fit(stack.oof_.matrix[rows], y[rows])
    np.testing.assert_array_equal(stack.final_estimator_.weights_, expected.weights_)
    # The weights are of the last rows; those of weight 0 are not refitted.
    assert stack.learner_weights_["step"] > 0.9
    plain = StackingRegressor(LEARNERS, ConvexRegressor(), cv=cv).fit(X, y)
    assert plain.learner_weights_["step"] < stack.learner_weights_["step"]


def test_bad_input():
    X, y = drifting(100)
    stack = StackingRegressor([("ridge", Ridge())], OnlineWeightsRegressor()).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        stack.partial_fit(X[:5], y[:4])
    with pytest.raises(ValueError, match="finite numbers"):
        stack.partial_fit(X[:2], [1.0, np.nan])
    with pytest.raises(ValueError, match="features"):
        stack.partial_fit(X[:, :1], y)
