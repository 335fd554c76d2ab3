"""Combiners inside scikit-learn's own stacks and tools."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta.combiners import AveragingRegressor, ConvexClassifier, ConvexRegressor

from .given import BINARY_ONLY, CLASSIFIERS, REGRESSORS, binary

LEARNERS = [
    ("lda", LinearDiscriminantAnalysis()),
    ("nb", GaussianNB()),
    ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
]
REGRESSION_LEARNERS = [
    ("ridge", Ridge()),
    ("knn", KNeighborsRegressor(20)),
    ("tree", DecisionTreeRegressor(max_depth=3, random_state=0)),
]


@pytest.mark.parametrize("combiner", CLASSIFIERS)
@pytest.mark.parametrize(("load", "width"), [(load_breast_cancer, 1), (load_iris, 3)])
def test_classifier_as_final_estimator(combiner, load, width):
    X, y = load(return_X_y=True)
    final = clone(combiner).set_params(prediction_columns=3 * width)
    stack = StackingClassifier(LEARNERS, final, cv=3, passthrough=True).fit(X, y)
    proba = stack.predict_proba(X)
    assert proba.shape == (len(X), len(np.unique(y)))
    assert_allclose(proba.sum(axis=1), 1)
    assert stack.score(X, y) > 0.9
    assert getattr(stack.final_estimator_, "weights_", np.ones(3)).shape == (3,)


@pytest.mark.parametrize("combiner", BINARY_ONLY)
def test_ranks_as_final_estimator(combiner):
    X, y = load_breast_cancer(return_X_y=True)
    assert StackingClassifier(LEARNERS, combiner, cv=3).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("combiner", REGRESSORS)
@pytest.mark.parametrize("passthrough", [False, True])
def test_regressor_as_final_estimator(combiner, passthrough):
    X, y = load_diabetes(return_X_y=True)
    final = clone(combiner).set_params(prediction_columns=slice(0, 3) if passthrough else None)
    stack = StackingRegressor(REGRESSION_LEARNERS, final, cv=3, passthrough=passthrough).fit(X, y)
    assert stack.predict(X).shape == y.shape
    assert getattr(stack.final_estimator_, "weights_", np.ones(3)).shape == (3,)


def test_passthrough_of_a_frame():
    X, y = load_iris(return_X_y=True, as_frame=True)
    final = ConvexClassifier(prediction_columns=9)
    stack = StackingClassifier(LEARNERS, final, cv=3, passthrough=True).fit(X, y)
    plain = StackingClassifier(LEARNERS, ConvexClassifier(), cv=3).fit(X, y)
    assert_allclose(stack.predict_proba(X), plain.predict_proba(X))


def test_sample_weight_goes_through_the_stack():
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.default_rng(0).uniform(size=len(y))
    learners = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))]
    stack = StackingRegressor(learners, ConvexRegressor(), cv=3)
    stack.fit(X, y, sample_weight=weight)
    P = np.column_stack(
        [cross_val_predict(m, X, y, cv=3, params={"sample_weight": weight}) for _, m in learners]
    )
    expected = ConvexRegressor().fit(P, y, sample_weight=weight).weights_
    assert_allclose(stack.final_estimator_.weights_, expected, atol=1e-2)


def test_decision_values_are_refused():
    X, y = load_iris(return_X_y=True)
    stack = StackingClassifier(
        [("svm", LinearSVC()), ("knn", KNeighborsClassifier())], ConvexClassifier()
    )
    with pytest.raises(ValueError, match=r"decision values.*stack_method='predict_proba'"):
        stack.fit(X, y)


def test_searches_over_parameters():
    X, y = load_diabetes(return_X_y=True)
    stack = StackingRegressor(REGRESSION_LEARNERS, ConvexRegressor(), cv=3)
    search = GridSearchCV(stack, {"final_estimator__ridge": [0.0, 0.1]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.3
    P, y = binary(200, 4)
    scores = cross_val_score(ConvexClassifier(), P, y, scoring="neg_log_loss")
    assert np.isfinite(scores).all()


def test_several_targets():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, -y])
    P = np.hstack([cross_val_predict(learner, X, Y, cv=3) for _, learner in REGRESSION_LEARNERS])
    for combiner in (ConvexRegressor(), AveragingRegressor(method="median")):
        assert combiner.fit(P, Y).score(P, Y) > 0.4
        assert combiner.weights_.shape == (3,)
