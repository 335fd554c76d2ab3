"""``stackmeta report``: which rows it judges, and what it refuses."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from stackmeta.__main__ import main

LEARNERS = [("bayes", GaussianNB()), ("linear", LogisticRegression())]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table, and a model that was fitted on most of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stackmeta.learners.default_learners", lambda *_, **__: LEARNERS)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2)).round(3)
    table = pd.DataFrame(X, columns=["a", "b"]).assign(n=rng.integers(0, 9, 120))
    table["kind"] = np.where(X[:, 0] + rng.normal(size=120) > 0, "<yes>", "no")
    table.to_csv("table.csv", index=False)
    assert main(["fit", "table.csv", "--target", "kind", "--out", "model"]) == 0
    return tmp_path


def test_judges_the_rows_that_were_held_out(folder, capsys):
    capsys.readouterr()
    assert main(["report", "model", "table.csv"]) == 0
    assert "24 rows that the model was not fitted on" in capsys.readouterr().out
    text = (folder / "report.html").read_text("utf-8")
    assert "on 24 rows given to the report (stack)" in text
    assert "Predicting kind" in text
    assert "<yes>" not in text
    fitted = joblib.load("model/model.joblib")["fitted_rows"]
    assert fitted.dtype == np.uint64


def test_rows_of_the_fit_alone(folder, capsys):
    """Also where a missing value makes whole numbers floats."""
    table = pd.read_csv("table.csv")
    from stackmeta._cli_page import _prints

    fitted = joblib.load("model/model.joblib")["fitted_rows"]
    seen = np.isin(_prints(table[["a", "b", "n"]], table["kind"].to_numpy()), fitted)
    assert seen.sum() == 96
    part = table[seen].astype({"n": float})
    part.loc[len(table)] = [0.0, 0.0, np.nan, "no"]
    part.to_csv("part.csv", index=False)
    assert main(["report", "model", "part.csv", "--out", "page.html"]) == 0
    assert "fitted on 96 of its 97 rows" in capsys.readouterr().out


def test_models_of_before(folder, capsys):
    saved = joblib.load("model/model.joblib")
    del saved["fitted_rows"]
    joblib.dump(saved, "model/model.joblib")
    assert main(["report", "model", "table.csv"]) == 0
    assert "all rows are judged" in capsys.readouterr().out


def test_bad_input(folder, capsys):
    table = pd.read_csv("table.csv")
    table.drop(columns="kind").to_csv("no_target.csv", index=False)
    table.assign(kind="maybe").to_csv("strange.csv", index=False)
    for args, words in [
        (["model", "no_target.csv"], "lacks columns that the report needs: kind"),
        (["model", "strange.csv"], "holds maybe, which the model does not know"),
        (["model", "table.csv", "--out", "report.pdf"], "a report is an .html file"),
        (["model", "table.csv", "--out", "nowhere/report.html"], "there is no folder"),
        (["nothing", "table.csv"], "There is no model"),
    ]:
        assert main(["report", *args]) == 2
        assert words in capsys.readouterr().err
    assert not (folder / "report.html").exists()
