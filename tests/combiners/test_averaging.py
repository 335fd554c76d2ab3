"""Averages without fitted weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from scipy.stats import gmean, rankdata
from sklearn.metrics import roc_auc_score

from stackmeta.combiners import AveragingClassifier, AveragingRegressor

from .given import binary, multiclass, regression


def test_mean_median_and_geometric_of_probabilities():
    P, y = binary(100, 5)
    answer = {
        method: AveragingClassifier(method=method).fit(P, y).predict_proba(P)[:, 1]
        for method in ("mean", "median", "geometric")
    }
    assert_allclose(answer["mean"], P.mean(axis=1))
    assert_allclose(answer["median"], np.median(P, axis=1))
    assert_allclose(answer["geometric"], expit(logit(P).mean(axis=1)))


def test_several_classes():
    P, y = multiclass(100, 3)
    learners = P.reshape(100, 3, 3)
    for method, pooled in {
        "mean": learners.mean(axis=1),
        "median": np.median(learners, axis=1),
        "geometric": gmean(learners, axis=1),
    }.items():
        proba = AveragingClassifier(method=method).fit(P, y).predict_proba(P)
        assert_allclose(proba, pooled / pooled.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("n_targets", [1, 2])
def test_regression(n_targets):
    P, y = regression(100, 3, n_targets)
    P = np.abs(P) + 0.1
    learners = P.reshape(100, 3, n_targets)
    for method, pooled in {
        "mean": learners.mean(axis=1),
        "median": np.median(learners, axis=1),
        "geometric": gmean(learners, axis=1),
    }.items():
        predicted = AveragingRegressor(method=method).fit(P, y).predict(P)
        assert_allclose(predicted, pooled.reshape(y.shape))


def test_geometric_survives_certainty():
    P = np.array([[0.0, 0.5], [1.0, 0.5], [0.0, 1.0], [0.0, 0.0]])
    combiner = AveragingClassifier(method="geometric").fit(P, [0, 1, 0, 1])
    proba = combiner.predict_proba(P)
    assert_allclose(proba[:, 1], [0, 1, 0.5, 0], atol=1e-7)
    sure = np.array([[1.0, 0, 0, 0, 1, 0]] * 3)
    several = AveragingClassifier(method="geometric").fit(sure, [0, 1, 2])
    assert_allclose(several.predict_proba(sure), [[0.5, 0.5, 0]] * 3, atol=1e-7)


def test_rank_orders_as_the_mean_of_ranks():
    P, y = binary(100, 3)
    combiner = AveragingClassifier(method="rank").fit(P, y)
    ranks = rankdata(P, axis=0).mean(axis=1)
    assert_allclose(
        roc_auc_score(y, combiner.predict_proba(P)[:, 1]), roc_auc_score(y, ranks), atol=0.01
    )


def test_rank_ignores_the_scale_of_learners():
    P, y = binary(300, 3)
    squashed = P.copy()
    squashed[:, 1] = P[:, 1] ** 8
    as_given = AveragingClassifier(method="rank").fit(P, y).predict_proba(P)[:, 1]
    other = AveragingClassifier(method="rank").fit(squashed, y).predict_proba(squashed)[:, 1]
    assert np.mean(np.diff(np.argsort(as_given)) != 0) == 1
    assert np.corrcoef(rankdata(as_given), rankdata(other))[0, 1] > 0.999


def test_rank_of_one_learner_or_of_copies_is_the_learner():
    P, y = regression(500, 1)
    for X in (P, np.repeat(P, 3, axis=1)):
        combiner = AveragingRegressor(method="rank").fit(X, y)
        assert_allclose(combiner.predict(X), P[:, 0], atol=1e-2 * np.ptp(P))
        # Rows one by one, and beyond what fit saw.
        assert_allclose(combiner.predict(X[:1]), combiner.predict(X)[:1])
        assert_allclose(combiner.predict(np.full((1, X.shape[1]), 99.0)), P.max())


def test_what_a_method_cannot_do():
    P, y = multiclass()
    with pytest.raises(ValueError, match="'rank' is for two classes, but y has 3"):
        AveragingClassifier(method="rank").fit(P, y)
    P, y = regression()
    with pytest.raises(ValueError, match="'geometric' is for predictions above zero"):
        AveragingRegressor(method="geometric").fit(P - 100, y)
    combiner = AveragingRegressor(method="geometric").fit(np.abs(P) + 1, y)
    with pytest.raises(ValueError, match="X contains -99"):
        combiner.predict(np.full((1, 4), -99.0))


def test_weights_are_equal():
    P, y = binary(50, 4)
    for method in ("mean", "median", "geometric", "rank"):
        assert_array_equal(AveragingClassifier(method=method).fit(P, y).weights_, [0.25] * 4)
