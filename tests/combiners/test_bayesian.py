"""Posteriors that are what they say, and the averages of predictive distributions."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax
from scipy.stats import binom, chi2, norm
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags

from stackmeta.combiners import (
    BayesianClassifier,
    BayesianRegressor,
    ConvexClassifier,
    ConvexRegressor,
    simplex_sampler,
)
from stackmeta.combiners.simplex_centre import central_weights
from stackmeta.combiners.simplex_sampler import draw_weights
from stackmeta.combiners.simplex_walk import Likelihood
from stackmeta.combiners.temperature import temper

from .given import binary, multiclass, regression

METHODS = ["posterior", "stacking", "pseudo_bma"]
DRAWN = ["posterior", "pseudo_bma"]
KINDS = [(BayesianClassifier, binary), (BayesianClassifier, multiclass)]
KINDS += [(BayesianRegressor, regression)]


def from_the_model(kind, rng, n_rows, n_learners, concentration=1.0):
    """Weights from the prior, predictions that resemble each other, and y from the model."""
    weights = rng.dirichlet(np.full(n_learners, concentration))
    shared, own = rng.normal(size=(n_rows, 1)), rng.normal(size=(n_rows, n_learners))
    P = shared + 0.7 * own
    if kind is BayesianClassifier:
        P = expit(1.5 * P)
        y = (rng.uniform(size=n_rows) < P @ weights).astype(int)
        if y.min() == y.max():
            return from_the_model(kind, rng, n_rows, n_learners, concentration)
        return weights, P, y
    return weights, P, P @ weights + 0.5 * rng.normal(size=n_rows)


def log_likelihood(P, y, weights):
    """Of weights of shape (n_learners, n), as the model has it."""
    if y.dtype.kind == "i":
        mixed = P @ weights
        with np.errstate(divide="ignore"):
            return np.log(np.where(y[:, None] == 1, mixed, 1 - mixed).clip(0)).sum(axis=0)
    least = ((P - y[:, None]) ** 2).mean(axis=0).min()
    sums = ((y[:, None] - P @ weights) ** 2).sum(axis=0)
    return -(len(y) + 1) / 2 * np.log(sums + 0.01 * least)


def moments(grid, log_density):
    """Mean and standard deviation over points of the simplex, columns of ``grid``."""
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = grid @ density
    return mean, np.sqrt(grid**2 @ density - mean**2)


# What the posterior is: against exact answers.


@pytest.mark.parametrize("kind", [BayesianClassifier, BayesianRegressor])
@pytest.mark.parametrize("concentration", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("n_rows", [3, 40, 500])
def test_two_learners_by_quadrature(kind, concentration, n_rows):
    _, P, y = from_the_model(kind, np.random.default_rng(n_rows), n_rows, 2)
    combiner = kind(concentration=concentration, n_samples=4000, random_state=0).fit(P, y)
    odds = np.linspace(-80, 80, 8001)
    grid = expit(np.array([odds, -odds]))
    prior = -concentration * (np.logaddexp(0, odds) + np.logaddexp(0, -odds))
    mean, std = moments(grid, prior + log_likelihood(P, y, grid))
    assert_allclose(combiner.weights_, mean, atol=0.1 * std.max())
    assert_allclose(combiner.weights_std_, std, rtol=0.1)


def test_three_learners_that_are_sure_by_quadrature():
    """Probabilities of 0 and 1: the log-likelihood is far from quadratic."""
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    wrong = rng.integers(0, 3, size=20)
    P = np.column_stack([np.where(wrong == k, 1 - y, y) for k in range(3)]).astype(float)
    combiner = BayesianClassifier(n_samples=4000, random_state=0).fit(P, y)
    step = (np.arange(400) + 0.5) / 400
    first, second = (axis.ravel() for axis in np.meshgrid(step, step))
    grid = np.array([first, (1 - first) * second, (1 - first) * (1 - second)])
    mean, std = moments(grid, np.log(1 - first) + log_likelihood(P, y, grid))
    assert_allclose(combiner.weights_, mean, atol=0.1 * std.max())
    assert_allclose(combiner.weights_std_, std, rtol=0.1)


def test_proposals_that_are_mostly_rejected_are_cut(monkeypatch):
    P, y = binary(60, 3)
    expected = BayesianClassifier(n_samples=2000, random_state=0).fit(P, y)
    monkeypatch.setattr(simplex_sampler, "_DOUBTFUL", 1.0)
    found = BayesianClassifier(n_samples=2000, random_state=1).fit(P, y)
    assert_allclose(found.weights_, expected.weights_, atol=0.03)
    assert_allclose(found.weights_std_, expected.weights_std_, rtol=0.1)


@pytest.mark.parametrize("concentration", [0.2, 1.0, 6.0])
def test_without_rows_it_is_the_prior(concentration):
    m = 5
    centre = central_weights(np.zeros((m, m)), concentration, softmax(np.arange(m)))
    assert_allclose(centre, 1 / m, rtol=1e-4)
    likelihood, random = Likelihood(np.zeros((1, m, m))), np.random.RandomState(0)
    weights = draw_weights(likelihood, centre, concentration, 4000, random)
    std = np.sqrt((1 / m) * (1 - 1 / m) / (m * concentration + 1))
    assert_allclose(weights.mean(axis=0), 1 / m, atol=0.1 * std)
    assert_allclose(weights.std(axis=0), std, rtol=0.1)
    drawn = np.random.RandomState(1).dirichlet(np.full(m, concentration), size=4000)
    levels = np.linspace(0.1, 0.9, 9)
    assert_allclose(
        np.quantile(weights[:, 0], levels), np.quantile(drawn[:, 0], levels), atol=0.05
    )


@pytest.mark.parametrize("kind", [BayesianClassifier, BayesianRegressor])
@pytest.mark.parametrize("n_sets", [100, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("concentration", [1.0, 0.4])
@pytest.mark.theory
def test_intervals_cover(kind, n_sets, concentration):
    """The truth's rank among the draws is uniform: no interval promises too much."""
    rng, n_samples, ranks = np.random.default_rng(0), 99, []
    for seed in range(n_sets):
        truth, P, y = from_the_model(kind, rng, 50, 3, concentration)
        combiner = kind(concentration=concentration, n_samples=n_samples, random_state=seed)
        ranks.append((combiner.fit(P, y).weight_samples_[:, 0] < truth[0]).sum())
    covered = np.sum((np.array(ranks) >= 5) & (np.array(ranks) < 95))
    assert binom.cdf(covered, n_sets, 0.9) > 0.002
    assert binom.sf(covered - 1, n_sets, 0.9) > 0.002
    counts = np.bincount(np.array(ranks) // 10, minlength=10)
    statistic = ((counts - n_sets / 10) ** 2 / (n_sets / 10)).sum()
    assert statistic < chi2.ppf(0.998, 9)


@pytest.mark.theory
@pytest.mark.parametrize("n_rows", [12, 300])
def test_predictions_are_as_far_off_as_they_say(n_rows):
    rng, distances = np.random.default_rng(0), []
    for seed in range(60):
        _, P, y = from_the_model(BayesianRegressor, rng, n_rows + 50, 3)
        combiner = BayesianRegressor(n_samples=200, random_state=seed)
        combiner.fit(P[:n_rows], y[:n_rows])
        new = P[n_rows:]
        distances.append((y[n_rows:] - combiner.predict(new)) / combiner.predict_std(new))
    covered = np.mean(np.abs(distances) < norm.ppf(0.95))
    assert 0.88 < covered < 0.93


@pytest.mark.theory
@pytest.mark.parametrize(
    ("kind", "convex"),
    [(BayesianClassifier, ConvexClassifier), (BayesianRegressor, ConvexRegressor)],
)
def test_many_rows_leave_the_weights_of_least_loss(kind, convex):
    spread = []
    for n_rows in (1000, 16_000):
        rng = np.random.default_rng(1)
        truth, P, y = from_the_model(kind, rng, n_rows, 4, concentration=20.0)
        combiner = kind(random_state=0).fit(P, y)
        spread.append(combiner.weights_std_.mean())
        distance = combiner.weights_ - convex().fit(P, y).weights_
        assert np.abs(distance).max() < 0.5 * combiner.weights_std_.max() + 0.002
        assert np.abs((truth - combiner.weights_) / combiner.weights_std_).max() < 3.5
    assert spread[0] / spread[1] == pytest.approx(4, rel=0.3)


def test_learners_that_know_nothing_share_the_prior():
    """With more learners than rows no weight is far from equal: the prior averages them."""
    rng = np.random.default_rng(0)
    P, y = rng.normal(size=(20, 60)), rng.normal(size=20)
    combiner = BayesianRegressor(random_state=0).fit(P, y)
    assert combiner.weights_.max() < 0.1
    assert ConvexRegressor().fit(P, y).weights_.max() > 0.1
    assert 0.5 < combiner.sigma_[0] / y.std() < 1.2


# Rows that count more, or not at all; learners that did not cover them.


@pytest.mark.parametrize(("kind", "make"), KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_weights_of_rows(kind, make, method):
    P, y = make(120)
    times = np.random.default_rng(0).integers(0, 4, size=120)
    times[:3] = 1
    weighted = kind(method=method, n_samples=100, random_state=0)
    weighted.fit(P, y, sample_weight=times)
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(120), times))
    repeated = kind(method=method, n_samples=100, random_state=0).fit(P[rows], y[rows])
    assert_allclose(weighted.weights_, repeated.weights_, atol=1e-7)
    assert_allclose(weighted.predict_std(P), repeated.predict_std(P), rtol=1e-5)
    if method in DRAWN:
        assert_allclose(weighted.weight_samples_, repeated.weight_samples_, atol=1e-6)


@pytest.mark.parametrize(("kind", "make"), KINDS)
@pytest.mark.parametrize("method", DRAWN)
def test_other_weights_only_say_which_rows_count_more(kind, make, method):
    P, y = make(80)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, size=80)
    found = [
        kind(method=method, n_samples=50, random_state=0)
        .fit(P, y, sample_weight=weight * unit)
        .weights_std_
        for unit in (1, 1e-9, 1000, 1e250)
    ]
    for other in found[1:]:
        assert_allclose(found[0], other, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_spread_of_rows_that_a_learner_did_not_cover(method):
    P, y = regression(60, 3)
    combiner = BayesianRegressor(method=method, n_samples=200, random_state=0).fit(P, y)
    row, only = P[:1].copy(), P[:1].copy()
    row[0, 1], only[0, 1:] = np.nan, np.nan
    if method == "posterior":
        draws = combiner.weight_samples_[:, [0, 2]]
        mixed = (draws @ row[0, [0, 2]]) / draws.sum(axis=1)
        expected, alone = mixed.var() + combiner.sigma_[0] ** 2, combiner.sigma_[0]
    else:
        share = combiner.weights_[[0, 2]] / combiner.weights_[[0, 2]].sum()
        second = combiner.sigma_[[0, 2], 0] ** 2 + row[0, [0, 2]] ** 2
        expected = share @ second - (share @ row[0, [0, 2]]) ** 2
        alone = combiner.sigma_[0, 0]
    assert_allclose(combiner.predict_std(row) ** 2, expected)
    assert_allclose(combiner.predict_std(only), alone)
    assert_allclose(combiner.predict(only), only[0, 0])


def test_a_learner_that_is_seldom_there_is_judged_by_its_rows():
    _, P, y = from_the_model(BayesianRegressor, np.random.default_rng(0), 400, 3)
    P[:, 2] = y
    P[100:, 2] = np.nan
    assert BayesianRegressor(random_state=0).fit(P, y).weights_[2] > 0.7


# The other methods.


@pytest.mark.parametrize("make", [binary, multiclass])
def test_stacking_of_classifiers_is_convex(make):
    P, y = make(150)
    combiner = BayesianClassifier(method="stacking").fit(P, y)
    assert_allclose(combiner.weights_, ConvexClassifier().fit(P, y).weights_, atol=1e-6)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_stacking_of_regressors_finds_the_best_score(n_targets):
    P, y = regression(150, 3, n_targets)
    combiner = BayesianRegressor(method="stacking").fit(P, y)
    error = P.reshape(150, 3, -1) - y.reshape(150, 1, -1)
    sigma = np.sqrt((error**2).mean(axis=0))
    assert_allclose(combiner.sigma_, sigma)
    density = norm.pdf(error, scale=sigma).prod(axis=2)
    best = minimize(
        lambda odds: -np.log(density @ softmax(np.append(odds, 0))).mean(), [0, 0], tol=1e-10
    ).fun
    assert -np.log(density @ combiner.weights_).mean() <= best + 1e-9


def test_pseudo_bma_is_the_bootstrapped_softmax():
    P, y = binary(50, 3)
    combiner = BayesianClassifier(method="pseudo_bma", n_samples=20_000, random_state=0).fit(P, y)
    scores = np.log(np.where(y[:, None] == 1, P, 1 - P))
    bootstrap = np.random.default_rng(1).dirichlet(np.ones(50), size=20_000)
    expected = softmax(50 * bootstrap @ scores, axis=1)
    assert_allclose(combiner.weights_, expected.mean(axis=0), atol=0.01)
    assert_allclose(combiner.weights_std_, expected.std(axis=0), atol=0.01)


def test_pseudo_bma_trusts_a_lead_of_one_row_less():
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    P = y[:, None] + rng.normal(size=(100, 2))
    P[0] = y[0] + [0, 5]
    combiner = BayesianRegressor(method="pseudo_bma", random_state=0).fit(P, y)
    error = P - y[:, None]
    scores = norm.logpdf(error, scale=np.sqrt((error**2).mean(axis=0)))
    assert combiner.weights_.max() < softmax(scores.sum(axis=0)).max()


@pytest.mark.parametrize("method", ["stacking", "pseudo_bma"])
def test_spread_is_that_of_the_mixture(method):
    P, y = regression(60, 3, 2)
    combiner = BayesianRegressor(method=method, random_state=0).fit(P, y)
    learners, share = P.reshape(60, 3, 2), combiner.weights_[:, None]
    second = (share * (learners**2 + combiner.sigma_**2)).sum(axis=1)
    expected = np.sqrt(second - combiner.predict(P) ** 2)
    assert_allclose(combiner.predict_std(P), expected)
    P, y = multiclass(60)
    classifier = BayesianClassifier(method=method, random_state=0).fit(P, y)
    away = P.reshape(60, 3, 3) - classifier.predict_proba(P)[:, None]
    expected = np.sqrt((classifier.weights_[:, None] * away**2).sum(axis=1))
    assert_allclose(classifier.predict_std(P), expected)


def test_only_stacking_drops_learners():
    P, y = binary(300, 2)
    P = np.column_stack([P, 0.9 - 0.8 * y])
    for kind in (BayesianClassifier, BayesianRegressor):
        combiner = kind(method="stacking").fit(P, y)
        assert get_tags(combiner).zero_weights
        assert combiner.weights_[2] == 0
        combiner.predict_std(np.where([False, False, True], np.inf, P))
        for method in DRAWN:
            assert not get_tags(kind(method=method)).zero_weights


def test_a_second_fit_forgets_the_first():
    P, y = binary(60)
    combiner = BayesianClassifier(n_samples=50).fit(P, y)
    combiner.set_params(method="stacking").fit(P, y)
    assert not hasattr(combiner, "weight_samples_")
    assert not hasattr(combiner, "weights_std_")


# Temperature.


def sure_of_too_much(n_rows=600):
    P, y = binary(n_rows)
    return expit(4 * logit(P.clip(1e-9, 1 - 1e-9))), y


@pytest.mark.parametrize("method", METHODS)
def test_temperature_is_fitted_to_other_rows(method):
    P, y = sure_of_too_much()
    halves = np.repeat([0, 1], 300)
    combiner = BayesianClassifier(method=method, calibrate=True, random_state=0)
    combiner.fit(P, y, folds=halves)
    assert combiner.temperature_ > 1.5
    plain, found = BayesianClassifier(method=method, random_state=0), np.empty((600, 2))
    for held_out in (0, 1):
        train, test = halves != held_out, halves == held_out
        found[test] = plain.fit(P[train], y[train]).predict_proba(P[test])
    again = ConvexClassifier(calibrate=True).fit(found[:, 1:], y, folds=halves)
    assert combiner.temperature_ == pytest.approx(again.temperature_, rel=1e-3)


def test_spread_is_that_of_the_tempered_probabilities():
    P, y = sure_of_too_much(200)
    combiner = BayesianClassifier(calibrate=True, n_samples=100, random_state=0).fit(P, y)
    mixed = P[:5] @ combiner.weight_samples_.T
    tempered = temper(np.column_stack([1 - mixed.ravel(), mixed.ravel()]), combiner.temperature_)
    expected = tempered[:, 1].reshape(mixed.shape).std(axis=1)
    assert_allclose(combiner.predict_std(P[:5]), np.column_stack([expected, expected]))


# What is hard.


@pytest.mark.parametrize(("kind", "make"), KINDS)
def test_copies_share_alike(kind, make):
    P, y = make(2000)
    learners = P.reshape(2000, -1, P.shape[1] // 3 if make is multiclass else 1)
    copies = learners[:, [0, 0, 0, 1]].reshape(2000, -1)
    combiner = kind(random_state=0, n_samples=2000).fit(copies, y)
    assert_allclose(combiner.weights_[:3], combiner.weights_[:3].mean(), atol=0.05)
    # How the copies share is open, what they have together is not.
    together = combiner.weight_samples_[:, :3].sum(axis=1)
    assert together.std() < combiner.weights_std_[:3].min() / 3


def test_a_perfect_learner():
    P, y = binary(200, 4)
    classifier = BayesianClassifier(random_state=0).fit(np.column_stack([P, y]), y)
    assert classifier.weights_.argmax() == 4
    assert classifier.weights_[4] > 0.9
    P, y = regression(200, 4)
    for near in (0.0, 1e-12, 1e-6):
        combiner = BayesianRegressor(random_state=0).fit(np.column_stack([P, y + near]), y)
        assert combiner.weights_[4] > 0.999
        assert np.isfinite(combiner.predict_std(np.column_stack([P, y]))).all()


@pytest.mark.parametrize("method", METHODS)
def test_little_to_go_by(method):
    params = {"method": method, "random_state": 0, "n_samples": 30}
    one_row = BayesianRegressor(**params).fit([[1.0, 2.0]], [1.2])
    assert np.isfinite(one_row.predict_std([[1.0, 2.0]])).all()
    right = BayesianRegressor(**params).fit([[1.0, 1.0]], [1.0])
    assert np.isfinite(right.predict_std([[1.0, 2.0]])).all()
    constant = BayesianRegressor(**params).fit([[1.0, 2.0]] * 9, [3.0] * 9)
    assert_allclose(constant.weights_.sum(), 1)
    alone = BayesianClassifier(**params).fit([[0.3], [0.6]], [0, 1])
    assert_array_equal(alone.weights_, [1.0])
    assert_allclose(alone.predict_std([[0.3]]), 0, atol=1e-15)
    hopeless = BayesianClassifier(**params).fit([[0.0, 0.0], [1.0, 1.0]], [1, 0])
    assert_allclose(hopeless.weights_, 0.5, atol=0.25)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
@pytest.mark.parametrize("method", METHODS)
def test_units_of_y_do_not_matter(scale, method):
    P, y = regression(100, 3)
    expected = BayesianRegressor(method=method, n_samples=50, random_state=0).fit(P, y)
    found = BayesianRegressor(method=method, n_samples=50, random_state=0)
    found.fit(P * scale, y * scale)
    assert_allclose(found.weights_, expected.weights_, rtol=1e-5, atol=1e-9)
    assert_allclose(found.sigma_, expected.sigma_ * scale, rtol=1e-5)


def test_targets_have_noise_of_their_own():
    rng = np.random.default_rng(0)
    P = rng.normal(size=(400, 2, 2))
    y = np.einsum("rlo,l->ro", P, [0.3, 0.7]) + [0.1, 3.0] * rng.normal(size=(400, 2))
    combiner = BayesianRegressor(random_state=0).fit(P.reshape(400, 4), y)
    assert_allclose(combiner.sigma_, [0.1, 3.0], rtol=0.1)
    # Of two targets, the one that tells more decides.
    assert_allclose(combiner.weights_, [0.3, 0.7], atol=0.02)
    assert_allclose(combiner.predict_std(P[:3].reshape(3, 4)), [[0.1, 3.0]] * 3, rtol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BayesianClassifier, BayesianRegressor])
def test_as_many_learners_as_rows(kind):
    make = binary if is_classifier(kind()) else regression
    P, y = make(500, 500)
    combiner = kind(random_state=0).fit(P, y)
    again = kind(random_state=1).fit(P, y)
    z = (combiner.weights_ - again.weights_) / combiner.weights_std_ * np.sqrt(1000 / 2)
    # Neighbours in a chain are alike: here three draws are worth about one.
    assert np.sqrt((z**2).mean()) < 2.5


def test_chains_that_do_not_forget_are_told_of(monkeypatch):
    P, y = regression(50, 3)
    monkeypatch.setattr(simplex_sampler, "_correlation", lambda *_: np.ones(3))
    monkeypatch.setattr(simplex_sampler, "_LONGEST_ROUND", 16)
    with pytest.warns(ConvergenceWarning, match="After 16 sweeps the weights still remember"):
        BayesianRegressor(random_state=0).fit(P, y)


# Parameters.


@pytest.mark.parametrize(("kind", "make"), KINDS)
@pytest.mark.parametrize("method", DRAWN)
def test_same_seed_same_draws(kind, make, method):
    P, y = make(60)

    def draws(seed):
        return kind(method=method, n_samples=70, random_state=seed).fit(P, y).weight_samples_

    assert draws(0).shape[0] == 70
    assert_array_equal(draws(0), draws(0))
    assert_array_equal(draws(0), draws(np.random.RandomState(0)))
    assert not np.array_equal(draws(0), draws(1))
    assert not np.array_equal(draws(None), draws(None))


def test_pickled_it_knows_its_spread():
    P, y = multiclass(60)
    combiner = BayesianClassifier(n_samples=50, random_state=0).fit(P, y)
    assert_array_equal(
        pickle.loads(pickle.dumps(combiner)).predict_std(P), combiner.predict_std(P)
    )


@pytest.mark.parametrize("kind", [BayesianClassifier, BayesianRegressor])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("method", ["bma", None]),
        ("concentration", [0, -1.0, np.inf, "a"]),
        ("n_samples", [0, 2.5]),
        ("random_state", ["seed"]),
    ],
)
def test_bad_parameters(kind, name, values):
    P, y = binary(30)
    for value in values:
        with pytest.raises(ValueError, match=f"'{name}' parameter of {kind.__name__}"):
            kind(**{name: value}).fit(P, y)


@pytest.mark.parametrize("kind", [BayesianClassifier, BayesianRegressor])
def test_bad_rows_to_predict(kind):
    P, y = binary(30)
    combiner = kind(n_samples=20).fit(P, y)
    with pytest.raises(ValueError, match="contains infinity"):
        combiner.predict_std(np.full((1, 4), np.inf))
    with pytest.raises(ValueError, match="Row 0 of X is NaN"):
        combiner.predict_std(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match="features"):
        combiner.predict_std(P[:, :3])
