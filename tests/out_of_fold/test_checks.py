"""Bad input gets its error before the first fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from stackmeta import out_of_fold
from stackmeta.out_of_fold.checks import draw_seed, plain_fit_params, read_entries

from .given import classes, numbers


class Untouched(GaussianNB):
    """Fitting it fails the test: the error comes too late."""

    def fit(self, X, y, sample_weight=None):
        pytest.fail("fitted before the input was checked")


X, Y = classes()
FIRST = ("first", Untouched())
OTHER = ("other", Untouched())


@pytest.mark.parametrize(
    ("estimators", "message"),
    [
        ([], "non-empty list"),
        (None, "non-empty list"),
        ([GaussianNB()], "non-empty list"),
        ([("a", GaussianNB(), None, 1)], "non-empty list"),
        ([(1, GaussianNB())], "non-empty list"),
        ([("a", "drop"), ("b", "drop")], "All estimators are dropped"),
        ([FIRST, ("first", Untouched())], "(?i)unique|duplicate|twice"),
        ([FIRST, ("a", None)], "'a'|estimator"),
        ([FIRST, ("a", "dorp")], "'a'|dorp"),
        ([FIRST, ("a", LinearSVC(), ["nope"])], "'a' asks for columns"),
        ([FIRST, ("a", Untouched(), [])], "'a'.*column"),
    ],
    ids=[
        "empty", "None", "no tuple", "four", "number", "all dropped", "same name", "no learner",
        "typo", "no such column", "no column",
    ],
)  # fmt: skip
def test_bad_lists_of_learners(estimators, message):
    with pytest.raises((ValueError, TypeError), match=message):
        out_of_fold(estimators, X, Y, cv=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": Y[:-1]}, "inconsistent numbers of samples"),
        ({"y": np.zeros(90)}, "one class only"),
        ({"y": np.full(90, np.nan)}, "NaN"),
        ({"y": None}, "requires y"),
        ({"groups": np.zeros(89)}, "inconsistent numbers of samples"),
        ({"method": "predict_probs"}, "predict_probs"),
        ({"method": {"nobody": "predict"}}, "nobody"),
        ({"cv": "prefit"}, "FrozenEstimator"),
        ({"cv": [([0, 1], [])]}, "empty held-out"),
        ({"cv": 1}, "(?i)n_splits|k-fold"),
        ({"on_error": "ignore"}, "on_error"),
        ({"fit_params": {"weight": 1}}, "weight"),
        ({"fit_params": {"sample_weight": np.ones(89)}}, "(?i)sample_weight|inconsistent"),
        ({"fit_params": {"first__sample_weight": np.ones(89)}}, "(?i)sample_weight|inconsistent"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"X": X, "y": Y, "cv": 3, **change}
    with pytest.raises(ValueError, match=message):
        out_of_fold([FIRST], **arguments)


def test_a_learner_without_the_method_stops_all():
    with pytest.raises(ValueError, match="estimator svc does not implement"):
        out_of_fold([FIRST, ("svc", LinearSVC())], X, Y, cv=3, method="predict_proba")


def test_weights_for_a_learner_that_takes_none():
    with pytest.raises(TypeError, match="KNeighborsClassifier does not support sample weights"):
        out_of_fold(
            [FIRST, ("knn", KNeighborsClassifier())],
            X,
            Y,
            cv=3,
            fit_params={"sample_weight": np.ones(90)},
        )


def test_missing_labels_are_named():
    y = pd.Series(np.where(Y == 1, "a", "b"), dtype=object)
    y[3] = None
    with pytest.raises(ValueError, match=r"(?i)missing|nan|none"):
        out_of_fold([FIRST], X, y, cv=3)


def test_dropped_learners_are_left_out():
    oof = out_of_fold([("a", "drop"), ("lr", LogisticRegression())], X, Y, cv=3)
    assert oof.names == ["lr"]


def test_entries_get_their_columns():
    lr = LinearRegression()
    assert read_entries([("a", lr), ["b", lr, [0]]]) == [("a", lr, None), ("b", lr, [0])]


def test_fit_parameters_are_shared_out():
    weight, groups = np.ones(3), np.zeros(3)
    entries = [("lr", LogisticRegression(), None), ("given", "passthrough", [0])]
    params = plain_fit_params(entries, {"sample_weight": weight, "lr__extra": 5}, groups)
    assert params == {"lr": {"extra": 5, "sample_weight": weight}}


def test_seeds():
    assert draw_seed(None) is None
    assert draw_seed(np.int64(3)) == 3
    one, two = draw_seed(np.random.RandomState(0)), draw_seed(np.random.RandomState(0))
    assert one == two
    assert isinstance(one, int)


def test_a_regressor_makes_the_target_numbers_and_a_classifier_classes():
    X, y = numbers()
    assert (
        out_of_fold([("line", LinearRegression())], X, np.arange(90) % 2).target.kind == "numbers"
    )
    with pytest.raises(ValueError, match="continuous"):
        out_of_fold([("lr", LogisticRegression())], X, y)
