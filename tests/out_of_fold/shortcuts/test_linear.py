"""LinearRegression, Ridge, RidgeClassifier, also behind a StandardScaler."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

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

REGRESSORS = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(),
    Ridge(alpha=1e-3, fit_intercept=False),
    Ridge(alpha=100.0, solver="svd"),
]
CLASSIFIERS = [RidgeClassifier(), RidgeClassifier(alpha=0.1, fit_intercept=False)]
SCALERS = [None, StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False)]


def behind(scaler, learner):
    return learner if scaler is None else make_pipeline(scaler, learner)


def weight_params(scaler, learner, weights):
    if weights is None:
        return {}
    step = "" if scaler is None else type(learner).__name__.lower() + "__"
    return {f"{step}sample_weight": weights}


@settings(max_examples=150, deadline=None)
@given(
    tables(),
    st.sampled_from(REGRESSORS),
    st.sampled_from(SCALERS),
    st.sampled_from([*SPLITS, "bootstrap"]),
    weights,
)
def test_equal_to_refits_for_numbers(table, learner, scaler, splits, kind):
    X, y = table
    params = weight_params(scaler, learner, weights_of(kind, len(y)))
    job = job_of(behind(scaler, learner), X, y, splits, fit_params=params)
    answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


@settings(max_examples=75, deadline=None)
@given(
    st.integers(2, 4).flatmap(lambda n: tables(n_classes=n)),
    st.sampled_from(CLASSIFIERS),
    st.sampled_from(SCALERS),
    st.sampled_from([*SPLITS, "bootstrap"]),
    weights,
)
def test_equal_to_refits_for_classes(table, learner, scaler, splits, kind):
    X, y = table
    params = weight_params(scaler, learner, weights_of(kind, len(y)))
    job = job_of(behind(scaler, learner), X, y, splits, fit_params=params)
    answer = shortcut(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        assert_same_as_refits(job, answer)


def table(n_classes=None, n_rows=80):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, 5)) * [1, 10, 100, 0.1, 1] + [0, 5, 0, 1, 100]
    signal = X @ [1, 0.2, 0.01, 3, 0.5] + rng.normal(size=n_rows)
    if n_classes is None:
        return X, signal
    return X, np.digitize(signal, np.quantile(signal, np.arange(1, n_classes) / n_classes))


@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("scaler", SCALERS, ids=str)
@pytest.mark.parametrize("learner", REGRESSORS, ids=str)
def test_an_ordinary_table_is_taken(learner, scaler, splits):
    X, y = table()
    job = job_of(behind(scaler, learner), X, y, splits)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("kind", ["random", "zeros"])
@pytest.mark.parametrize("learner", [*REGRESSORS, *CLASSIFIERS], ids=str)
@pytest.mark.parametrize("scaler", SCALERS[:2], ids=str)
def test_weights_are_taken(learner, scaler, kind):
    X, y = table(3 if learner in CLASSIFIERS else None)
    params = weight_params(scaler, learner, weights_of(kind, len(y)))
    job = job_of(behind(scaler, learner), X, y, "shuffled", fit_params=params)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("method", ["predict", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_methods_of_the_classifier(n_classes, method):
    X, y = table(n_classes)
    job = job_of(RidgeClassifier(), X, y, "shuffled", method=method)
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("alpha", [1.0, np.array([0.1, 10.0])])
def test_several_targets(alpha):
    X, y = table()
    job = job_of(Ridge(alpha=alpha), X, np.column_stack([y, y**2]), "shuffled")
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.parametrize("learner", [*REGRESSORS, *CLASSIFIERS], ids=str)
@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_models_have_the_attributes_of_fitted_ones(learner, scaler):
    X, y = table(2 if learner in CLASSIFIERS else None)
    X = pd.DataFrame(X, columns=list("abcde"))
    job = job_of(behind(scaler, learner), X, y, "folds")
    answer = shortcut(job)
    fitted = [(answer.model, np.arange(len(y)))]
    fitted += [(m, train) for m, (train, _) in zip(answer.fold_models, job.splits, strict=True)]
    for model, rows in fitted:
        steps = zip(_steps(model), _steps(refitted(job, rows)), strict=True)
        for found, plain in steps:
            assert_same_attributes(found, plain)


def _steps(model):
    return [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]


def test_a_constant_column_stays_for_ridge_alone():
    """Dummies are often constant in a fold; least squares needs its rank decision."""
    X, y = table()
    X = np.column_stack([X, np.full(len(y), 0.1)])
    for scaler in SCALERS[:2]:
        job = job_of(behind(scaler, Ridge()), X, y, "shuffled")
        assert_same_as_refits(job, shortcut(job))
        assert shortcut(job_of(behind(scaler, LinearRegression()), X, y, "shuffled")) is None


def _with(X, column):
    return np.column_stack([X, column])


@pytest.mark.parametrize(
    "change",
    {
        "collinear": lambda X: _with(X, X[:, 0] + X[:, 1]),
        "nearly collinear": lambda X: _with(X, X[:, 0] + 1e-6 * X[:, 1]),
        "tiny": lambda X: _with(X, 1e-8 * X[:, 0] ** 2),
        "far away": lambda X: X + 1e9,
        "wide": lambda X: np.hstack([X**k for k in range(1, 60)]),
        "missing": lambda X: np.where(X[0, 0] == X, np.nan, X),
        "infinite": lambda X: np.where(X[0, 0] == X, np.inf, X),
        "float32": lambda X: X.astype(np.float32),
        "objects": lambda X: X.astype(object),
        "sparse": sparse.csr_array,
        "list": lambda X: X.tolist(),
        "text": lambda X: pd.DataFrame(X).assign(text="a"),
        "nullable": lambda X: pd.DataFrame(X).astype("Float64"),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_declined(change):
    X, y = table()
    assert shortcut(job_of(LinearRegression(), change[1](X), y, "shuffled")) is None


@pytest.mark.parametrize(
    "learner",
    [
        LinearRegression(positive=True),
        Ridge(positive=True),
        Ridge(solver="sag"),
        Ridge(solver="lsqr"),
        Ridge(alpha=np.array([1.0, 2.0])),
        RidgeClassifier(class_weight="balanced"),
        make_pipeline(StandardScaler(), Ridge(positive=True)),
        make_pipeline(MinMaxScaler(), Ridge()),
        make_pipeline(StandardScaler(), StandardScaler(), Ridge()),
        make_pipeline(StandardScaler(), KernelRidge(kernel="rbf")),
        Pipeline([("scale", StandardScaler()), ("ridge", Ridge())], memory="cache"),
    ],
    ids=str,
)
def test_what_is_not_accepted(learner):
    X, y = table(2 if isinstance(learner, RidgeClassifier) else None)
    assert shortcut(job_of(learner, X, y, "shuffled")) is None


@pytest.mark.parametrize(
    "params",
    [
        {"sample_weight": np.r_[-1.0, np.ones(79)]},
        {"sample_weight": 2.0},
        {"something": np.ones(80)},
        {"sample_weight": np.r_[np.zeros(79), 1.0]},
    ],
    ids=["negative", "one number", "another parameter", "one row counts"],
)
def test_fit_parameters_that_are_declined(params):
    X, y = table()
    assert shortcut(job_of(Ridge(), X, y, "shuffled", fit_params=params)) is None


def test_weights_of_the_scaler_are_declined():
    X, y = table()
    params = {"standardscaler__sample_weight": np.ones(80)}
    job = job_of(behind(SCALERS[1], Ridge()), X, y, "shuffled", fit_params=params)
    assert shortcut(job) is None


@pytest.mark.parametrize("container", [np.asfortranarray, pd.DataFrame, np.ascontiguousarray])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.int32])
def test_containers_and_integers(container, dtype):
    X, y = table()
    X = container((X * 10).astype(dtype))
    job = job_of(Ridge(), X, y, "shuffled")
    assert_same_as_refits(job, shortcut(job))


def test_frames_of_mixed_numbers():
    X, y = table()
    X = pd.DataFrame(X, columns=list("abcde")).assign(f=np.arange(80), g=np.arange(80) % 3 == 0)
    X["b"] = X["b"].astype(np.float32)
    job = job_of(Ridge(), X, y, "shuffled")
    assert_same_as_refits(job, shortcut(job))


@pytest.mark.theory
@pytest.mark.parametrize("learner", [LinearRegression(), Ridge(1e-6), behind(SCALERS[1], Ridge())])
def test_noise_is_not_fitted(learner):
    """In-sample predictions of noise correlate with it; out-of-fold ones must not."""
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(120, 60)), rng.normal(size=120)
    job = job_of(learner, X, y, "shuffled")
    answer = shortcut(job)
    found = np.empty(120)
    for block, (_, test) in zip(answer.blocks, job.splits, strict=True):
        found[test] = block[:, 0]
    assert np.corrcoef(answer.model.predict(X), y)[0, 1] > 0.6
    assert np.corrcoef(found, y)[0, 1] < 0.2
