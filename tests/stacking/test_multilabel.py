"""Multilabel and multi-output targets."""

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from stackmeta import ConvexRegressor, StackingClassifier, StackingRegressor

X, Y = make_multilabel_classification(120, 6, n_classes=3, n_labels=2, random_state=0)
LEARNERS = [
    ("knn", KNeighborsClassifier()),
    ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
]
FINALS = [
    KNeighborsClassifier(),
    RandomForestClassifier(10, max_depth=3, random_state=0),
    MLPClassifier((5,), solver="lbfgs", max_iter=50, random_state=0),
    MultiOutputClassifier(LogisticRegression()),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("final", FINALS, ids=lambda final: type(final).__name__)
def test_probability_of_class_1(final):
    """scikit-learn's stack gives P(class 0) where the final estimator answers with a list."""
    stack = StackingClassifier(LEARNERS, final, cv=3).fit(X, Y)
    answer = stack.final_estimator_.predict_proba(stack.transform(X))
    expected = np.column_stack([p[:, 1] for p in answer]) if isinstance(answer, list) else answer
    probabilities = stack.predict_proba(X)
    np.testing.assert_allclose(probabilities, expected)
    agreement = ((probabilities > 0.5) == stack.predict(X)).mean()
    assert agreement > 0.97  # ties at exactly 0.5 aside
    assert (stack.predict(X) == Y).mean() > 0.6


@pytest.mark.parametrize("method", ["auto", "predict"])
def test_same_meta_features_as_scikit_learn(method):
    theirs = ensemble.StackingClassifier(LEARNERS, FINALS[0], cv=3, stack_method=method)
    ours = StackingClassifier(LEARNERS, FINALS[0], cv=3, stack_method=method).fit(X, Y)
    theirs.fit(X, Y)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for a, b in zip(ours.classes_, theirs.classes_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_as_many_names_as_columns():
    """scikit-learn gives one name a learner, too few for its own transform."""
    stack = StackingClassifier(LEARNERS, FINALS[0], cv=3).set_output(transform="pandas")
    assert stack.fit(X, Y).transform(X).shape == (120, 6)
    assert list(stack.get_feature_names_out())[:2] == [
        "stackingclassifier_knn0",
        "stackingclassifier_knn1",
    ]


def test_an_output_with_one_class_in_a_fold():
    """Its only positive rows are held out together: P is the prior there, not P(class 0)."""
    y = Y.copy()
    y[:, 2] = 0
    y[:3, 2] = 1
    folds = [(np.arange(60, 120), np.arange(60)), (np.arange(60), np.arange(60, 120))]
    stack = StackingClassifier(LEARNERS, FINALS[0], cv=folds).fit(X, y)
    np.testing.assert_allclose(stack.oof_.block("knn")[:60, 2], 3 / 120)
    assert stack.predict_proba(X).shape == (120, 3)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("final", [None, LinearRegression(), ConvexRegressor()], ids=str)
def test_multi_output_regression(final, refit):
    features, targets = make_regression(90, 5, n_targets=3, noise=20, random_state=0)
    learners = [("ridge", Ridge()), ("knn", KNeighborsRegressor())]
    stack = StackingRegressor(learners, final, cv=3, refit=refit).fit(features, targets)
    assert stack.predict(features).shape == (90, 3)
    assert stack.score(features, targets) > 0.8
    n_columns = 3 * len(stack.estimators_)  # the convex one gives a learner no weight
    assert stack.transform(features).shape == (90, n_columns)
    assert len(stack.get_feature_names_out()) == n_columns
    assert stack.oof_.predictions.shape == (90, 2, 3)
    test = stack.oof_.splits[0][1]
    train = stack.oof_.splits[0][0]
    expected = Ridge().fit(features[train], targets[train]).predict(features[test])
    np.testing.assert_allclose(stack.oof_.block("ridge")[test], expected)


def test_one_target_in_a_column():
    features, target = make_regression(60, 3, random_state=0)
    flat = StackingRegressor([("ridge", Ridge())], cv=3).fit(features, target)
    with pytest.warns(match="column-vector"):
        column = StackingRegressor([("ridge", Ridge())], cv=3).fit(features, target[:, None])
    np.testing.assert_allclose(column.predict(features), flat.predict(features))
