"""Plain refits to compare shortcuts with; tables and splits that are hard on them."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import strategies as st
from sklearn.base import is_classifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

from stackmeta.compat import safe_indexing
from stackmeta.out_of_fold.folds import make_splits
from stackmeta.out_of_fold.learner import Learner, clone_seeded, response_method, rows_of_params
from stackmeta.out_of_fold.response import respond
from stackmeta.out_of_fold.shortcuts import DeclinedError, Job, find_shortcut
from stackmeta.out_of_fold.target import encode_target

#: Numbers of the splits below.
SPLITS = ("folds", "shuffled", "groups", "time", "repeats", "draws", "uneven", "leave one out")


def splits_of(kind, X, y, seed=0):
    """Splits of many kinds: partitions, partial cover, repeats, training rows drawn twice."""
    rng = np.random.RandomState(seed)
    n_rows = len(y)
    if kind == "uneven":
        fold = rng.choice(3, n_rows, p=[0.7, 0.2, 0.1])
        fold[:3] = range(3)
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    if kind == "bootstrap":
        draws = [rng.choice(n_rows, n_rows) for _ in range(3)]
        return [(draw, np.setdiff1d(np.arange(n_rows), draw)) for draw in draws]
    splitter = {
        "folds": KFold(4),
        "shuffled": KFold(5, shuffle=True, random_state=seed),
        "groups": GroupKFold(3),
        "time": TimeSeriesSplit(3),
        "repeats": RepeatedKFold(n_splits=3, n_repeats=2, random_state=seed),
        "draws": ShuffleSplit(3, test_size=0.3, random_state=seed),
        "leave one out": LeaveOneOut(),
    }[kind]
    groups = {"groups": rng.randint(0, 8, n_rows)} if kind == "groups" else {}
    return make_splits(splitter, X, y, **groups)


def job_of(estimator, X, y, splits, *, method=None, fit_params=None, seed=None):
    """What the engine would hand to the shortcut of a learner."""
    target = encode_target(y, classifier=is_classifier(estimator), caller="test")
    method = method or response_method("learner", estimator, "auto")
    learner = Learner("learner", estimator, method, None, fit_params or {})
    if isinstance(splits, str):
        splits = splits_of(splits, X, target.y)
    return Job(learner, X, target, splits, seed)


def shortcut(job, level="exact", **options):
    """Run the learner's shortcut; None if there is none, or it declines."""
    options = {"exchangeable": True, "keep_models": False} | options
    found = find_shortcut(job.learner, level, **options)
    if found is None:
        return None
    try:
        return found.run(job)
    except DeclinedError:
        return None


def refitted(job, rows, fold=-1):
    """Fit the learner plainly on some rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        params = rows_of_params(job.learner.fit_params, rows, len(job.target.y))
        model = clone_seeded(job.learner, job.seed, fold)
        return model.fit(safe_indexing(job.X, rows), job.target.y[rows], **params)


def plain_blocks(job):
    """Refit on every fold and predict what it held out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            respond(
                refitted(job, train, fold),
                safe_indexing(job.X, test),
                job.learner.method,
                job.target,
            )
            for fold, (train, test) in enumerate(job.splits)
        ]


def assert_same_as_refits(job, answer, rtol=1e-8):
    """Out-of-fold predictions, and those of every model that came along, equal refits.

    Relative to the prediction, the largest of them, or the size of the target.
    """
    n_rows = len(job.target.y)
    size = np.abs(job.target.y).max()
    plain = plain_blocks(job)
    scale = max(np.abs(block[np.isfinite(block)]).max(initial=size) for block in plain)
    for block, expected in zip(answer.blocks, plain, strict=True):
        np.testing.assert_allclose(block, expected, rtol=rtol, atol=rtol * scale)
    models = list(zip(answer.fold_models or [], job.splits, strict=False))
    if answer.model is not None:
        models.append((answer.model, (np.arange(n_rows), None)))
    for model, (train, _) in models:
        expected = respond(refitted(job, train), job.X, job.learner.method, job.target)
        found = respond(model, job.X, job.learner.method, job.target)
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=size)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * scale)


def assert_same_attributes(model, plain, rtol=1e-7):
    """A model from sums has what a fitted one has, to the name."""
    assert set(vars(model)) == set(vars(plain))
    for name, expected in vars(plain).items():
        found = vars(model)[name]
        if isinstance(expected, (np.ndarray, float, np.floating)) and not isinstance(found, str):
            assert np.shape(found) == np.shape(expected), name
            if np.asarray(expected).dtype.kind == "f":
                atol = rtol * np.abs(np.asarray(expected)).max(initial=1e-6)
                np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, err_msg=name)
            else:
                assert np.array_equal(found, expected), name
        elif isinstance(expected, (int, np.integer, type(None))):
            assert found == expected, name


@st.composite
def tables(draw, n_classes=None, n_targets=1, positive=False):
    """Small tables: wide spread of scales, shifts, rounding, constant and copied columns."""
    n_rows = draw(st.integers(12, 70))
    n_columns = draw(st.integers(1, 6))
    rng = np.random.RandomState(draw(st.integers(0, 2**16)))
    X = rng.normal(size=(n_rows, n_columns))
    for column in range(n_columns):
        kind = draw(st.sampled_from(["plain"] * 4 + ["scaled", "shifted", "whole", "odd"]))
        if kind == "scaled":
            X[:, column] *= 10.0 ** draw(st.integers(-8, 8))
        elif kind == "shifted":
            X[:, column] += 10.0 ** draw(st.integers(0, 9))
        elif kind == "whole":
            X[:, column] = X[:, column].round()
        elif kind == "odd":  # constant, copied, one outlier
            odd = draw(st.sampled_from(["constant", "copied", "outlier"]))
            if odd == "constant":
                X[:, column] = draw(st.sampled_from([0.0, 1.0, 1e6, -0.1]))
            elif odd == "copied":
                X[:, column] = X[:, 0]
            else:
                X[draw(st.integers(0, n_rows - 1)), column] = 10.0 ** draw(st.integers(2, 9))
    if positive:
        X = np.abs(X)
    if n_classes is not None:
        y = rng.randint(0, n_classes, n_rows)
        y[:n_classes] = range(n_classes)
        return X, y
    y = rng.normal(size=(n_rows, n_targets)) + X[:, [0]] * rng.normal()
    return X, y[:, 0] if n_targets == 1 else y


#: Weights of the rows: none, of any size, with zeros.
weights = st.sampled_from(["none", "random", "zeros"])


def weights_of(kind, n_rows, seed=0):
    """Sample weights of a kind, or None."""
    rng = np.random.RandomState(seed)
    if kind == "none":
        return None
    return rng.uniform(0.1, 3, n_rows) if kind == "random" else rng.randint(0, 3, n_rows) * 1.0
