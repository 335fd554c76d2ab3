"""verbose, and scikit-learn's callbacks."""

import re

import pytest
from sklearn.datasets import load_iris

from stackmeta import ConvexClassifier, OutOfFoldTransformer, StackingClassifier

from .doubles import Failing, classifiers

X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize("face", [StackingClassifier, OutOfFoldTransformer])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_line_a_learner(face, n_jobs, capsys):
    stack = face(classifiers(), verbose=1, cv=3, n_jobs=n_jobs).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for name, loss in stack.oof_.loss().items():
        line = next(line for line in lines if f" {name}:" in line)
        printed, seconds = re.search(r"log loss ([\d.e-]+) in ([\d.]+) s", line).groups()
        assert float(printed) == pytest.approx(loss, rel=1e-3)
        assert float(seconds) >= 0


def test_a_line_a_fit(capsys):
    stack = StackingClassifier(classifiers(), ConvexClassifier(), verbose=2, cv=3, shortcuts=False)
    stack.fit(X, Y)
    out = capsys.readouterr().out
    for name in ("nb", "tree"):
        for fold in range(3):
            assert out.count(f"{name}: fold {fold} done") == 1


def test_silent(capsys):
    StackingClassifier(classifiers(), cv=3).fit(X, Y)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def recorder():
    """Make a callback that records the tasks' names, where scikit-learn has callbacks."""
    pytest.importorskip("sklearn.callback")

    class Recorder:
        def __init__(self):
            self.begun, self.ended = [], []

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **_):
            self.begun.append(context.task_name)

        def on_fit_task_end(self, estimator, context, **_):
            self.ended.append(context.task_name)

        def teardown(self, estimator, context):
            pass

    return Recorder()


@pytest.mark.parametrize(
    "learners", [classifiers(), [("bad", Failing()), *classifiers()]], ids=["all", "one fails"]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_callbacks_see_learners_and_folds(learners):
    """Every task that begins ends, also those of a learner that fails."""
    callback = recorder()
    stack = StackingClassifier(learners, cv=3, on_error="drop", shortcuts=False)
    stack.set_callbacks(callback).fit(X, Y)
    assert sorted(callback.begun) == sorted(callback.ended)
    for name, _ in learners:
        assert callback.begun.count(name) == 1
    assert callback.begun.count("fold 1") == 2
    assert callback.begun.count("refit") == 2
    assert callback.begun.count("final_estimator") == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_the_progress_bar():
    pytest.importorskip("rich")
    callbacks = pytest.importorskip("sklearn.callback")
    stack = StackingClassifier([("bad", Failing()), *classifiers()], cv=3, on_error="drop")
    stack.set_callbacks(callbacks.ProgressBar()).fit(X, Y)
    assert stack.score(X, Y) > 0.9
