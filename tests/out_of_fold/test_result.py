"""OutOfFold: what comes back."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold, RepeatedKFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from stackmeta import OutOfFold, out_of_fold
from stackmeta.out_of_fold.result import slices_of

from .given import classes, numbers

LETTERS = np.array(["no", "yes", "maybe"])
PAIR = [("lr", LogisticRegression()), ("nb", GaussianNB())]


def test_slices():
    assert slices_of({"a": 2, "b": 1}) == {"a": slice(0, 2), "b": slice(2, 3)}
    assert slices_of({}) == {}


def test_what_describes_it():
    X, y = classes(3)
    oof = out_of_fold(PAIR, X, LETTERS[y], cv=KFold(3))
    assert oof.names == ["lr", "nb"]
    assert oof.columns == {"lr": slice(0, 3), "nb": slice(3, 6)}
    assert_array_equal(oof.classes, ["maybe", "no", "yes"])
    assert_array_equal(oof.y, LETTERS[y])
    assert oof.paths == {"lr": "refit", "nb": "closed form"}
    assert oof.matrix.shape == (90, 6)
    assert oof.by_repeat.shape == (1, 90, 6)
    assert repr(oof) == "OutOfFold(2 learners, 90 rows, 3 folds, 1 repeats)"
    for (train, test), (wanted_train, wanted_test) in zip(
        oof.splits, KFold(3).split(X), strict=True
    ):
        assert_array_equal(train, wanted_train)
        assert_array_equal(test, wanted_test)


def test_predictions_have_an_axis_for_learners_and_outputs():
    X, y = classes(3)
    oof = out_of_fold(PAIR, X, y, cv=3)
    assert oof.predictions.shape == (90, 2, 3)
    assert_array_equal(oof.predictions[:, 1], oof.block("nb"))
    X, y = numbers(n_targets=2)
    assert out_of_fold([("line", LinearRegression())], X, y, cv=3).predictions.shape == (90, 1, 2)


def test_binary_predictions_have_two_outputs():
    X, y = classes()
    oof = out_of_fold(PAIR, X, y, cv=3)
    assert oof.matrix.shape == (90, 2)
    assert oof.predictions.shape == (90, 2, 2)
    assert_array_equal(oof.predictions[:, :, 1], oof.matrix)
    assert_allclose(oof.predictions.sum(axis=2), 1)


def test_binary_log_probabilities_have_two_outputs():
    X, y = classes()
    oof = out_of_fold(PAIR, X, y, cv=3, method="predict_log_proba")
    assert oof.predictions.shape == (90, 2, 2)
    assert_allclose(np.exp(oof.predictions).sum(axis=2), 1)


def test_predictions_of_learners_that_differ():
    X, y = classes()
    oof = out_of_fold([*PAIR, ("svc", LinearSVC())], X, y, cv=3)
    with pytest.raises(ValueError, match="'svc': 1"):
        _ = oof.predictions


def test_select_keeps_order_and_models():
    X, y = classes(3)
    oof = out_of_fold(PAIR, X, y, cv=3, refit=True)
    chosen = oof.select(["nb", "lr"])
    assert chosen.names == ["nb", "lr"]
    assert_array_equal(chosen.matrix, np.hstack([oof.block("nb"), oof.block("lr")]))
    one = oof.select(["nb"])
    assert isinstance(one, OutOfFold)
    assert list(one.models) == ["nb"]
    assert_array_equal(one.matrix, oof.block("nb"))
    assert one.loss() == {"nb": oof.loss()["nb"]}
    assert one.predict_matrix(X).shape == (90, 3)
    assert oof.names == ["lr", "nb"]


def test_select_after_matrix_was_looked_at():
    """The cached matrix of the whole must not stay behind in the part."""
    X, y = numbers()
    cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    oof = out_of_fold([("line", LinearRegression()), ("ridge", Ridge())], X, y, cv=cv)
    assert oof.matrix.shape == (90, 2)
    assert oof.select(["ridge"]).matrix.shape == (90, 1)


def test_frame_names_learner_and_class():
    X, y = classes(3)
    oof = out_of_fold(PAIR, X, LETTERS[y], cv=3)
    frame = oof.to_frame()
    assert list(frame) == ["lr_maybe", "lr_no", "lr_yes", "nb_maybe", "nb_no", "nb_yes"]
    assert_array_equal(frame.to_numpy(), oof.matrix)
    X, y = numbers(n_targets=2)
    oof = out_of_fold([("line", LinearRegression())], X, y, cv=3)
    assert list(oof.to_frame()) == ["line_0", "line_1"]
    X, y = classes()
    assert list(out_of_fold(PAIR, X, y, cv=3).to_frame()) == ["lr", "nb"]


def test_pickle():
    X, y = classes()
    oof = out_of_fold(PAIR, X, y, cv=TimeSeriesSplit(3), refit=True)
    twin = pickle.loads(pickle.dumps(oof))
    assert_array_equal(twin.matrix, oof.matrix)
    assert twin.loss() == oof.loss()
    assert_array_equal(twin.predict_matrix(X), oof.predict_matrix(X))
    assert twin.columns == oof.columns
    assert len(pickle.dumps(oof)) < 40_000  # X is not in it


@pytest.mark.parametrize("n_classes", [2, 3])
def test_new_rows_from_refits(n_classes):
    X, y = classes(n_classes)
    oof = out_of_fold(PAIR, X, LETTERS[y], cv=3, refit=True)
    codes = np.unique(LETTERS[y], return_inverse=True)[1]
    wanted = [clone(e).fit(X, codes).predict_proba(X) for _, e in PAIR]
    if n_classes == 2:
        wanted = [p[:, 1:] for p in wanted]
    assert_allclose(oof.predict_matrix(X), np.hstack(wanted), rtol=1e-9)


def test_new_rows_from_fold_models():
    X, y = numbers()
    oof = out_of_fold([("ridge", Ridge())], X, y, cv=KFold(3), keep_models=True)
    wanted = np.mean([Ridge().fit(X[t], y[t]).predict(X) for t, _ in KFold(3).split(X)], axis=0)
    assert_allclose(oof.predict_matrix(X)[:, 0], wanted)


def test_new_rows_without_models():
    X, y = numbers()
    oof = out_of_fold([("ridge", Ridge())], X, y, cv=3)
    with pytest.raises(ValueError, match=r"No model of \['ridge'\] was kept.*refit=True"):
        oof.predict_matrix(X)


def test_frame_rows_can_be_matched():
    """A frame's index is the only thing that joins predictions back to its rows."""
    X, y = numbers()
    frame = pd.DataFrame(X, index=np.arange(90) + 1000, columns=list("abcde"))
    oof = out_of_fold([("ridge", Ridge())], frame, y, cv=3)
    assert list(oof.to_frame().index) == list(frame.index)
