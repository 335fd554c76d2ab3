"""The folds over which combiners cross-fit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stackmeta.combiners import ConvexClassifier, MetaLearnerRegressor
from stackmeta.combiners.folds import Folds

from .given import binary, regression


def read(folds, n_rows, rows=None, classifies=False, matrix=None):
    return Folds(folds, rows, n_rows, classifies=classifies, matrix=matrix)


def test_five_of_its_own_are_stratified():
    y = np.repeat([0, 1], [90, 10])
    splits = read(None, 100, classifies=True).splits(y)
    assert len(splits) == 5
    assert [y[test].sum() for _, test in splits] == [2] * 5
    assert read(None, 3).splits(np.zeros(3))[0][1].size == 1
    assert read(None, 1).splits(np.zeros(1)) == []
    assert len(read(None, 4, classifies=True).splits(np.array([0, 0, 0, 1]))) == 4


def test_copies_of_a_row_stay_together():
    rng = np.random.default_rng(0)
    P, y = rng.uniform(size=(60, 2)), np.arange(60) % 2
    rows = rng.permutation(np.repeat(np.arange(60), 3))
    folds = read(None, 180, classifies=True, matrix=P[rows]).numbers(y[rows])
    plain = read(None, 60, classifies=True, matrix=P).numbers(y)
    assert_array_equal(folds, plain[rows])


def test_numbers_and_splits_say_the_same():
    numbers = np.array([2, 0, 0, -1, 2, 5])
    folds = read(numbers, 6)
    assert_array_equal(folds.numbers(np.zeros(6)), [1, 0, 0, -1, 1, 2])
    again = read([(list(train), list(test)) for train, test in folds.splits(np.zeros(6))], 6)
    for one, other in zip(folds.splits(np.zeros(6)), again.splits(np.zeros(6)), strict=True):
        assert_array_equal(one[0], other[0])
        assert_array_equal(one[1], other[1])


def test_rows_without_weight_leave_the_folds():
    folds = read([([0, 1], [2, 3]), ([2, 3], [0, 1])], 4, rows=np.array([0, 2]))
    assert [(list(a), list(b)) for a, b in folds.splits(np.zeros(2))] == [([0], [1]), ([1], [0])]
    part = read([([0, 1], [2, 3]), ([2, 3], [0, 1])], 4).part(np.array([1, 2, 3]), 4)
    assert [(list(a), list(b)) for a, b in part.splits(np.zeros(3))] == [
        ([0], [1, 2]),
        ([1, 2], [0]),
    ]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (np.zeros(3, int), r"shape \(3,\)"),
        (np.zeros(40), "dtype float64"),
        ([([0, 1], [40])], "row 40, but X has 40 rows"),
        ([([0, -1], [2])], "row positions"),
        ("rows", "folds must be"),
    ],
)
def test_bad_folds_are_refused(folds, message):
    P, y = binary(40)
    with pytest.raises(ValueError, match=message):
        ConvexClassifier().fit(P, y, folds=folds)


def test_a_learner_that_knows_nothing_gets_no_weight():
    """The mean of the other folds' y is negatively correlated with the fold's own y."""
    P, y = regression(100, 2)
    numbers = np.arange(100) % 10
    know_nothing = np.array([y[numbers != k].mean() for k in numbers])
    P = np.column_stack([P, know_nothing])
    ridge = MetaLearnerRegressor()
    ridge.fit(P, y)
    assert abs(ridge.estimator_.coef_[2]) > 0.1  # what happens without folds
    ridge.fit(P, y, folds=numbers)
    assert abs(ridge.estimator_.coef_[2]) < 1e-9
