"""What statistics says that weights fitted to noise can gain."""

import numpy as np
import pytest

from stackmeta.combiners import ConvexClassifier, ConvexRegressor

from .given import binary, regression

pytestmark = pytest.mark.theory


def gains(combiner, make, loss, n_rows, n_learners, n_seeds=20):
    """Mean fall of the in-sample loss below equal weights', on shuffled truth."""
    found = []
    for seed in range(n_seeds):
        P, y = make(n_rows, n_learners, seed=seed)
        y = np.random.default_rng(seed).permutation(y)
        weights = combiner.fit(P, y).weights_
        found.append(loss(y, P.mean(axis=1)) - loss(y, P @ weights))
    return np.mean(found)


def log_loss(y, p):
    return -np.log(np.where(y == 1, p, 1 - p)).mean()


@pytest.mark.parametrize("n_rows", [200, 2000])
def test_little_is_claimed_where_learners_only_differ_by_noise(n_rows):
    """m weights fitted to n rows of noise gain about m / 2n nats, never m / n."""
    n_learners = 6

    def make(n_rows, n_learners, seed):
        rng = np.random.default_rng(seed)
        return rng.uniform(0.4, 0.6, size=(n_rows, n_learners)), rng.integers(0, 2, n_rows)

    claimed = gains(ConvexClassifier(), make, log_loss, n_rows, n_learners)
    assert 0 <= claimed <= n_learners / n_rows


def test_null_regression():
    """On shuffled y, what equal weights lose to the optimum is noise that they average out."""

    def make(n_rows, n_learners, seed):
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n_rows, n_learners)), rng.normal(size=n_rows)

    def squared(y, p):
        return ((y - p) ** 2).mean()

    claimed = gains(ConvexRegressor(), make, squared, 1000, 6)
    assert 0 <= claimed <= 2 * 6 / 1000


def test_weights_find_the_best_mixture_as_rows_grow():
    """With y drawn from a mixture of two learners, its weights are found to about 1 / √n."""
    rng = np.random.default_rng(0)
    for n_rows in (1000, 30_000):
        P = rng.beta(0.5, 0.5, size=(n_rows, 4))
        y = (rng.uniform(size=n_rows) < P @ [0.7, 0.3, 0, 0]).astype(int)
        weights = ConvexClassifier().fit(P, y).weights_
        np.testing.assert_allclose(weights, [0.7, 0.3, 0, 0], atol=3 / np.sqrt(n_rows))


def test_the_mixture_beats_its_best_learner_on_new_rows():
    P, y = binary(4000, 6, seed=3)
    weights = ConvexClassifier().fit(P[:2000], y[:2000]).weights_
    best = min(log_loss(y[2000:], column) for column in P[2000:].T)
    assert log_loss(y[2000:], P[2000:] @ weights) < best
    P, y = regression(4000, 6, seed=3)
    weights = ConvexRegressor().fit(P[:2000], y[:2000]).weights_
    best = min(((y[2000:] - column) ** 2).mean() for column in P[2000:].T)
    assert ((y[2000:] - P[2000:] @ weights) ** 2).mean() < best
