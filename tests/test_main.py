"""The command line, from the arguments to the files and the text that it prints."""

from __future__ import annotations

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

import stackmeta.learners
from stackmeta import OutOfFoldStore, StackingClassifier
from stackmeta.__main__ import main
from stackmeta._cli_data import choose_task, split_rows
from stackmeta.learners import TableCleaner, default_learners


def _without_gaps(table):
    return table.fillna(0)


def quick_learners(task, *, random_state=0):
    if task == "classification":
        learners = [GaussianNB(), RandomForestClassifier(5, random_state=random_state)]
    else:
        learners = [Ridge(), RandomForestRegressor(5, random_state=random_state)]
    fill = FunctionTransformer(_without_gaps)
    names = ("simple", "forest")
    return [
        (name, make_pipeline(TableCleaner(categories="code"), fill, learner))
        for name, learner in zip(names, learners, strict=True)
    ]


@pytest.fixture
def quick(monkeypatch):
    """Two quick learners where the default ones are not the point."""
    monkeypatch.setattr(stackmeta.learners, "default_learners", quick_learners)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n_rows = 90
    size = rng.normal(size=n_rows)
    colour = rng.choice(["red", "green", "blue"], n_rows).astype(object)
    signal = size + (colour == "red") + 0.3 * rng.normal(size=n_rows)
    colour[::10] = None
    return pd.DataFrame(
        {
            "size": np.where(np.arange(n_rows) % 7 == 0, np.nan, size),
            "colour": colour,
            "sold": pd.date_range("2024-01-01", periods=n_rows).astype(str),
            "shop": np.arange(n_rows) % 9,
            "kind": np.where(signal > 0.3, "yes", "no"),
            "grade": np.digitize(signal, [-0.5, 1]),
            "price": 10 + signal,
        }
    )


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command line in an empty folder; give exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with threadpool_limits(1):
            status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def save(table, columns, name):
    table = table[columns]
    if name.endswith("parquet"):
        table.to_parquet(name, index=False)
    else:
        table.to_csv(name, index=False, sep="\t" if ".tsv" in name else ",")


TASKS = {
    "kind": ("classification", "'kind' holds 2 labels", "log loss"),
    "grade": ("classification", "'grade' holds 3 whole numbers", "log loss"),
    "price": ("regression", "'price' holds fractions", "RMSE"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["table.csv", "table.tsv.gz", "table.parquet"])
@pytest.mark.parametrize("target", TASKS)
def test_fit_then_predict(run, table, target, name):
    columns = ["size", "colour", "sold", target]
    save(table, columns, name)
    status, out, err = run("fit", name, "--target", target, "--out", "model", "--cv", 3)
    task, reason, loss = TASKS[target]
    assert (status, err) == (0, "")
    assert f"{name}: 90 rows, 3 columns to learn from" in out
    assert f"Task: {task} ({reason}; --task" in out
    assert f"out-of-fold {loss}" in out
    assert "On 18 rows held out" in out
    assert "best single learner (" in out
    assert "Model: model/model.joblib" in out
    leaderboard = pd.read_csv("model/leaderboard.csv")
    assert sorted(leaderboard["learner"]) == ["forest", "simple"]
    assert leaderboard["weight"].sum() == pytest.approx(1)

    # Other columns, another order, values never seen, and no target.
    later = table.assign(colour="violet", more=1)[["more", "sold", "colour", "size"]]
    later.to_csv("later.csv", index=False)
    status, out, err = run("predict", "model", "later.csv", "--out", "out/predictions.csv")
    assert (status, err) == (0, "")
    predictions = pd.read_csv("out/predictions.csv")

    saved = joblib.load("model/model.joblib")
    assert saved["columns"] == ["size", "colour", "sold"]
    assert (saved["target"], saved["task"]) == (target, task)
    assert saved["versions"]["scikit-learn"]
    stack, X = saved["stack"], later[saved["columns"]]
    expected = stack.predict(X)
    if task == "regression":
        assert list(predictions) == ["prediction"]
        np.testing.assert_allclose(predictions["prediction"], expected)
    else:
        assert predictions["prediction"].tolist() == expected.tolist()
        labels = ["prediction", *(f"probability_{label}" for label in stack.classes_)]
        assert list(predictions) == labels
        np.testing.assert_allclose(predictions[labels[1:]], stack.predict_proba(X))


@pytest.mark.usefixtures("quick")
def test_predict_writes_standard_output_and_parquet(run, table):
    save(table, ["size", "colour", "kind"], "table.csv")
    assert run("fit", "table.csv", "--target", "kind")[0] == 0
    status, out, _ = run("predict", "stackmeta_model/model.joblib", "table.csv")
    assert status == 0
    assert out.splitlines()[0] == "prediction,probability_no,probability_yes"
    assert len(out.splitlines()) == 91
    status, out, _ = run("predict", "stackmeta_model", "table.csv", "--out", "p.parquet")
    assert out == "90 predictions: p.parquet\n"
    assert len(pd.read_parquet("p.parquet")) == 90


@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_stack_that_python_gives(run, table):
    save(table, ["size", "colour", "price"], "table.csv")
    arguments = ("fit", "table.csv", "--target", "price", "--holdout", 0, "--seed", 3)
    for out in ("one", "two"):
        status, printed, _ = run(*arguments, "--out", out)
        assert status == 0
        assert "held out" not in printed
    run("predict", "one", "table.csv", "--out", "one.csv")
    run("predict", "two", "table.csv", "--out", "two.csv")
    pd.testing.assert_frame_equal(pd.read_csv("one.csv"), pd.read_csv("two.csv"))
    assert len(joblib.load("one/model.joblib")["stack"].oof_.matrix) == len(table)


# scikit-learn 1.7 with a later SciPy; Python shows users no DeprecationWarning of others.
@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")
def test_the_real_learners(run, table):
    save(table, ["size", "colour", "sold", "kind"], "table.csv")
    status, out, err = run("fit", "table.csv", "--target", "kind", "--cv", 2, "--time-limit", 60)
    assert (status, err) == (0, "")
    for name, _ in default_learners("classification"):
        assert f"[stackmeta] {name}: out-of-fold log loss" in out


@pytest.mark.usefixtures("quick")
def test_a_store_keeps_what_is_fitted(run, table):
    save(table, ["size", "colour", "kind"], "table.csv")
    command = ("fit", "table.csv", "--target", "kind", "--cv", 3, "--store", "kept")
    assert run(*command)[0] == 0
    n_fits = len(OutOfFoldStore("kept"))
    assert n_fits >= 3
    assert run(*command)[0] == 0
    assert len(OutOfFoldStore("kept")) == n_fits


@pytest.mark.usefixtures("quick")
def test_groups_stay_together_and_are_no_feature(run, table, monkeypatch):
    seen = {}
    fit = StackingClassifier.fit

    def spy(self, X, y, *, groups):
        seen.update(X=X, groups=groups)
        return fit(self, X, y, groups=groups)

    monkeypatch.setattr(StackingClassifier, "fit", spy)
    save(table, ["size", "shop", "kind"], "table.csv")
    status, _, _ = run("fit", "table.csv", "--target", "kind", "--group", "shop", "--cv", 3)
    assert status == 0
    assert list(seen["X"]) == ["size"]
    assert 0 < len(set(seen["groups"])) < 9
    assert len(seen["groups"]) == 10 * len(set(seen["groups"]))


@pytest.mark.usefixtures("quick")
def test_rows_without_target_are_left_out(run, table):
    table.loc[:4, "grade"] = None
    save(table, ["size", "grade"], "table.csv")
    status, out, _ = run("fit", "table.csv", "--target", "grade")
    assert status == 0
    assert "5 rows without 'grade' are left out" in out
    # A missing value made floats of the classes; they are whole numbers again.
    assert joblib.load("stackmeta_model/model.joblib")["stack"].classes_.tolist() == [0, 1, 2]


def test_a_learner_that_fails_leaves_with_one_line(run, table, monkeypatch):
    def learners(task, *, random_state=0):
        return [*quick_learners(task), ("raw", LogisticRegression())]

    monkeypatch.setattr(stackmeta.learners, "default_learners", learners)
    save(table, ["size", "colour", "kind"], "table.csv")
    status, out, err = run("fit", "table.csv", "--target", "kind")
    assert status == 0
    assert err.startswith("stackmeta: warning: Learner 'raw' failed in fold")
    assert "raw" in out
    assert "failed" in out


ERRORS = {
    "no file": (("fit", "none.csv", "--target", "kind"), "There is no file none.csv."),
    "extension": (("fit", "table.xls", "--target", "kind"), "table.xls is no table"),
    "target": (("fit", "table.csv", "--target", "kinds"), "Did you mean: kind?"),
    "case": (("fit", "table.csv", "--target", "KIND"), "Did you mean: kind?"),
    "far": (("fit", "table.csv", "--target", "zzz"), "It has: size, colour"),
    "group": (("fit", "table.csv", "--target", "kind", "--group", "shops"), "mean: shop?"),
    "both": (("fit", "table.csv", "--target", "kind", "--group", "kind"), "the same column"),
    "one class": (("fit", "one.csv", "--target", "kind"), "one class only, 'yes'"),
    "no rows": (("fit", "empty.csv", "--target", "kind"), "empty.csv holds no rows"),
    "no bytes": (("fit", "void.csv", "--target", "kind"), "cannot be read as a table"),
    "no target": (("fit", "void_target.csv", "--target", "kind"), "'kind' is empty"),
    "alone": (("fit", "alone.csv", "--target", "kind"), "no column besides"),
    "text": (("fit", "table.csv", "--target", "kind", "--task", "regression"), "no numbers"),
    "real": (("fit", "table.csv", "--target", "price", "--task", "classification"), "fractions"),
    "name": (("fit", "table.csv", "--target", "sold"), "90 classes in 90 rows"),
    "folds": (("fit", "table.csv", "--target", "kind", "--cv", "80"), "n_splits=80"),
    "no parquet": (("fit", "broken.parquet", "--target", "kind"), "cannot be read as a table"),
    "out": (("fit", "table.csv", "--target", "kind", "--out", "table.csv"), "cannot be written"),
    "no model": (("predict", "none", "table.csv"), "There is no model none."),
    "broken model": (("predict", "table.csv", "table.csv"), "cannot be loaded"),
    "other pickle": (("predict", "other.joblib", "table.csv"), "is no model"),
    "out type": (("predict", "model", "table.csv", "--out", "x.xls"), "x.xls is no table"),
    "columns": (("predict", "model", "less.csv"), "lacks columns that the model needs: size"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line(run, table, case):
    arguments, message = ERRORS[case]
    table.to_csv("table.csv", index=False)
    table.assign(kind="yes").to_csv("one.csv", index=False)
    table.head(0).to_csv("empty.csv", index=False)
    table.assign(kind=None).to_csv("void_target.csv", index=False)
    table[["kind"]].to_csv("alone.csv", index=False)
    table.drop(columns="size").to_csv("less.csv", index=False)
    for name in ("void.csv", "table.xls", "broken.parquet"):
        open(name, "w").close()
    joblib.dump([1, 2], "other.joblib")
    if case == "columns":
        assert run("fit", "table.csv", "--target", "kind", "--out", "model")[0] == 0
    status, _, err = run(*arguments)
    assert status == 2
    assert err.startswith("stackmeta: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_parquet_without_pyarrow_names_the_extra(run, table, monkeypatch):
    def read_parquet(path):
        raise ImportError("no pyarrow")

    table.to_parquet("table.parquet")
    monkeypatch.setattr(pd, "read_parquet", read_parquet)
    status, _, err = run("fit", "table.parquet", "--target", "kind")
    assert status == 2
    assert "pip install 'stackmeta[parquet]'" in err


def test_ctrl_c_ends_with_130(run, table, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(StackingClassifier, "fit", interrupt)
    table.to_csv("table.csv", index=False)
    status, _, err = run("fit", "table.csv", "--target", "kind")
    assert (status, err) == (130, "stackmeta: interrupted.\n")


def test_too_short_a_time_limit_says_so(run, table, monkeypatch):
    table.to_csv("table.csv", index=False)
    status, _, err = run("fit", "table.csv", "--target", "kind", "--time-limit", 1e-6)
    assert status == 2
    assert "time_limit=0.1 s ended before any learner was done" in err


@pytest.mark.parametrize(
    "arguments",
    [[], ["fit", "t.csv"], ["fit", "t.csv", "--target", "y", "--holdout", "1"]]
    + [["fit", "t.csv", "--target", "y", option, "0"] for option in ("--cv", "--time-limit")],
)
def test_wrong_arguments_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_help_warns_of_pickles():
    command = [sys.executable, "-m", "stackmeta", "predict", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "only models from people you trust" in " ".join(text.split())


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 10, "classification"),
        ([True, False] * 10, "classification"),
        (pd.Categorical([1.5, 2.5] * 10), "classification"),
        ([0, 1] * 10, "classification"),
        ([0.0, 1.0] * 10, "classification"),
        ([1, 2, 3, 4] * 5, "classification"),
        (pd.array([1, 2, 3, 4] * 5, dtype="Int64"), "classification"),
        ([1, 2, 3, 4] * 4, "regression"),
        (range(100), "regression"),
        ([0.5, 1.0] * 10, "regression"),
    ],
)
def test_the_task_follows_from_the_target(values, task):
    assert choose_task(pd.Series(values, name="y"), "auto")[0] == task


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(10), 3)])
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_every_class_has_training_rows(task, share, groups):
    for seed in range(5):
        y = np.array([0, 1] * 14 + [2, 3])
        train, test = split_rows(y, task, share, groups, seed)
        assert sorted([*train, *test]) == list(range(30))
        assert 0 < len(test) <= 0.6 * 30
        if task == "classification":
            assert set(y[train]) == {0, 1, 2, 3}
        if groups is not None:
            assert not set(groups[train]) & set(groups[test])
