"""Weights that follow a stream: batches do not count, regret is bounded, drift is followed."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    OnlineWeightsClassifier,
    OnlineWeightsRegressor,
    RecentClassifier,
    RecentRegressor,
)

from .given import binary, multiclass, regression


def prequential(combiner, P, y, step=20):
    """Mean squared error where each batch is predicted before it is learned."""
    errors = []
    for start in range(0, len(y), step):
        rows = slice(start, start + step)
        if start:
            errors.append((combiner.predict(P[rows]) - y[rows]) ** 2)
        combiner.partial_fit(P[rows], y[rows])
    return np.concatenate(errors).mean()


@pytest.mark.parametrize("make", [regression, binary, multiclass])
def test_batches_do_not_count(make):
    P, y = make()
    kind = OnlineWeightsRegressor if make is regression else OnlineWeightsClassifier
    at_once = kind().fit(P, y)
    given = {} if make is regression else {"classes": np.unique(y)}
    in_parts = kind()
    for start in range(0, len(y), 7):
        in_parts.partial_fit(P[start : start + 7], y[start : start + 7], **given)
    np.testing.assert_allclose(in_parts.weights_, at_once.weights_, atol=1e-12)
    assert in_parts.n_rows_seen_ == at_once.n_rows_seen_ == len(y)
    assert at_once.weights_.sum() == pytest.approx(1)
    # fit starts anew.
    np.testing.assert_array_equal(in_parts.fit(P, y).weights_, at_once.weights_)


@pytest.mark.theory
def test_little_regret_on_a_stream_without_drift():
    P, y = regression(4000)
    best = ((ConvexRegressor().fit(P, y).predict(P) - y) ** 2).mean()
    assert prequential(OnlineWeightsRegressor(), P, y) < 1.05 * best


@pytest.mark.theory
def test_better_than_the_best_fixed_weights_after_a_switch():
    rng = np.random.default_rng(0)
    y = rng.normal(size=4000)
    spread = np.repeat([[0.3, 1.0], [1.0, 0.3]], 2000, axis=0)
    P = y[:, None] + spread * rng.normal(size=(4000, 2))
    best = ((ConvexRegressor().fit(P, y).predict(P) - y) ** 2).mean()
    loss = {name: prequential(OnlineWeightsRegressor(share=s), P, y) for name, s in SHARES.items()}
    assert loss["auto"] < 0.7 * best
    assert loss["fixed share"] < 0.7 * best


SHARES = {"auto": "auto", "fixed share": 1e-3}


@pytest.mark.theory
def test_share_brings_back_a_learner_that_was_bad_for_long():
    y = np.zeros(3000)
    P = np.tile([[0.1, 2.0]], (3000, 1))
    P[2500:] = [2.0, 0.1]
    gone = OnlineWeightsRegressor(learning_rate=0.1, share=0.0).fit(P[:2500], y[:2500])
    back = OnlineWeightsRegressor(learning_rate=0.1, share=0.01).fit(P[:2500], y[:2500])
    for combiner in (gone, back):
        combiner.partial_fit(P[2500:2600], y[2500:2600])
    assert back.weights_[1] > gone.weights_[1]
    assert back.weights_[1] > 0.5


def test_exponentiated_gradient_by_hand():
    """One setting, one row: the update as it is written in books."""
    P, y = np.array([[1.0, 3.0]]), np.array([1.0])
    combiner = OnlineWeightsRegressor(learning_rate=0.5, share=0.2).fit(P, y)
    error = np.array([0.0, -2.0])
    gradient = (error @ [0.5, 0.5]) * error
    gradient -= gradient.mean()
    w = np.exp(-0.5 * gradient / np.abs(gradient).max())
    np.testing.assert_allclose(combiner.weights_, 0.8 * w / w.sum() + 0.1)


def test_scale_of_y_does_not_count():
    P, y = regression()
    plain, large = (
        OnlineWeightsRegressor().fit(P, y),
        OnlineWeightsRegressor().fit(1e6 * P, 1e6 * y),
    )
    np.testing.assert_allclose(plain.weights_, large.weights_, atol=1e-8)


def test_probability_zero_of_the_truth_is_no_end():
    P = np.array([[0.0, 0.5], [0.0, 0.6], [1.0, 0.5]] * 20)
    y = np.array([1, 1, 0] * 20)
    combiner = OnlineWeightsClassifier().fit(P, y)
    assert np.isfinite(combiner.weights_).all()
    assert combiner.weights_[1] > 0.5


def test_bad_input():
    P, y = binary()
    combiner = OnlineWeightsClassifier().fit(P, y)
    with pytest.raises(ValueError, match="not among the classes of fit"):
        combiner.partial_fit(P[:2], [0, 5])
    with pytest.raises(ValueError, match="differ from those of the first call"):
        combiner.partial_fit(P[:2], y[:2], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="one class only"):
        OnlineWeightsClassifier().partial_fit(P[:3], [1, 1, 1])
    with pytest.raises(ValueError, match="features"):
        combiner.partial_fit(P[:, :2], y)
    with pytest.raises(ValueError, match="'learning_rate'"):
        OnlineWeightsClassifier(learning_rate=0.0).fit(P, y)
    with pytest.raises(ValueError, match="'share'"):
        OnlineWeightsClassifier(share=1.0).partial_fit(P, y)
    P, y = regression(n_targets=2)
    with pytest.raises(ValueError, match="targets"):
        OnlineWeightsRegressor().fit(P, y).partial_fit(P, y[:, 0])


def test_recent_rows_count_more():
    P, y = regression(300)
    weight = np.exp2(-np.arange(300)[::-1] / 40)
    recent = RecentRegressor(ConvexRegressor(), half_life=40).fit(P, y)
    expected = ConvexRegressor().fit(P, y, sample_weight=weight)
    np.testing.assert_array_equal(recent.weights_, expected.weights_)
    np.testing.assert_array_equal(recent.predict(P), expected.predict(P))


def test_recent_classifier_and_its_bad_input():
    P, y = binary()
    recent = RecentClassifier(ConvexClassifier(), half_life=20).fit(P, y)
    assert recent.predict_proba(P).shape == (200, 2)
    np.testing.assert_array_equal(recent.classes_, [0, 1])
    with pytest.raises(ValueError, match="should be a classifier"):
        RecentClassifier(ConvexRegressor()).fit(P, y)
    with pytest.raises(ValueError, match="'half_life'"):
        RecentRegressor(LinearRegression(), half_life=0).fit(P, y)
