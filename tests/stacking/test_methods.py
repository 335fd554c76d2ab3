"""stack_method per learner, and predict_log_proba."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from stackmeta import OutOfFoldTransformer, StackingClassifier

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
LEARNERS = [
    ("nb", GaussianNB()),
    ("lr", LogisticRegression()),
    ("ridge", RidgeClassifier()),
    ("numbers", LinearRegression()),
]
WANTED = ["predict_log_proba", "decision_function", "predict", "predict"]


@pytest.mark.parametrize("face", [StackingClassifier, OutOfFoldTransformer])
@pytest.mark.parametrize("spelling", ["list", "dict"])
def test_per_learner(spelling, face):
    names = [name for name, _ in LEARNERS]
    method = WANTED if spelling == "list" else dict(zip(names, WANTED, strict=True))
    stack = face(LEARNERS, stack_method=method, cv=3).fit(X, Y)
    assert stack.stack_method_ == WANTED
    train, test = stack.oof_.splits[0]
    for (name, learner), wanted in zip(LEARNERS, WANTED, strict=True):
        expected = getattr(learner.fit(X[train], Y[train]), wanted)(X[test])
        block = stack.oof_.block(name)[test]
        np.testing.assert_allclose(block, expected.reshape(len(test), -1), atol=1e-9)
    assert stack.transform(X).shape == (150, 3 + 3 + 1 + 1)


def test_a_dict_may_name_some():
    stack = StackingClassifier(LEARNERS, stack_method={"lr": "predict"}, cv=3).fit(X, Y)
    assert stack.stack_method_ == ["predict_proba", "predict", "decision_function", "predict"]


def test_a_list_counts_dropped_learners():
    """scikit-learn's order: one for each entry, the dropped ones too."""
    learners = [LEARNERS[0], ("gone", "drop"), LEARNERS[1]]
    method = ["predict", "predict_proba", "decision_function"]
    stack = StackingClassifier(learners, stack_method=method, cv=3).fit(X, Y)
    assert stack.stack_method_ == ["predict", "decision_function"]


def test_auto_never_takes_the_logarithm():
    stack = StackingClassifier([("nb", GaussianNB()), ("svc", LinearSVC())], cv=3).fit(X, Y)
    assert stack.stack_method_ == ["predict_proba", "decision_function"]


@pytest.mark.parametrize("refit", [True, False])
def test_binary_log_probabilities(refit):
    y = (Y == 1).astype(int)
    learners = [("lr", LogisticRegression())]
    stack = StackingClassifier(learners, stack_method="predict_log_proba", cv=3, refit=refit).fit(
        X, y
    )
    assert stack.oof_.matrix.shape == (150, 1)
    assert (stack.oof_.matrix < 0).all()
    plain = StackingClassifier(learners, cv=3, refit=refit).fit(X, y)
    np.testing.assert_allclose(np.exp(stack.oof_.matrix), plain.oof_.matrix)
    np.testing.assert_allclose(np.exp(stack.transform(X)), plain.transform(X))
    assert stack.oof_.loss() == pytest.approx(plain.oof_.loss())


def test_the_stacks_own_log_probabilities_if_any():
    """A stack as learner of a stack may be asked for the logarithm only if it has it."""
    stack = StackingClassifier([("nb", GaussianNB())], cv=3).fit(X, Y)
    if hasattr(stack, "predict_log_proba"):
        np.testing.assert_allclose(np.exp(stack.predict_log_proba(X)), stack.predict_proba(X))


def test_methods_of_the_stack_are_the_final_estimators():
    without = StackingClassifier(LEARNERS, RidgeClassifier(), cv=3)
    assert not hasattr(without, "predict_proba")
    assert hasattr(without, "decision_function")
    assert hasattr(StackingClassifier(LEARNERS), "predict_proba")
    assert not hasattr(StackingClassifier(LEARNERS, GaussianNB()).fit(X, Y), "decision_function")
