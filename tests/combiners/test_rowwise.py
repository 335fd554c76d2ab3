"""Columns beside the predictions, as numbers of about unit variance."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta.combiners import FeatureWeightedRegressor
from stackmeta.combiners.row_reader import RowReader

from .given import FeatureWeightedOfAnything, regression


def read(part, labels=None):
    """Names of features, and features."""
    reader = RowReader(labels or [str(name) for name in part.columns]).fit(part)
    return reader.names, reader.transform(part)


def others_of(X, y, **params):
    """What a combiner reads beside its predictions, in ``fit`` and in ``predict``."""
    combiner = FeatureWeightedRegressor(**params)
    fitted = combiner._read_others(X, reset=True)
    again = combiner._read_others(X, reset=False)
    if fitted is None:
        assert again is None
    else:
        assert_array_equal(fitted, again)
    return fitted


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["rf", "lr"])
    frame["age"] = rng.integers(20, 80, size=60).astype(float)
    frame["city"] = rng.choice(["Ulm", "Bonn"], size=60)
    frame["member"] = rng.uniform(size=60) < 0.3
    frame.loc[3, "age"] = np.nan
    frame.loc[4, "city"] = None
    return frame


def test_numbers_have_unit_variance_whatever_their_scale():
    rng = np.random.default_rng(0)
    part = pd.DataFrame(
        {
            "tiny": 1e-10 * rng.normal(size=300),
            "large": 1e50 + 1e49 * rng.normal(size=300),
            "skewed": np.exp(3 * rng.normal(size=300)),
            "mostly 0": (rng.uniform(size=300) < 0.05) * 1e-3,
            "whole": rng.integers(0, 5, size=300),
            "truth": rng.uniform(size=300) < 0.1,
        }
    )
    names, features = read(part)
    assert names == list(part)
    assert_allclose(features.std(axis=0), 1, atol=0.6)
    assert np.abs(features).max() <= 4


def test_outliers_and_infinity_move_nothing():
    x = np.random.default_rng(0).normal(size=(500, 1))
    reader = RowReader(["x"]).fit(x)
    wild = x.copy()
    wild[:3, 0] = np.inf, -np.inf, 1e300
    outlying = RowReader(["x"]).fit(wild)
    assert_allclose(outlying.transform(x), reader.transform(x), atol=0.2)
    assert_allclose(outlying.transform(wild)[:3, 0], [4, -4, 4], atol=0.3)


def test_missing_numbers_are_the_median():
    x = np.array([[0.0], [1.0], [2.0], [3.0], [9.0], [np.nan]])
    features = read(x, ["x"])[1]
    assert features[5, 0] == features[2, 0]


def test_text_categories_and_missing_values():
    part = pd.DataFrame(
        {
            "text": ["a", "b", None, "a"],
            "category": pd.Categorical([1, 2, 1, None]),
            "nullable": pd.array([True, None, False, True], dtype="boolean"),
        }
    )
    names, features = read(part)
    assert names[:3] == ["nullable", "text_a", "text_b"]
    assert_array_equal(features[:, 1:4], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert features.shape == (4, 1 + 3 + 3)


def test_many_values_and_unknown_values():
    part = pd.DataFrame({"name": [f"n{i % 30}" for i in range(90)]})
    reader = RowReader(["name"]).fit(part)
    assert len(reader.names) == 10
    assert_array_equal(reader.transform(part).sum(axis=1), 1)
    assert reader.transform(pd.DataFrame({"name": ["new"]})).shape == (1, 10)


def test_dates_are_numbers():
    days = [datetime.date(2020, 1, 1 + i) for i in range(9)]
    part = pd.DataFrame({"day": days, "time": pd.to_datetime(days)})
    part["since"] = part["time"] - part["time"][0]
    part.loc[2, "time"] = pd.NaT
    names, features = read(part)
    assert names == ["day", "time", "since"]
    assert (np.diff(features[:, 0]) > 0).all()
    assert_allclose(features[:, 0], features[:, 2])


def test_constant_and_empty_columns_are_dropped():
    part = pd.DataFrame({"one": 1, "x": range(5), "nan": np.nan, "none": None, "a": "a"})
    assert read(part)[0] == ["x"]
    reader = RowReader(["one"]).fit(part[["one"]])
    assert reader.names == []


def test_libraries_agree(frame):
    part = frame.iloc[:, 2:]
    names, expected = read(part)
    for other in (pl.from_pandas(part), part.astype(object)):
        assert read(other)[0] == names
        assert_array_equal(read(other)[1], expected)
    objects = part.to_numpy(dtype=object)
    assert_array_equal(read(objects, list(part.columns))[1], expected)
    with config_context(transform_output="pandas"):
        assert_array_equal(read(part)[1], expected)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse(container):
    dense = np.random.default_rng(0).poisson(0.3, size=(80, 6)).astype(float)
    labels = list("abcdef")
    assert_allclose(read(container(dense), labels)[1], read(dense, labels)[1])


def test_wide_sparse_columns_become_singular_vectors():
    wide = sparse.random(300, 1000, 0.02, random_state=0, format="csr")
    reader = RowReader([str(i) for i in range(1000)]).fit(wide)
    features = reader.transform(wide)
    assert features.shape == (300, 100)
    assert_allclose(features.std(axis=0), 1, atol=0.2)
    assert_allclose(reader.transform(wide.toarray()), features, atol=1e-8)


def test_pickle(frame):
    part = frame.iloc[:, 2:]
    reader = RowReader(list(part.columns)).fit(part)
    copy = pickle.loads(pickle.dumps(reader))
    assert_array_equal(copy.transform(part), reader.transform(part))


def test_equal_names():
    part = pd.DataFrame(np.arange(8.0).reshape(4, 2) ** 2, columns=["x", "x"])
    assert read(part)[0] == ["x (0)", "x (1)"]


def test_text_where_numbers_were():
    reader = RowReader(["age"]).fit(pd.DataFrame({"age": [1.0, 2.0]}))
    with pytest.raises(ValueError, match=r"'age' held a number in each row of fit.*'old'"):
        reader.transform(pd.DataFrame({"age": ["old", "1"]}))


@pytest.mark.parametrize(
    "columns", [["age"], [2], slice(2, 3), slice("age", "age"), [False, False, True, False, False]]
)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_feature_columns(frame, columns, library):
    X = pl.from_pandas(frame) if library == "polars" else frame
    features = others_of(X, None, prediction_columns=2, feature_columns=columns)
    assert_array_equal(features, read(frame[["age"]])[1])


def test_all_columns_that_are_no_predictions(frame):
    expected = read(frame[["age", "city", "member"]])[1]
    for X in (frame, frame.to_numpy(dtype=object), frame.to_numpy(dtype=object).tolist()):
        assert_array_equal(others_of(X, None, prediction_columns=2), expected)
    chosen = others_of(frame, None, prediction_columns=["lr"])
    assert chosen.shape == (60, expected.shape[1] + 1)


def test_predictions_may_be_features(frame):
    features = others_of(frame, None, prediction_columns=2, feature_columns=["rf"])
    assert_array_equal(features, read(frame[["rf"]])[1])


def test_nothing_to_read(frame):
    P = frame[["rf", "lr"]]
    assert others_of(P, None) is None
    assert others_of(P, None, prediction_columns=2) is None
    assert others_of(P.assign(one=1), None, prediction_columns=2) is None


def test_absent_feature_columns(frame):
    y = np.arange(60.0)
    with pytest.raises(ValueError, match="feature_columns: 'height' is not among the 5 columns"):
        FeatureWeightedRegressor(prediction_columns=2, feature_columns=["height"]).fit(frame, y)
    with pytest.raises(ValueError, match="feature_columns: 9 is not among the 5 columns"):
        FeatureWeightedRegressor(prediction_columns=2, feature_columns=[9]).fit(frame, y)
    with pytest.raises(ValueError, match=r"feature_columns=slice\(5, 6.* selects none"):
        FeatureWeightedRegressor(prediction_columns=2, feature_columns=slice(5, 6)).fit(frame, y)
    for wrong in (2, "age", 0.5):
        with pytest.raises(ValueError, match="The 'feature_columns' parameter"):
            FeatureWeightedRegressor(prediction_columns=2, feature_columns=wrong).fit(frame, y)


def test_feature_columns_need_prediction_columns():
    P, y = regression(50, 3)
    with pytest.raises(ValueError, match=r"needs prediction_columns.*Set both"):
        FeatureWeightedRegressor(feature_columns=[2]).fit(P, y)


# Checks that no combiner with prediction_columns passes, whatever it does with the others.
GIVEN_COLUMNS = {
    "check_estimators_empty_data_messages": "no column is among prediction_columns",
    "check_estimators_pickle": "rows without any prediction",
    "check_regressor_multioutput": "five targets for two prediction columns",
}
# Folds of its own are drawn from the rows, and medians are of rows, not of weights.
ROWS_COUNT = {
    "check_sample_weight_equivalence_on_dense_data": "folds and medians count rows",
    "check_sample_weight_equivalence_on_sparse_data": "folds and medians count rows",
}


@parametrize_with_checks(
    [
        FeatureWeightedRegressor(prediction_columns=slice(0, 2)),
        FeatureWeightedOfAnything(prediction_columns=slice(0, 2)),
    ],
    expected_failed_checks=lambda combiner: GIVEN_COLUMNS | ROWS_COUNT,
)
def test_sklearn_checks_with_columns_beside(estimator, check):
    check(estimator)
