"""Failures and the time limit, here and in worker processes."""

import os
import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from stackmeta import out_of_fold

from .given import Answers, Dies, Fails, Sleeps, TooOld, numbers

X, Y = numbers()
X = X.copy()
X[:, 0] = np.arange(90)  # row ids, so that Fails can pick a fold
CV = KFold(3)
LINE = ("line", LinearRegression())


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_raise_keeps_the_type_and_names_learner_and_fold(n_jobs):
    learners = [LINE, ("old", Fails(without=40))]
    with pytest.raises(TooOld, match="boo") as caught:
        out_of_fold(learners, X, Y, cv=CV, n_jobs=n_jobs)
    notes = "\n".join(caught.value.__notes__)
    assert "'old' failed in fold 1" in notes
    if n_jobs == 2:  # else the traceback is the exception's own
        assert "given.py" in notes
        assert "raise ERRORS" in notes


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_exceptions_that_do_not_pickle_still_arrive(n_jobs):
    with pytest.raises(Exception, match="a and b") as caught:
        out_of_fold([("odd", Fails("Unpicklable", without=80))], X, Y, cv=CV, n_jobs=n_jobs)
    assert "'odd' failed in fold 2" in "\n".join(caught.value.__notes__)
    if n_jobs is None:
        assert type(caught.value).__name__ == "Unpicklable"
    else:
        assert "Unpicklable" in str(caught.value)


def test_exception_types_of_a_script_survive_the_trip(tmp_path):
    """Classes of __main__ (a notebook's) are not importable in the worker."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import numpy as np
            from sklearn.linear_model import LinearRegression
            from stackmeta import out_of_fold

            class Mine(Exception):
                pass

            class Fails(LinearRegression):
                def fit(self, X, y):
                    raise Mine("boo")

            if __name__ == "__main__":
                X = np.arange(12.0).reshape(6, 2)
                try:
                    out_of_fold([("f", Fails())], X, X[:, 0], cv=2, n_jobs=2)
                except Mine as error:
                    print("Mine", "'f' failed in fold" in "".join(error.__notes__))
            """
        )
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "Mine True", done.stderr[-2000:]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_drop_warns_and_goes_on(n_jobs):
    learners = [LINE, ("old", Fails(without=40))]
    with pytest.warns(FitFailedWarning, match=r"'old' failed in fold 1 .*TooOld: boo") as caught:
        oof = out_of_fold(learners, X, Y, cv=CV, n_jobs=n_jobs, on_error="drop")
    assert len([w for w in caught if w.category is FitFailedWarning]) == 1
    assert oof.names == ["line"]
    assert oof.paths == {"line": "closed form", "old": "failed"}
    assert oof.matrix.shape == (90, 1)
    assert np.array_equal(oof.matrix, out_of_fold([LINE], X, Y, cv=CV).matrix)


def test_a_learner_that_fails_only_in_the_refit():
    learners = [LINE, ("old", Fails(n_rows=90))]
    with pytest.warns(FitFailedWarning, match="'old' failed in the fit on all rows"):
        oof = out_of_fold(learners, X, Y, cv=CV, refit=True, on_error="drop")
    assert oof.names == ["line"]
    assert list(oof.models) == ["line"]
    with pytest.raises(TooOld) as caught:
        out_of_fold(learners, X, Y, cv=CV, refit=True)
    assert "'old' failed in the fit on all rows" in "".join(caught.value.__notes__)
    assert out_of_fold(learners, X, Y, cv=CV, on_error="drop").names == ["line", "old"]


def test_no_further_fit_of_a_failed_learner():
    with pytest.warns(FitFailedWarning):
        oof = out_of_fold([("old", Fails()), LINE], X, Y, cv=30, on_error="drop")
    assert [record.name for record in oof.records].count("old") == 1


def test_all_fail_names_each_cause():
    learners = [("one", Fails()), ("two", Fails("Unpicklable"))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        with pytest.raises(ValueError, match="Every learner failed") as caught:
            out_of_fold(learners, X, Y, cv=CV, on_error="drop")
    message = str(caught.value)
    assert "'one' in fold" in message
    assert "TooOld: boo" in message
    assert "'two' in fold" in message
    assert "Unpicklable: a and b" in message


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nan", "NaN for 1 of 30 held-out rows"),
        ("long", r"shape \(31, 1\) for 30 rows"),
        ("cube", r"shape \(30, 1, 1\)"),
        ("wide", r"\(30, 2\)|2 columns"),
    ],
)
def test_answers_that_cannot_be_used(what, message):
    """They count as failures of the learner, named, and not as an error of the engine."""
    learners = [LINE, ("odd", Answers(what))]
    with pytest.raises(ValueError, match=message) as caught:
        out_of_fold(learners, X, Y, cv=CV)
    assert "learner 'odd' failed in fold" in "".join(caught.value.__notes__)
    with pytest.warns(FitFailedWarning, match="'odd'"):
        assert out_of_fold(learners, X, Y, cv=CV, on_error="drop").names == ["line"]


def test_widths_that_differ_between_folds():
    learners = [LINE, ("odd", Answers("varying"))]
    with pytest.warns(FitFailedWarning, match="'odd'"):
        assert out_of_fold(learners, X, Y, cv=CV, on_error="drop").names == ["line"]


# --- time limit -----------------------------------------------------------------------------


def timed(*args, **kwargs):
    start = time.perf_counter()
    try:
        result = out_of_fold(*args, **kwargs)
    except Exception as error:
        result = error
    return result, time.perf_counter() - start


def test_limit_one_job_acts_between_tasks():
    learners = [LINE, ("slow", Sleeps(0.5))]
    with pytest.warns(UserWarning, match=r"time_limit=0.7 s ended .*\['slow'\]"):
        oof, seconds = timed(learners, X, Y, cv=CV, time_limit=0.7)
    assert oof.names == ["line"]
    assert oof.paths["slow"] == "time limit"
    assert seconds < 1.5


def test_limit_ends_a_hanging_learner_in_worker_processes():
    """60 s of sleep must not hold a limit of 3 s, and no worker stays behind."""
    out_of_fold([LINE], X, Y, cv=2, n_jobs=2)  # warm workers
    learners = [LINE, ("hangs", Sleeps(60))]
    with pytest.warns(UserWarning, match=r"\['hangs'\]"):
        oof, seconds = timed(learners, X, Y, cv=CV, n_jobs=2, time_limit=2, refit=True)
    assert seconds < 2 * 1.1 + 2
    assert oof.names == ["line"]
    assert list(oof.models) == ["line"]
    again, seconds = timed([LINE], X, Y, cv=CV, n_jobs=2)
    assert seconds < 15
    assert np.array_equal(again.matrix, oof.matrix)


def test_a_hanging_learner_named_first_leaves_the_other_worker_alone():
    """Workers that are still starting must not be filled with fits of the learner that hangs."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)  # cold start
    with pytest.warns(UserWarning, match=r"\['hangs'\]"):
        oof, seconds = timed([("hangs", Sleeps(60)), LINE], X, Y, cv=CV, n_jobs=2, time_limit=6)
    assert oof.names == ["line"]
    assert seconds < 6 * 1.1 + 2


def test_limit_with_nothing_done_in_worker_processes():
    error, seconds = timed([("hangs", Sleeps(60))], X, Y, cv=CV, n_jobs=2, time_limit=1)
    assert type(error) is TimeoutError
    assert "before any learner was done" in str(error)
    assert seconds < 1.1 + 2


def test_limit_with_threads():
    learners = [LINE, ("slow", Sleeps(0.5))]
    with parallel_config("threading"), pytest.warns(UserWarning, match=r"\['slow'\]"):
        oof, seconds = timed(learners, X, Y, cv=CV, n_jobs=2, time_limit=0.3)
    assert oof.names == ["line"]
    assert seconds < 2.3


def test_limit_with_nothing_done_one_job():
    error, _ = timed([("slow", Sleeps(0.2))], X, Y, cv=CV, time_limit=0.1)
    assert type(error) is TimeoutError
    assert "time_limit=0.1" in str(error)


def test_limit_and_failures_are_both_told():
    learners = [("old", Fails()), ("slow", Sleeps(0.3))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        error, _ = timed(learners, X, Y, cv=CV, time_limit=0.2, on_error="drop")
    assert type(error) is TimeoutError
    assert "TooOld: boo" in str(error)


def test_a_generous_limit_changes_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        oof = out_of_fold([LINE, ("slow", Sleeps(0.01))], X, Y, cv=CV, time_limit=60)
    assert oof.names == ["line", "slow"]
    assert np.array_equal(oof.select(["line"]).matrix, out_of_fold([LINE], X, Y, cv=CV).matrix)


def test_a_learners_own_timeout_error_is_its_failure():
    class Impatient(LinearRegression):
        def fit(self, X, y):
            raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        out_of_fold([("i", Impatient())], X, Y, cv=CV)
    with pytest.warns(FitFailedWarning, match="mine"):
        oof = out_of_fold([LINE, ("i", Impatient())], X, Y, cv=CV, on_error="drop", time_limit=60)
    assert oof.names == ["line"]


def test_a_failure_does_not_wait_for_a_hanging_learner():
    learners = [("hangs", Sleeps(60)), ("old", Fails())]
    error, seconds = timed(learners, X, Y, cv=CV, n_jobs=2)
    assert type(error) is TooOld
    assert seconds < 15


def test_a_backend_that_returns_all_at_the_end():
    with parallel_config("multiprocessing"):
        oof = out_of_fold([LINE], X, Y, cv=CV, n_jobs=2)
    assert np.array_equal(oof.matrix, out_of_fold([LINE], X, Y, cv=CV).matrix)


def test_a_worker_that_dies_once_costs_its_tasks_only(tmp_path):
    """What was lost runs again; what had been reported does not."""
    dies = Dies(str(tmp_path / "deaths"), times=1, main=os.getpid())
    learners = [("dies", dies), ("slow", Sleeps(0.1)), LINE]
    oof = out_of_fold(learners, X, Y, cv=CV, refit=True, n_jobs=2)
    assert oof.names == ["dies", "slow", "line"]
    assert oof.paths == {"dies": "refit", "slow": "refit", "line": "closed form"}
    assert (tmp_path / "deaths").stat().st_size >= 5
    done = [(record.name, record.fold) for record in oof.records]
    assert len(done) == len(set(done))
    calm = out_of_fold([("slow", Sleeps(0))], X, Y, cv=CV)
    assert np.array_equal(oof.block("slow"), calm.matrix)


def test_a_learner_that_kills_its_worker_again_is_named(tmp_path):
    """Beside nothing else it kills the worker once more: no doubt which one it is."""
    dies = Dies(str(tmp_path / "deaths"), times=1000, main=os.getpid())
    learners = [("slow", Sleeps(0.1)), ("dies", dies), LINE]
    with pytest.warns(FitFailedWarning, match=r"'dies' failed in .* worker process died twice"):
        oof = out_of_fold(learners, X, Y, cv=CV, refit=True, n_jobs=2, on_error="drop")
    assert oof.paths == {"slow": "refit", "dies": "failed", "line": "closed form"}
    with pytest.raises(RuntimeError, match="worker process died twice") as caught:
        out_of_fold(learners, X, Y, cv=CV, n_jobs=2)
    assert "learner 'dies' failed" in "".join(caught.value.__notes__)


def test_a_time_limit_needs_results_as_they_come():
    """A backend that returns everything at the end could not be stopped."""
    with parallel_config("multiprocessing"), pytest.raises(ValueError, match="time_limit needs"):
        out_of_fold([("slow", Sleeps(0.1))], X, Y, cv=CV, n_jobs=2, time_limit=30)
