"""Smooth convex learners: every fold ends nearer to its optimum than its solver would."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.fixes import parse_version

from stackmeta import StackingClassifier
from stackmeta.compat import safe_indexing
from stackmeta.out_of_fold.learner import Learner
from stackmeta.out_of_fold.shortcuts import Job

from .given import (
    SPLITS,
    assert_same_attributes,
    job_of,
    plain_blocks,
    refitted,
    shortcut,
    tables,
    weights,
    weights_of,
)

NEW = parse_version(sklearn.__version__) >= parse_version("1.8")
UNPENALIZED = LogisticRegression(C=np.inf) if NEW else LogisticRegression(penalty=None)

CLASSIFIERS = [
    LogisticRegression(max_iter=1000),
    LogisticRegression(C=0.01, fit_intercept=False, max_iter=1000),
    LogisticRegression(class_weight="balanced", max_iter=1000),
    LogisticRegression(class_weight={0: 3.0}, C=10.0, solver="newton-cg"),
    LogisticRegression(solver="newton-cholesky"),
    clone(UNPENALIZED).set_params(max_iter=1000),
]
LIBLINEAR = LogisticRegression(solver="liblinear", intercept_scaling=2.0, C=0.1)
GLMS = [
    PoissonRegressor(max_iter=1000),
    PoissonRegressor(alpha=0.01, solver="newton-cholesky"),
    GammaRegressor(max_iter=1000),
    TweedieRegressor(power=1.5, alpha=0.1, max_iter=1000),
    TweedieRegressor(power=0, fit_intercept=False),
]
SCALERS = [None, StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False)]


def behind(scaler, learner):
    return clone(learner) if scaler is None else make_pipeline(clone(scaler), clone(learner))


def weight_params(learner, weights):
    if weights is None:
        return {}
    step = f"{learner.steps[-1][0]}__" if isinstance(learner, Pipeline) else ""
    return {f"{step}sample_weight": weights}


def answer_of(job):
    return shortcut(job, level="approximate")


def exactly(job):
    """The same job for a solver that goes to the optimum."""
    learner = clone(job.learner.estimator)
    final = learner.steps[-1][1] if isinstance(learner, Pipeline) else learner
    final.set_params(tol=1e-12, max_iter=10_000)
    if getattr(final, "solver", None) != "liblinear":
        final.set_params(solver="newton-cholesky")
    changed = Learner("learner", learner, job.learner.method, None, job.learner.fit_params)
    return Job(changed, job.X, job.target, job.splits, job.seed)


def assert_nearer_than_refits(job, answer, largest=1e-5):
    """Relative to the largest prediction."""
    size, found, plain = 0.0, [], []
    exact = plain_blocks(exactly(job))
    for block, near, best in zip(answer.blocks, plain_blocks(job), exact, strict=True):
        size = max(size, np.abs(best).max())
        found.append(np.abs(block - best).max())
        plain.append(np.abs(near - best).max())
    assert max(found) <= largest * size
    assert max(found) <= max(plain) + 1e-8 * size


def assert_gradients_vanish(job, answer, largest=1e-7):
    """The derivatives of each fold's objective, written once more, by its own coefficients."""
    n_rows = len(job.target.y)
    for model, (train, _) in zip(answer.fold_models, job.splits, strict=True):
        X, final = safe_indexing(job.X, train), model
        if isinstance(model, Pipeline):
            X, final = model.steps[0][1].transform(X), model.steps[1][1]
        X, y = np.asarray(X), job.target.y[train]
        weight = np.ones(n_rows) if job.weights is None else job.weights
        weight = weight[train].copy()
        if is_classifier(final):
            if final.class_weight is not None:
                dictionary = final.class_weight
                if dictionary == "balanced":
                    counts = np.bincount(y, weights=weight)
                    dictionary = dict(enumerate(weight.sum() / counts / len(counts)))
                weight *= [dictionary.get(label, 1.0) for label in y]
            slope = final.predict_proba(X) - np.eye(job.target.n_classes)[y]
            slope = slope[:, 1:] if job.target.n_classes == 2 else slope
            penalty = 0 if final.penalty is None else 1 / (final.C * weight.sum())
        else:
            mean = final.predict(X)
            power = {PoissonRegressor: 1, GammaRegressor: 2}.get(type(final))
            power = final.power if power is None else power
            slope = ((mean - y) * mean ** (1.0 - power))[:, np.newaxis]
            slope = (mean - y)[:, np.newaxis] if power == 0 else slope
            penalty = final.alpha
        slope *= weight[:, np.newaxis] / weight.sum()
        gradient = slope.T @ X + penalty * final.coef_
        assert np.abs(gradient).max() <= 1.01 * largest
        if final.fit_intercept:
            liblinear = is_classifier(final) and final.solver == "liblinear"
            more = penalty * final.intercept_ / final.intercept_scaling**2 if liblinear else 0
            assert np.abs(slope.sum(axis=0) + more).max() <= 1.01 * largest


def table(n_classes=None, n_rows=150):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, 4)) * [1, 3, 0.5, 1] + [0, 2, 0, 1]
    signal = X @ [0.5, -0.2, 1, 0.3] + rng.normal(size=n_rows)
    if n_classes is None:
        return X, rng.gamma(2.0, np.exp(signal / 3)) + 0.01
    return X, np.digitize(signal, np.quantile(signal, np.arange(1, n_classes) / n_classes))


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
@pytest.mark.parametrize("learner", [*CLASSIFIERS, LIBLINEAR], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes(learner, scaler, n_classes):
    learner = behind(scaler, learner)
    final = learner.steps[-1][1] if scaler is not None else learner
    job = job_of(learner, *table(n_classes), "shuffled")
    answer = answer_of(job)
    one_against_rest = n_classes > 2 and final.solver == "liblinear"
    centred = scaler is not None and scaler.with_mean
    if one_against_rest or (centred and not final.fit_intercept):
        assert answer is None
    else:
        assert_gradients_vanish(job, answer)
        assert_nearer_than_refits(job, answer)


@pytest.mark.parametrize("scaler", SCALERS[:2], ids=str)
@pytest.mark.parametrize("learner", GLMS, ids=str)
def test_numbers(learner, scaler):
    job = job_of(behind(scaler, learner), *table(), "shuffled")
    answer = answer_of(job)
    if scaler is not None and not learner.fit_intercept:
        assert answer is None
    else:
        assert_gradients_vanish(job, answer)
        assert_nearer_than_refits(job, answer)


@pytest.mark.parametrize("splits", [*SPLITS, "bootstrap"])
@pytest.mark.parametrize("learner", [CLASSIFIERS[0], GLMS[0]], ids=str)
def test_any_splits(learner, splits):
    X, y = table(2 if is_classifier(learner) else None, n_rows=60)
    job = job_of(behind(StandardScaler(), learner), X, y, splits)
    assert_gradients_vanish(job, answer_of(job))


@pytest.mark.parametrize("kind", ["random", "zeros"])
@pytest.mark.parametrize("scaler", SCALERS[:2], ids=str)
@pytest.mark.parametrize("learner", [*CLASSIFIERS[2:4], LIBLINEAR, *GLMS[:2]], ids=str)
def test_weights_are_taken(learner, scaler, kind):
    X, y = table(2 if is_classifier(learner) else None)
    learner = behind(scaler, learner)
    params = weight_params(learner, weights_of(kind, len(y)))
    job = job_of(learner, X, y, "shuffled", fit_params=params)
    answer = answer_of(job)
    assert_gradients_vanish(job, answer)
    assert_nearer_than_refits(job, answer)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([2, 3]).flatmap(lambda n: tables(n_classes=n)),
    st.sampled_from(CLASSIFIERS[:5]),
    st.sampled_from(SCALERS),
    st.sampled_from([*SPLITS, "bootstrap"]),
    weights,
)
def test_any_table(table, learner, scaler, splits, kind):
    X, y = table
    learner = behind(scaler, learner)
    job = job_of(
        learner, X, y, splits, fit_params=weight_params(learner, weights_of(kind, len(y)))
    )
    answer = answer_of(job)
    event("declined" if answer is None else "taken")
    if answer is not None:
        for block, (_, test) in zip(answer.blocks, job.splits, strict=True):
            assert block.shape == (len(test), job.target.n_columns("predict_proba"))
            assert np.isfinite(block).all()
        if np.abs(X).max() < 100:  # beyond, rounding of the test's own sums shows
            assert_gradients_vanish(job, answer)


@pytest.mark.parametrize("method", ["predict", "decision_function", "predict_log_proba"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_methods(n_classes, method):
    job = job_of(LogisticRegression(), *table(n_classes), "shuffled", method=method)
    expected = plain_blocks(exactly(job))
    for block, best in zip(answer_of(job).blocks, expected, strict=True):
        np.testing.assert_allclose(block, best, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("learner", [CLASSIFIERS[0], *GLMS[:3]], ids=str)
@pytest.mark.parametrize("scaler", SCALERS[:2], ids=str)
def test_models_have_the_attributes_of_fitted_ones(learner, scaler):
    X, y = table(3 if is_classifier(learner) else None)
    job = job_of(behind(scaler, learner), pd.DataFrame(X, columns=list("abcd")), y, "folds")
    answer = answer_of(job)
    for model, (train, _) in zip(answer.fold_models, job.splits, strict=True):
        pairs = zip(_steps(model), _steps(refitted(job, train)), strict=True)
        for found, plain in pairs:
            assert type(found.__dict__.pop("n_iter_", 0)) is type(plain.__dict__.pop("n_iter_", 0))
            assert_same_attributes(found, plain, rtol=5e-2)
    plain = refitted(job, np.arange(len(y)))
    np.testing.assert_array_equal(answer.model.predict(job.X), plain.predict(job.X))


def _steps(model):
    return [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]


def test_a_held_out_row_does_not_reach_its_model():
    X, y = table(2)
    job = job_of(behind(StandardScaler(), LogisticRegression()), X, y, "folds")
    before = answer_of(job).fold_models[0]
    test = job.splits[0][1]
    changed, flipped = X.copy(), y.copy()
    changed[test] = changed[test][::-1] * 3 + 1
    flipped[test] = 1 - flipped[test]
    job = job_of(behind(StandardScaler(), LogisticRegression()), changed, flipped, "folds")
    after = answer_of(job).fold_models[0]
    np.testing.assert_allclose(after.predict_proba(X), before.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(after[0].mean_, before[0].mean_)


def test_shuffled_labels_are_not_learnt():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(1000, 200)), rng.randint(0, 2, 1000)
    job = job_of(LogisticRegression(), X, y, "shuffled", method="predict")
    answer = answer_of(job)
    hits = [
        np.mean(block[:, 0] == y[test])
        for block, (_, test) in zip(answer.blocks, job.splits, strict=True)
    ]
    assert answer.model.score(X, y) > 0.65
    assert abs(np.mean(hits) - 0.5) < 0.05


def test_outliers_take_damped_steps():
    """A fold without its outlier has its optimum far from that of all rows."""
    X, y = table(2)
    X[0], y[0] = 100.0, 0
    job = job_of(LogisticRegression(C=100.0, max_iter=1000), X, y, "leave one out")
    answer = answer_of(job)
    assert answer is not None
    assert_gradients_vanish(job, answer)


@pytest.mark.parametrize(
    "learner",
    [
        LogisticRegression(l1_ratio=1.0, solver="saga") if NEW else LogisticRegression("l1"),
        LogisticRegression(warm_start=True),
        LogisticRegression(max_iter=3),
        LogisticRegression(dual=True, solver="liblinear"),
        TweedieRegressor(power=3),
        TweedieRegressor(power=0, link="log"),
        type("Mine", (LogisticRegression,), {})(),
        make_pipeline(MinMaxScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), StandardScaler(), LogisticRegression()),
    ],
    ids=str,
)
def test_what_is_declined(learner):
    X, y = table(2 if is_classifier(learner) else None)
    assert answer_of(job_of(learner, X, y, "shuffled")) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda X: np.where(X[0, 0] == X, np.nan, X),
        lambda X: X.astype(np.float32),
        sparse.csr_matrix,
        lambda X: X + 1e9,
        lambda X: np.hstack([X] * 500),
    ],
    ids=["missing", "float32", "sparse", "far away", "wide"],
)
def test_tables_that_are_declined(change):
    X, y = table(2)
    assert answer_of(job_of(LogisticRegression(), change(X), y, "shuffled")) is None


def test_separable_classes_without_a_penalty_are_declined():
    X, y = table(2)
    X[:, 0] += 100 * y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert answer_of(job_of(UNPENALIZED, X, y, "shuffled")) is None


def test_off_when_exact_and_on_in_a_stack():
    X, y = table(2)
    assert shortcut(job_of(LogisticRegression(), X, y, "shuffled")) is None
    learners = [("logistic", behind(StandardScaler(), LogisticRegression()))]
    for refit in (True, False):
        stack = StackingClassifier(learners, shortcuts="approximate", refit=refit).fit(X, y)
        assert stack.oof_.paths["logistic"] == "Newton"
        plain = StackingClassifier(learners, refit=refit, shortcuts=False).fit(X, y)
        np.testing.assert_allclose(stack.predict_proba(X), plain.predict_proba(X), atol=1e-3)
