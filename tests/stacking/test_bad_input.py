"""Bad input gets its error before the first fit: it names value, parameter and way out."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC, LinearSVR

from stackmeta import (
    AveragingClassifier,
    BestLearnerClassifier,
    ConvexClassifier,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
)

from .doubles import NeverFit, NeverFitRegressor

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
FRAME = pd.DataFrame(X, columns=list("abcd"))
Y = np.arange(60) % 3
NONE_FITTED = [("one", NeverFit()), ("two", NeverFit())]


def refused(match, parameters=None, X=X, y=Y, face=StackingClassifier, error=ValueError, **params):
    """Fit must raise; a learner that is fitted raises AssertionError instead."""
    parameters = {"estimators": NONE_FITTED, **(parameters or {})}
    with pytest.raises(error, match=match):
        face(**parameters).fit(X, y, **params)


NAMES = {
    "twice": (["one", "one"], r"not unique.*one"),
    "reserved by scikit-learn": (["cv"], r"conflict with constructor arguments.*cv"),
    "reserved by us": (["refit", "time_limit"], r"conflict with constructor arguments.*refit"),
    "dunder": (["one__two"], r"must not contain __.*one__two"),
}


@pytest.mark.parametrize("face", [StackingClassifier, OutOfFoldTransformer])
@pytest.mark.parametrize("case", NAMES)
def test_names(face, case):
    names, match = NAMES[case]
    refused(match, {"estimators": [(name, NeverFit()) for name in names]}, face=face)


@pytest.mark.parametrize(
    "estimators",
    [[], [NeverFit()], [("one",)], [(1, NeverFit())], [("one", "drop")], [("a", 1, 2, 3)]],
    ids=str,
)
def test_lists_that_are_none(estimators):
    refused("estimators", {"estimators": estimators})


@pytest.mark.parametrize("estimator", ["foo", None, 3], ids=repr)
def test_what_is_no_estimator(estimator):
    refused("one", {"estimators": [("two", NeverFit()), ("one", estimator)]})


def test_a_class_in_place_of_an_estimator():
    """As with scikit-learn's clone: an instance is wanted."""
    estimators = [("two", NeverFit()), ("one", LogisticRegression)]
    refused("instance", {"estimators": estimators}, error=(TypeError, ValueError))


METHODS = {
    "learner without it": ("predict_proba", r"perceptron.*predict_proba"),
    "unknown learner": ({"three": "predict"}, r"stack_method.*three.*one"),
    "unknown method": ({"one": "guess"}, r"stack_method.*one.*guess.*predict_proba"),
    "too short": (["predict"], r"stack_method.*1.*3"),
    "unknown word": ("guess", r"stack_method.*guess"),
}


@pytest.mark.parametrize("case", METHODS)
def test_stack_method(case):
    method, match = METHODS[case]
    estimators = [*NONE_FITTED, ("perceptron", Perceptron())]
    refused(match, {"estimators": estimators, "stack_method": method})


def test_fitted_on_one_class():
    refused("one class", y=np.zeros(60))
    refused("one class", y=np.full(60, "yes"))


def test_one_output_of_one_class():
    refused("[Oo]utput 1", y=np.c_[Y > 0, np.zeros(60)].astype(int))


def test_lengths_of_X_and_y():
    refused(r"\[60, 59\]", y=Y[:-1])
    refused(r"\[60, 59\]", y=Y[:-1], face=OutOfFoldTransformer)


@pytest.mark.parametrize("key", ["sample_weight", "one__sample_weight"])
def test_lengths_of_weights(key):
    refused("sample_weight.*59|59.*sample_weight", **{key: np.ones(59)})


@pytest.mark.parametrize("cv", [3, GroupKFold(3)], ids=["int", "splitter"])
def test_length_of_groups(cv):
    refused(r"\[60, 59\]", {"cv": cv}, groups=np.ones(59))


@pytest.mark.parametrize("y", [np.full(60, np.nan), np.r_[np.nan, np.ones(59)]], ids=["all", "1"])
def test_y_with_nan(y):
    refused("y contains NaN", y=y)
    estimators = {"estimators": [("one", NeverFitRegressor())]}
    refused("y contains NaN", estimators, y=y, face=StackingRegressor)


@pytest.mark.parametrize("missing", [None, np.nan], ids=repr)
def test_labels_with_missing_values(missing):
    """Sorting strings and NaN raises a TypeError that says nothing of y."""
    refused(r"\by\b", y=np.array(["yes", "no", missing] * 20, dtype=object))


def test_no_y():
    refused("requires y", y=None)
    refused("requires y", y=None, face=OutOfFoldTransformer)
    estimators = {"estimators": [("one", NeverFitRegressor())]}
    refused("requires y", estimators, y=None, face=StackingRegressor)


def test_empty():
    refused("0 sample", X=np.empty((0, 4)), y=np.empty(0))
    refused("0, 60", X=np.empty((0, 4)))


def test_two_rows():
    refused("n_splits=5", X=X[:2], y=Y[:2])
    estimators = {"estimators": [("one", NeverFitRegressor())]}
    refused("n_splits=5", estimators, X=X[:2], y=Y[:2], face=StackingRegressor)


FOLDS = {
    "no test": ([(np.arange(40), [])], r"Fold 0 .*cv=.*empty held-out part"),
    "no train": (
        [(np.arange(40), np.arange(40, 60)), ([], np.arange(40))],
        r"Fold 1 .*cv=.*empty training part",
    ),
    "overlap": ([(np.arange(40), np.arange(30, 60))], r"Fold 0 .*row 30"),
    "outside": ([(np.arange(40), np.arange(40, 80))], r"Fold 0 .*row 79.*60 rows"),
    "mask": ([(np.ones(9, bool), np.ones(9, bool))], r"mask of 9 rows.*60"),
    "none": ([], r"list\(cv\.split\(X, y\)\)"),
}


@pytest.mark.parametrize("case", FOLDS)
def test_folds(case):
    cv, match = FOLDS[case]
    refused(re.compile(match, re.DOTALL), {"cv": cv})


def test_unfitted_prefit_learners():
    fitted = LogisticRegression().fit(X, Y)
    estimators = [("one", fitted), ("two", KNeighborsClassifier())]
    parameters = {"estimators": estimators, "cv": "prefit"}
    refused("KNeighborsClassifier", parameters, error=NotFittedError)


COMBINERS = [ConvexClassifier, AveragingClassifier, BestLearnerClassifier]


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("method", ["predict", "decision_function"])
def test_a_combiner_of_probabilities_given_others(combiner, method):
    """Weights of labels or margins as if they were probabilities: plausible and wrong."""
    second = NeverFit() if method == "predict" else LinearSVC()
    methods = {"two": method}
    refused(
        rf"(?s)'two'.*{method}.*predict_proba",
        {
            "estimators": [("one", NeverFit()), ("two", second)],
            "final_estimator": combiner(),
            "stack_method": methods,
        },
    )


def test_a_combiner_of_probabilities_given_a_multilabel_target():
    y = np.c_[Y > 0, Y > 1].astype(int)
    refused("multilabel", {"final_estimator": ConvexClassifier()}, y=y)


PASSED = {
    "name": (FRAME, ["a", "z"], "z"),
    "name of an array": (X, ["a"], "passthrough|column"),
    "position": (X, [0, 9], "9"),
}


@pytest.mark.parametrize("face", [StackingClassifier, OutOfFoldTransformer])
@pytest.mark.parametrize("case", PASSED)
def test_passthrough_columns_that_are_missing(case, face):
    """An hour of fits ended by a misspelt column of passthrough."""
    table, columns, match = PASSED[case]
    refused(match, {"passthrough": columns}, X=table, face=face)


@pytest.mark.parametrize("face", [StackingClassifier, OutOfFoldTransformer])
@pytest.mark.parametrize("columns", [["a", "z"], "z", [9], [False, True]], ids=str)
def test_columns_of_a_learner_that_are_missing(columns, face):
    estimators = [("one", NeverFit()), ("two", NeverFit(), columns)]
    refused("two", {"estimators": estimators}, X=FRAME, face=face)


GIVEN = {
    "no columns": ((), "names no columns"),
    "too few": ((["a"],), r"1 columns.*3"),
    "no probabilities": ((["a", "b", "c"],), r"probabilities in \[0, 1\]"),
    "missing": ((["z"],), "z"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_given_predictions(case):
    columns, match = GIVEN[case]
    estimators = [("one", NeverFit()), ("given", "passthrough", *columns)]
    refused(rf"(?s)'given'.*{match}", {"estimators": estimators}, X=FRAME * 10)


@pytest.mark.parametrize("key", ["sample_weight", "two__sample_weight"])
def test_weights_for_a_learner_that_takes_none(key):
    estimators = [("one", NeverFit()), ("two", KNeighborsClassifier())]
    refused(
        "KNeighborsClassifier.*sample.weight",
        {"estimators": estimators},
        error=TypeError,
        **{key: np.ones(60)},
    )


def test_weights_for_a_final_estimator_that_takes_none():
    parameters = {"final_estimator": KNeighborsClassifier()}
    refused("KNeighbors.*weights", parameters, error=TypeError, sample_weight=np.ones(60))


PARAMETERS = {
    "estimators": 3,
    "final_estimator": "lr",
    "cv": "folds",
    "stack_method": 3,
    "n_jobs": 1.5,
    "passthrough": "a",
    "verbose": -1,
    "refit": "yes",
    "on_error": "ignore",
    "time_limit": 0,
    "keep_oof": 2,
    "random_state": "seed",
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_types_of_parameters(name):
    refused(f"'{name}' parameter of StackingClassifier", {name: PARAMETERS[name]})


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - {"final_estimator", "keep_oof"}))
def test_types_of_the_transformers_parameters(name):
    parameters = {name: PARAMETERS[name]}
    refused(f"'{name}' parameter of OutOfFold", parameters, face=OutOfFoldTransformer)


def test_kinds():
    refused("should be a classifier.*Ridge", {"final_estimator": Ridge()})
    refused("NeverFit should be a regressor", face=StackingRegressor)


def test_a_regression_target_for_a_classifier():
    refused("continuous", y=RNG.normal(size=60))


def test_unknown_fit_parameter():
    refused("foo.*enable_metadata_routing", foo=1)


def test_the_input_is_not_refused_for_nothing():
    """The guard of this file: learners that may be fitted are fitted."""
    with pytest.raises(AssertionError, match="was fitted"):
        StackingClassifier(NONE_FITTED, cv=KFold(3)).fit(X, Y)


@pytest.mark.parametrize("given", [None, "a table"], ids=repr)
@pytest.mark.parametrize("face", [StackingClassifier, OutOfFoldTransformer])
def test_no_table(given, face):
    """Once "'NoneType' object is not subscriptable", and blamed on passthrough=False."""
    refused("requires X", X=given, face=face)


@pytest.mark.parametrize(
    ("column", "error"),
    [(pd.date_range("2024", periods=60), TypeError), (np.r_[np.inf, np.zeros(59)], ValueError)],
    ids=["dates", "infinity"],
)
def test_passed_columns_that_the_meta_learner_cannot_read(column, error):
    """The first as a bare TypeError of NumPy's, the second after all fits."""
    X = pd.DataFrame({"a": np.zeros(60), "odd": column})
    parameters = {"passthrough": True, "final_estimator": LogisticRegression()}
    refused("final_estimator=.*cannot read.*passthrough", parameters, X=X, error=error)


def test_a_final_estimator_of_one_output_for_several():
    """The default one is of that kind; it was told after all fits."""
    y = np.c_[Y > 0, Y > 1].astype(int)
    refused("cannot be fitted on a y of 2 columns.*MultiOutputClassifier", y=y)
    refused(
        "cannot be fitted on a y of 2 columns.*MultiOutputRegressor",
        {"estimators": [("one", NeverFitRegressor())], "final_estimator": LinearSVR()},
        y=y * 1.0,
        face=StackingRegressor,
    )
