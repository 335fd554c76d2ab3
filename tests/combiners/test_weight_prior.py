"""Convex weights with a prior: exact, leading with few rows, overruled by many."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss

from stackmeta.combiners import ConvexClassifier, ConvexRegressor, WeightPrior

from .given import binary, multiclass, regression
from .test_convex import slsqp


def any_prior(n_learners, n_rows, seed=0):
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(n_learners, rng.integers(1, 2 * n_learners)))
    return WeightPrior(errors @ errors.T, rng.normal(size=n_learners), n_rows)


def penalty(prior, weights):
    return weights @ prior.hessian @ weights / 2 + prior.linear @ weights


def effective_rows(weight):
    return weight.sum() ** 2 / (weight**2).sum()


@pytest.mark.parametrize("loss", ["log_loss", "brier"])
@pytest.mark.parametrize("task", [binary, multiclass])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_classifier_finds_the_minimum(loss, task, ridge):
    P, y = task(300, 4)
    weight = np.random.default_rng(0).exponential(size=300)
    n_classes = len(np.unique(y))
    learners = P.reshape(300, 4, -1)
    target = y[:, None] if n_classes == 2 else np.eye(n_classes)[y]
    prior = any_prior(4, 40)

    def data_loss(weights):
        mixed = np.einsum("rlo,l->ro", learners, weights)
        if loss == "brier":
            return np.average(((mixed - target) ** 2).mean(axis=1), weights=weight)
        return log_loss(y, mixed[:, 0] if n_classes == 2 else mixed, sample_weight=weight)

    centre = np.average(target, axis=0, weights=weight)
    constant = np.average(((target - centre) ** 2).mean(axis=1), weights=weight)
    unit = np.quantile([data_loss(w) for w in np.eye(4)], 0.25)

    def objective(weights):
        value = data_loss(weights)
        value += unit * prior.n_rows / effective_rows(weight) * penalty(prior, weights)
        pull = ridge * (constant if loss == "brier" else 1.0)
        return value + pull * ((weights - 0.25) ** 2).sum()

    combiner = ConvexClassifier(loss=loss, ridge=ridge, prior=prior)
    combiner.fit(P, y, sample_weight=weight)
    assert combiner.duality_gap_ <= 1e-8
    assert objective(combiner.weights_) <= slsqp(objective, 4) + 1e-8
    assert_allclose(combiner.weights_.sum(), 1)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_regressor_finds_the_minimum(n_targets):
    P, y = regression(200, 4, n_targets)
    learners, target = P.reshape(200, 4, -1), y.reshape(200, -1)
    prior = any_prior(4, 40)

    def data_loss(weights):
        return ((np.einsum("rlo,l->ro", learners, weights) - target) ** 2).mean()

    unit = np.quantile([data_loss(w) for w in np.eye(4)], 0.25)
    combiner = ConvexRegressor(prior=prior).fit(P, y)
    assert combiner.duality_gap_ <= 1e-8

    def objective(weights):
        return data_loss(weights) + unit * 40 / 200 * penalty(prior, weights)

    assert objective(combiner.weights_) <= slsqp(objective, 4) + 1e-8


def test_a_gram_matrix_stands_for_its_rows():
    """Pseudo-rows: a prior from 70 rows' errors gives what these rows would have given."""
    P, y = regression(100, 5)
    error = P[30:] - y[30:, None]
    unit = np.quantile(((P[:30] - y[:30, None]) ** 2).mean(axis=0), 0.25)
    prior = WeightPrior(2 * error.T @ error / 70 / unit, np.zeros(5), n_rows=70)
    found = ConvexRegressor(prior=prior).fit(P[:30], y[:30])
    assert_allclose(found.weights_, ConvexRegressor().fit(P, y).weights_, atol=1e-7)


COMBINERS = [
    (ConvexClassifier(), binary),
    (ConvexClassifier(), multiclass),
    (ConvexClassifier(loss="brier"), binary),
    (ConvexRegressor(), regression),
]


@pytest.mark.parametrize(("combiner", "task"), COMBINERS)
@settings(max_examples=6)
@drawn(seed=st.integers(0, 10**6), n_learners=st.integers(2, 6))
def test_from_the_plain_weights_to_the_priors(combiner, task, seed, n_learners):
    P, y = task(60, n_learners, seed=seed)
    plain = clone(combiner).fit(P, y).weights_
    terms = []
    for n_rows in (0, 1e-6, 1, 30, 1000, 1e6):
        prior = any_prior(n_learners, n_rows, seed)
        found = clone(combiner).set_params(prior=prior).fit(P, y)
        assert found.duality_gap_ <= 1e-8 * max(1, n_rows)
        terms.append(penalty(prior, found.weights_))
        if n_rows == 0:
            assert_allclose(found.weights_, plain, atol=1e-6)
        if n_rows == 1e-6:
            assert_allclose(found.weights_, plain, atol=1e-2)
    # The more rows it is worth, the nearer to the prior's least.
    assert (np.diff(terms) <= 1e-6).all()
    assert_allclose(terms[-1], penalty(prior, prior.weights), atol=0.02)


@pytest.mark.parametrize("n_learners", [2, 3, 5])
def test_least_of_a_prior_that_is_flat_where_its_linear_term_falls(n_learners):
    """Fewer errors than learners: on such faces the solver once stayed where it was."""
    for seed in range(100):
        prior = any_prior(n_learners, 1.0, seed)
        gradient = prior.hessian @ prior.weights + prior.linear
        gap = prior.weights @ gradient - gradient.min()
        assert gap < 1e-8 * (np.abs(prior.linear).max() + prior.hessian.max())


@pytest.mark.parametrize(("combiner", "task"), COMBINERS)
def test_a_prior_in_the_form_of_a_ridge(combiner, task):
    P, y = task(100, 4)
    towards = clone(combiner).set_params(prior=WeightPrior.around(np.full(4, 0.25), 1e5)).fit(P, y)
    assert_allclose(towards.weights_, 0.25, atol=1e-2)
    target = np.array([0.1, 0.6, 0.3, 0.0])
    towards = clone(combiner).set_params(prior=WeightPrior.around(target, 1e5)).fit(P, y)
    assert_allclose(towards.weights_, target, atol=1e-2)


@pytest.mark.parametrize(("combiner", "task"), COMBINERS)
def test_weights_that_do_not_help_are_exactly_zero(combiner, task):
    """Learners with weight 0 are not refitted: a prior that agrees must leave them at 0."""
    P, y = task(400, 4)
    wild = np.random.default_rng(1).permutation(len(y))
    n_outputs = P.shape[1] // 4
    P = np.column_stack([P, P[wild][:, :n_outputs]])
    prior = WeightPrior(2 * np.diag([1.0, 1, 1, 1, 50]), [0, 0, 0, 0, 50.0], n_rows=30)
    found = clone(combiner).set_params(prior=prior).fit(P, y)
    assert found.weights_[-1] == 0.0
    assert found.__sklearn_tags__().zero_weights


def test_row_weights_count_effective_rows():
    P, y = binary(100, 4)
    prior = any_prior(4, 30)
    every = ConvexClassifier(prior=prior).fit(P, y)
    twice = ConvexClassifier(prior=prior).fit(P, y, sample_weight=np.full(100, 2.0))
    assert_allclose(twice.weights_, every.weights_)
    weight = np.r_[np.ones(60), np.zeros(40)]
    some = ConvexClassifier(prior=prior).fit(P, y, sample_weight=weight)
    alone = ConvexClassifier(prior=prior).fit(P[:60], y[:60])
    assert_allclose(some.weights_, alone.weights_, atol=1e-7)


def test_rows_that_say_nothing_do_not_count_against_the_prior():
    P, y = binary(60, 3)
    prior = any_prior(3, 30)
    hopeless = ConvexClassifier(prior=prior)
    hopeless.fit(np.vstack([P, np.zeros((50, 3))]), np.r_[y, np.ones(50, int)])
    expected = ConvexClassifier(prior=prior).fit(P, y)
    assert_allclose(hopeless.weights_, expected.weights_, atol=1e-8)
    # With no other rows, the prior is all there is.
    nothing = ConvexClassifier(prior=prior).fit(
        np.r_[np.zeros((2, 3)), np.ones((2, 3))], [1, 1, 0, 0]
    )
    assert_allclose(nothing.weights_, prior.weights)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_units_of_y_do_not_matter(scale):
    P, y = regression(50, 4)
    prior = any_prior(4, 30)
    expected = ConvexRegressor(prior=prior).fit(P, y).weights_
    found = ConvexRegressor(prior=prior).fit(P * scale, y * scale)
    assert_allclose(found.weights_, expected, atol=1e-6)


def test_one_learner_far_off_does_not_set_the_unit():
    P, y = regression(50, 5)
    prior = any_prior(5, 30)
    near = ConvexRegressor(prior=prior).fit(P * [1, 1, 1, 1, 1e2], y)
    far = ConvexRegressor(prior=prior).fit(P * [1, 1, 1, 1, 1e4], y)
    assert_allclose(far.weights_, near.weights_, atol=1e-3)


def test_calibration_keeps_the_prior():
    P, y = binary(100, 3)
    prior = any_prior(3, 30)
    plain = ConvexClassifier(prior=prior).fit(P, y)
    calibrated = ConvexClassifier(prior=prior, calibrate=True).fit(P, y)
    assert_array_equal(calibrated.weights_, plain.weights_)
    assert calibrated.temperature_ > 0


def test_restrict():
    prior = any_prior(4, 30)
    some = prior.restrict([2, 0])
    assert_array_equal(some.hessian, prior.hessian[[2, 0]][:, [2, 0]])
    assert_array_equal(some.linear, prior.linear[[2, 0]])
    assert some.n_rows == 30
    for wrong in ([], [4], [-1], [0, 0], [0.5], [[0]]):
        with pytest.raises(ValueError, match="positions="):
            prior.restrict(wrong)


@pytest.mark.parametrize(
    ("hessian", "linear", "n_rows", "message"),
    [
        (np.eye(2), [0, 0, 0], 1, r"hessian has shape \(2, 2\) and linear \(3,\)"),
        (np.empty((0, 0)), [], 1, "n at least 1"),
        (np.eye(2) * np.nan, [0, 0], 1, "finite"),
        (np.eye(2), [0, np.inf], 1, "finite"),
        (np.eye(2), [0, 0], -1, "n_rows=-1"),
        (np.eye(2), [0, 0], np.inf, "n_rows=inf"),
        (np.eye(2), [0, 0], np.nan, "n_rows=nan"),
        ([[1, 2], [0, 1]], [0, 0], 1, r"symmetric: give \(H \+ H.T\) / 2"),
        (-np.eye(2), [0, 0], 1, "eigenvalue of -1"),
    ],
)
def test_bad_priors(hessian, linear, n_rows, message):
    with pytest.raises(ValueError, match=message):
        WeightPrior(hessian, linear, n_rows)


def test_bad_combinations():
    P, y = binary(50, 4)
    message = r"is for 3 learners, but X has predictions of 4.*prior.restrict"
    for combiner in (ConvexClassifier, ConvexRegressor):
        with pytest.raises(ValueError, match=message):
            combiner(prior=any_prior(3, 30)).fit(P, y)
        with pytest.raises(ValueError, match="'prior' parameter"):
            combiner(prior=[0.5, 0.5]).fit(P, y)
    message = r"prior=WeightPrior\(4 learners, n_rows=30\) needs loss='squared_error'"
    with pytest.raises(ValueError, match=message):
        ConvexRegressor(loss="quantile", prior=any_prior(4, 30)).fit(P, y)


def test_it_is_frozen_and_travels():
    prior = any_prior(3, 30)
    with pytest.raises(AttributeError):
        prior.n_rows = 5
    again = pickle.loads(pickle.dumps(ConvexRegressor(prior=prior)))
    assert_array_equal(clone(again).prior.hessian, prior.hessian)
    assert "n_rows=30" in repr(again)


@pytest.mark.parametrize(("combiner", "task"), COMBINERS)
@pytest.mark.theory
def test_a_prior_yields_to_rows_that_contradict_it(combiner, task):
    P, y = task(300, 3)
    wrong = WeightPrior.around([0, 0, 1.0], 300)
    stubborn, yielding = (
        clone(combiner).set_params(prior=replace(wrong, yields=yields)).fit(P, y)
        for yields in (False, True)
    )
    plain = clone(combiner).fit(P, y)
    assert stubborn.weights_[2] > 0.2
    assert yielding.weights_[2] - plain.weights_[2] < 0.3 * stubborn.weights_[2]
    # One that agrees has nothing to yield to.
    right = WeightPrior.around(plain.weights_, 300)
    stubborn, yielding = (
        clone(combiner).set_params(prior=replace(right, yields=yields)).fit(P, y)
        for yields in (False, True)
    )
    assert_array_equal(stubborn.weights_, yielding.weights_)


@pytest.mark.theory
def test_by_chance_a_prior_seldom_yields():
    """Where the prior's weights are the true best, few samples contradict it."""
    rng = np.random.default_rng(0)
    prior = WeightPrior.around(np.full(4, 0.25), 30)
    changed = 0
    for _ in range(60):
        y = rng.normal(size=100)
        P = y[:, None] + rng.normal(size=(100, 4))
        stubborn = ConvexRegressor(prior=prior).fit(P, y).weights_
        yielding = ConvexRegressor(prior=replace(prior, yields=True)).fit(P, y).weights_
        changed += np.abs(stubborn - yielding).max() > 0.01
    assert changed <= 3


def test_a_perfect_learner_overrules_a_prior_that_yields():
    P, y = binary(60, 3)
    prior = replace(WeightPrior.around([0, 0, 0, 1.0], 100), yields=True)
    for combiner in (ConvexClassifier, ConvexRegressor):
        found = combiner(prior=prior).fit(np.column_stack([y, P]), y)
        assert_allclose(found.weights_, [1, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(("combiner", "task"), COMBINERS)
@pytest.mark.theory
def test_a_wrong_prior_is_overruled_by_many_rows(combiner, task):
    """All weight on the worst learner, worth 100 rows: 30,000 rows leave little of it."""
    P, y = task(30_000, 3)
    prior = WeightPrior.around([0, 0, 1.0], 100)
    few = clone(combiner).set_params(prior=prior).fit(P[:20], y[:20])
    many = clone(combiner).set_params(prior=prior).fit(P, y)
    plain = clone(combiner).fit(P, y)
    assert few.weights_[2] > 0.3
    assert np.abs(many.weights_ - plain.weights_).max() < 0.03
