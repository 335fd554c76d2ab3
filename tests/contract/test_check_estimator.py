"""scikit-learn's common checks on the faces: no expected failure on a stack."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore:Too few rows of a class:UserWarning")

TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
CLASSIFIERS = [("nb", GaussianNB()), ("tree", TREE)]
REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]

STACKS = [
    StackingClassifier(CLASSIFIERS, cv=2),
    StackingClassifier(CLASSIFIERS, ConvexClassifier(), cv=2),
    StackingClassifier(CLASSIFIERS, TREE, cv=2, passthrough=True),
    StackingClassifier(CLASSIFIERS, ConvexClassifier(), cv=2, passthrough=True),
    StackingClassifier(CLASSIFIERS, TREE, cv=2, refit=False, random_state=0),
    StackingRegressor(REGRESSORS, cv=2),
    StackingRegressor(REGRESSORS, ConvexRegressor(), cv=2),
    StackingRegressor(REGRESSORS, cv=2, passthrough=True),
    StackingRegressor(REGRESSORS, ConvexRegressor(), cv=2, refit=False, passthrough=True),
]

TRANSFORMERS = [
    OutOfFoldTransformer([("lr", LogisticRegression()), ("tree", TREE)], cv=2),
    OutOfFoldTransformer(REGRESSORS, cv=2),
    OutOfFoldTransformer(REGRESSORS, cv=2, refit=False, passthrough=True),
]

# Both demand fit_transform(X, y) == fit(X, y).transform(X). The first is out of fold, the
# second in-sample: equality would be the leak that the transformer is there to prevent.
CROSS_FITTED = dict.fromkeys(
    ["check_transformer_general", "check_transformer_data_not_an_array"],
    "fit_transform is out of fold, transform is in-sample",
)


@parametrize_with_checks(STACKS)
def test_stack(estimator, check):
    """No expected failures: whatever scikit-learn demands of an estimator holds."""
    check(estimator)


@parametrize_with_checks(TRANSFORMERS, expected_failed_checks=lambda _: CROSS_FITTED)
def test_transformer(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=["classes", "numbers", "average"])
def test_transformer_fails_exactly_the_two_checks(transformer):
    """An expected failure that no longer fails would hide a leak: equality of the two."""
    results = check_estimator(
        transformer, expected_failed_checks=CROSS_FITTED, on_skip=None, on_fail=None
    )
    failed = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert failed == set(CROSS_FITTED)
    assert not [r["check_name"] for r in results if r["status"] == "failed"]
