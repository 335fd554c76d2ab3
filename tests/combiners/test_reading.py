"""Which columns are predictions, and what must not be among them."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.utils import get_tags

from stackmeta.combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BayesianClassifier,
    BayesianRegressor,
    BestLearnerClassifier,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
)

from .given import binary, multiclass, regression

ALL_CLASSIFIERS = [
    ConvexClassifier,
    AveragingClassifier,
    BestLearnerClassifier,
    EnsembleSelectionClassifier,
    BayesianClassifier,
]
ALL_REGRESSORS = [
    ConvexRegressor,
    AveragingRegressor,
    BestLearnerRegressor,
    EnsembleSelectionRegressor,
    BayesianRegressor,
]


def raises(*parts):
    """Expect a ValueError whose message has all the parts, in this order."""
    return pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, parts)))


@pytest.fixture
def table():
    """A table of predictions with strings and numbers beside them, and y."""
    P, y = binary(60, 3)
    frame = pd.DataFrame(P, columns=["rf", "lr", "knn"])
    frame["city"] = ["Ulm", "Bonn", None] * 20
    frame["age"] = np.arange(60) - 0.5
    return frame, y, P


@pytest.mark.parametrize(
    "columns", [3, np.int64(3), slice(0, 3), slice("rf", "knn"), ["rf", "lr", "knn"], [0, 1, 2]]
)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_prediction_columns_beside_strings(table, columns, library):
    frame, y, P = table
    if library == "polars":
        frame = pl.from_pandas(frame)
    combiner = ConvexClassifier(prediction_columns=columns).fit(frame, y)
    expected = ConvexClassifier().fit(P, y)
    assert_array_equal(combiner.weights_, expected.weights_)
    assert_array_equal(combiner.predict_proba(frame), expected.predict_proba(P))
    assert combiner.n_features_in_ == 5
    if library == "pandas":
        assert list(combiner.feature_names_in_) == ["rf", "lr", "knn", "city", "age"]


@pytest.mark.parametrize("columns", [3, slice(0, 3), [2, 1, 0], [True, True, True, False, False]])
def test_prediction_columns_of_arrays_and_lists(table, columns):
    frame, y, P = table
    objects = frame.to_numpy(dtype=object)
    expected = ConvexClassifier().fit(P, y).predict_proba(P)
    for X in (objects, objects.tolist()):
        combiner = ConvexClassifier(prediction_columns=columns).fit(X, y)
        assert_allclose(combiner.predict_proba(X), expected, rtol=1e-9)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_columns_may_pass_through(container):
    P, y = binary(60, 3)
    X = container(np.hstack([P, np.eye(60)]))
    combiner = ConvexClassifier(prediction_columns=3)
    assert get_tags(combiner).input_tags.sparse
    assert_array_equal(combiner.fit(X, y).weights_, ConvexClassifier().fit(P, y).weights_)


def test_other_columns_are_not_copied_nor_read():
    P, y = regression(50, 3)

    class Untouchable:
        def __float__(self):
            raise AssertionError("read")

        __copy__ = __deepcopy__ = __float__

    X = np.empty((50, 4), dtype=object)
    X[:, :3] = P
    X[:, 3] = [Untouchable() for _ in range(50)]
    assert ConvexRegressor(prediction_columns=3).fit(X, y).predict(X).shape == (50,)


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        (9, ["prediction_columns=9", "5 columns"]),
        (["rf", "svm"], ["'svm' is not among", "columns of X", "'rf', 'lr', 'knn'"]),
        (slice("rf", "svm"), ["'svm' is not among"]),
        ([0, 7], ["7 is not among the 5 columns"]),
        (slice(3, 3), ["selects none"]),
    ],
)
def test_absent_prediction_columns(table, columns, parts):
    frame, y, _ = table
    with raises(*parts):
        ConvexClassifier(prediction_columns=columns).fit(frame, y)


def test_names_need_a_frame():
    P, y = regression()
    with raises("prediction_columns: 'rf'", "Names need a DataFrame"):
        ConvexRegressor(prediction_columns=["rf"]).fit(P, y)


@pytest.mark.parametrize("value", [0, -1, 2.5])
def test_invalid_prediction_columns(value):
    P, y = regression()
    with raises("prediction_columns"):
        ConvexRegressor(prediction_columns=value).fit(P, y)


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS)
@pytest.mark.parametrize("value", [-0.25, 1.5])
def test_probability_out_of_range(combiner, value):
    P, y = binary(30, 3)
    P[7, 2] = value
    with raises(f"{value:g} in row 7 of column 2", "decision values", "predict_proba"):
        combiner().fit(P, y)
    frame = pd.DataFrame(P, columns=["rf", "lr", "knn"])
    with raises(f"{value:g} in row 7 of column 'knn'"):
        combiner().fit(frame, y)


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS)
def test_out_of_range_in_predict(combiner):
    P, y = binary(30, 1)
    combiner = combiner().fit(P, y)
    with raises("-3 in row 4 of column 0"):
        combiner.predict_proba(np.where(np.arange(30)[:, None] == 4, -3.0, P))


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS)
def test_labels_for_probabilities(combiner):
    labels = np.array([[0, 2], [1, 1], [2, 2], [2, 1]])
    with raises("2 prediction columns", "3 classes", "do not divide", "prediction_columns"):
        combiner().fit(labels, [0, 1, 2, 2])
    with raises("2 in row 0 of column 1", "labels", "stack_method='predict_proba'"):
        combiner().fit([[0, 2, 1], [1, 3, 0], [2, 2, 2]], [0, 1, 2])
    with raises("the text 'no'", "predict_proba"):
        combiner().fit([["no", "yes"], ["yes", "yes"]], ["no", "yes"])
    with raises("the text 'no'", "predict_proba"):
        combiner(prediction_columns=1).fit([["no", "yes"], ["yes", "yes"]], ["no", "yes"])


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS)
def test_rows_that_do_not_sum_to_one(combiner):
    P, y = multiclass(30, 3)
    P[5, 3:6] /= 2
    with raises("learner 1 (column 3", "row 5", "sum to 0.5, not 1", "Divide its 3 columns"):
        combiner().fit(P, y)
    P, _ = multiclass(30, 3)
    combiner = combiner().fit(P, y)
    P[5] /= 2
    with raises("row 5", "sum to 0.5"):
        combiner.predict(P)


def test_rounded_files_are_fine():
    """Six decimals, or float32, are no reason to refuse a file of predictions."""
    P, y = multiclass(50, 3)
    for rounded in (P.round(4), P.astype(np.float32)):
        proba = ConvexClassifier().fit(rounded, y).predict_proba(rounded)
        assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS + ALL_REGRESSORS)
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values(combiner, value):
    P, y = binary(30, 3)
    P[3, 1] = value
    with raises(f"contains infinity: {value} in row 3 of column 1"):
        combiner().fit(P, y)


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS + ALL_REGRESSORS)
def test_nothing_predicted(combiner):
    P, y = binary(30, 3)
    P[[11, 20]] = np.nan
    with raises("Row 11 of X is NaN for every learner"):
        combiner().fit(P, y)
    weight = np.ones(30)
    weight[11] = 0
    with raises("Row 20 of X is NaN for every learner"):
        combiner().fit(P, y, sample_weight=weight)
    weight[20] = 0
    combiner().fit(P, y, sample_weight=weight)
    P, _ = binary(30, 3)
    P[:, 1] = np.nan
    with raises("NaN in every row of column 1", "Drop it"):
        combiner().fit(P, y)


def test_columns_that_targets_do_not_divide():
    P, y = regression(30, 3, 2)
    with raises("5 prediction columns", "2 targets"):
        ConvexRegressor().fit(P[:, :5], y)


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS)
def test_one_class(combiner):
    with raises("one class only", "'a'"):
        combiner().fit([[0.5], [0.4]], ["a", "a"])


@pytest.mark.parametrize("combiner", ALL_CLASSIFIERS + ALL_REGRESSORS)
def test_bad_y_and_weights(combiner):
    P, y = binary(30, 3)
    with raises("requires y to be passed"):
        combiner().fit(P, None)
    with raises("inconsistent numbers of samples"):
        combiner().fit(P, y[:-1])
    with raises("NaN"):
        combiner().fit(P, np.where(np.arange(30) == 3, np.nan, y))
    with raises("Negative"):
        combiner().fit(P, y, sample_weight=np.r_[-1, np.ones(29)])
    with raises("at least one non-zero"):
        combiner().fit(P, y, sample_weight=np.zeros(30))


@pytest.mark.parametrize(
    "column",
    [pd.date_range("2024", periods=30), pd.Categorical(["a", "b"] * 15), [[1]] * 30],
    ids=["dates", "categories", "lists"],
)
def test_what_is_no_number_among_the_predictions(column):
    P, y = binary(30, 2)
    X = pd.DataFrame({"a": P[:, 0], "odd": column})
    with pytest.raises((ValueError, TypeError), match=r"X holds .*prediction_columns"):
        ConvexClassifier().fit(X, y)


def test_frames_whose_columns_cannot_be_told_apart():
    P, y = binary(30, 2)
    with raises("named 'a'", "rename"):
        ConvexClassifier().fit(pd.DataFrame(P, columns=["a", "a"]), y)
    with raises("X has no column"):
        ConvexClassifier().fit(pd.DataFrame(index=range(30)), y)


def test_weights_that_are_no_numbers():
    P, y = binary(30, 2)
    with raises("sample_weight", "heavy"):
        ConvexClassifier().fit(P, y, sample_weight="heavy")


def test_targets_that_are_no_column():
    P, _ = binary(30, 2)
    for y in ([[1], [1, 2]] * 15, "yes", np.zeros((30, 2, 2))):
        with raises("y"):
            ConvexClassifier().fit(P, y)
