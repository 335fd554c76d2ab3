"""The discrete super learner."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_squared_error,
    roc_auc_score,
)

from stackmeta.combiners import BestLearnerClassifier, BestLearnerRegressor

from .given import binary, multiclass, regression


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["no", "yes"])])
def test_losses_are_scikit_learns(labels):
    P, y = binary(100, 4)
    P[3, 1] = 1 - y[3]
    weight = np.random.default_rng(0).uniform(size=100)
    combiner = BestLearnerClassifier().fit(P, labels[y], sample_weight=weight)
    expected = [log_loss(y, column, sample_weight=weight) for column in P.T]
    assert_allclose(combiner.losses_, expected)
    assert combiner.best_index_ == np.argmin(expected)
    assert_array_equal(np.flatnonzero(combiner.weights_), [combiner.best_index_])
    assert_allclose(combiner.predict_proba(P)[:, 1], P[:, combiner.best_index_])


def test_several_classes():
    P, y = multiclass(100, 3)
    combiner = BestLearnerClassifier().fit(P, y)
    expected = [log_loss(y, P[:, 3 * k : 3 * k + 3]) for k in range(3)]
    assert_allclose(combiner.losses_, expected)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_regression(n_targets):
    P, y = regression(100, 3, n_targets)
    combiner = BestLearnerRegressor().fit(P, y)
    learners = [P[:, n_targets * k : n_targets * (k + 1)] for k in range(3)]
    assert_allclose(combiner.losses_, [mean_squared_error(y, p) for p in learners])
    absolute = BestLearnerRegressor(scoring="neg_mean_absolute_error").fit(P, y)
    assert_allclose(absolute.losses_, [mean_absolute_error(y, p) for p in learners])


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["no", "yes"])])
def test_any_scorer(labels):
    P, y = binary(100, 4)
    target = labels[y]
    auc = BestLearnerClassifier(scoring="roc_auc").fit(P, target)
    assert_allclose(auc.losses_, [-roc_auc_score(y, column) for column in P.T])
    accuracy = BestLearnerClassifier(scoring="accuracy").fit(P, target)
    assert_allclose(accuracy.losses_, [-accuracy_score(y, column > 0.5) for column in P.T])
    own = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    assert_allclose(
        BestLearnerClassifier(scoring=own).fit(P, target).losses_,
        BestLearnerClassifier().fit(P, target).losses_,
    )


def test_scorer_with_several_classes_and_weights():
    P, y = multiclass(100, 3)
    weight = np.random.default_rng(0).uniform(size=100)
    combiner = BestLearnerClassifier(scoring="neg_log_loss").fit(P, y, sample_weight=weight)
    plain = BestLearnerClassifier().fit(P, y, sample_weight=weight)
    assert_allclose(combiner.losses_, plain.losses_)
    BestLearnerClassifier(scoring="roc_auc_ovr").fit(P, y)


def test_callable_without_weights():
    P, y = regression(50, 3)
    combiner = BestLearnerRegressor(scoring=lambda estimator, X, y: -abs(X[0, 0] - y[0]))
    assert combiner.fit(P, y).best_index_ == np.argmin(abs(P[0] - y[0]))


def test_first_of_equals():
    P, y = regression(50, 1)
    assert BestLearnerRegressor().fit(np.repeat(P, 3, axis=1), y).best_index_ == 0


def test_undefined_scores():
    P, y = regression(50, 2)
    with pytest.raises(ValueError, match="gave NaN for every learner"):
        BestLearnerRegressor(scoring=lambda *_: np.nan).fit(P, y)
    with pytest.raises(ValueError, match="'scoring' parameter"):
        BestLearnerRegressor(scoring="no such score").fit(P, y)
