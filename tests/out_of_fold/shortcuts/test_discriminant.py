"""Discriminant analysis: scatter of each class."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .given import (
    SPLITS,
    assert_same_as_refits,
    assert_same_attributes,
    job_of,
    refitted,
    shortcut,
    tables,
)

LINEAR = [
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(store_covariance=True, n_components=1),
    LinearDiscriminantAnalysis(solver="lsqr"),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3),
    LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
    LinearDiscriminantAnalysis(solver="eigen", shrinkage=1.0),
]
QUADRATIC = [
    QuadraticDiscriminantAnalysis(),
    QuadraticDiscriminantAnalysis(reg_param=0.1, store_covariance=True),
]
METHODS = ["predict_proba", "predict_log_proba", "decision_function", "predict"]


def behind(scaled, learner):
    return make_pipeline(StandardScaler(), learner) if scaled else learner


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 4).flatmap(lambda n: tables(n_classes=n)),
    st.sampled_from([*LINEAR, *QUADRATIC]),
    st.booleans(),
    st.sampled_from([*SPLITS, "bootstrap"]),
    st.sampled_from(METHODS),
)
def test_equal_to_refits(table, learner, scaled, splits, method):
    job = job_of(behind(scaled, learner), *table, splits, method=method)
    answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


def table(n_classes=3, n_rows=120):
    rng = np.random.RandomState(0)
    y = rng.permutation(np.arange(n_rows) % n_classes)
    X = rng.normal(size=(n_rows, 4)) * [1, 5, 0.2, 1] + y[:, np.newaxis] * [1, 0, 0.1, -1]
    X[:, 3] += X[:, 0]
    return X, y


@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("learner", [*LINEAR, *QUADRATIC], ids=str)
def test_an_ordinary_table_is_taken(learner, scaled, splits):
    job = job_of(behind(scaled, learner), *table(), splits)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("learner", [*LINEAR, *QUADRATIC], ids=str)
def test_methods(learner, method, n_classes):
    job = job_of(learner, *table(n_classes), "shuffled", method=method)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", [LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis])
def test_priors(kind, n_classes):
    priors = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    job = job_of(kind(priors=priors), *table(n_classes), "shuffled")
    assert_same_as_refits(job, shortcut(job))
    assert shortcut(job_of(kind(priors=priors * 2), *table(n_classes), "shuffled")) is None
    assert shortcut(job_of(kind(priors=[1.0]), *table(n_classes), "shuffled")) is None


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("learner", [*LINEAR, *QUADRATIC], ids=str)
def test_models_have_the_attributes_of_fitted_ones(learner, n_classes):
    """Singular vectors may point the other way."""
    X, y = table(n_classes)
    job = job_of(learner, pd.DataFrame(X, columns=list("abcd")), y, "folds")
    answer = shortcut(job)
    for model, (train, _) in zip(answer.fold_models, job.splits, strict=True):
        plain = refitted(job, train)
        _same_signs(model, plain)
        assert_same_attributes(model, plain)
        if learner in LINEAR and learner.solver != "lsqr":
            np.testing.assert_allclose(model.transform(job.X), plain.transform(job.X), atol=1e-8)


def _same_signs(model, plain):
    if isinstance(plain, QuadraticDiscriminantAnalysis):
        pairs = zip(model.rotations_, plain.rotations_, strict=True)
        model.rotations_ = [a * np.sign((a * b).sum(axis=0)) for a, b in pairs]
    elif hasattr(plain, "scalings_"):
        model.scalings_ = model.scalings_ * np.sign((model.scalings_ * plain.scalings_).sum(0))


@pytest.mark.parametrize(
    "learner",
    [
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        LinearDiscriminantAnalysis(solver="eigen", covariance_estimator=OAS()),
        LinearDiscriminantAnalysis(solver="svd", shrinkage=0.1),
        LinearDiscriminantAnalysis(n_components=5),
    ],
    ids=str,
)
def test_what_is_not_accepted(learner):
    assert shortcut(job_of(learner, *table(), "shuffled")) is None


@pytest.mark.parametrize("learner", [*LINEAR[:3], QUADRATIC[0]], ids=str)
@pytest.mark.parametrize(
    "change",
    [
        lambda X: np.column_stack([X, X[:, 0] + X[:, 1]]),
        lambda X: np.column_stack([X, np.ones(len(X))]),
        lambda X: np.where(X[0, 0] == X, np.nan, X),
        lambda X: X.astype(np.float32),
        lambda X: X + 1e8,
        lambda X: np.hstack([X**k for k in range(1, 40)]),
    ],
    ids=["collinear", "constant", "missing", "float32", "far away", "wide"],
)
def test_what_is_declined(learner, change):
    X, y = table()
    assert shortcut(job_of(learner, change(X), y, "shuffled")) is None


@pytest.mark.parametrize("learner", [*LINEAR, *QUADRATIC], ids=str)
def test_a_fold_that_lacks_a_class(learner):
    X, y = table()
    y = np.where(y == 2, 0, y)
    y[:2] = 2
    assert shortcut(job_of(learner, X, y, "folds")) is None


@pytest.mark.theory
@pytest.mark.parametrize("learner", [LINEAR[0], LINEAR[3], QUADRATIC[1]], ids=str)
def test_noise_is_not_fitted(learner):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(120, 30)), rng.randint(0, 2, 120)
    job = job_of(learner, X, y, "shuffled", method="predict")
    answer = shortcut(job)
    found = np.empty(120)
    for block, (_, test) in zip(answer.blocks, job.splits, strict=True):
        found[test] = block[:, 0]
    assert np.mean(answer.model.predict(X) == y) > 0.66
    assert np.mean(found == y) < 0.6
