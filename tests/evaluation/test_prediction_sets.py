import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from stackmeta import (
    ConvexClassifier,
    CrossFittedBlendClassifier,
    StackingClassifier,
    SuperLearnerClassifier,
)
from stackmeta.evaluation.prediction_sets import set_scores

LEARNERS = [("bayes", GaussianNB()), ("neighbours", KNeighborsClassifier(15))]
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def drawn(n, seed=0, n_classes=4, spread=1.2):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    angle = 2 * np.pi * codes / n_classes
    X = np.column_stack([np.cos(angle), np.sin(angle)]) + spread * rng.normal(size=(n, 2))
    return X, np.array(list("abcdefgh"))[codes]


def holds(sets, fitted, y):
    return sets[np.arange(len(y)), np.searchsorted(fitted.classes_, y)]


@pytest.mark.theory
@pytest.mark.parametrize("method", ["cv", "cv+"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_coverage_on_average(method, n_classes):
    shares, sizes = [], []
    for seed in range(6):
        X, y = drawn(1300, seed, n_classes)
        stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=FOLDS, refit=method == "cv")
        sets = stack.fit(X[:300], y[:300]).predict_set(X[300:], method=method)
        shares.append(holds(sets, stack, y[300:]).mean())
        sizes.append(sets.sum(axis=1).mean())
    assert np.mean(shares) == pytest.approx(0.9, abs=0.025)
    assert np.mean(sizes) < n_classes


@pytest.mark.theory
def test_shuffled_labels_give_sets_of_nearly_all_classes():
    """The leak test: in-sample, a tree grown to the end is sure of every row."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 5)), rng.integers(4, size=400)
    learners = [("tree", DecisionTreeClassifier(random_state=0)), ("bayes", GaussianNB())]
    for method in ("cv", "cv+"):
        stack = StackingClassifier(learners, ConvexClassifier(), refit=method == "cv").fit(X, y)
        sets = stack.predict_set(rng.normal(size=(400, 5)), method=method)
        assert sets.sum(axis=1).mean() > 3.3


@pytest.mark.theory
def test_each_class_is_covered():
    rng = np.random.default_rng(0)
    X, y = drawn(6000, n_classes=3)
    keep = (y != "c") | (rng.uniform(size=6000) < 0.2)
    X, y = X[keep], y[keep]
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=FOLDS).fit(X[:1500], y[:1500])
    plain, by_class = stack.predict_set(X[1500:]), stack.predict_set(X[1500:], by="class")
    rare = y[1500:] == "c"
    assert holds(plain, stack, y[1500:])[rare].mean() < 0.8
    assert holds(by_class, stack, y[1500:])[rare].mean() > 0.84


def test_no_set_is_empty_and_all_are_nested():
    X, y = drawn(600, spread=0.3)
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=FOLDS).fit(X[:300], y[:300])
    small, large = stack.predict_set(X[300:], 0.5), stack.predict_set(X[300:], 0.99)
    assert small.dtype == bool
    assert (small.sum(axis=1) == 1).all()
    assert (large >= small).all()
    top = stack.classes_[small.argmax(axis=1)]
    np.testing.assert_array_equal(top, stack.predict(X[300:]))


def test_scores_are_the_mass_before():
    found = set_scores(np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.8, 0.0, 0.5], [0.0, 1.0, 1.0]])


@pytest.mark.parametrize("final", [None, CrossFittedBlendClassifier()])
@pytest.mark.parametrize("labels", ["text", "numbers", "booleans"])
def test_any_labels_and_meta_learners(final, labels):
    X, y = drawn(200, n_classes=2)
    y = {"text": y, "numbers": (y == "b") + 3, "booleans": y == "b"}[labels]
    for method in ("cv", "cv+"):
        refit = method == "cv"
        stack = StackingClassifier(LEARNERS, final, refit=refit, random_state=0).fit(X, y)
        sets = stack.predict_set(X[:20], method=method)
        assert sets.shape == (20, 2)
        np.testing.assert_array_equal(sets, stack.predict_set(X[:20], method=method))


def test_a_class_that_a_fold_lacks():
    X, y = drawn(120)
    y[[0, 1, 2, 60]] = "z"
    y[60:63] = "z"
    rows = np.arange(120)
    cv = [(rows[rows % 3 != k], rows[rows % 3 == k]) for k in range(3)]
    y[rows % 3 != 0] = np.where(y[rows % 3 != 0] == "z", "a", y[rows % 3 != 0])
    stack = StackingClassifier(LEARNERS, ConvexClassifier(), cv=cv, refit=False).fit(X, y)
    for method in ("cv", "cv+"):
        assert stack.predict_set(X, method=method).shape == (120, 5)


def test_what_cannot_be_answered_is_refused():
    X, y = drawn(100)
    several = np.column_stack([y == "a", y == "b"]).astype(int)
    stack = StackingClassifier(LEARNERS[1:], KNeighborsClassifier()).fit(X, several)
    with pytest.raises(ValueError, match="one target; y has 2"):
        stack.predict_set(X)
    assert not hasattr(StackingClassifier(LEARNERS, LinearSVC()), "predict_set")
    stack = StackingClassifier(LEARNERS, LogisticRegression(), keep_oof=False).fit(X, y)
    for ask in (stack.predict_set, lambda _: stack.calibration(), stack.audit):
        with pytest.raises(AttributeError, match="keep_oof=True"):
            ask(X)


def test_super_learner():
    X, y = drawn(150, n_classes=2)
    learner = SuperLearnerClassifier(["linear", "extra_trees"], levels=1, random_state=0)
    sets = learner.fit(X, y).predict_set(X[:10])
    assert sets.shape == (10, 2)
    assert sets.any(axis=1).all()
    assert list(learner.calibration()["learner"]) == ["stack", "linear", "extra_trees"]
