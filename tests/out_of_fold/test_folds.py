"""Splitter → rows of each fold."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    check_cv,
)

from stackmeta.out_of_fold.folds import (
    covered_rows,
    make_splits,
    repeat_of_each_split,
    resolve_cv,
    restrict_splits,
)

N_ROWS = 24
X = np.zeros((N_ROWS, 1))
Y = np.arange(N_ROWS) % 2
GROUPS = np.repeat(np.arange(8), 3)


def split(cv, **params):
    return make_splits(resolve_cv(cv, Y, classifier=True), X, Y, **params)


@pytest.mark.parametrize(
    "cv",
    [
        KFold(4),
        StratifiedKFold(3, shuffle=True, random_state=0),
        TimeSeriesSplit(3),
        RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
        ShuffleSplit(4, random_state=0),
        PredefinedSplit(np.r_[np.full(4, -1), np.repeat([0, 1], 10)]),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_splits_are_those_of_the_splitter(cv):
    expected = list(cv.split(X, Y))
    splits = split(cv)
    assert len(splits) == len(expected)
    for (train, test), (wanted_train, wanted_test) in zip(splits, expected, strict=True):
        assert_array_equal(train, wanted_train)
        assert_array_equal(test, wanted_test)


def test_groups_reach_the_splitter():
    for train, test in split(GroupKFold(4), groups=GROUPS):
        assert not set(GROUPS[train]) & set(GROUPS[test])


@pytest.mark.parametrize(
    ("y", "classifier", "kind"),
    [(Y, True, StratifiedGroupKFold), (Y, False, GroupKFold), (Y + 0.5, False, GroupKFold)],
)
@pytest.mark.parametrize("cv", [None, 4, np.int64(4)])
def test_a_number_with_groups_keeps_groups_whole(cv, y, classifier, kind):
    """check_cv would give KFold, which ignores groups: a leak."""
    splitter = resolve_cv(cv, y, classifier=classifier, groups=GROUPS)
    assert type(splitter) is kind
    assert splitter.get_n_splits() == (5 if cv is None else 4)


def test_a_number_without_groups_is_check_cv():
    for classifier in (True, False):
        ours = resolve_cv(3, Y, classifier=classifier)
        assert repr(ours) == repr(check_cv(3, Y, classifier=classifier))


def test_list_masks_and_generator_are_equal():
    rows = list(KFold(3).split(X))
    masks = [tuple(np.isin(np.arange(N_ROWS), part) for part in pair) for pair in rows]
    lists = [(train.tolist(), test.tolist()) for train, test in rows]
    for cv in (masks, lists, (pair for pair in rows), iter(rows)):
        for (train, test), (wanted_train, wanted_test) in zip(split(cv), rows, strict=True):
            assert_array_equal(train, wanted_train)
            assert_array_equal(test, wanted_test)
            assert train.dtype.kind == test.dtype.kind == "i"


def test_generator_is_read_once_and_an_exhausted_one_says_what_to_pass():
    draws = []

    def splits():
        for pair in KFold(3).split(X):
            draws.append(pair)
            yield pair

    generator = splits()
    split(generator)
    assert len(draws) == 3
    with pytest.raises(ValueError, match=r"list\(cv\.split\(X, y\)\)"):
        split(generator)


def test_empty_list_of_splits():
    with pytest.raises(ValueError, match="gave no fold"):
        split([])


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([([0, 1], [2, 3]), ([], [4])], "Fold 1 .* empty training"),
        ([([0, 1], [])], "Fold 0 .* empty held-out"),
        ([(np.arange(N_ROWS), np.zeros(N_ROWS, bool))], "Fold 0 .* empty held-out"),
        ([([0, 1, 2], [2, 3, 1])], r"Fold 0 .*row 2 and 1 more.*disjoint"),
        ([([0, N_ROWS - 1], [-1])], "Fold 0 .*disjoint"),
        ([([0, N_ROWS], [1])], f"names row {N_ROWS}, but X has {N_ROWS} rows"),
        ([([0, 1], [-N_ROWS - 1])], f"names row {-N_ROWS - 1}"),
        ([(np.ones(5, bool), np.ones(5, bool))], f"mask of 5 rows for a table of {N_ROWS}"),
    ],
    ids=["train", "test", "mask", "overlap", "negative", "large", "small", "short mask"],
)
def test_bad_splits_say_which_fold_and_why(cv, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        split(cv)


def test_fractional_rows_are_refused():
    """Guards against 1.5 being cut to row 1 in silence."""
    with pytest.raises((ValueError, TypeError, IndexError)):
        split([(np.array([0.0, 1.5]), np.array([3.0]))])


def test_splitter_and_its_random_state_are_left_alone():
    rng = np.random.RandomState(3)
    cv = KFold(3, shuffle=True, random_state=rng)
    before = rng.get_state()[1].copy()
    first = split(cv)
    assert cv.random_state is rng
    assert_array_equal(rng.get_state()[1], before)
    assert_array_equal(split(cv)[0][1], first[0][1])


def test_seed_reaches_an_unseeded_splitter_only():
    unseeded = KFold(3, shuffle=True)
    ours = split(unseeded, random_state=5)
    assert unseeded.random_state is None
    for (_, test), (_, wanted) in zip(
        ours, KFold(3, shuffle=True, random_state=5).split(X), strict=True
    ):
        assert_array_equal(test, wanted)
    seeded = KFold(3, shuffle=True, random_state=1)
    for (_, test), (_, wanted) in zip(split(seeded, random_state=5), seeded.split(X), strict=True):
        assert_array_equal(test, wanted)


def test_a_splitter_without_groups_in_its_signature():
    class Halves:
        def split(self, X, y):
            yield np.arange(12), np.arange(12, 24)

        def get_n_splits(self, X=None, y=None):
            return 1

    assert len(split(Halves())) == 1


@pytest.mark.parametrize(
    ("cv", "repeats"),
    [
        (KFold(3), [0, 0, 0]),
        (TimeSeriesSplit(3), [0, 0, 0]),
        (RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), [0, 0, 0, 1, 1, 1]),
        ([([0], [1, 2]), ([0], [3]), ([0], [2]), ([0], [1])], [0, 0, 1, 1]),
    ],
)
def test_repeats_are_numbered(cv, repeats):
    assert_array_equal(repeat_of_each_split(split(cv), N_ROWS), repeats)


def test_no_row_twice_in_a_repeat():
    splits = split(ShuffleSplit(6, random_state=0, test_size=0.4))
    repeats = repeat_of_each_split(splits, N_ROWS)
    for repeat in np.unique(repeats):
        rows = np.concatenate(
            [test for (_, test), r in zip(splits, repeats, strict=True) if r == repeat]
        )
        assert len(rows) == len(set(rows))


def test_covered_and_restricted():
    splits = split(TimeSeriesSplit(3))
    covered = covered_rows(splits, N_ROWS)
    assert_array_equal(covered, np.arange(6, N_ROWS))
    restricted = restrict_splits(splits, covered, N_ROWS)
    for (train, test), (old_train, old_test) in zip(restricted, splits, strict=True):
        assert_array_equal(covered[test], old_test)
        assert_array_equal(covered[train], old_train[old_train >= 6])
