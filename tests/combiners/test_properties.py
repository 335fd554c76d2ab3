"""What holds for any predictions, as hypothesis invents them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.special import softmax

from stackmeta.combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BayesianClassifier,
    BayesianRegressor,
    BestLearnerClassifier,
    ConvexClassifier,
    ConvexRegressor,
)

few = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def probabilities(draw, n_classes=2):
    """(P, y, learners): learners of shape (n_rows, n_learners, n_outputs)."""
    n_rows, n_learners = draw(st.integers(4, 25)), draw(st.integers(1, 6))
    if n_classes == 2:
        values = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1, width=32))
        learners = draw(arrays(np.float64, (n_rows, n_learners, 1), elements=values))
    else:
        shape = (n_rows, n_learners, n_classes)
        learners = softmax(draw(arrays(np.float64, shape, elements=st.floats(-40, 40))), axis=2)
    y = np.arange(n_rows) % n_classes
    return learners.reshape(n_rows, -1), np.array(draw(st.permutations(y.tolist()))), learners


@st.composite
def numbers(draw):
    """(P, y) of a regression."""
    n_rows, n_learners = draw(st.integers(3, 25)), draw(st.integers(1, 6))
    values = st.floats(-1e3, 1e3, width=32)
    P = draw(arrays(np.float64, (n_rows, n_learners), elements=values))
    return P, draw(arrays(np.float64, n_rows, elements=values))


def truth(learners, y):
    """Each learner's probability of the true class."""
    if learners.shape[2] == 1:
        return np.where(y[:, None] == 1, learners[:, :, 0], 1 - learners[:, :, 0])
    return learners[np.arange(len(y)), :, y]


def log_loss_of(learners, y, weights):
    """Log loss over the rows that some learner deems possible."""
    p = truth(learners, y)
    p = p[p.max(axis=1) > 0]
    with np.errstate(divide="ignore"):
        return -np.log(p @ weights).mean() if len(p) else 0.0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_convex_log_loss(n_classes):
    @few
    @given(probabilities(n_classes))
    def check(task):
        P, y, learners = task
        n_learners = learners.shape[1]
        combiner = ConvexClassifier().fit(P, y)
        assert combiner.duality_gap_ <= 1e-8
        assert (combiner.weights_ >= 0).all()
        assert_allclose(combiner.weights_.sum(), 1)
        loss = log_loss_of(learners, y, combiner.weights_)
        for weights in (*np.eye(n_learners), np.full(n_learners, 1 / n_learners)):
            assert loss <= log_loss_of(learners, y, weights) + 1e-8

    check()


@pytest.mark.parametrize(
    ("combiner", "loss"),
    [
        (ConvexRegressor(), lambda error: (error**2).mean(axis=0)),
        (ConvexRegressor(loss="absolute_error"), lambda error: np.abs(error).mean(axis=0)),
        (
            ConvexRegressor(loss="quantile", quantile=0.2),
            lambda error: np.maximum(0.2 * error, -0.8 * error).mean(axis=0),
        ),
    ],
)
def test_convex_regression(combiner, loss):
    @few
    @given(numbers())
    def check(task):
        P, y = task
        combiner.fit(P, y)
        assert combiner.duality_gap_ <= 1e-8
        assert (combiner.weights_ >= 0).all()
        assert_allclose(combiner.weights_.sum(), 1)
        least = min(loss(y[:, None] - P).min(), loss(y - P.mean(axis=1)))
        assert loss(y - combiner.predict(P)) <= least * (1 + 1e-6) + 1e-5

    check()


@pytest.mark.parametrize(
    ("method", "concentration"), [("posterior", 1.0), ("posterior", 0.2), ("pseudo_bma", 1.0)]
)
def test_drawn_weights(method, concentration):
    params = {"method": method, "concentration": concentration, "n_samples": 20}

    @few
    @given(probabilities(), probabilities(3), numbers())
    def check(binary, multiclass, regression):
        for kind, (P, y, *_) in (
            (BayesianClassifier, binary),
            (BayesianClassifier, multiclass),
            (BayesianRegressor, regression),
        ):
            combiner = kind(**params, random_state=0).fit(P, y)
            assert (combiner.weight_samples_ >= 0).all()
            assert_allclose(combiner.weight_samples_.sum(axis=1), 1)
            assert (combiner.predict_std(P) >= 0).all()

    check()


def test_order_of_learners_and_rows():
    @few
    @given(probabilities(), st.randoms(use_true_random=False))
    def check(task, random):
        P, y, _ = task
        rng = np.random.default_rng(random.randrange(1000))
        learners, rows = rng.permutation(P.shape[1]), rng.permutation(len(P))
        for combiner in (
            ConvexClassifier(),
            ConvexRegressor(),
            AveragingClassifier(method="median"),
            AveragingClassifier(method="geometric"),
            AveragingRegressor(method="rank"),
            BayesianClassifier(method="stacking"),
        ):
            expected = combiner.fit(P, y).predict(P)
            # A binary label at a probability of one half is rounding's to choose.
            if hasattr(combiner, "predict_proba"):
                expected = combiner.predict_proba(P)
            shuffled = combiner.fit(P[rows][:, learners], y[rows])
            found = getattr(shuffled, "predict_proba", shuffled.predict)(P[:, learners])
            seen = slice(None)
            if isinstance(combiner, ConvexClassifier | BayesianClassifier):
                # A row that all learners get wrong for certain leaves its mixture free.
                seen = truth(P[:, :, None], y).max(axis=1) > 0
            assert_allclose(found[seen], expected[seen], atol=1e-6)

    check()


def test_copies_of_learners():
    @few
    @given(probabilities(3), st.integers(2, 4))
    def check(task, times):
        P, y, learners = task
        copies = np.tile(learners, (1, times, 1)).reshape(len(P), -1)
        for combiner in (
            ConvexClassifier(),
            AveragingClassifier(),
            BestLearnerClassifier(),
            BayesianClassifier(method="stacking"),
        ):
            once = truth(combiner.fit(P, y).predict_proba(P)[:, None], y)
            often = truth(combiner.fit(copies, y).predict_proba(copies)[:, None], y)
            assert_allclose(often, once, atol=1e-6)

    check()
