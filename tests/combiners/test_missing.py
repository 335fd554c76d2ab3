"""NaN where a learner did not cover a row."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from stackmeta.combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
)

from .given import BINARY_ONLY, CLASSIFIERS, REGRESSORS, binary, multiclass, regression


def with_holes(P, n_outputs=1, seed=0):
    """P with a learner in each second row blanked out, but for the first learner."""
    P = P.copy()
    learners = P.reshape(len(P), -1, n_outputs)
    rng = np.random.default_rng(seed)
    rows = np.arange(0, len(P), 2)
    learners[rows, rng.integers(1, learners.shape[1], len(rows))] = np.nan
    return P


CASES = [
    *((combiner, binary(120, 3), 1) for combiner in CLASSIFIERS + BINARY_ONLY),
    *((combiner, multiclass(120, 3), 3) for combiner in CLASSIFIERS),
    *((combiner, regression(120, 3), 1) for combiner in REGRESSORS),
    *((combiner, regression(120, 3, 2), 2) for combiner in REGRESSORS),
]


@pytest.mark.parametrize(("combiner", "task", "n_outputs"), CASES)
def test_fit_and_predict_with_holes(combiner, task, n_outputs):
    P, y = task
    holes = with_holes(P, n_outputs)
    fitted = pickle.loads(pickle.dumps(clone(combiner).fit(holes, y)))
    answer = fitted.predict_proba if hasattr(fitted, "predict_proba") else fitted.predict
    assert np.isfinite(answer(holes)).all()
    # Rows are answered one by one: holes elsewhere change nothing.
    assert_allclose(answer(holes)[1::2], answer(P)[1::2])


def test_weights_are_renormalised_in_each_row():
    y = np.linspace(0, 1, 50)
    combiner = ConvexRegressor().fit(np.column_stack([y + 1, y - 3]), y)
    assert_allclose(combiner.weights_, [0.75, 0.25])
    assert_allclose(combiner.predict([[4.0, 0.0], [np.nan, 2.0], [8.0, np.nan]]), [3.0, 2.0, 8.0])


def test_one_output_missing_is_a_learner_missing():
    P = np.array([[1.0, 1.0, 3.0, 5.0], [2.0, 2.0, np.nan, 9.0]])
    combiner = AveragingRegressor().fit(P, [[1.0, 1.0], [2.0, 2.0]])
    assert_array_equal(combiner.predict(P), [[2.0, 3.0], [2.0, 2.0]])


def test_learners_without_weight_are_never_read():
    P, y = binary(200, 2)
    P = np.column_stack([P, 0.9 - 0.8 * y])
    combiner = ConvexClassifier().fit(P, y)
    unused = combiner.weights_ == 0
    assert unused.any()
    blank = P.copy()
    blank[:, unused] = np.nan
    assert_array_equal(combiner.predict_proba(blank), combiner.predict_proba(P))
    # Not even values that would be refused elsewhere.
    blank[:, unused] = np.inf
    assert_array_equal(combiner.predict_proba(blank), combiner.predict_proba(P))


def test_no_learner_left():
    P, y = regression(50, 3)
    combiner = BestLearnerRegressor().fit(P, y)
    P[4, combiner.best_index_] = np.nan
    with pytest.raises(ValueError, match=r"Row 4 of X is NaN for every learner that has a we"):
        combiner.predict(P)
    P[4] = np.nan
    with pytest.raises(ValueError, match=r"Row 4 of X is NaN for every learner, so"):
        AveragingRegressor(method="median").fit(P[10:], y[10:]).predict(P)


def test_missing_classes_of_the_median():
    """Three learners, each sure of another class, have no median: the mean stands in."""
    sure = np.eye(3).reshape(1, -1)
    combiner = AveragingClassifier(method="median")
    P, y = multiclass(30, 3)
    combiner.fit(P, y)
    assert_allclose(combiner.predict_proba(sure), [[1 / 3] * 3])
    sure[0, :3] = np.nan
    assert_allclose(combiner.predict_proba(sure), [[0, 0.5, 0.5]])
