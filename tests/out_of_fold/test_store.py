"""The store: what is found again, what is not, and what it tells people."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    OutOfFoldStore,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
    SuperLearnerClassifier,
    out_of_fold,
)
from stackmeta.learners import EarlyStoppingRegressor
from stackmeta.out_of_fold import cross_fit
from stackmeta.out_of_fold.engine import set_up
from stackmeta.out_of_fold.learner import Learner
from stackmeta.out_of_fold.plan import ALL_FOLDS
from stackmeta.out_of_fold.target import encode_target

X, Y = make_regression(90, 4, noise=5.0, random_state=0)
XC, YC = make_classification(120, 5, n_informative=3, n_classes=3, random_state=0)
RIDGE, TREE = ("ridge", Ridge(2.0)), ("tree", DecisionTreeRegressor(max_depth=3))


@pytest.fixture
def fits(monkeypatch):
    """Names of the learners and folds that are really fitted."""
    done = []
    real = cross_fit.CrossFit._take

    def take(self, outcome, queue, *, kept=False):
        declined = outcome.task.fold == ALL_FOLDS and outcome.answer is None
        if not kept and not declined:
            done.append((self.learners[outcome.task.learner].name, outcome.task.fold))
        return real(self, outcome, queue, kept=kept)

    monkeypatch.setattr(cross_fit.CrossFit, "_take", take)
    return done


def stack(learners, store, **params):
    params = {"cv": 3, "random_state": 0, "shortcuts": False} | params
    return StackingRegressor(learners, ConvexRegressor(), store=store, **params)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("shortcuts", [False, "exact", "approximate"])
def test_nothing_is_fitted_twice(tmp_path, fits, refit, shortcuts):
    params = {"refit": refit, "shortcuts": shortcuts}
    first = stack([RIDGE, TREE], tmp_path / "s", **params).fit(X, Y)
    assert fits
    plain = stack([RIDGE, TREE], None, **params).fit(X, Y)
    fits.clear()
    again = stack([RIDGE, TREE], tmp_path / "s", **params).fit(X, Y)
    assert fits == []
    for one in (again, plain):
        assert_array_equal(one.oof_.matrix, first.oof_.matrix)
        assert_array_equal(one.predict(X), first.predict(X))
    assert again.oof_.paths == first.oof_.paths
    assert again.oof_.fit_seconds == first.oof_.fit_seconds


def test_one_learner_more_is_the_only_one_fitted(tmp_path, fits):
    stack([RIDGE], tmp_path).fit(X, Y)
    fits.clear()
    both = stack([TREE, RIDGE], tmp_path).fit(X, Y)
    assert {name for name, _ in fits} == {"tree"}
    assert_array_equal(both.predict(X), stack([TREE, RIDGE], None).fit(X, Y).predict(X))


def test_a_changed_parameter_concerns_its_own_learner(tmp_path, fits):
    stack([RIDGE, TREE], tmp_path).fit(X, Y)
    fits.clear()
    stack([("ridge", Ridge(3.0)), TREE], tmp_path).fit(X, Y)
    assert {name for name, _ in fits} == {"ridge"}


def test_other_data_are_fitted_and_said_to_be_others(tmp_path, fits):
    stack([RIDGE], tmp_path).fit(X, Y)
    changed = X.copy()
    changed[7, 2] += 1e-9
    for X_new, y_new in [(changed, Y), (X, Y + (np.arange(90) == 3))]:
        fits.clear()
        with pytest.warns(UserWarning, match="X or y is not what the store"):
            stack([RIDGE], tmp_path).fit(X_new, y_new)
        assert len(fits) == 4
    fits.clear()
    stack([RIDGE], tmp_path).fit(X, Y)
    assert fits == []


def test_a_learner_of_some_columns_does_not_mind_the_others(tmp_path, fits):
    frame = pd.DataFrame(X, columns=list("abcd"))
    learners = [("ridge", Ridge(), ["a", "b"]), ("tree", DecisionTreeRegressor(), ["c", "d"])]
    stack(learners, tmp_path).fit(frame, Y)
    fits.clear()
    with pytest.warns(UserWarning, match="X or y is not what"):
        stack(learners, tmp_path).fit(frame.assign(d=0.0), Y)
    assert {name for name, _ in fits} == {"tree"}


@pytest.mark.parametrize(
    "change",
    [
        {"cv": 4},
        {"random_state": 1},
        {"cv": TimeSeriesSplit(3)},
    ],
)
def test_other_folds_and_seeds_are_other_fits(tmp_path, fits, change):
    stack([TREE], tmp_path).fit(X, Y)
    fits.clear()
    stack([TREE], tmp_path, **change).fit(X, Y)
    assert len(fits) >= 3


def test_weights_count(tmp_path, fits):
    weights = np.linspace(1, 2, 90)
    stack([RIDGE], tmp_path).fit(X, Y, sample_weight=weights)
    fits.clear()
    stack([RIDGE], tmp_path).fit(X, Y, sample_weight=weights + 1)
    assert len(fits) == 4
    fits.clear()
    stack([RIDGE], tmp_path).fit(X, Y, sample_weight=weights)
    assert fits == []


class Own(RegressorMixin, BaseEstimator):
    """A learner that a user defines."""

    def fit(self, X, y):
        self.mean_ = y.mean()
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_what_users_define_is_keyed_by_its_source(tmp_path, fits, monkeypatch):
    stack([("own", Own())], tmp_path).fit(X, Y)
    fits.clear()
    stack([("own", Own())], tmp_path).fit(X, Y)
    assert fits == []
    monkeypatch.setattr("inspect.getsource", lambda thing: f"another {thing}")
    stack([("own", Own())], tmp_path).fit(X, Y)
    assert len(fits) == 4


def test_other_versions_are_other_fits(tmp_path, fits, monkeypatch):
    stack([RIDGE], tmp_path).fit(X, Y)
    fits.clear()
    monkeypatch.setattr("sklearn.__version__", "9.9")
    stack([RIDGE], tmp_path).fit(X, Y)
    assert len(fits) == 4


@pytest.mark.parametrize(
    ("learner", "params", "message"),
    [
        (DecisionTreeRegressor(), {"random_state": None}, "random_state is None"),
        (make_pipeline(FunctionTransformer(lambda x: x), Ridge()), {}, r"func is a lambda"),
        (
            DecisionTreeRegressor(random_state=np.random.RandomState(0)),
            {},
            "generator of random numbers",
        ),
    ],
)
def test_what_cannot_be_keyed_is_not_stored_and_said_so(tmp_path, fits, learner, params, message):
    with pytest.warns(UserWarning, match=f"'odd' is not stored.*{message}") as caught:
        stack([("odd", learner), RIDGE], tmp_path, **{"cv": 3, **params}).fit(X, Y)
    assert sum("'odd' is not stored" in str(one.message) for one in caught) == 1
    assert set(OutOfFoldStore(tmp_path).to_frame()["learner"]) <= {"ridge"}


def test_frozen_and_given_learners(tmp_path):
    fitted = FrozenEstimator(Ridge().fit(X, Y))
    other = FrozenEstimator(Ridge(50.0).fit(X, Y))
    one = stack([("frozen", fitted), TREE], tmp_path).fit(X, Y)
    two = stack([("frozen", other), TREE], tmp_path).fit(X, Y)
    assert not np.array_equal(one.oof_.block("frozen"), two.oof_.block("frozen"))


def test_folds_of_a_learner_that_is_not_needed_stay_in_the_store(tmp_path, fits):
    """Resuming ended in list.remove where the store knew learners beyond the last needed."""
    learners = [(name, DecisionTreeRegressor(max_depth=2)) for name in "abc"]
    whole = out_of_fold(learners, X, Y, cv=3, random_state=0, store=tmp_path)
    fits.clear()
    engine = set_up(
        [Learner(name, tree, "predict") for name, tree in learners],
        X,
        encode_target(Y, classifier=False, caller="test"),
        cv=3,
        groups=None,
        split_params={},
        classifier=False,
        seed=0,
        costs=dict.fromkeys("abc", 1.0),
        enough=lambda oof: len(oof.names) == 2,
        store=tmp_path,
    )
    oof = engine.run(refit=False)
    assert fits == []
    assert oof.paths == {"a": "refit", "b": "refit", "c": "not needed"}
    assert_array_equal(oof.block("b"), whole.block("b"))


def test_early_stopping_goes_on_where_it_was(tmp_path, fits):
    boosted = ("boosted", EarlyStoppingRegressor(max_rounds=40, patience=5, random_state=0))
    first = stack([boosted, RIDGE], tmp_path).fit(X, Y)
    fits.clear()
    again = stack([boosted, RIDGE], tmp_path).fit(X, Y)
    assert fits == []
    assert_array_equal(again.predict(X), first.predict(X))
    oof = OutOfFoldStore(tmp_path).out_of_fold()
    assert_array_equal(oof.block("boosted"), first.oof_.block("boosted"))
    weights = np.linspace(1, 3, 90)
    weighted = stack([boosted], tmp_path / "w").fit(X, Y, sample_weight=weights)
    oof = OutOfFoldStore(tmp_path / "w").out_of_fold()
    assert_array_equal(oof.matrix, weighted.oof_.matrix)


def test_predictions_alone(tmp_path, fits):
    """Without models the folds are there, the refits are done again."""
    store = OutOfFoldStore(tmp_path, store_models=False)
    first = stack([RIDGE, TREE], store).fit(X, Y)
    assert not list(Path(tmp_path).rglob("*.pkl"))
    fits.clear()
    again = stack([RIDGE, TREE], store).fit(X, Y)
    assert {fold for _, fold in fits} == {-1}
    assert_array_equal(again.predict(X), first.predict(X))


def test_an_out_of_fold_from_the_store(tmp_path):
    learners = [("nb", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=4))]
    labels = np.array(["a", "b", "c"])[YC]
    made = out_of_fold(
        learners,
        XC,
        labels,
        cv=RepeatedKFold(n_splits=3, n_repeats=2),
        store=tmp_path,
        random_state=0,
    )
    oof = OutOfFoldStore(tmp_path).out_of_fold()
    for name in made.names:
        assert_array_equal(oof.block(name), made.block(name))
    assert list(oof.classes) == ["a", "b", "c"]
    assert oof.loss() == made.loss()
    combiner = ConvexClassifier().fit(oof.matrix, oof.y)
    assert combiner.weights_.sum() == pytest.approx(1)
    out_of_fold(learners, XC[:60], labels[:60], store=tmp_path, random_state=0)
    with pytest.raises(ValueError, match="several X and y"):
        OutOfFoldStore(tmp_path).out_of_fold()
    for data in OutOfFoldStore(tmp_path).to_frame()["data"].unique():
        assert len(OutOfFoldStore(tmp_path).out_of_fold(data).y) in (60, 120)
    with pytest.raises(ValueError, match="no fit of data"):
        OutOfFoldStore(tmp_path).out_of_fold("0" * 40)


def test_closed_forms_are_assembled_too(tmp_path):
    made = out_of_fold([RIDGE, TREE], X, Y, store=tmp_path, random_state=0)
    oof = OutOfFoldStore(tmp_path).out_of_fold()
    assert made.paths == oof.paths == {"ridge": "closed form", "tree": "refit"}
    assert_array_equal(oof.block("ridge"), made.block("ridge"))


def test_people_can_read_it(tmp_path):
    out_of_fold(
        [RIDGE, TREE], X, Y, cv=3, refit=True, shortcuts=False, store=tmp_path, random_state=0
    )
    table = OutOfFoldStore(tmp_path).to_frame()
    assert len(table) == len(OutOfFoldStore(tmp_path)) == 8
    assert set(table["what"]) == {"fold", "refit"}
    ridge = table[table["learner"] == "ridge"]
    assert ridge["params"].unique() == ["Ridge(alpha=2.0)"]
    assert (ridge["loss"].dropna() < 20).all()
    assert table["bytes"].min() > 0
    (entry,) = [p for p in Path(tmp_path).rglob("entry.json") if table["key"][0] in str(p)]
    assert json.loads(entry.read_text())["estimator"].startswith("sklearn.")
    loaded = np.load(entry.with_name("predictions.npy")) if table["what"][0] == "fold" else None
    assert loaded is None or loaded.shape == (30, 1)


def test_pruning(tmp_path):
    store = OutOfFoldStore(tmp_path)
    out_of_fold(
        [RIDGE, TREE], X, Y, cv=3, refit=True, shortcuts=False, store=store, random_state=0
    )
    with pytest.raises(ValueError, match="needs older_than"):
        store.prune()
    assert store.prune(older_than=1000.0) == 0
    assert store.prune(learner="ridge") == 4
    assert set(store.to_frame()["learner"]) == {"tree"}
    most = int(store.to_frame()["bytes"].sum()) - 1
    assert store.prune(max_bytes=most) == 1
    assert store.prune(data="other") == 0
    assert store.prune(older_than=-1.0) == 3
    assert len(store) == 0


def test_a_size_limit_is_kept(tmp_path):
    store = OutOfFoldStore(tmp_path, max_bytes=20_000)
    stack([(f"tree_{i}", DecisionTreeRegressor(max_depth=4)) for i in range(6)], store).fit(X, Y)
    assert 0 < store.to_frame()["bytes"].sum() <= 20_000


@pytest.mark.parametrize("kind", ["array", "pandas", "polars", "fortran", "read-only"])
def test_tables_of_all_kinds_are_found_again(tmp_path, fits, kind):
    def table():
        made = np.array(X)
        if kind == "fortran":
            return np.asfortranarray(made)
        if kind == "read-only":
            made.flags.writeable = False
            return made
        if kind == "array":
            return made
        return pytest.importorskip(kind).DataFrame(
            {name: made[:, i] for i, name in enumerate("abcd")}
        )

    stack([RIDGE, TREE], tmp_path).fit(table(), Y)
    fits.clear()
    stack([RIDGE, TREE], tmp_path).fit(table(), Y)
    assert fits == []


def test_faces_that_take_a_store(tmp_path, fits):
    OutOfFoldTransformer([RIDGE], cv=3, random_state=0, store=tmp_path / "t").fit_transform(X, Y)
    assert len(OutOfFoldStore(tmp_path / "t"))
    frame = pd.DataFrame(X).assign(text=np.where(Y > 0, "a b", "c d"), date=pd.Timestamp("2025"))
    frame.columns = frame.columns.astype(str)
    learner = SuperLearnerClassifier(
        ["linear", "lightgbm_small"], levels=1, cv=3, random_state=0, store=tmp_path / "s"
    )
    first = learner.fit(frame, Y > 0)
    fits.clear()
    again = clone(learner).fit(frame.copy(), Y > 0)
    assert [name for name, _ in fits if name in ("linear", "lightgbm_small")] == []
    assert_array_equal(again.predict_proba(frame), first.predict_proba(frame))


def test_a_new_process_finds_what_another_has_fitted(tmp_path):
    """Fingerprints do not depend on the process: hash seeds, identities, order of imports."""
    script = textwrap.dedent(
        """
        import sys
        import numpy as np, pandas as pd
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from stackmeta import StackingClassifier
        from stackmeta.learners import TableCleaner
        from stackmeta.learners.pipelines import on_numbers
        from stackmeta.out_of_fold import cross_fit

        taken = []
        real = cross_fit.CrossFit._take
        def take(self, outcome, queue, *, kept=False):
            taken.append(kept)
            return real(self, outcome, queue, kept=kept)
        cross_fit.CrossFit._take = take
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({
            "text": rng.choice(["x", "y", None], 60), "kind": pd.Categorical(list("abc") * 20),
            "when": pd.date_range("2025", periods=60, tz="UTC"),
            "n": pd.array([1, None] * 30, "Int64"),
        })
        learners = [("line", on_numbers(LogisticRegression(class_weight={0: 1, 1: 2})))]
        stack = StackingClassifier(learners, cv=3, random_state=0, store=sys.argv[1])
        stack.fit(frame, list("ab") * 30)
        print(sum(taken), len(taken))
        """
    )
    file = tmp_path / "script.py"
    file.write_text(script)
    answers = []
    for seed in "12":
        env = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, str(file), str(tmp_path / "s")]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        answers.append(done.stdout.split())
    assert answers == [["0", "4"], ["4", "4"]]


def test_a_forest_of_classes(tmp_path, fits):
    """An approximate shortcut comes back with its model."""
    forest = ("forest", RandomForestClassifier(20, random_state=0))
    params = {"shortcuts": "approximate", "refit": False, "random_state": 0, "cv": 3}
    nb = ("nb", make_pipeline(StandardScaler(), LogisticRegression()))
    first = StackingClassifier([forest, nb], ConvexClassifier(), store=tmp_path, **params)
    first.fit(XC, YC)
    fits.clear()
    again = clone(first).fit(XC, YC)
    assert fits == []
    assert again.oof_.paths == first.oof_.paths
    assert_array_equal(again.predict_proba(XC), first.predict_proba(XC))
