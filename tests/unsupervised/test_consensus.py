"""Scores made comparable, and combined without labels."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from stackmeta.unsupervised.agreement import disagreement
from stackmeta.unsupervised.consensus import CONSENSUS
from stackmeta.unsupervised.scaling import SCALINGS, ScoreScale


def detectors(n_rows=600, n_good=4, n_bad=0, seed=0):
    """Scores of detectors that see the truth through noise, and of some that see nothing."""
    random = np.random.default_rng(seed)
    is_outlier = np.arange(n_rows) < n_rows // 20
    good = 2.0 * is_outlier[:, None] + random.normal(size=(n_rows, n_good))
    bad = random.normal(size=(n_rows, n_bad))
    return is_outlier, np.hstack([good, bad])


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scales_forget_units_and_keep_order(scaling):
    _, scores = detectors()
    units = np.array([1.0, 1e6, 1e-6, 3.0])
    plain, shifted = ScoreScale(scores, scaling), ScoreScale(scores * units + 7, scaling)
    np.testing.assert_allclose(plain(scores), shifted(scores * units + 7), atol=1e-6)
    assert plain(scores).min() >= 0
    assert plain(scores).max() <= 1
    order = np.argsort(scores[:, 0])
    assert (np.diff(plain(scores)[order, 0]) >= 0).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scales_of_constant_scores(scaling):
    found = ScoreScale(np.ones((5, 1)), scaling)(np.array([[1.0], [2.0]]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", CONSENSUS)
@pytest.mark.parametrize("n_detectors", [1, 2, 3, 8])
def test_weights_are_a_distribution(name, n_detectors):
    _, scores = detectors(n_good=n_detectors)
    scaled = ScoreScale(scores, "rank")(scores)
    consensus = CONSENSUS[name](scaled)
    weights = consensus.row_weights(scaled[:50])
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert consensus.weights.shape == (n_detectors,)
    found = consensus.combine(scaled)
    assert (found >= scaled.min(axis=1) - 1e-12).all()
    assert (found <= scaled.max(axis=1) + 1e-12).all()


@pytest.mark.parametrize("name", CONSENSUS)
def test_better_than_the_mean_detector(name):
    is_outlier, scores = detectors(n_good=6)
    scaled = ScoreScale(scores, "rank")(scores)
    alone = np.mean([roc_auc_score(is_outlier, own) for own in scores.T])
    assert roc_auc_score(is_outlier, CONSENSUS[name](scaled).combine(scaled)) > alone


@pytest.mark.parametrize("name", ["agreement", "local"])
def test_agreement_passes_over_detectors_that_see_nothing(name):
    is_outlier, scores = detectors(n_rows=2000, n_good=4, n_bad=4)
    scores[:, :4] += np.random.default_rng(1).normal(size=(2000, 1))  # something to agree on
    scaled = ScoreScale(scores, "rank")(scores)
    weights = CONSENSUS[name](scaled).weights
    assert weights[:4].min() > 2 * weights[4:].max()
    mean = roc_auc_score(is_outlier, CONSENSUS["mean"](scaled).combine(scaled))
    assert roc_auc_score(is_outlier, CONSENSUS[name](scaled).combine(scaled)) > mean


def test_average_of_maxima_is_the_mean_over_random_groups():
    """Of n detectors, the expected highest of a third of them."""
    random = np.random.default_rng(0)
    scores = random.uniform(size=(3, 6))
    drawn = [scores[:, random.permutation(6)[:2]].max(axis=1) for _ in range(20_000)]
    found = CONSENSUS["maxima"](scores).combine(scores)
    np.testing.assert_allclose(found, np.mean(drawn, axis=0), atol=0.01)


def test_trimmed_mean_ignores_one_wild_detector():
    scores = np.tile(np.linspace(0, 1, 11)[:, None], 5)
    wild = scores.copy()
    wild[:, 2] = 0.9
    trimmed = CONSENSUS["trimmed"](scores)
    np.testing.assert_allclose(trimmed.combine(wild)[:9], scores[:9, 0], atol=1e-12)


def test_disagreement():
    up = np.arange(10.0)
    losses = disagreement(np.column_stack([up, up, up**3, -up, np.ones(10)]))
    assert losses[0] == pytest.approx(losses[2])
    assert losses[3] == pytest.approx(2.0)
    assert losses[4] == 1.0
    assert np.isnan(disagreement(up[:, None])).all()
