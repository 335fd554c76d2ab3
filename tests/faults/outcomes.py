"""What may come of a call: valid output, a refusal before the first fit, a learner's own error.

A **refusal** is a ValueError or TypeError (none of those that only inherit from them, such as
LinAlgError), raised on purpose: by a ``raise`` of stackmeta or scikit-learn, with a message,
before the engine began any task. A learner's **own error** is a ValueError or TypeError that came
out of a method of one of the user's learners, and its note says so. All else is a bug.
"""

import linecache
import traceback
import warnings
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
from numpy.linalg import LinAlgError
from sklearn.exceptions import FitFailedWarning, NotFittedError

from stackmeta.out_of_fold import run

_NOT_MEANT = (LinAlgError, UnicodeError, NotFittedError)
# Where stackmeta calls methods of a learner.
_CALLS = {("task.py", "fit"), ("response.py", "respond"), ("task.py", "_check_block")}


class Bug(AssertionError):
    """An outcome that no call may have."""


@contextmanager
def counted_tasks():
    """Count the tasks (fits of a learner, and shortcuts) that the engine begins."""
    tasks = []

    def run_task(shared, task, *args):
        tasks.append(task)
        return original(shared, task, *args)

    original = run.run_task
    with patch.object(run, "run_task", run_task):
        yield tasks


def outcome_of_fit(fit, *, own_learners=False):
    """Call ``fit``; answer ("valid", what it gave), ("refused", error) or ("learner", error).

    With ``own_learners`` all learners are stackmeta's own, which must not fail.
    """
    with counted_tasks() as tasks, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = fit()
        except Exception as error:
            _check_kind(error)
            if not tasks:
                _check_on_purpose(error)
                return "refused", error
            if own_learners or not _is_learners_own(error):
                raise Bug(f"after {len(tasks)} tasks: {error!r}") from error
            return "learner", error
    failed = [str(x.message) for x in told if issubclass(x.category, FitFailedWarning)]
    if own_learners and failed:
        raise Bug(f"stackmeta's own learner failed: {failed}")
    return "valid", result


def outcome_of_predict(predict):
    """Call a method of something fitted; answer as ``outcome_of_fit`` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "valid", predict()
        except Exception as error:
            _check_kind(error)
            if _caller_and_inner(error)[0] in _CALLS:
                return "learner", error
            _check_on_purpose(error)
            return "refused", error


def _check_kind(error):
    if not isinstance(error, (ValueError, TypeError)) or isinstance(error, _NOT_MEANT):
        raise Bug(f"{type(error).__name__}: {error}") from error
    if len(str(error)) < 15:
        raise Bug(f"an error that explains nothing: {error!r}") from error


def _check_on_purpose(error):
    _, inner = _caller_and_inner(error)
    line = linecache.getline(inner.filename, inner.lineno).strip()
    ours = "/stackmeta/" in inner.filename or "/sklearn/" in inner.filename
    if not ours or not line.startswith("raise"):
        raise Bug(f"nobody raised this on purpose: {error!r} in {inner}") from error


# Errors that learners cause, in stackmeta's words. The second: GaussianNB on float32 gives
# probabilities whose sums are off by a third where a column is constant.
_BLAMED = ("Every learner failed", "The probabilities of learner")


def _is_learners_own(error):
    if str(error).startswith(_BLAMED):
        return True
    noted = any("stackmeta: learner" in note for note in getattr(error, "__notes__", []))
    return noted and _caller_and_inner(error)[0] in _CALLS


def _caller_and_inner(error):
    """Name stackmeta's innermost function that the error passed, and its first frame."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/stackmeta/" in frame.filename]
    if not ours:
        return None, frames[-1]
    return (ours[-1].filename.rpartition("/")[2], ours[-1].name), frames[-1]


def check_labels(labels, classes, n_rows):
    labels = np.asarray(labels)
    assert labels.shape == (n_rows,), labels.shape
    assert {*labels.tolist()} <= {*np.asarray(classes).tolist()}


def check_probabilities(probabilities, n_rows, n_classes):
    assert probabilities.shape == (n_rows, n_classes), probabilities.shape
    assert np.isfinite(probabilities).all()
    assert probabilities.min(initial=0) >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def check_numbers(numbers, shape):
    assert numbers.shape == shape, (numbers.shape, shape)
    assert np.isfinite(np.asarray(numbers, dtype=float)).all()
