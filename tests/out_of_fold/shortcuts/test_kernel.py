"""KernelRidge and GaussianProcessRegressor from blocks of one inverse."""

from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, Matern, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta.out_of_fold.shortcuts import left_out

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


def product(a, b):
    return a @ b


KERNEL_RIDGES = [
    KernelRidge(),
    KernelRidge(alpha=20, kernel="rbf"),
    KernelRidge(alpha=0.1, kernel="laplacian", gamma=0.3),
    KernelRidge(alpha=3.0, kernel="poly", degree=2, coef0=0.5, gamma=0.1),
    KernelRidge(alpha=[0.5], kernel="cosine"),
    KernelRidge(alpha=2, kernel=product),
    KernelRidge(alpha=2, kernel=RBF(2.0) + WhiteKernel()),
    KernelRidge(alpha=1e-6, kernel="rbf"),
    KernelRidge(alpha=5, kernel="sigmoid"),
]
PROCESSES = [
    GaussianProcessRegressor(RBF(1.5), alpha=0.1, optimizer=None),
    GaussianProcessRegressor(optimizer=None),
    GaussianProcessRegressor(Matern(2.0) + WhiteKernel(0.3), optimizer=None, normalize_y=True),
    GaussianProcessRegressor(RBF(1.0, "fixed"), alpha=np.float64(1e-3), normalize_y=True),
    GaussianProcessRegressor(DotProduct() + WhiteKernel(), optimizer=None, copy_X_train=False),
]


@contextmanager
def whatever_it_costs():
    with patch.object(left_out, "costs_less", return_value=True):
        yield


def table_of(n_rows=80, n_columns=4, n_targets=1, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_rows, n_columns))
    y = np.sin(X[:, [0]]) + rng.normal(size=(n_rows, n_targets))
    return X, y[:, 0] if n_targets == 1 else y


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from(KERNEL_RIDGES), st.sampled_from([*SPLITS, "bootstrap"]), weights)
def test_kernel_ridge_equals_refits(table, learner, splits, kind):
    X, y = table
    weights = weights_of(kind, len(y))
    params = {} if weights is None else {"sample_weight": weights}
    job = job_of(learner, X, y, splits, fit_params=params)
    with whatever_it_costs():
        answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 2).flatmap(lambda n: tables(n_targets=n)),
    st.sampled_from(PROCESSES),
    st.sampled_from([*SPLITS, "bootstrap"]),
)
def test_gaussian_process_equals_refits(table, learner, splits):
    job = job_of(learner, *table, splits)
    with whatever_it_costs():
        answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


@settings(max_examples=75, deadline=None)
@given(
    st.integers(1, 2).flatmap(lambda n: tables(n_targets=n)),
    st.sampled_from([0.01, 1, 30.0]),
    st.sampled_from([None, StandardScaler(), StandardScaler(with_mean=False)]),
    st.sampled_from([*SPLITS, "bootstrap"]),
    weights,
)
def test_linear_kernel_equals_refits(table, alpha, scaler, splits, kind):
    X, y = table
    learner = KernelRidge(alpha=alpha)
    params = {"sample_weight": weights_of(kind, len(y))}
    if scaler is not None:
        learner = make_pipeline(scaler, learner)
        params = {f"kernelridge__{key}": value for key, value in params.items()}
    job = job_of(learner, X, y, splits, fit_params={} if kind == "none" else params)
    answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


@pytest.mark.parametrize("learner", [*KERNEL_RIDGES[:7], *PROCESSES[2:]])
@pytest.mark.parametrize(
    "cv",
    [
        KFold(10, shuffle=True, random_state=0),
        RepeatedKFold(n_splits=6, n_repeats=2, random_state=0),
        ShuffleSplit(12, test_size=0.1, train_size=0.8, random_state=0),
    ],
)
def test_ordinary_tables_take_it(learner, cv):
    X, y = table_of()
    job = job_of(learner, X, y, list(cv.split(X)))
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    assert_same_attributes(answer.model, refitted(job, np.arange(len(y))))


@pytest.mark.parametrize(
    "learner",
    [
        KernelRidge(alpha=[1.0, 0.1, 1.0], kernel="rbf"),
        KernelRidge(alpha=[1.0, 0.1, 1.0]),
        make_pipeline(StandardScaler(), KernelRidge(alpha=[1.0, 0.1, 1.0])),
        KernelRidge(kernel="rbf"),
        *PROCESSES[2:],
    ],
)
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, np.asfortranarray])
def test_several_targets(learner, container):
    X, y = table_of(n_targets=3)
    X = container(X)
    if container is pd.DataFrame:
        X.columns = list("abcd")
    job = job_of(learner, X, y, list(KFold(8).split(X)))
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    assert_same_attributes(answer.model, refitted(job, np.arange(len(y))))


@pytest.mark.parametrize("learner", [KernelRidge(kernel="rbf"), KernelRidge(), *PROCESSES[2:4]])
def test_copied_rows_of_integers(learner):
    rng = np.random.RandomState(0)
    X, y = rng.randint(0, 3, (90, 2)), rng.randint(0, 5, 90)
    job = job_of(learner, X, y, list(KFold(9).split(X)))
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    assert_same_attributes(answer.model, refitted(job, np.arange(len(y))))


@pytest.mark.parametrize("learner", [KernelRidge(kernel="rbf"), KernelRidge()])
def test_weights(learner):
    X, y = table_of()
    params = {"sample_weight": weights_of("random", len(y))}
    job = job_of(learner, X, y, list(KFold(8).split(X)), fit_params=params)
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    assert_same_attributes(answer.model, refitted(job, np.arange(len(y))))


def test_linear_kernel_behind_a_scaler_sets_what_fits_set():
    X, y = table_of()
    learner = make_pipeline(StandardScaler(), KernelRidge(alpha=0.5))
    job = job_of(learner, X + 3, y, "shuffled")
    answer = shortcut(job)
    assert_same_as_refits(job, answer)
    plain = refitted(job, np.arange(len(y)))
    for step, expected in zip(answer.model, plain, strict=True):
        assert_same_attributes(step, expected)


def test_rows_that_the_test_part_names_twice():
    X, y = table_of()
    splits = [
        (np.setdiff1d(np.arange(80), test), np.append(test, test[:2]))
        for _, test in KFold(8).split(X)
    ]
    job = job_of(KernelRidge(kernel="rbf"), X, y, splits)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("splits", ["groups", "time", "uneven", "bootstrap", "draws"])
def test_declined_where_plain_fits_are_faster(splits):
    X, y = table_of()
    assert shortcut(job_of(KernelRidge(kernel="rbf"), X, y, splits)) is None


@pytest.mark.parametrize(
    "learner",
    [
        KernelRidge(kernel="precomputed"),
        KernelRidge(kernel="rbf", alpha=[1.0, 2.0, 3.0]),
        KernelRidge(kernel="rbf", alpha=-1.0),
        KernelRidge(kernel="rbf", gamma=-1.0),
        KernelRidge(alpha=-1.0),
        KernelRidge(alpha=["a"]),
        make_pipeline(StandardScaler(), KernelRidge(alpha=[[1.0], [2.0, 3.0]])),
        KernelRidge(kernel="rbf", alpha=0, gamma=1e-6),  # near-singular
        KernelRidge(kernel="chi2"),  # negative numbers
        KernelRidge(kernel="rbf", kernel_params=3),
        GaussianProcessRegressor(),  # fits its kernel, or is near-singular
        GaussianProcessRegressor(RBF(10.0), optimizer=None),  # near-singular
        GaussianProcessRegressor(RBF()),
        GaussianProcessRegressor(RBF(), alpha=np.ones(80), optimizer=None),
        GaussianProcessRegressor(RBF(), optimizer=None, alpha=0.1, n_targets=3),
        type("Subclass", (KernelRidge,), {})(),
        type("Subclass", (GaussianProcessRegressor,), {})(RBF(), optimizer=None, alpha=0.1),
    ],
)
def test_declined_learners(learner):
    X, y = table_of()
    assert shortcut(job_of(clone(learner), X, y, "leave one out")) is None


def test_declined_tables():
    X, y = table_of()
    hole = X.copy()
    hole[3, 1] = np.nan
    zeros = {"sample_weight": weights_of("zeros", len(y))}
    learner = KernelRidge(kernel="rbf")
    for job in [
        job_of(learner, X.astype(np.float32), y, "leave one out"),
        job_of(learner, hole, y, "leave one out"),
        job_of(PROCESSES[0], hole, y, "leave one out"),
        job_of(KernelRidge(), hole, y, "leave one out"),
        job_of(learner, X, y, "leave one out", fit_params=zeros),
        job_of(PROCESSES[0], X, y, "leave one out", fit_params=zeros),
    ]:
        assert shortcut(job) is None


def test_declined_where_memory_is_short(monkeypatch):
    X, y = table_of()
    job = job_of(KernelRidge(kernel="rbf"), X, y, "leave one out")
    assert shortcut(job) is not None
    monkeypatch.setattr(left_out, "_memory", lambda: 4 * 3 * 8 * 79**2)
    assert shortcut(job) is None


@pytest.mark.parametrize("alpha", np.logspace(-9, 0, 10))
def test_no_digit_is_lost_unnoticed(alpha):
    """The threshold of the condition, where two hundred rows overlap."""
    X, y = table_of(200, 2)
    for learner in [
        KernelRidge(alpha=alpha, kernel="rbf", gamma=0.1),
        GaussianProcessRegressor(RBF(3.0), alpha=alpha, optimizer=None),
    ]:
        job = job_of(learner, X, y, "leave one out")
        answer = shortcut(job)
        if alpha > 1e-3:
            assert answer is not None
        if answer is not None:
            assert_same_as_refits(job, answer)
