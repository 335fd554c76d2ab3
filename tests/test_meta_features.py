"""Predictions and columns of X side by side, and their names."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from stackmeta.meta_features import (
    as_array,
    check_passthrough,
    join,
    prediction_names,
    select_passthrough,
)

MATRIX = np.array([[0.25, 0.75], [0.5, 0.5]])
NAMES = ["p", "q"]
FRAME = pd.DataFrame(
    {"n": np.array([1, 2], dtype="int8"), "s": ["x", "y"], "c": pd.Categorical(["u", "v"])},
    index=[7, 7],
)


def test_without_X():
    assert join(MATRIX, NAMES) is MATRIX


def test_a_frame_keeps_dtypes_and_index():
    table = join(MATRIX, NAMES, FRAME)
    assert list(table.columns) == ["p", "q", "n", "s", "c"]
    assert (table.dtypes[2:] == FRAME.dtypes).all()
    assert list(table.index) == [7, 7]
    np.testing.assert_array_equal(table[NAMES], MATRIX)


def test_a_frame_with_numbered_columns_becomes_an_array():
    """Mixed names of columns, text and numbers, are an error in scikit-learn."""
    table = join(MATRIX, NAMES, pd.DataFrame([[1.0], [2.0]]))
    assert isinstance(table, np.ndarray)
    np.testing.assert_array_equal(table, np.c_[MATRIX, [1.0, 2.0]])


def test_polars_keeps_dtypes():
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"n": [1, 2], "s": ["x", "y"]}, schema={"n": pl.Int8, "s": pl.String})
    table = join(MATRIX, NAMES, X)
    assert table.schema == {"p": pl.Float64, "q": pl.Float64, "n": pl.Int8, "s": pl.String}


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dia"])
def test_sparse_keeps_its_format(kind):
    X = sparse.random(2, 3, density=0.5, format=kind, random_state=0)
    table = join(MATRIX, NAMES, X)
    assert table.format == kind
    np.testing.assert_array_equal(table.toarray(), np.hstack([MATRIX, X.toarray()]))


def test_lists_and_arrays():
    np.testing.assert_array_equal(join(MATRIX, NAMES, [[1], [2]]), np.c_[MATRIX, [1, 2]])


@pytest.mark.parametrize("passthrough", [False, np.False_])
def test_nothing_passes(passthrough):
    assert select_passthrough(FRAME, passthrough) is None


@pytest.mark.parametrize("passthrough", [True, np.True_])
def test_all_passes(passthrough):
    assert select_passthrough(FRAME, passthrough) is FRAME


@pytest.mark.parametrize(
    "columns", [["s", "n"], [1, 0], np.array([1, 0]), ("s", "n"), pd.Index(["s", "n"])], ids=repr
)
def test_some_pass(columns):
    pd.testing.assert_frame_equal(select_passthrough(FRAME, columns), FRAME[["s", "n"]])


def test_as_array():
    assert as_array(FRAME).tolist() == [[1, "x", "u"], [2, "y", "v"]]
    rows = sparse.csr_matrix(MATRIX)
    assert as_array(rows) is rows
    assert as_array(MATRIX) is MATRIX


def test_names():
    assert prediction_names("stack", ["a", "b"], [1, 3]) == [
        "stack_a",
        "stack_b0",
        "stack_b1",
        "stack_b2",
    ]


def test_names_that_are_taken():
    assert prediction_names("stack", ["a", "b"], [1, 1], ["stack_b", "stack__a"]) == [
        "stack___a",
        "stack___b",
    ]


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "timedelta64[s]"])
def test_dates_of_an_array_pass(dtype):
    """NumPy finds no common type for them and numbers, which ended a fit at its very end."""
    joined = join(MATRIX, NAMES, np.zeros((len(MATRIX), 1), dtype=dtype))
    assert joined.dtype == object
    assert joined[:, :-1].tolist() == MATRIX.tolist()


def test_columns_of_one_name_do_not_pass():
    X = pd.DataFrame(np.zeros((2, 3)), columns=["a", "b", "a"])
    with pytest.raises(ValueError, match="named 'a': rename"):
        check_passthrough(X, True)
    check_passthrough(X, False)


def test_what_has_no_columns_does_not_pass():
    with pytest.raises(ValueError, match="needs columns, but X has 1 axes"):
        check_passthrough(np.zeros(3), True)


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_complex_numbers_do_not_pass(kind):
    """They made the predictions beside them complex, too, which the meta-learner then refused."""
    with pytest.raises(ValueError, match="Complex data not supported"):
        check_passthrough(kind([[1j], [2.0]]), True)
