"""Models as skops files."""

import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from stackmeta import (
    ConvexClassifier,
    CrossFittedBlendClassifier,
    OutOfFoldStore,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
    SuperLearnerClassifier,
    export,
)

X, Y = load_iris(return_X_y=True)
LEARNERS = [
    ("line", LogisticRegression(max_iter=500)),
    ("forest", RandomForestClassifier(5, random_state=0)),
]
io = pytest.importorskip("skops.io")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"refit": False},
        {"final_estimator": ConvexClassifier(), "keep_oof": False},
        {"final_estimator": CrossFittedBlendClassifier()},
        {"passthrough": True, "shortcuts": "approximate"},
    ],
)
def test_stacks_come_back_as_they_were(tmp_path, options):
    stack = StackingClassifier(LEARNERS, random_state=0, **options).fit(X, Y)
    trusted = export(stack, tmp_path / "stack.skops")
    assert "stackmeta.stacking.StackingClassifier" in trusted
    loaded = io.load(tmp_path / "stack.skops", trusted=trusted)
    assert_array_equal(loaded.predict_proba(X), stack.predict_proba(X))
    assert [file.name for file in tmp_path.iterdir()] == ["stack.skops"]


def test_a_stack_with_a_store_and_a_transformer(tmp_path):
    stack = StackingClassifier(LEARNERS, random_state=0, store=OutOfFoldStore(tmp_path / "s"))
    trusted = export(stack.fit(X, Y), tmp_path / "stack.skops")
    loaded = io.load(tmp_path / "stack.skops", trusted=trusted)
    assert_array_equal(loaded.predict_proba(X), stack.predict_proba(X))
    transformer = OutOfFoldTransformer(LEARNERS, random_state=0).fit(X, Y)
    trusted = export(transformer, tmp_path / "transformer.skops")
    loaded = io.load(tmp_path / "transformer.skops", trusted=trusted)
    assert_array_equal(loaded.transform(X), transformer.transform(X))


def test_a_super_learner_of_a_raw_table(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        text=np.where(X[:, 0] > 5.8, "long leaf", "short leaf"), date=pd.Timestamp("2025-01-01")
    )
    names = ["linear", "lightgbm_small", "xgboost", "extra_trees"]
    model = SuperLearnerClassifier(names, cv=3, random_state=0).fit(frame, Y)
    trusted = export(model, tmp_path / "model.skops")
    loaded = io.load(tmp_path / "model.skops", trusted=trusted)
    assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))


def test_types_that_nobody_trusted_are_not_loaded(tmp_path):
    trusted = export(StackingClassifier(LEARNERS).fit(X, Y), tmp_path / "stack.skops")
    with pytest.raises(Exception, match="stackmeta"):
        io.load(tmp_path / "stack.skops", trusted=trusted[:1])


def test_a_model_of_the_store(tmp_path):
    StackingClassifier(LEARNERS, random_state=0, store=tmp_path / "s").fit(X, Y)
    store = OutOfFoldStore(tmp_path / "s")
    table = store.to_frame()
    for key in table.key[table.what == "refit"]:
        trusted = export(store.model(key), tmp_path / "learner.skops")
        loaded = io.load(tmp_path / "learner.skops", trusted=trusted)
        assert_array_equal(loaded.predict(X), store.model(key).predict(X))
    with pytest.raises(KeyError, match="'abc' is no key"):
        store.model("abc")


def test_the_model_of_a_closed_form(tmp_path):
    StackingRegressor([("line", LinearRegression())], random_state=0, store=tmp_path).fit(X, Y)
    store = OutOfFoldStore(tmp_path)
    (key,) = store.to_frame().key
    assert_array_equal(
        store.model(key).predict(X).round(8), LinearRegression().fit(X, Y).predict(X).round(8)
    )


def test_what_skops_cannot_write_is_told_and_leaves_no_file(tmp_path):
    odd = make_pipeline(FunctionTransformer(lambda x: x), LogisticRegression(max_iter=500))
    stack = StackingClassifier([("odd", odd)], keep_oof=False).fit(X, Y)
    with pytest.raises(TypeError, match="StackingClassifier cannot be a skops file"):
        export(stack, tmp_path / "stack.skops")
    assert [*tmp_path.iterdir()] == []


def test_without_skops(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"stackmeta\[export\]"):
        export(LogisticRegression().fit(X, Y), tmp_path / "model.skops")
