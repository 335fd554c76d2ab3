"""Learners on the smallest tables."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB

from stackmeta.learners.few_rows import NeighboursClassifier, NeighboursRegressor, NormalBayes

X, Y = np.arange(6.0)[:, None], np.array([0, 1, 0, 1, 1, 1])


@pytest.mark.parametrize("kind", [NeighboursClassifier, NeighboursRegressor])
def test_fewer_rows_than_neighbours(kind):
    """The portfolio's asked for 40: scikit-learn then refuses to predict."""
    learner = clone(kind(40, algorithm="brute")).fit(X, Y)
    answer = learner.predict_proba(X)[:, 1] if hasattr(learner, "classes_") else learner.predict(X)
    assert_allclose(answer, Y.mean())


def test_as_many_neighbours_as_are_asked_for():
    assert NeighboursRegressor(2).fit(X, Y).n_neighbors == 2


def test_constant_columns_leave_the_shares_of_the_classes():
    """GaussianNB answers NaN."""
    learner = NormalBayes(var_smoothing=1e-2).fit(np.zeros((6, 2)), Y)
    assert_allclose(learner.predict_proba(np.ones((1, 2))), [[1 / 3, 2 / 3]])


def test_else_naive_bayes_is_scikit_learns():
    answers = [kind().fit(X, Y).predict_proba(X) for kind in (NormalBayes, GaussianNB)]
    assert_array_equal(*answers)
