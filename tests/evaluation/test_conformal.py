import numpy as np
import pytest

from stackmeta.evaluation.conformal import FoldScores, quantile, row_weights
from stackmeta.evaluation.mondrian import Kinds, bins_of


def test_quantile_is_the_order_statistic_of_split_conformal():
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    # ceil(0.9 * 100) = 90
    assert quantile(scores, row_weights(99), 0.9) == 90


@pytest.mark.parametrize(("n", "expected"), [(8, np.inf), (9, 9.0)])
def test_nine_rows_are_the_fewest_for_nine_tenths(n, expected):
    assert quantile(np.arange(1.0, n + 1), row_weights(n), 0.9) == expected


def test_each_group_counts_once():
    groups = np.repeat([0, 1, 2], [100, 1, 1])
    weights = row_weights(102, groups)
    np.testing.assert_allclose(np.bincount(groups, weights), 0.25)


def test_upper_ends_are_those_of_jackknife_plus():
    rng = np.random.default_rng(1)
    scores, fold = rng.exponential(size=57), np.arange(57) % 3
    held_out = [np.flatnonzero(fold == k) for k in range(3)]
    centres, scales = rng.normal(size=(3, 20)), rng.uniform(0.5, 2, size=(3, 20))
    found = FoldScores(scores, row_weights(57), held_out).upper(centres, scales, 0.9)
    everyone = centres[fold] + scores[:, None] * scales[fold]
    expected = np.sort(everyone, axis=0)[int(np.ceil(0.9 * 58)) - 1]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_rows_held_out_twice_count_once():
    scores = np.arange(1.0, 20.0)
    both = [np.arange(19), np.arange(19)]
    known = FoldScores(scores, row_weights(19), both)
    assert known.total == pytest.approx(0.95)
    below = known.weight_below([np.array([10.5])] * 2, side="left")
    np.testing.assert_allclose(below, 0.5)


def test_kinds_of_too_few_rows_are_compared_with_all():
    kinds = Kinds(np.repeat(["a", "b"], [50, 3]), None, 0.9)
    with pytest.warns(UserWarning, match="too few rows of fit are of kind 'b', 'c'"):
        parts = list(kinds.parts(["a", "b", "c"]))
    assert [len(rows) for _, rows in parts] == [50, 53, 53]


def test_bins_hold_equal_numbers():
    cut = bins_of(np.arange(100.0))
    assert np.bincount(cut(np.arange(100.0))).tolist() == [20] * 5
    assert cut(np.array([-1e9, 1e9])).tolist() == [0, 4]
