"""A class with fewer members than folds."""

import re
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC

from stackmeta import (
    AveragingClassifier,
    BestLearnerClassifier,
    ConvexClassifier,
    StackingClassifier,
)

RNG = np.random.RandomState(0)
Y = np.array(["a"] * 30 + ["b"] * 29 + ["c"])
X = RNG.normal(size=(60, 3)) + 2 * np.array([[ord(y) - 97, 0, 0] for y in Y])
ORDER = RNG.permutation(60)
X, Y = X[ORDER], Y[ORDER]
RARE = int(np.flatnonzero(Y == "c")[0])
FOLD = KFold(4)  # one fold holds out the only "c"
LACKING = next(k for k, (_, test) in enumerate(FOLD.split(X)) if RARE in test)


def fit(*learners, final=None, **parameters):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stack = StackingClassifier([*learners], final, cv=FOLD, **parameters).fit(X, Y)
    return stack, [str(w.message) for w in caught if "Too few" in str(w.message)]


def test_probabilities():
    """The missing class gets its prior, and rows still sum to one."""
    stack, _ = fit(("nb", GaussianNB()), ("lr", LogisticRegression()))
    block = stack.oof_.matrix[:, :3]
    np.testing.assert_allclose(block.sum(axis=1), 1)
    train, test = list(FOLD.split(X))[LACKING]
    np.testing.assert_allclose(block[test, 2], 1 / 60)
    model = GaussianNB().fit(X[train], Y[train])
    np.testing.assert_allclose(block[test, :2], model.predict_proba(X[test]) * 59 / 60)
    np.testing.assert_allclose(stack.predict_proba(X).sum(axis=1), 1)
    assert list(stack.classes_) == ["a", "b", "c"]


def test_one_warning_names_class_learner_and_fold():
    _, messages = fit(("nb", GaussianNB()), ("lr", LogisticRegression()))
    assert len(messages) == 1
    for word in ("'c'", "'nb'", "'lr'"):
        assert word in messages[0]
    assert re.search(rf"fold\D*\b{LACKING}\b", messages[0])


def test_no_warning_where_no_class_is_missing():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        StackingClassifier([("nb", GaussianNB())], cv=3).fit(X, Y == "a")


@pytest.mark.parametrize("refit", [True, False])
def test_xgboost_gets_consecutive_labels(refit):
    """It refuses labels 0, 2; so does any learner that demands consecutive ones."""
    xgboost = pytest.importorskip("xgboost")
    y = np.where(Y == "c", "aa", Y)  # the rare class is now the middle one
    learner = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1)
    stack = StackingClassifier([("xgb", learner)], cv=FOLD, refit=refit)
    with pytest.warns(UserWarning, match="'aa'"):
        stack.fit(X, y)
    test = list(FOLD.split(X))[LACKING][1]
    np.testing.assert_allclose(stack.oof_.matrix[test, 1], 1 / 60, rtol=1e-5)
    np.testing.assert_allclose(stack.oof_.matrix.sum(axis=1), 1, rtol=1e-5)
    assert set(stack.predict(X)) <= {"a", "aa", "b"}


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("svm", [LinearSVC(), SVC()], ids=["LinearSVC", "SVC"])
def test_decision_function(svm, refit):
    """Two classes give one column and three give three: they must be lined up."""
    stack, messages = fit(("svm", svm), refit=refit)
    assert messages
    assert stack.oof_.matrix.shape == (60, 3)
    test = list(FOLD.split(X))[LACKING][1]
    block = stack.oof_.matrix[test]
    assert (block[:, 2] <= block.max(axis=1) - 1e-12).all()
    others = test[np.isin(Y[test], ["a", "b"])]
    predicted = np.array(["a", "b"])[stack.oof_.matrix[others, :2].argmax(axis=1)]
    assert (predicted == Y[others]).mean() > 0.7
    assert (stack.predict(X) == Y).mean() > 0.8


def test_labels_are_kept_by_predict():
    """Renumbered labels must be turned back: code 1 of a fold without "aa" is "b"."""
    y = np.where(Y == "c", "aa", Y)
    stack = StackingClassifier([("nb", GaussianNB())], cv=FOLD, stack_method="predict")
    with pytest.warns(UserWarning, match="'aa'"):
        stack.fit(X, y)
    test = list(FOLD.split(X))[LACKING][1]
    assert set(stack.oof_.matrix[test, 0]) == {0.0, 2.0}


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
def test_fold_models_averaged(method):
    stack, _ = fit(("nb", GaussianNB()), refit=False, stack_method=method)
    assert np.isfinite(stack.transform(X)).all()
    probabilities = stack.named_estimators_["nb"].predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    expected = []
    for train, _ in FOLD.split(X):
        model = GaussianNB().fit(X[train], Y[train])
        share = np.full((60, 3), 1 / 60)
        share[:, : len(model.classes_)] = model.predict_proba(X)
        if len(model.classes_) == 2:
            share[:, :2] *= 59 / 60
        expected.append(share)
    np.testing.assert_allclose(probabilities, np.mean(expected, axis=0), atol=1e-9)


FINALS = [
    None,
    KNeighborsClassifier(),
    ConvexClassifier(),
    AveragingClassifier(),
    BestLearnerClassifier(),
]


@pytest.mark.parametrize("final", FINALS, ids=lambda final: type(final).__name__)
def test_a_class_that_no_fold_held_out(final):
    """The meta-learner then never sees the class, though the learners know it."""
    order = np.argsort(Y != "c", kind="stable")
    cv = TimeSeriesSplit(3)
    stack = StackingClassifier([("nb", GaussianNB()), ("lr", LogisticRegression())], final, cv=cv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stack.fit(X[order], Y[order])
    probabilities = stack.predict_proba(X)
    assert probabilities.shape == (60, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (stack.predict(X) == Y).mean() > 0.7
    if hasattr(stack.final_estimator_, "weights_"):
        assert set(stack.learner_weights_) == {"nb", "lr"}
