"""Weights of any sign."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from stackmeta.combiners import (
    AveragingClassifier,
    ConvexRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)

from .given import binary, multiclass, regression


def logs_of(P, n_classes):
    P = P.clip(1e-6, 1)
    return np.log(P).reshape(len(P), -1, n_classes)


@pytest.mark.parametrize("ridge", [0.5, 100.0])
def test_it_is_the_penalised_optimum(ridge):
    P, y = multiclass(80, 3)
    logs = logs_of(P, 3)
    weight = np.random.default_rng(0).integers(1, 4, 80)

    def loss(point):
        scores = np.einsum("rlc,l->rc", logs, point[:3]) + [0, *point[3:]]
        value = -weight @ log_softmax(scores, axis=1)[np.arange(80), y]
        return value + ridge / 2 * ((point[:3] - 1 / 3) ** 2).sum() + 0.05 * (point[3:] ** 2).sum()

    combiner = SignedWeightsClassifier(ridge=ridge).fit(P, y, sample_weight=weight)
    found = np.concatenate([combiner.weights_, combiner.bias_[1:]])
    best = minimize(loss, found * 0.9, tol=1e-12)
    assert loss(found) <= best.fun + 1e-6
    assert check_grad(loss, lambda x: np.zeros(5), found) < 0.01


def test_a_strong_ridge_is_the_geometric_mean():
    P, y = binary(100)
    P = P.clip(0.001, 0.999)
    strong = SignedWeightsClassifier(ridge=1e12).fit(P, y)
    strong.bias_ = np.zeros(2)
    assert_allclose(strong.weights_, 0.25, atol=1e-6)
    mean = AveragingClassifier(method="geometric").fit(P, y)
    assert_allclose(strong.predict_proba(P), mean.predict_proba(P), atol=1e-5)


def test_what_learners_have_in_common_is_taken_out():
    """Two learners share an error, which their difference does not have."""
    rng = np.random.default_rng(0)
    y, shared = rng.normal(size=(2, 4000))
    P = np.column_stack([y + shared, y + 2 * shared]) + 0.1 * rng.normal(size=(4000, 2))
    signed = SignedWeightsRegressor(ridge=1e-3).fit(P[:2000], y[:2000])
    assert_allclose(signed.weights_, [2, -1], atol=0.2)
    errors = [
        ((combiner.predict(P[2000:]) - y[2000:]) ** 2).mean()
        for combiner in (signed, ConvexRegressor().fit(P[:2000], y[:2000]))
    ]
    assert errors[0] < 0.1 * errors[1]
    p = 1 / (1 + np.exp(-P.clip(-10, 10)))
    label = (rng.uniform(size=4000) < 1 / (1 + np.exp(-y))).astype(int)
    pool = SignedWeightsClassifier(ridge=1).fit(p[:2000], label[:2000])
    assert pool.weights_[1] < -0.5
    mean = AveragingClassifier().fit(p[:2000], label[:2000])
    assert log_loss(label[2000:], pool.predict_proba(p[2000:])) < log_loss(
        label[2000:], mean.predict_proba(p[2000:])
    )


def test_a_weak_ridge_is_least_squares():
    P, y = regression(200, 3)
    signed = SignedWeightsRegressor(ridge=1e-9).fit(P, y)
    plain = Ridge(1e-9).fit(P, y)
    assert_allclose(signed.weights_, plain.coef_, atol=1e-6)
    assert_allclose(signed.predict(P), plain.predict(P), atol=1e-6)
    strong = SignedWeightsRegressor(ridge=1e9).fit(P, y)
    assert_allclose(strong.weights_, ConvexRegressor().fit(P, y).weights_, atol=1e-6)


@pytest.mark.parametrize("make", [binary, multiclass, regression])
def test_a_learner_that_knows_nothing_gets_no_weight(make):
    P, y = make(200)
    numbers = np.arange(200) % 10
    if make is regression:
        nothing = np.array([[y[numbers != k].mean()] for k in numbers])
        combiner = SignedWeightsRegressor(ridge=1e-6)
    else:
        n_classes = len(np.unique(y))
        shares = {k: np.bincount(y[numbers != k]) / (numbers != k).sum() for k in range(10)}
        nothing = np.array([shares[k][1 if n_classes == 2 else 0 :] for k in numbers])
        combiner = SignedWeightsClassifier(ridge=1e-3)
    with_nothing = np.column_stack([P, nothing])
    plain = combiner.fit(with_nothing, y).weights_[-1]
    assert plain < -0.1
    assert abs(combiner.fit(with_nothing, y, folds=numbers).weights_[-1]) < 0.15 * abs(plain)
