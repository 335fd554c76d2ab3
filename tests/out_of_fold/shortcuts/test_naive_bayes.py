"""Naive Bayes: moments and counts of each class."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.naive_bayes import (
    BernoulliNB,
    CategoricalNB,
    ComplementNB,
    GaussianNB,
    MultinomialNB,
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
    weights,
    weights_of,
)

GAUSSIAN = [
    GaussianNB(),
    GaussianNB(var_smoothing=1e-3),
    GaussianNB(priors=[0.3, 0.7]),
    make_pipeline(StandardScaler(), GaussianNB()),
    make_pipeline(StandardScaler(with_mean=False), GaussianNB(var_smoothing=1e-6)),
]
COUNTS = [
    MultinomialNB(),
    MultinomialNB(alpha=0.01, fit_prior=False),
    MultinomialNB(class_prior=[0.2, 0.8]),
    ComplementNB(),
    ComplementNB(norm=True, alpha=0.5),
    BernoulliNB(binarize=1.0),
    BernoulliNB(),
    CategoricalNB(),
    CategoricalNB(min_categories=12, alpha=2.0),
]
METHODS = ["predict_proba", "predict_log_proba", "predict"]


@st.composite
def counts(draw, n_classes=2):
    """Small tables of counts; some columns are always zero, some large."""
    n_rows, n_columns = draw(st.integers(12, 60)), draw(st.integers(1, 6))
    rng = np.random.RandomState(draw(st.integers(0, 2**16)))
    y = rng.randint(0, n_classes, n_rows)
    y[:n_classes] = range(n_classes)
    X = rng.poisson(draw(st.floats(0.2, 3)), (n_rows, n_columns))
    X[:, 0] += y
    if draw(st.booleans()):
        X[:, -1] = 0
    return np.minimum(X, 9), y


def run(learner, X, y, splits, kind="none", method=None):
    found = weights_of(kind, len(y))
    step = f"{learner.steps[-1][0]}__" if hasattr(learner, "steps") else ""
    params = {} if found is None else {f"{step}sample_weight": found}
    job = job_of(learner, X, y, splits, fit_params=params, method=method)
    return job, shortcut(job)


@settings(max_examples=120, deadline=None)
@given(
    tables(n_classes=2),
    st.sampled_from(GAUSSIAN),
    st.sampled_from([*SPLITS, "bootstrap"]),
    weights,
    st.sampled_from(METHODS),
)
def test_gaussian_equals_refits(table, learner, splits, kind, method):
    job, answer = run(learner, *table, splits, kind, method)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


@settings(max_examples=120, deadline=None)
@given(
    counts(),
    st.sampled_from(COUNTS),
    st.sampled_from([*SPLITS, "bootstrap"]),
    weights,
    st.sampled_from(METHODS),
)
def test_counts_equal_refits(table, learner, splits, kind, method):
    job, answer = run(learner, *table, splits, kind, method)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


def table(n_classes=3, n_rows=90):
    rng = np.random.RandomState(0)
    y = np.arange(n_rows) % n_classes
    X = np.minimum(rng.poisson(1.5, (n_rows, 5)) + (y == 1)[:, np.newaxis], 7)
    X[: 8 * n_classes] = (np.arange(8 * n_classes) // n_classes)[:, np.newaxis]
    order = rng.permutation(n_rows)
    return X[order], y[order]


ORDINARY = [
    GaussianNB(),
    make_pipeline(StandardScaler(), GaussianNB()),
    MultinomialNB(),
    ComplementNB(norm=True),
    BernoulliNB(binarize=1.0),
    CategoricalNB(min_categories=10),
]


@pytest.mark.parametrize("kind", ["none", "random"])
@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("learner", ORDINARY, ids=str)
def test_an_ordinary_table_is_taken(learner, splits, kind):
    X, y = table()
    if splits == "time":  # every class in the first training part
        order = np.argsort(np.arange(90) // 3 % 2, kind="stable")
        X, y = X[order], y[order]
    job, answer = run(learner, X, y, splits, kind)
    assert_same_as_refits(job, answer)


@pytest.mark.parametrize("learner", ORDINARY, ids=str)
def test_models_have_the_attributes_of_fitted_ones(learner):
    X, y = table()
    job, answer = run(learner, pd.DataFrame(X, columns=list("abcde")), y, "shuffled")
    fitted = [(answer.model, np.arange(len(y)))]
    fitted += [(m, train) for m, (train, _) in zip(answer.fold_models, job.splits, strict=True)]
    for model, rows in fitted:
        plain = refitted(job, rows)
        pairs = [(model, plain)]
        if hasattr(model, "steps"):
            pairs = [(a, b) for (_, a), (_, b) in zip(model.steps, plain.steps, strict=True)]
        for found, wanted in pairs:
            assert_same_attributes(found, wanted)


@pytest.mark.parametrize("learner", [MultinomialNB(), ComplementNB(), BernoulliNB()], ids=str)
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.coo_array])
def test_sparse_tables(learner, container):
    X, y = table()
    job, answer = run(learner, container(X.astype(float)), y, "shuffled")
    assert_same_as_refits(job, answer)


def test_a_category_that_only_the_held_out_rows_have():
    """A plain fit says what it thinks of it: the shortcut stays out of it."""
    X, y = table()
    X[5, 2] = 9
    assert run(CategoricalNB(), X, y, "shuffled")[1] is None


@pytest.mark.parametrize(
    ("learner", "change"),
    [
        (MultinomialNB(), lambda X: X - 5),
        (CategoricalNB(), lambda X: X - 5),
        (GaussianNB(), lambda X: X.astype(np.float32)),
        (GaussianNB(), lambda X: np.where(X[0, 0] == X, np.nan, X)),
        (BernoulliNB(), lambda X: np.where(X[0, 0] == X, np.nan, X)),
        (GaussianNB(), lambda X: X * 1.0 + 1e10),
        (GaussianNB(var_smoothing=0.0), lambda X: X * 0),
        (GaussianNB(), lambda X: sparse.csr_array(X.astype(float))),
    ],
)
def test_what_is_declined(learner, change):
    X, y = table()
    assert run(learner, change(X), y, "shuffled")[1] is None


@pytest.mark.parametrize(
    "learner",
    [
        GaussianNB(priors=[0.5, 0.5]),
        GaussianNB(priors=[0.5, 0.6, 0.1]),
        MultinomialNB(alpha=0.0),
        BernoulliNB(binarize=None),
    ],
    ids=str,
)
def test_parameters_that_are_declined(learner):
    X, y = table()
    assert run(learner, X, y, "shuffled")[1] is None


def test_a_fold_that_lacks_a_class_or_its_weight():
    X, y = table()
    y[y == 2] = 0
    y[:2] = 2
    for learner in ORDINARY:
        assert run(learner, X, y, "folds")[1] is None
    _, y = table()
    gone = {"sample_weight": (y != 2) * 1.0}
    assert shortcut(job_of(GaussianNB(), X, y, "shuffled", fit_params=gone)) is None
    assert shortcut(job_of(MultinomialNB(), X, y, "shuffled", fit_params=gone)) is None


@pytest.mark.theory
@pytest.mark.parametrize("learner", ORDINARY, ids=str)
def test_noise_is_not_fitted(learner):
    """With about as many cells as rows, in-sample predictions know the labels."""
    rng = np.random.RandomState(0)
    X, y = rng.randint(0, 8, (60, 300)), rng.randint(0, 2, 60)
    job, answer = run(learner, X, y, "shuffled", method="predict")
    found = np.empty(60)
    for block, (_, test) in zip(answer.blocks, job.splits, strict=True):
        found[test] = block[:, 0]
    assert np.mean(answer.model.predict(X) == y) > 0.9
    assert np.mean(found == y) < 0.7
