"""TableCleaner: what each kind of column becomes, and that later rows get the same."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from stackmeta.learners import TableCleaner


def clean(column, later=None, **options):
    """Features of one column: of the rows fitted on, or of later ones."""
    cleaner = TableCleaner(**options).fit(pd.DataFrame({"x": column}))
    return cleaner.transform(pd.DataFrame({"x": column if later is None else later}))


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, 3],
        [1.0, 2.0, 3.0],
        pd.array([1, 2, 3], dtype="Int64"),
        pd.array([1, 2, 3], dtype="Float32"),
        pd.Series([1, 2, 3], dtype=object),
        pd.Series([decimal.Decimal(i) for i in (1, 2, 3)]),
        pd.to_timedelta([1, 2, 3], unit="D"),
        pd.Series([datetime.timedelta(days=i) for i in (1, 2, 3)], dtype=object),
    ],
)
def test_numbers_and_durations_become_float64(column):
    table = clean(column)
    assert table["x"].dtype == np.float64
    assert table["x"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "column",
    [
        pd.array([True, False, None], dtype="boolean"),
        pd.Series([True, False, None], dtype=object),
        pd.array([1, 0, None], dtype="Int64"),
        pd.Series([np.timedelta64(1, "D"), np.timedelta64(0, "D"), None]),
    ],
)
def test_missing_numbers_become_nan(column):
    np.testing.assert_array_equal(clean(column)["x"], [1, 0, np.nan])


def test_infinite_numbers_are_missing():
    np.testing.assert_array_equal(clean([1.0, np.inf, -np.inf, 1e300])["x"], [1] + [np.nan] * 3)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["1970-01-02", "1970-02-03 12:00", None], format="ISO8601")),
        pd.Series(
            pd.to_datetime(["1970-01-02", "1970-02-03 12:00", None], format="ISO8601")
        ).dt.tz_localize("UTC"),
        ["1970-01-02", "1970-02-03T12:00", None],
        pd.Series([datetime.datetime(1970, 1, 2), datetime.datetime(1970, 2, 3, 12), None]),
    ],
)
def test_dates_become_days_and_the_parts_that_differ(column):
    table = clean(column)
    assert list(table) == ["x_days", "x_month", "x_day", "x_day_of_week", "x_hour"]
    np.testing.assert_array_equal(table["x_days"], [1, 33.5, np.nan])
    np.testing.assert_array_equal(table["x_hour"], [0, 12, np.nan])


def test_dates_of_one_day_have_no_parts_but_the_hour():
    table = clean(pd.date_range("2024-05-31", periods=5, freq="h"))
    assert list(table) == ["x_days", "x_hour"]


def test_periods_and_date_objects_are_dates():
    assert "x_days" in clean(pd.period_range("2024-01", periods=3, freq="M"))
    assert "x_days" in clean([datetime.date(2024, 1, day) for day in (1, 2, 3)])


def test_texts_that_are_not_all_dates_are_categories():
    assert list(clean(["2024-05-31", "soon", "2024-05-31"])) == ["x"]
    assert list(clean(["05/06/2024", "06/05/2024"])) == ["x"]


def test_a_later_text_that_is_no_date_is_missing():
    table = clean(["2024-05-30", "2024-05-31"], later=["2024-05-30", "soon"])
    assert np.isnan(table["x_days"]).tolist() == [False, True]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", "b", None, "a", "b"], dtype=object),
        pd.Series(["a", "b", None, "a", "b"], dtype="string"),
        pd.Series(["a", "b", None, "a", "b"]),
        pd.Series(["a", "b", None, "a", "b"], dtype="category"),
    ],
)
def test_texts_become_the_same_categories_whatever_their_dtype(column):
    table = clean(column)
    assert isinstance(table["x"].dtype, pd.CategoricalDtype)
    assert list(table["x"].cat.categories) == ["a", "b"]
    assert table["x"].cat.codes.tolist() == [0, 1, -1, 0, 1]
    codes = clean(column, categories="code")
    np.testing.assert_array_equal(codes["x"], [0, 1, np.nan, 0, 1])


def test_unknown_categories_are_missing_or_rare():
    assert clean(["a", "a", "b", "b"], later=["c", "a"])["x"].isna().tolist() == [True, False]
    assert clean(["a", "a", "b"], later=["c", "a"])["x"].tolist() == ["rare", "a"]


def test_categories_seen_once_and_those_above_the_limit_become_one():
    column = ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["rare"] * 3 + ["once"]
    assert list(clean(column)["x"].cat.categories) == ["a", "b", "c", "rare", "rare_"]
    assert list(clean(column, max_categories=2)["x"].cat.categories) == ["a", "rare"]


def test_a_column_of_names_does_not_explode():
    assert clean([f"id{i}" for i in range(1000)])["x"].nunique() == 1


def test_whole_numbers_name_the_same_category_as_integers_and_floats():
    column = pd.Series([1, 2, 1, 2], dtype="category")
    assert clean(column, later=[1.0, np.nan])["x"].cat.codes.tolist() == [0, -1]


def test_mixed_values_and_lists_are_categories():
    assert clean(["a", 1, "a", 1])["x"].tolist() == ["a", "1", "a", "1"]
    assert clean([[1], [2], [1], [2]])["x"].tolist() == ["[1]", "[2]", "[1]", "[2]"]


def test_columns_with_hardly_any_value_have_no_feature():
    nearly = np.full(200, np.nan)
    nearly[:9] = range(9)
    X = pd.DataFrame({"nearly": nearly, "none": None, "constant": 1})
    assert list(TableCleaner().fit(X).get_feature_names_out()) == ["constant"]


def test_a_number_that_later_holds_text_is_missing_with_a_warning():
    with pytest.warns(UserWarning, match="'x' held numbers.*1 values"):
        assert clean([1, 2, 3], later=["1", "many"])["x"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    "column", [[1.5, 2.5], ["a", "b"], ["2024-05-30", "2024-05-31"], pd.to_timedelta([1, 2])]
)
def test_later_rows_without_any_value_keep_the_columns(column):
    table = clean(column, later=[np.nan, np.nan])
    assert list(table.dtypes) == list(clean(column).dtypes)


def test_names_suit_the_boosters_and_are_distinct():
    X = pd.DataFrame([[1, 2, 3]], columns=["a [b]", "a (b)", "a_b_"])
    assert list(TableCleaner().fit_transform(X)) == ["a_b_", "a_b__2", "a_b__3"]


def test_arrays_and_polars_frames_are_tables_too():
    X = np.array([["a", 1], ["b", 2], ["a", 1], ["b", 2]], dtype=object)
    assert list(TableCleaner().fit_transform(X).dtypes.astype(str)) == ["category", "float64"]
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": ["a", "b", "a", "b"], "n": [1, 2, 3, None]})
    assert list(TableCleaner().fit_transform(frame).dtypes.astype(str)) == ["category", "float64"]


def test_wrong_columns_and_parameters_are_refused():
    cleaner = TableCleaner().fit(pd.DataFrame({"x": [1, 2]}))
    with pytest.raises(ValueError, match="feature names"):
        cleaner.transform(pd.DataFrame({"z": [1, 2]}))
    with pytest.raises(ValueError, match="max_categories"):
        TableCleaner(max_categories=1).fit(pd.DataFrame({"x": [1, 2]}))


def test_row_order_does_not_change_the_features():
    X = pd.DataFrame({"x": list("aabbccdde")})
    one = TableCleaner(max_categories=3).fit(X)
    other = clone(one).fit(X[::-1])
    pd.testing.assert_frame_equal(one.transform(X), other.transform(X))


def test_a_table_that_says_nothing_has_one_constant_feature():
    """Learners want a column; in a small fold a column with gaps can be empty."""
    empty = pd.DataFrame({"a": [np.nan] * 3, "b": [None] * 3})
    table = TableCleaner().fit(empty).transform(empty)
    assert table.to_dict("list") == {"a": [0.0, 0.0, 0.0]}


@pytest.mark.parametrize("name", ["", " ", "🦉"])
def test_no_feature_is_without_a_name(name):
    """LightGBM wrote models with an empty name that it could not read: a Fatal error."""
    X = pd.DataFrame({name: [1.0, 2.0]})
    assert [*TableCleaner().fit_transform(X).columns] == ["_"]


def test_bytes_that_are_no_texts_are_categories():
    """Looking for words in them decoded them, with a UnicodeDecodeError."""
    assert clean([b"\xff0", b"\xff1"] * 10)["x"].dtype == "category"


def test_numbers_next_to_zero_are_zero():
    """Splines divided by their distances, with an infinite result."""
    assert clean([1e-310, -1e-320, 1.0])["x"].tolist() == [0.0, 0.0, 1.0]
