"""y as the learners see it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from stackmeta.out_of_fold.target import Target, encode_target, fold_labels

LETTERS = np.array(["b", "a", "c", "a"])


def encode(y, classifier=True):
    return encode_target(y, classifier=classifier, caller="Tester")


@pytest.mark.parametrize(
    "y",
    [
        LETTERS,
        LETTERS.astype(object),
        LETTERS.tolist(),
        pd.Series(LETTERS),
        pd.Series(LETTERS, dtype="category"),
        pd.Series(LETTERS, index=[7, 7, 8, 9]),
    ],
    ids=["str", "object", "list", "Series", "category", "odd index"],
)
def test_labels_become_codes_and_come_back(y):
    target = encode(y)
    assert target.kind == "classes"
    assert target.n_classes == 3
    assert_array_equal(target.classes, ["a", "b", "c"])
    assert_array_equal(target.y, [1, 0, 2, 0])
    assert_allclose(target.priors, [0.5, 0.25, 0.25])
    assert_array_equal(target.original_y, LETTERS)


@pytest.mark.parametrize("y", [[True, False, True], [-1, 1, -1], [2.0, 7.0, 7.0]])
def test_other_labels_come_back_with_their_type(y):
    target = encode(np.array(y))
    assert_array_equal(target.original_y, y)
    assert target.original_y.dtype == np.array(y).dtype
    assert set(target.y) == {0, 1}


def test_multilabel_dense_sparse_and_frame():
    y = np.array([[0, 1], [1, 0], [1, 1], [1, 0]])
    for given in (y, sparse.csr_matrix(y), pd.DataFrame(y), y.tolist()):
        target = encode(given)
        assert target.kind == "multilabel"
        assert (target.n_outputs, target.n_classes) == (2, 2)
        assert_array_equal(target.original_y, y)
        assert_allclose(target.priors, [[0.25, 0.75], [0.5, 0.5]])


def test_numbers_keep_values_and_width():
    assert encode([1.5, 2.5], classifier=False).n_outputs == 1
    target = encode(np.arange(6.0).reshape(3, 2), classifier=False)
    assert (target.kind, target.n_outputs) == ("numbers", 2)
    assert_array_equal(target.original_y, np.arange(6.0).reshape(3, 2))


@pytest.mark.parametrize("classifier", [True, False])
def test_a_column_vector_is_warned_about_and_flattened(classifier):
    with pytest.warns(UserWarning, match="column-vector"):
        target = encode(np.array([[0], [1], [1]]), classifier=classifier)
    assert target.y.shape == (3,)


@pytest.mark.parametrize(
    ("y", "classifier", "message"),
    [
        (None, True, "requires y"),
        ([], True, "0 sample"),
        ([1, 1, 1], True, "one class only, .*1"),
        (["a", "a"], True, "one class only, .*'a'"),
        ([[0, 1], [0, 0]], True, "Output 0 of y contains one class"),
        ([0.5, 1.5, 2.25], True, "continuous"),
        ([np.nan] * 3, True, "NaN"),
        ([np.nan] * 3, False, "y contains NaN"),
        ([1.0, np.inf], False, "infinity"),
        (pd.Series(["a", None, "b"]), True, "(?i)nan|missing|none|null"),
    ],
)
def test_bad_targets(y, classifier, message):
    with pytest.raises(ValueError, match=message):
        encode(y, classifier=classifier)


def test_labels_without_gaps():
    target = Target("classes", np.array([0, 2, 2, 3, 1]), classes=np.arange(4), priors=None)
    labels = fold_labels(target, np.array([0, 1, 3]), renumber=True)
    assert_array_equal(labels.y, [0, 1, 2])
    assert_array_equal(labels.present, [0, 2, 3])
    assert_array_equal(fold_labels(target, np.array([1, 3]), renumber=False).y, [2, 3])
    whole = fold_labels(target, None, renumber=True)
    assert whole.present is None
    assert whole.y is target.y


def test_without_y_holds_no_row():
    target = encode(LETTERS).without_y()
    assert target.y is None
    assert_array_equal(target.decode([2, 0]), ["c", "a"])


ODD_LABELS = {
    "mixed": [1, "a", 1, "a"],
    "objects of bool": [True, False, True, False],
    "beyond int64": [10**30, 10**31, 10**30, 10**31],
    "NA": ["a", pd.NA, "a", "b"],
}


@pytest.mark.parametrize("labels", ODD_LABELS.values(), ids=[*ODD_LABELS])
def test_objects_that_are_no_labels_are_named(labels):
    """NumPy's words for the first of them: '<' not supported between 'int' and 'str'."""
    odd = next(type(x).__name__ for x in labels if not isinstance(x, str))
    with pytest.raises(ValueError, match=rf"Unknown label type: .*{odd}.*y.astype\(str\)"):
        encode(np.array(labels, dtype=object))


@pytest.mark.parametrize("classifier", [True, False])
@pytest.mark.parametrize("y", [3, "yes", {"y": [1, 2]}, np.zeros((3, 2, 2))], ids=repr)
def test_a_target_without_rows_is_named(y, classifier):
    with pytest.raises(ValueError, match=r"y should be a list or an array .* got"):
        encode(y, classifier)


@pytest.mark.parametrize("classifier", [True, False])
def test_lists_of_different_lengths(classifier):
    with pytest.raises(ValueError, match="y holds lists of different lengths"):
        encode([[1], [1, 2]], classifier)


@pytest.mark.parametrize(
    "y",
    [["ñ", "b"], [pd.Timestamp(0), pd.NaT], np.arange(2).astype("m8[s]"), [1.0, np.inf]],
    ids=["text", "dates", "durations", "infinity"],
)
def test_what_is_no_number_is_named(y):
    with pytest.raises((ValueError, TypeError), match="y of a regression holds finite numbers: "):
        encode(y, classifier=False)


def test_numbers_whose_squares_overflow():
    """y of 1e300 came back as "array must not contain infs or NaNs", after all fits."""
    with pytest.raises(ValueError, match=r"y holds 1e\+300, .* divide y"):
        encode([1.0, -1e300], classifier=False)
    assert encode(np.array([-(2**63), 5]), classifier=False).y.dtype == np.int64
