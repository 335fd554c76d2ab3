"""Convex weights: exact, and exact where it is hard."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.metrics import brier_score_loss, log_loss, mean_pinball_loss

from stackmeta.combiners import ConvexClassifier, ConvexRegressor
from stackmeta.combiners.simplex import minimise_quadratic

from .given import binary, multiclass, regression


def slsqp(loss, n_learners):
    """The least loss over the simplex that SciPy finds."""
    found = minimize(
        loss,
        np.full(n_learners, 1 / n_learners),
        method="SLSQP",
        bounds=[(0, 1)] * n_learners,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-13, "maxiter": 500},
    )
    return found.fun


@pytest.mark.parametrize("loss", ["log_loss", "brier"])
@pytest.mark.parametrize("task", [binary, multiclass])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_classifier_finds_the_minimum(loss, task, ridge):
    P, y = task(300, 4)
    n_classes = len(np.unique(y))
    learners = P.reshape(300, 4, -1)
    unit = 1.0
    if loss == "brier":
        target = y[:, None] if n_classes == 2 else np.eye(n_classes)[y]
        unit = ((target - target.mean(axis=0)) ** 2).mean()

    def objective(weights):
        mixed = np.einsum("rlo,l->ro", learners, weights)
        if loss == "brier":
            value = ((mixed - target) ** 2).mean()
        else:
            value = log_loss(y, mixed[:, 0] if n_classes == 2 else mixed)
        return value + ridge * unit * ((weights - 0.25) ** 2).sum()

    combiner = ConvexClassifier(loss=loss, ridge=ridge).fit(P, y)
    assert combiner.duality_gap_ <= 1e-8
    assert objective(combiner.weights_) <= slsqp(objective, 4) + 1e-9
    assert_allclose(combiner.weights_.sum(), 1)


def test_brier_is_scikit_learns():
    P, y = binary(300, 4)
    combiner = ConvexClassifier(loss="brier").fit(P, y)

    def objective(weights):
        return brier_score_loss(y, np.clip(P @ weights, 0, 1))

    assert_allclose(objective(combiner.weights_), slsqp(objective, 4), rtol=1e-8)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_squared_error_finds_the_minimum(n_targets):
    P, y = regression(300, 4, n_targets)
    combiner = ConvexRegressor().fit(P, y)

    def objective(weights):
        mixed = np.einsum("rlo,l->ro", P.reshape(300, 4, -1), weights)
        return ((mixed - y.reshape(300, -1)) ** 2).mean()

    assert combiner.duality_gap_ <= 1e-8
    assert_allclose(objective(combiner.weights_), slsqp(objective, 4), rtol=1e-9)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("n_rows", [60, 3000])
def test_quantile_loss_finds_the_minimum(level, n_targets, n_rows):
    P, y = regression(n_rows, 4, n_targets)
    combiner = ConvexRegressor(loss="quantile", quantile=level).fit(P, y)
    assert combiner.duality_gap_ <= 1e-8
    best = mean_pinball_loss(y, combiner.predict(P), alpha=level)
    rng = np.random.default_rng(0)
    for spread in (1, 0.1, 0.01, 0.001):
        near = (1 - spread) * combiner.weights_ + spread * rng.dirichlet(np.ones(4), size=50)
        for weights in near:
            mixed = np.einsum("rlo,l->ro", P.reshape(n_rows, 4, -1), weights)
            assert mean_pinball_loss(y.reshape(n_rows, -1), mixed, alpha=level) >= best - 1e-12


def test_absolute_error_is_the_median_loss():
    P, y = regression(200, 5)
    absolute = ConvexRegressor(loss="absolute_error").fit(P, y)
    median = ConvexRegressor(loss="quantile", quantile=0.5).fit(P, y)
    assert_array_equal(absolute.weights_, median.weights_)


def test_quantile_loss_that_begins_with_the_wrong_signs():
    """Rows whose sign the first few rows foretell wrongly join the linear programme."""
    rng = np.random.default_rng(0)
    y = np.sort(rng.standard_t(2, size=8000))
    P = np.column_stack([y * (y < 0), y * (y > 0), rng.normal(size=8000), y + 1])
    combiner = ConvexRegressor(loss="absolute_error").fit(P, y)
    assert combiner.duality_gap_ <= 1e-8


def test_ridge_needs_squared_error():
    P, y = regression()
    with pytest.raises(ValueError, match=r"ridge=0\.1 needs loss='squared_error'"):
        ConvexRegressor(loss="absolute_error", ridge=0.1).fit(P, y)


@pytest.mark.parametrize("combiner", [ConvexClassifier, ConvexRegressor])
def test_ridge_leads_to_equal_weights(combiner):
    P, y = binary(200, 4)
    distance = [
        np.abs(combiner(ridge=ridge).fit(P, y).weights_ - 0.25).max()
        for ridge in (0, 0.01, 0.1, 1, 1e6)
    ]
    assert_array_equal(np.argsort(distance), [4, 3, 2, 1, 0])
    assert distance[-1] < 1e-5
    copies = combiner(ridge=0.1).fit(P[:, [0, 0, 1]], y)
    assert_allclose(copies.weights_[0], copies.weights_[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("combiner", "task"),
    [
        (ConvexClassifier(), binary(500, 50, noise=0.1)),
        (ConvexClassifier(), multiclass(300, 20)),
        (ConvexClassifier(loss="brier"), binary(500, 50, noise=0.1)),
        (ConvexRegressor(), regression(500, 50)),
        (ConvexRegressor(loss="absolute_error"), regression(500, 30)),
    ],
)
def test_ten_copies_of_each_learner(combiner, task):
    P, y = task
    n_outputs = 3 if len(np.unique(y)) == 3 else 1
    learners = P.reshape(len(P), -1, n_outputs)
    for copies in (np.tile(learners, (1, 10, 1)), np.repeat(learners, 10, axis=1)):
        copies = copies.reshape(len(P), -1)
        answer = "predict_proba" if hasattr(combiner, "predict_proba") else "predict"
        once = getattr(combiner.fit(P, y), answer)(P)
        often = getattr(combiner.fit(copies, y), answer)(copies)
        assert combiner.duality_gap_ <= 1e-8
        assert_allclose(often, once, rtol=0, atol=1e-6)


def test_nearly_equal_learners():
    P, y = binary(400, 5)
    rng = np.random.default_rng(1)
    for size in (1e-4, 1e-7, 1e-10, 1e-13):
        near = np.clip(np.repeat(P, 5, axis=1) + size * rng.normal(size=(400, 25)), 0, 1)
        assert ConvexClassifier().fit(near, y).duality_gap_ <= 1e-8
        assert ConvexRegressor().fit(near, y).duality_gap_ <= 1e-8


@pytest.mark.parametrize("loss", ["log_loss", "brier"])
def test_one_perfect_learner(loss):
    P, y = binary(200, 4)
    P = np.column_stack([P, y])
    combiner = ConvexClassifier(loss=loss).fit(P, y)
    assert_array_equal(combiner.weights_, [0, 0, 0, 0, 1])
    assert_array_equal(combiner.predict(P), y)
    assert combiner.duality_gap_ <= 1e-8


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile"])
def test_one_perfect_regressor(loss):
    P, y = regression(200, 4)
    combiner = ConvexRegressor(loss=loss).fit(np.column_stack([P, y]), y)
    assert_array_equal(combiner.weights_, [0, 0, 0, 0, 1])
    assert combiner.duality_gap_ <= 1e-8


def test_infinite_log_losses():
    """Hard 0/1 learners, right on different rows: each has an infinite loss, the mix has not."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=300)
    wrong = rng.integers(0, 3, size=300)
    P = np.column_stack([np.where(wrong == learner, 1 - y, y) for learner in range(3)])
    combiner = ConvexClassifier().fit(P.astype(float), y)
    assert combiner.duality_gap_ <= 1e-8
    assert_allclose(combiner.weights_, 1 / 3, atol=0.06)
    # A row that all get wrong says nothing on the weights.
    hopeless = np.vstack([P, [[0, 0, 0]]])
    again = ConvexClassifier().fit(hopeless, np.append(y, 1))
    assert_allclose(again.weights_, combiner.weights_, atol=1e-9)
    # All rows are such rows.
    nothing = ConvexClassifier().fit([[0.0, 0.0], [1.0, 1.0]], [1, 0])
    assert_array_equal(nothing.weights_, [0.5, 0.5])


def test_as_many_learners_as_rows():
    P, y = binary(500, 500, noise=0.01)
    for combiner in (ConvexClassifier(), ConvexRegressor(), ConvexClassifier(ridge=0.01)):
        assert combiner.fit(P, y).duality_gap_ <= 1e-8
        assert (combiner.weights_ >= 0).all()


def test_more_rows_than_a_start_needs():
    """Above 10,000 rows a sample says where to start; sorted rows must not mislead it."""
    P, y = binary(12_000, 30, noise=0.2)
    order = np.lexsort([P[:, 0], y])
    sorted_rows = ConvexClassifier().fit(P[order], y[order])
    assert sorted_rows.duality_gap_ <= 1e-8
    assert_allclose(sorted_rows.weights_, ConvexClassifier().fit(P, y).weights_, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_units_of_y_do_not_matter(scale, loss):
    P, y = regression(200, 4)
    expected = ConvexRegressor(loss=loss).fit(P, y).weights_
    combiner = ConvexRegressor(loss=loss).fit(P * scale, y * scale)
    assert combiner.duality_gap_ <= 1e-8
    assert_allclose(combiner.weights_, expected, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_one_learner_far_off(loss):
    P, y = regression(200, 4)
    for far in (1e2, 1e4, 1e6):
        off = P * [1, 1, 1, far]
        assert ConvexRegressor(loss=loss).fit(off, y).duality_gap_ <= 1e-8


@pytest.mark.parametrize("seed", range(8))
def test_row_weights_of_many_magnitudes(seed):
    """The gap rises now and then on its way down; small coefficients must reach the solver."""
    rng = np.random.default_rng(seed)
    n_rows, n_learners = rng.integers(10, 400), rng.integers(2, 60)
    weight = rng.exponential(size=n_rows) ** 4
    P, y = binary(n_rows, n_learners, seed, noise=10 ** rng.uniform(-3, 1))
    for ridge in (0.0, 1e-4):
        combiner = ConvexClassifier(ridge=ridge).fit(P, y, sample_weight=weight)
        assert combiner.duality_gap_ <= 1e-8
    P, y = regression(n_rows, n_learners, seed=seed)
    for loss in ("squared_error", "absolute_error"):
        combiner = ConvexRegressor(loss=loss).fit(P, y, sample_weight=weight)
        assert combiner.duality_gap_ <= 1e-8


def test_ridge_beside_hopeless_rows():
    """Rows that all get wrong for certain count in the mean that the ridge is weighed against."""
    P, y = binary(100, 3)
    hopeless = np.vstack([P, np.zeros((100, 3))])
    combiner = ConvexClassifier(ridge=0.1).fit(hopeless, np.r_[y, np.ones(100, int)])
    expected = ConvexClassifier(ridge=0.2).fit(P, y)
    assert_allclose(combiner.weights_, expected.weights_, atol=1e-8)


def test_constant_y():
    P, _ = regression(50, 3)
    for loss in ("squared_error", "absolute_error"):
        assert ConvexRegressor(loss=loss).fit(P, np.full(50, 5.0)).duality_gap_ <= 1e-8


def test_quadratic_minimum_at_a_vertex_edge_and_inside():
    vertex, _ = minimise_quadratic(np.eye(3), np.array([-5.0, 0, 0]), np.ones(3) / 3)
    assert_array_equal(vertex, [1, 0, 0])
    edge, _ = minimise_quadratic(np.eye(3), np.array([0.0, 0, 5.0]), np.array([0, 0, 1.0]))
    assert_allclose(edge, [0.5, 0.5, 0])
    inside, gap = minimise_quadratic(np.eye(3), np.zeros(3), np.array([1.0, 0, 0]))
    assert_allclose(inside, 1 / 3)
    assert gap <= 1e-12
    flat, gap = minimise_quadratic(np.zeros((3, 3)), np.array([1.0, 0, 1]), np.ones(3) / 3)
    assert_array_equal(flat, [0, 1, 0])
    assert gap <= 1e-12


@pytest.mark.parametrize("size", [1e30, 1e100])
def test_numbers_far_beyond_all_predictions(size):
    """Rounding ate the sum of the weights, and they came back as NaN."""
    P = np.random.default_rng(0).uniform(size=(5, 2))
    combiner = ConvexRegressor().fit(P, size * np.arange(1, 6))
    assert combiner.weights_.sum() == pytest.approx(1)
    assert np.isfinite(combiner.predict(P)).all()


@pytest.mark.parametrize("n_learners", [2, 3])
def test_all_learners_in_another_order_than_theirs(n_learners):
    """Where all had weight, and the second had come in first, their weights were exchanged."""
    for seed in range(60):
        P, y = binary(60, n_learners, seed=seed)
        truth = np.where(y[:, None] == 1, P, 1 - P)
        weights = ConvexClassifier().fit(P, y).weights_
        gradient = -(truth / (truth @ weights)[:, None]).mean(axis=0)
        assert weights @ gradient - gradient.min() < 1e-8
