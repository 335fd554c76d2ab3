"""Features that are made of columns: arithmetic of pairs, and what short texts say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from stackmeta import out_of_fold
from stackmeta.learners import TableCleaner
from stackmeta.learners.crosses import CrossedColumns
from stackmeta.learners.pipelines import on_numbers

WORDS = np.array(
    ["red", "blue", "green", "heavy", "light", "old", "new", "fast", "big", "car", "house", "tree"]
)


def texts(n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([" ".join(rng.choice(WORDS, 5)) for _ in range(n_rows)], dtype=object)


def test_the_strongest_columns_are_crossed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
    X["kind"] = pd.Categorical(rng.choice(["u", "v"], 400))
    crossed = CrossedColumns(2, random_state=0).fit(X, X["b"] * X["d"])
    assert crossed.pairs_ == [("b", "d")]
    table = crossed.transform(X)
    assert list(table.columns[:5]) == list(X.columns)
    np.testing.assert_allclose(table["b_times_d"], X["b"] * X["d"])
    zero = crossed.transform(X.assign(d=0.0))["b_over_d"]
    assert zero.isna().all()
    classes = CrossedColumns(3, classifies=True, random_state=0).fit(X, X["a"] > X["c"])
    assert {"a", "c"} <= {name for pair in classes.pairs_ for name in pair}


@pytest.mark.parametrize("columns", [[], ["kind"]])
def test_nothing_to_cross(columns):
    X = pd.DataFrame({"kind": pd.Categorical(["u", "v"] * 20), "x": np.ones(40)})[columns or ["x"]]
    assert CrossedColumns().fit(X, np.arange(40)).transform(X).shape == X.shape


def test_texts_become_numbers():
    column = texts()
    cleaner = TableCleaner().fit(pd.DataFrame({"t": column}))
    table = cleaner.transform(pd.DataFrame({"t": [column[0], None, "never seen", column[0]]}))
    assert list(table.columns)[:2] == ["t_text_0", "t_text_1"]
    assert table.iloc[1].isna().all()
    assert table.iloc[[0, 2, 3]].notna().all().all()
    assert table.iloc[0].equals(table.iloc[3].rename(0))
    assert cleaner.transform(pd.DataFrame({"t": []})).shape == (0, table.shape[1])


@pytest.mark.parametrize(
    "column", [[f"name{i}" for i in range(50)], ["one two three", "four five six"] * 25]
)
def test_names_and_categories_are_no_texts(column):
    assert list(TableCleaner().fit_transform(pd.DataFrame({"t": column})).columns) == ["t"]


def test_two_texts():
    X = pd.DataFrame({"t": ["one two three", "four five six"]})
    assert TableCleaner().fit_transform(X).shape == (2, 1)


def test_a_word_tells_the_class():
    column = texts(300)
    y = np.array(["house" in text for text in column])
    oof = out_of_fold(
        [("it", on_numbers(LogisticRegression()))], pd.DataFrame({"t": column}), y, cv=3
    )
    assert oof.loss()["it"] < 0.6
    noise = np.random.default_rng(1).permutation(y)
    oof = out_of_fold(
        [("it", on_numbers(LogisticRegression()))], pd.DataFrame({"t": column}), noise, cv=3
    )
    prior = noise.mean()
    entropy = -prior * np.log(prior) - (1 - prior) * np.log(1 - prior)
    assert oof.loss()["it"] > entropy - 0.01
