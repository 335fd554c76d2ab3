"""Temperature scaling: fitted to rows that the combiner was not fitted to."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logit, softmax
from sklearn.base import clone
from sklearn.metrics import log_loss

from stackmeta.combiners import (
    AveragingClassifier,
    BestLearnerClassifier,
    ConvexClassifier,
    EnsembleSelectionClassifier,
)
from stackmeta.combiners.temperature import fit_temperature, temper

from .given import binary, multiclass

COMBINERS = [
    AveragingClassifier(calibrate=True),
    BestLearnerClassifier(calibrate=True),
    ConvexClassifier(calibrate=True),
    EnsembleSelectionClassifier(calibrate=True),
]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_is_found(temperature):
    rng = np.random.default_rng(0)
    for n_classes in (2, 4):
        truth = softmax(rng.normal(size=(30_000, n_classes)), axis=1)
        y = (truth.cumsum(axis=1) < rng.uniform(size=(len(truth), 1))).sum(axis=1)
        found = fit_temperature(temper(truth, 1 / temperature), y, None)
        assert found == pytest.approx(temperature, rel=0.1)


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("make", [binary, multiclass])
def test_learners_that_are_too_sure_are_tempered(combiner, make):
    P, y = make(1200)
    if make is binary:
        P = expit(4 * logit(P.clip(1e-9, 1 - 1e-9)))
    else:
        P = softmax(4 * np.log(P).reshape(len(P), -1, 3), axis=2).reshape(P.shape)
    plain = clone(combiner).set_params(calibrate=False).fit(P[:600], y[:600])
    fitted = clone(combiner).fit(P[:600], y[:600])
    assert fitted.temperature_ > 1.5
    assert not hasattr(plain, "temperature_")
    proba = fitted.predict_proba(P[600:])
    assert_allclose(proba.sum(axis=1), 1)
    assert log_loss(y[600:], proba) < log_loss(y[600:], plain.predict_proba(P[600:]))


def test_it_is_not_fitted_in_sample():
    """Of 150 learners of noise, greedy selection finds some that seem to know the truth."""
    cross_fitted, in_sample = [], []
    y = np.arange(80) % 2
    for seed in range(9):
        P = np.random.default_rng(seed).uniform(0.05, 0.95, size=(80, 150))
        combiner = EnsembleSelectionClassifier(calibrate=True).fit(P, y)
        combiner.set_params(calibrate=False)
        cross_fitted.append(combiner.temperature_)
        in_sample.append(fit_temperature(combiner.fit(P, y).predict_proba(P), y, None))
    assert max(in_sample) < 0.8
    assert np.median(cross_fitted) > 1.2


def test_folds_are_those_given():
    P, y = binary(200)
    halves = np.repeat([0, 1], 100)
    combiner = ConvexClassifier(calibrate=True).fit(P, y, folds=halves)
    found = np.empty((200, 2))
    for held_out in (0, 1):
        train, test = halves != held_out, halves == held_out
        found[test] = ConvexClassifier().fit(P[train], y[train]).predict_proba(P[test])
    assert combiner.temperature_ == pytest.approx(fit_temperature(found, y, None), rel=1e-6)


def test_a_second_fit_forgets_the_first():
    P, y = binary(100)
    combiner = ConvexClassifier(calibrate=True).fit(P, y)
    combiner.set_params(calibrate=False).fit(P, y)
    assert not hasattr(combiner, "temperature_")


def test_rows_too_few_for_folds_are_not_tempered():
    P = np.array([[0.7, 0.6], [0.2, 0.3]])
    assert ConvexClassifier(calibrate=True).fit(P, [1, 0]).temperature_ == 1.0
