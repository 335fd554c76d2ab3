"""Every fold's training rows are a sum of parts; moments merge without cancellation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from stackmeta.out_of_fold.shortcuts.moments import Moments
from stackmeta.out_of_fold.shortcuts.parts import parts_of

from .given import SPLITS, splits_of


@pytest.mark.parametrize("kind", [*SPLITS, "bootstrap"])
def test_parts_add_up_to_the_training_rows(kind):
    n_rows = 40
    y = np.arange(n_rows) % 2
    splits = splits_of(kind, np.zeros((n_rows, 1)), y)
    seen = []
    for parts in parts_of(splits, n_rows):
        assert sorted(np.concatenate(parts.rows)) == list(range(n_rows))
        for split, times in zip(parts.splits, parts.times, strict=True):
            train = np.repeat(
                np.concatenate(parts.rows), np.repeat(times, list(map(len, parts.rows)))
            )
            assert sorted(train) == sorted(splits[split][0])
            seen.append(split)
    assert sorted(seen) == list(range(len(splits)))


@pytest.mark.parametrize(("kind", "n_parts"), [("folds", 4), ("time", 4), ("groups", 3)])
def test_no_more_parts_than_needed(kind, n_parts):
    splits = splits_of(kind, np.zeros((40, 1)), np.arange(40) % 2)
    (parts,) = parts_of(splits, 40)
    assert len(parts.rows) == n_parts


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**16),
    st.lists(st.integers(0, 3), min_size=2, max_size=5),
    st.floats(-1e8, 1e8),
    st.booleans(),
)
def test_moments_merge_to_those_of_the_rows(seed, times, shift, full):
    rng = np.random.RandomState(seed)
    blocks = [rng.normal(size=(rng.randint(1, 9), 3)) + shift for _ in times]
    weights = [rng.randint(0, 3, len(block)).astype(float) for block in blocks]
    stacked = Moments.stack(
        [Moments.of(b, w, full=full) for b, w in zip(blocks, weights, strict=True)]
    )
    merged = stacked.merged(np.array(times))
    rows = np.concatenate([np.tile(b, (t, 1)) for b, t in zip(blocks, times, strict=True)])
    weight = np.concatenate([np.tile(w, t) for w, t in zip(weights, times, strict=True)])
    if weight.sum() == 0:
        assert merged.weight == 0
        return
    wanted = Moments.of(rows, weight, full=full)
    assert_allclose(merged.weight, wanted.weight)
    assert_allclose(merged.mean, wanted.mean, rtol=1e-13, atol=1e-14)
    assert_allclose(merged.scatter, wanted.scatter, rtol=1e-6, atol=1e-14 * (1 + shift**2))


def test_an_outlier_left_out_leaves_no_trace():
    """Taking it off the whole would cancel all digits."""
    rows = np.random.RandomState(0).normal(size=(20, 2))
    outlier = np.array([[1e12, -1e12]])
    stacked = Moments.stack([Moments.of(x, None, full=True) for x in (rows, outlier)])
    merged = stacked.merged(np.array([1, 0]))
    assert np.array_equal(merged.scatter, Moments.of(rows, None, full=True).scatter)


def test_standardized():
    rows = np.random.RandomState(0).normal(size=(20, 3))
    centre, scale = np.array([1.0, 2.0]), np.array([3.0, 0.5])
    scaled = np.column_stack([(rows[:, :2] - centre) / scale, rows[:, 2]])
    for full in (False, True):
        found = Moments.of(rows, None, full=full).standardized(centre, scale)
        wanted = Moments.of(scaled, None, full=full)
        assert_allclose(found.mean, wanted.mean)
        assert_allclose(found.scatter, wanted.scatter)
