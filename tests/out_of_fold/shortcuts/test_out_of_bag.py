"""Bootstrapped forests and bagging: out-of-bag predictions stand for out-of-fold ones."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC

from stackmeta import StackingClassifier
from stackmeta.out_of_fold import out_of_fold
from stackmeta.out_of_fold.shortcuts import out_of_bag

from .given import job_of, refitted, shortcut, tables, weights, weights_of


@pytest.fixture(scope="module", autouse=True)
def any_size():
    """Let tables of a hundred rows have the shortcut."""
    with mock.patch.object(out_of_bag, "FEWEST_ROWS", 0):
        yield


FORESTS = [
    RandomForestClassifier(50, random_state=0),
    RandomForestRegressor(50, random_state=0),
    ExtraTreesClassifier(50, bootstrap=True, random_state=0),
    ExtraTreesRegressor(50, bootstrap=True, random_state=0),
    RandomForestClassifier(60, max_samples=0.7, class_weight="balanced_subsample", random_state=0),
    RandomForestClassifier(60, max_samples=40, criterion="entropy", random_state=0),
    RandomForestClassifier(60, class_weight={0: 2.0}, max_depth=3, random_state=0),
    RandomForestRegressor(50, criterion="absolute_error", max_depth=4, random_state=0),
]
BAGGING = [
    BaggingClassifier(n_estimators=50, random_state=0),
    BaggingRegressor(n_estimators=50, random_state=0),
    BaggingClassifier(
        GaussianNB(), n_estimators=60, max_features=0.6, max_samples=0.8, random_state=0
    ),
    BaggingClassifier(LinearSVC(), n_estimators=50, bootstrap_features=True, random_state=0),
    BaggingRegressor(
        KNeighborsRegressor(), n_estimators=50, max_features=2, max_samples=60, random_state=0
    ),
]


def table(classify, n_rows=120, n_classes=3):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, 4))
    signal = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=n_rows)
    if not classify:
        return X, signal
    return X, np.digitize(signal, np.quantile(signal, np.arange(1, n_classes) / n_classes))


def answer_of(job):
    """The answer of one ensemble on all rows, as on a large table."""
    with mock.patch.object(out_of_bag, "MANY_ROWS", 0):
        return shortcut(job, level="approximate")


def answer_of_folds(job):
    """The answer of a few models of each fold, as on a small table."""
    assert len(job.target.y) < out_of_bag.MANY_ROWS
    return shortcut(job, level="approximate")


def assert_same_as_the_learner_s_own(job, answer):
    """scikit-learn computes the same numbers where it is asked to, one model at a time."""
    asked = job.learner.estimator.set_params(oob_score=True)
    own = refitted(job, np.arange(len(job.target.y)))
    asked.set_params(oob_score=False)
    if is_classifier(own):
        values = own.oob_decision_function_
        values = values[:, 1:] if job.target.n_classes == 2 else values
    else:
        values = own.oob_prediction_.reshape(len(job.target.y), -1)
    for block, (_, test) in zip(answer.blocks, job.splits, strict=True):
        np.testing.assert_allclose(block, values[test], rtol=1e-12, atol=1e-12)
    assert len(answer.blocks) == len(job.splits)


@pytest.mark.parametrize("learner", [*FORESTS, *BAGGING], ids=str)
def test_same_as_the_learner_s_own(learner):
    X, y = table(is_classifier(learner))
    job = job_of(learner, X, y, "shuffled")
    assert_same_as_the_learner_s_own(job, answer_of(job))


@pytest.mark.parametrize("splits", ["folds", "repeats", "draws", "leave one out"])
def test_any_splits(splits):
    job = job_of(FORESTS[1], *table(False), splits)
    assert_same_as_the_learner_s_own(job, answer_of(job))


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([None, 2, 3]).flatmap(
        lambda n: st.tuples(st.just(n is not None), tables(n_classes=n))
    ),
    st.sampled_from([0, 2]),
    weights,
)
def test_any_table(drawn, learner, kind):
    classify, (X, y) = drawn
    learner = FORESTS[learner + (not classify)]
    row_weights = weights_of(kind, len(y))
    params = {} if row_weights is None else {"sample_weight": row_weights}
    job = job_of(learner, X, y, "shuffled", fit_params=params)
    answer = answer_of(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_the_learner_s_own(job, answer)


@pytest.mark.parametrize("kind", ["random", "zeros"])
def test_weights_are_taken(kind):
    X, y = table(False)
    weights = weights_of(kind, len(y))
    learner = RandomForestRegressor(150, random_state=0)
    job = job_of(learner, X, y, "shuffled", fit_params={"sample_weight": weights})
    assert_same_as_the_learner_s_own(job, answer_of(job))


def test_several_targets():
    X, y = table(False)
    job = job_of(FORESTS[1], X, np.column_stack([y, -y, y**2]), "shuffled")
    assert_same_as_the_learner_s_own(job, answer_of(job))


@pytest.mark.parametrize("learner", FORESTS[:4], ids=str)
@pytest.mark.parametrize(
    "change",
    [
        lambda X: np.where(X > 1.5, np.nan, X),
        sparse.csr_matrix,
        lambda X: X.astype(np.float32),
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        lambda X: np.asfortranarray(X),
    ],
    ids=["missing", "sparse", "float32", "frame", "Fortran"],
)
def test_tables_that_forests_read(learner, change):
    X, y = table(is_classifier(learner))
    job = job_of(learner, change(X), y, "shuffled")
    assert_same_as_the_learner_s_own(job, answer_of(job))


@pytest.mark.parametrize("learner", [FORESTS[0], BAGGING[0]], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_methods_of_a_classifier(learner, n_classes):
    X, y = table(True, n_classes=n_classes)
    proba, log, labels = (
        np.concatenate(answer_of(job_of(learner, X, y, "folds", method=method)).blocks)
        for method in ("predict_proba", "predict_log_proba", "predict")
    )
    np.testing.assert_allclose(np.exp(log), proba)
    expected = proba[:, 0] > 0.5 if n_classes == 2 else proba.argmax(axis=1)
    np.testing.assert_array_equal(labels[:, 0], expected)


def test_a_class_that_a_bag_lacks():
    X, y = table(True)
    y[y == 2] = np.where(np.arange((y == 2).sum()) < 3, 2, 0)
    job = job_of(BaggingClassifier(n_estimators=100, random_state=0), X, y, "shuffled")
    values = np.concatenate(answer_of(job).blocks)
    assert values.shape == (len(y), 3)
    np.testing.assert_allclose(values.sum(axis=1), 1)


@pytest.mark.parametrize("learner", [FORESTS[0], FORESTS[1], BAGGING[0], BAGGING[1]], ids=str)
def test_the_model_is_the_plain_one(learner):
    X, y = table(is_classifier(learner))
    job = job_of(learner, X, y, "shuffled")
    model, plain = answer_of(job).model, refitted(job, np.arange(len(y)))
    assert set(vars(model)) == set(vars(plain))
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


def test_threads_change_nothing():
    X, y = table(True, n_rows=2000)
    one, two = (
        answer_of(job_of(FORESTS[0].set_params(n_jobs=n_jobs), X, y, "folds")) for n_jobs in (1, 2)
    )
    FORESTS[0].set_params(n_jobs=None)
    for left, right in zip(one.blocks, two.blocks, strict=True):
        np.testing.assert_array_equal(left, right)


class Memory(ClassifierMixin, BaseEstimator):
    """A canary: it knows the rows it was fitted on, and nothing else."""

    def fit(self, X, y):
        self.known_ = set(X[:, 0])
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        known = np.array([value in self.known_ for value in X[:, 0]], dtype=float)
        return np.column_stack([1 - known, known])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


@pytest.mark.parametrize("answer_of", [answer_of, answer_of_folds])
@pytest.mark.parametrize("splits", ["shuffled", "repeats", "draws"])
def test_no_model_predicts_a_row_it_drew(answer_of, splits):
    X, y = table(True, n_classes=2)
    job = job_of(BaggingClassifier(Memory(), n_estimators=150, random_state=0), X, y, splits)
    answer = answer_of(job)
    assert max(block.max() for block in answer.blocks) == 0
    assert answer.model.predict_proba(X)[:, 1].mean() > 0.5  # what a leak would look like


@pytest.mark.parametrize("answer_of", [answer_of, answer_of_folds])
@pytest.mark.parametrize("learner", [FORESTS[0], FORESTS[2], BAGGING[0]], ids=str)
def test_shuffled_labels_are_not_learnt(learner, answer_of):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(600, 5)), rng.randint(0, 2, 600)
    learner = clone(learner).set_params(n_estimators=90)
    job = job_of(learner, X, y, "shuffled", method="predict")
    answer = answer_of(job)
    hits = [
        np.mean(block[:, 0] == y[test])
        for block, (_, test) in zip(answer.blocks, job.splits, strict=True)
    ]
    assert np.mean(answer.model.predict(X) == y) > 0.99
    assert abs(np.mean(hits) - 0.5) < 0.08


@pytest.mark.parametrize("splits", ["folds", "repeats", "draws"])
@pytest.mark.parametrize(
    "learner",
    [
        RandomForestClassifier(150, random_state=0),
        ExtraTreesRegressor(150, bootstrap=True, max_samples=0.5, random_state=0),
        BaggingRegressor(KNeighborsRegressor(), n_estimators=150, random_state=0),
    ],
    ids=str,
)
def test_few_models_of_each_fold(learner, splits):
    """All of a fold's models answer for held-out rows; those outside of bags for the others."""
    X, y = table(is_classifier(learner))
    job = job_of(learner, X, y, splits)
    answer = answer_of_folds(job)
    outside = (1 - 1 / len(y)) ** (60 if learner.max_samples == 0.5 else 120)
    each = sum(len(test) + outside * len(train) for train, test in job.splits) / len(y)
    few, n_outputs = int(np.ceil(100 / each)), 3 if is_classifier(learner) else 1
    total, count = np.zeros((len(y), n_outputs)), np.zeros((len(y), 1))
    learner = learner.set_params(n_estimators=few)
    for fold, (train, test) in enumerate(job.splits):
        model = refitted(job, train, fold)
        for part, drawn in zip(model.estimators_, model.estimators_samples_, strict=True):
            rows = np.concatenate([np.delete(train, np.unique(drawn)), test])
            values = part.predict_proba(X[rows]) if n_outputs > 1 else part.predict(X[rows])
            total[rows] += values.reshape(len(rows), -1)
            count[rows] += 1
    learner.set_params(n_estimators=150)
    assert count.mean() >= 99
    for block, (_, test) in zip(answer.blocks, job.splits, strict=True):
        np.testing.assert_allclose(block, (total / np.maximum(count, 1))[test], rtol=1e-12)
    assert len(answer.model.estimators_) == 150


def test_folds_that_need_most_of_their_models_are_declined():
    X, y = table(True)
    assert answer_of_folds(job_of(FORESTS[0].set_params(n_estimators=90), X, y, "folds")) is None
    assert answer_of_folds(job_of(FORESTS[0].set_params(n_estimators=100), X, y, "folds"))
    y[y == 2] = np.where(np.arange((y == 2).sum()) < 1, 2, 0)
    assert answer_of_folds(job_of(FORESTS[0], X, y, "folds")) is None
    FORESTS[0].set_params(n_estimators=50)


@pytest.mark.parametrize(
    "learner",
    [
        RandomForestClassifier(20),
        RandomForestClassifier(99, bootstrap=False),
        BaggingClassifier(),
        BaggingClassifier(n_estimators=50, bootstrap=False),
        RandomForestClassifier(50, max_samples=1000),
        type("Mine", (RandomForestClassifier,), {})(50),
    ],
    ids=str,
)
def test_what_is_declined(learner):
    answer = answer_of(job_of(learner, *table(True), "shuffled"))
    assert answer is None


def test_several_labels_and_decisions_are_declined():
    X, y = table(True)
    assert answer_of(job_of(FORESTS[0], X, np.eye(3, dtype=int)[y], "folds")) is None
    bagged = BaggingClassifier(LogisticRegression(), n_estimators=50)
    assert answer_of(job_of(bagged, X, y, "folds", method="decision_function")) is None


def test_off_where_rows_are_not_exchangeable():
    X, y = table(True)
    job = job_of(FORESTS[0], X, y, "shuffled")
    assert shortcut(job, level="approximate", exchangeable=False) is None
    assert shortcut(job, level="exact") is None


def test_off_for_groups_and_in_a_stack():
    X, y = table(True, n_classes=2)
    groups = np.arange(len(y)) // 3
    learners = [("forest", RandomForestClassifier(100, random_state=0)), ("bayes", GaussianNB())]
    paths = out_of_fold(learners, X, y, shortcuts="approximate").paths
    assert paths["forest"] == "out-of-bag"
    paths = out_of_fold(learners, X, y, groups=groups, shortcuts="approximate").paths
    assert paths["forest"] == "refit"
    assert out_of_fold(learners, X, y).paths["forest"] == "refit"
    for refit in (True, False):
        stack = StackingClassifier(learners, shortcuts="approximate", refit=refit).fit(X, y)
        assert stack.oof_.paths["forest"] == "out-of-bag"
        assert stack.score(X, y) > 0.8


def test_small_tables_are_fitted_plainly():
    with mock.patch.object(out_of_bag, "FEWEST_ROWS", 2000):
        assert answer_of(job_of(FORESTS[0], *table(True), "folds")) is None
