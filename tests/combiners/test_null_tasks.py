"""On labels that have nothing to do with the predictions, no combiner claims that they do."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, RidgeCV

from stackmeta.combiners import (
    BayesianClassifier,
    BayesianRegressor,
    BestLearnerClassifier,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
    FeatureWeightedClassifier,
    FeatureWeightedRegressor,
    LocalCompetenceClassifier,
    LocalCompetenceRegressor,
    MetaLearnerClassifier,
    MetaLearnerRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)

pytestmark = pytest.mark.theory
N_TASKS, N_FOLDS = 40, 5
COMBINERS = [
    ConvexClassifier(calibrate=True),
    EnsembleSelectionClassifier(),
    BestLearnerClassifier(),
    SignedWeightsClassifier(),
    MetaLearnerClassifier(),
    MetaLearnerClassifier(LogisticRegression(), features="probabilities"),
    FeatureWeightedClassifier(),
    LocalCompetenceClassifier(),
    BayesianClassifier(n_samples=200, random_state=0),
    BayesianClassifier(method="pseudo_bma", random_state=0),
    pytest.param(
        CrossFittedBlendClassifier(
            [("convex", ConvexClassifier()), ("logistic", MetaLearnerClassifier())]
        ),
        marks=pytest.mark.slow,
    ),
    ConvexRegressor(),
    EnsembleSelectionRegressor(),
    BestLearnerRegressor(),
    SignedWeightsRegressor(),
    MetaLearnerRegressor(),
    FeatureWeightedRegressor(),
    LocalCompetenceRegressor(),
    BayesianRegressor(n_samples=200, random_state=0),
    pytest.param(
        CrossFittedBlendRegressor([("convex", ConvexRegressor()), ("ridge", RidgeCV())]),
        marks=pytest.mark.slow,
    ),
]


def null_task(n_rows, seed, classifies, kind):
    """Out-of-fold predictions of learners that know nothing, y, and the fold of each row.

    Three learners are noise ("correlated": much the same noise), shifted with the mean of the
    fold's training rows as models are; the fourth predicts that mean itself.
    """
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=n_rows) < 0.3).astype(int) if classifies else rng.normal(size=n_rows)
    numbers = np.arange(n_rows) % N_FOLDS
    noise = rng.normal(size=(n_rows, 3))
    if kind == "correlated":
        noise = 0.3 * noise + rng.normal(size=(n_rows, 1))
    if kind == "duplicated":
        half = n_rows // 2
        y[half : 2 * half], noise[half : 2 * half] = y[:half], noise[:half]
        numbers[half : 2 * half] = numbers[:half]  # a row and its copy share a fold
    if classifies:
        y[: 2 * N_FOLDS] = np.repeat([0, 1], N_FOLDS)
    mean = np.array([y[numbers != k].mean() for k in range(N_FOLDS)])[numbers, None]
    scale = 0.1 if classifies else 0.5
    return (
        np.hstack([(mean + scale * noise).clip(0.01, 0.99) if classifies else mean + noise, mean]),
        y,
        numbers,
    )


def claim(combiner, P, y, numbers):
    """z-score of the cross-fitted gain over the mean of the training rows."""
    gains = np.empty(len(y))
    for k in range(N_FOLDS):
        train, test = numbers != k, numbers == k
        fitted = clone(combiner).fit(P[train], y[train], folds=numbers[train])
        if is_classifier(combiner):
            p = fitted.predict_proba(P[test])[:, 1].clip(1e-9, 1 - 1e-9)
            q = y[train].mean()
            truth = y[test] == 1
            gains[test] = np.log(np.where(truth, p, 1 - p) / np.where(truth, q, 1 - q))
        else:
            before = (y[train].mean() - y[test]) ** 2
            gains[test] = before - (fitted.predict(P[test]) - y[test]) ** 2
    return gains.mean() / (gains.std() / np.sqrt(len(y)) + 1e-300)


@pytest.mark.parametrize(
    ("n_rows", "kind"),
    [
        (50, "independent"),
        pytest.param(200, "duplicated", marks=pytest.mark.slow),
        pytest.param(50, "correlated", marks=pytest.mark.slow),
        pytest.param(50, "duplicated", marks=pytest.mark.slow),
        pytest.param(300, "independent", marks=pytest.mark.slow),
        pytest.param(300, "correlated", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("combiner", COMBINERS)
def test_no_claim_more_often_than_chance(combiner, n_rows, kind):
    classifies = is_classifier(combiner)
    # A copy of each row makes an error of the mean look 1.4 times as small as it is.
    bar = 1.645 * (np.sqrt(2) if kind == "duplicated" else 1.0)
    claims = sum(
        claim(combiner, *null_task(n_rows, seed, classifies, kind)) > bar
        for seed in range(N_TASKS)
    )
    assert claims <= binom.ppf(0.999, N_TASKS, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("combiner", COMBINERS)
def test_no_claim_on_more_rows(combiner):
    classifies = is_classifier(combiner)
    claims = sum(
        claim(combiner, *null_task(2000, seed, classifies, "independent")) > 1.645
        for seed in range(20)
    )
    assert claims <= binom.ppf(0.999, 20, 0.05)


@pytest.mark.parametrize("combiner", [SignedWeightsClassifier(), SignedWeightsRegressor()])
def test_the_fold_mean_gets_no_weight_against_it(combiner):
    """Its negative weight is what leaks; a positive one is one more constant."""
    leaked, fitted = [], []
    for seed in range(10):
        P, y, numbers = null_task(200, seed, is_classifier(combiner), "independent")
        weak = clone(combiner).set_params(ridge=1e-3)
        leaked.append(weak.fit(P, y).weights_[3])
        fitted.append(weak.fit(P, y, folds=numbers).weights_[3])
    assert np.mean(leaked) < -1
    assert min(fitted) > -0.5
