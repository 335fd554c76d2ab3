"""The default learners on a table with every kind of column."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier, is_regressor
from threadpoolctl import threadpool_limits

from stackmeta.learners import default_learners

NAMES = [name for name, _ in default_learners("classification")]


def raw_table(n_rows=80, seed=0):
    rng = np.random.default_rng(seed)
    text = pd.Series(rng.choice(np.array(["a", "b", "c", None], dtype=object), n_rows))
    return pd.DataFrame(
        {
            "number": np.where(rng.uniform(size=n_rows) < 0.2, np.nan, rng.normal(size=n_rows)),
            "infinite": np.where(rng.uniform(size=n_rows) < 0.2, np.inf, 1.0),
            "constant": 3,
            "empty": np.nan,
            "none": None,
            "once": [1.0] + [np.nan] * (n_rows - 1),
            "text": text,
            "object": text.astype(object),
            "string": text.astype("string"),
            "category": text.astype("category"),
            "name": [f"name {i}" for i in range(n_rows)],
            "bool": rng.integers(0, 2, n_rows).astype(bool),
            "nullable [int] <x>": pd.array([1, None] * (n_rows // 2), dtype="Int64"),
            "nullable bool": pd.array([True, None] * (n_rows // 2), dtype="boolean"),
            "date": pd.date_range("2024-05-31", periods=n_rows, freq="7h"),
            "duration": pd.to_timedelta(rng.integers(0, 99, n_rows), unit="h"),
        }
    )


@pytest.fixture(autouse=True)
def no_warnings():
    # One thread: HistGradientBoosting crawls where other processes are busy.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("error")
        # scikit-learn 1.7 with a later SciPy
        warnings.filterwarnings("ignore", "scipy.optimize: The", DeprecationWarning)
        yield


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_learner_takes_a_raw_table(task, name):
    X = raw_table()
    y = X["number"].fillna(0).to_numpy()
    y = (y > 0).astype(int) + (y > 1) if task == "classification" else y
    learner = dict(default_learners(task))[name].fit(X, y)

    new = raw_table(20, seed=1)
    new["text"] = "unknown"
    new["date"] = pd.NaT
    new["number"] = np.nan
    if task == "classification":
        answer = learner.predict_proba(new)
        np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-6)
    else:
        answer = learner.predict(new)
    assert len(answer) == 20
    assert np.isfinite(answer).all()


def test_there_are_seven_kinds_on_one_thread_each():
    for task, is_kind in (("classification", is_classifier), ("regression", is_regressor)):
        learners = default_learners(task, random_state=7)
        assert len({type(learner[-1]) for _, learner in learners}) == 7
        for _, learner in learners:
            assert is_kind(learner)
            params = learner[-1].get_params()
            assert params.get("n_jobs") in (None, 1)
            # All but the linear learners and the neighbours, which draw no numbers.
            assert params.get("random_state", 7) == 7 or "fit_intercept" in params


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="'ranking'"):
        default_learners("ranking")


def test_importing_stackmeta_loads_no_boosters():
    code = (
        "import sys, stackmeta, stackmeta.learners, stackmeta.__main__; "
        "print([m for m in ('lightgbm', 'xgboost') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
