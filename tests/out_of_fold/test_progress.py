"""Progress: printed lines, and scikit-learn's callbacks."""

import re

import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold
from sklearn.naive_bayes import GaussianNB

from stackmeta import StackingClassifier, StackingRegressor, out_of_fold

from .given import Fails, classes, numbers

LINE = re.compile(r"^\[stackmeta\] (\w+): out-of-fold ([a-z ]+) (\S+) in (\d+\.\d\d) s$")


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("cv", [3, RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)])
def test_a_line_a_learner_with_loss_and_seconds(capsys, refit, cv):
    X, y = numbers()
    learners = [("line", LinearRegression()), ("ridge", Ridge())]
    oof = out_of_fold(learners, X, y, cv=cv, refit=refit, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    found = [LINE.match(line) for line in lines]
    assert len(lines) == 2
    assert all(found)
    assert {m[1] for m in found} == {"line", "ridge"}
    for match in found:
        assert match[2] == "root mean squared error"
        assert float(match[3]) == pytest.approx(oof.loss()[match[1]], rel=1e-4)


def test_the_default_is_silent(capsys):
    X, y = classes()
    StackingClassifier([("nb", GaussianNB())], cv=3).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_two_prints_each_fit(capsys):
    X, y = classes()
    out_of_fold([("nb", GaussianNB())], X, y, cv=3, refit=True, shortcuts=False, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    for what in ("fold 0", "fold 1", "fold 2", "refit"):
        assert len([line for line in lines if f"nb: {what} done in " in line]) == 1
    assert len([line for line in lines if "nb: out-of-fold log loss" in line]) == 1


def test_a_face_prints_too_and_from_worker_processes(capfd):
    X, y = classes()
    learners = [("nb", GaussianNB()), ("lr", LogisticRegression())]
    StackingClassifier(learners, cv=3, verbose=1, n_jobs=2).fit(X, y)
    lines = capfd.readouterr().out.splitlines()
    assert sorted(LINE.match(line)[1] for line in lines) == ["lr", "nb"]


def test_no_line_for_a_learner_that_failed(capsys):
    X, y = numbers()
    with pytest.warns(FitFailedWarning, match="old"):
        out_of_fold(
            [("old", Fails()), ("line", LinearRegression())],
            X,
            y,
            cv=3,
            on_error="drop",
            verbose=1,
        )
    assert [LINE.match(line)[1] for line in capsys.readouterr().out.splitlines()] == ["line"]


# --- scikit-learn's callbacks ---------------------------------------------------------------


class Recorder:
    """A FitCallback that notes which tasks begin and end, as paths of names."""

    def __init__(self):
        self.begun, self.ended, self.set_up = [], [], []

    @staticmethod
    def path(context):
        names = []
        while context is not None:
            names.append(context.task_name)
            context = context.parent
        return tuple(reversed(names))

    def setup(self, estimator, context):
        self.set_up.append("setup")

    def teardown(self, estimator, context):
        self.set_up.append("teardown")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.begun.append(self.path(context))

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.ended.append(self.path(context))


@pytest.fixture
def callback():
    return pytest.importorskip("sklearn.callback")


def fitted(recorder, **options):
    X, y = classes()
    learners = [("nb", GaussianNB()), ("lr", LogisticRegression())]
    options = {"shortcuts": False} | options
    stack = StackingClassifier(learners, cv=3, **options).set_callbacks(recorder)
    return stack.fit(X, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_task_tree_is_learners_by_folds(callback, n_jobs):
    recorder = Recorder()
    fitted(recorder, n_jobs=n_jobs)
    assert recorder.set_up == ["setup", "teardown"]
    assert sorted(recorder.begun) == sorted(recorder.ended)
    root = min(recorder.begun, key=len)
    assert recorder.begun[0] == recorder.ended[-1] == root
    below = [path[len(root) :] for path in recorder.begun]
    wanted = [(name,) for name in ("nb", "lr", "final_estimator")]
    wanted += [(n, what) for n in ("nb", "lr") for what in ("fold 0", "fold 1", "fold 2", "refit")]
    assert sorted(path for path in below if path) == sorted(wanted)


def test_a_shortcut_is_one_task(callback):
    recorder = Recorder()
    fitted(recorder, shortcuts="exact")
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert [path[-1] for path in recorder.begun if "nb" in path] == ["nb", "all folds"]


def test_the_tree_without_refits(callback):
    recorder = Recorder()
    fitted(recorder, refit=False)
    assert not [path for path in recorder.begun if path[-1] == "refit"]
    assert sorted(recorder.begun) == sorted(recorder.ended)


def test_a_fit_that_raises_is_torn_down(callback):
    recorder = Recorder()
    X, y = numbers()
    stack = StackingRegressor([("old", Fails())], cv=3).set_callbacks(recorder)
    with pytest.raises(Exception, match="boo"):
        stack.fit(X, y)
    assert recorder.set_up == ["setup", "teardown"]


def test_scikit_learns_progress_bar(callback, capsys):
    pytest.importorskip("rich")
    fitted(callback.ProgressBar())
    shown = capsys.readouterr().out
    for word in ("StackingClassifier", "nb", "lr", "100%"):
        assert word in shown


def test_without_callbacks_nothing_is_needed():
    X, y = numbers()
    stack = StackingRegressor([("line", LinearRegression())], cv=3).fit(X, y)
    assert stack.predict(X).shape == (90,)
