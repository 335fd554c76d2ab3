"""Dynamic selection and weighting."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from stackmeta import StackingClassifier, StackingRegressor
from stackmeta.combiners import (
    ConvexClassifier,
    ConvexRegressor,
    LocalCompetenceClassifier,
    LocalCompetenceRegressor,
)

from .given import binary, multiclass, regression
from .test_missing import with_holes

METHODS = ["smooth", "knora_e", "knora_u", "des_p"]
SELECTIONS = METHODS[1:]
COMBINERS = [LocalCompetenceClassifier, LocalCompetenceRegressor]
all_methods = pytest.mark.parametrize("method", METHODS)
both = pytest.mark.parametrize("combiner", COMBINERS)


def experts(combiner, n_rows=2000, seed=0, local=True):
    """Two learners good on one side of a place each, two that are the same everywhere.

    Without ``local``, all four are the same everywhere. Columns: predictions, then two places.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(-1, 1, size=(n_rows, 2))
    spread = np.full((n_rows, 4), 1.5)
    if local:
        left = places[:, 0] < 0
        spread[:, 0], spread[:, 1] = np.where(left, 0.1, 3.0), np.where(left, 3.0, 0.1)
    noise = spread * rng.normal(size=(n_rows, 4))
    if combiner is LocalCompetenceRegressor:
        y = rng.normal(size=n_rows)
        return np.hstack([y[:, None] + noise, places]), y
    y = rng.integers(2, size=n_rows)
    return np.hstack([expit(2 * (2 * y[:, None] - 1 + noise)), places]), y


def loss_of(combiner, X, y):
    """Share of mistakes, or squared error."""
    if hasattr(combiner, "predict_proba"):
        return 1 - combiner.score(X, y)
    return ((combiner.predict(X) - y) ** 2).mean()


def answer(combiner, X):
    return getattr(combiner, "predict_proba", combiner.predict)(X)


def convex_of(combiner):
    return ConvexClassifier if combiner is LocalCompetenceClassifier else ConvexRegressor


# What is gained, and what is not.


@both
@all_methods
def test_learners_that_are_competent_in_different_places(combiner, method):
    X, y = experts(combiner)
    fit, new = slice(0, 1000), slice(1000, None)
    local = combiner(method=method, prediction_columns=4).fit(X[fit], y[fit])
    convex = convex_of(combiner)(prediction_columns=4).fit(X[fit], y[fit])
    # Elimination leans on rows that are right by luck: it gains the least.
    share = 0.9 if method == "knora_e" else 0.75
    assert loss_of(local, X[new], y[new]) < share * loss_of(convex, X[new], y[new])
    weights = local.local_weights(X[new])
    left = X[new, 4] < -0.3
    assert weights[left, 0].mean() > 1.5 * weights[left, 1].mean()
    right = X[new, 4] > 0.3
    assert weights[right, 1].mean() > 1.5 * weights[right, 0].mean()


@both
def test_smooth_loses_less_log_loss_than_convex(combiner):
    X, y = experts(combiner)
    local = combiner(prediction_columns=4).fit(X[:1000], y[:1000])
    assert local.strength_ > 0
    if combiner is LocalCompetenceClassifier:
        convex = ConvexClassifier(prediction_columns=4).fit(X[:1000], y[:1000])
        truth = np.arange(1000), y[1000:]
        gain = np.log(local.predict_proba(X[1000:])[truth])
        gain -= np.log(convex.predict_proba(X[1000:])[truth])
        assert gain.mean() > 0.05


@pytest.mark.theory
@both
def test_no_regional_competence_falls_back_to_global_weights(combiner):
    """In at least nine of ten tables.

    Without columns beside the predictions this is no null: far out, predictions are worse.
    """
    kept = 0
    for seed in range(20):
        X, y = experts(combiner, 400, seed, local=False)
        local = combiner(prediction_columns=4).fit(X, y)
        kept += local.strength_ == 0
    assert kept >= 18


@both
def test_without_strength_it_is_the_convex_combiner(combiner):
    X, y = experts(combiner, 400, 3, local=False)
    local = combiner(prediction_columns=4).fit(X, y)
    assert local.strength_ == 0
    convex = convex_of(combiner)(prediction_columns=4).fit(X, y)
    assert_allclose(local.weights_, convex.weights_, atol=1e-6)
    assert_allclose(answer(local, X), answer(convex, X), atol=1e-6)
    assert_allclose(local.local_weights(X), np.tile(local.weights_, (400, 1)))


# Each method, as slowly and plainly as can be.


def standardized(P):
    return (P - P.mean(axis=0)) / P.std(axis=0)


def plain_right(combiner, P, y):
    """Which learners are right on which rows; P of shape (n_rows, n_learners, n_outputs)."""
    right = np.full(P.shape[:2], np.nan)
    for row, learner in np.argwhere(~np.isnan(P).any(axis=2)):
        if combiner is LocalCompetenceRegressor:
            errors = np.abs(P[row, :, 0] - y[row])
            right[row, learner] = errors[learner] <= np.nanmedian(errors)
        elif P.shape[2] == 1:
            right[row, learner] = int(P[row, learner, 0] > 0.5) == y[row]
        else:
            right[row, learner] = P[row, learner].argmax() == y[row]
    return right


def plain_weights(method, near, right, chance):
    """Weights of the learners from the rows ``near``, nearest first."""
    n_learners = right.shape[1]
    if method == "knora_e":
        for size in range(len(near), 0, -1):
            perfect = [np.nanmin(right[near[:size], j], initial=1) == 1 for j in range(n_learners)]
            known = [(~np.isnan(right[near[:size], j])).any() for j in range(n_learners)]
            chosen = np.logical_and(perfect, known)
            if chosen.any():
                return chosen / chosen.sum()
        return np.full(n_learners, 1 / n_learners)
    rates = [np.nanmean(right[near, j]) for j in range(n_learners)]
    if method == "des_p":
        level = np.mean(rates) if chance is None else chance
        rates = [max(rate - level, 0) if rate - level > 1e-12 else 0 for rate in rates]
    total = sum(rates)
    return np.array(rates) / total if total else np.full(n_learners, 1 / n_learners)


CASES = [
    (LocalCompetenceClassifier, binary(150, 4), 1),
    (LocalCompetenceClassifier, multiclass(150, 3), 3),
    (LocalCompetenceRegressor, regression(150, 4), 1),
]


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("method", SELECTIONS)
@pytest.mark.parametrize(("combiner", "task", "n_outputs"), CASES)
def test_selections_against_plain_loops(combiner, task, n_outputs, method, holes):
    P, y = task
    places = np.random.default_rng(1).normal(size=(150, 2))
    fit = with_holes(P[:100], n_outputs) if holes else P[:100]
    fitted = combiner(method=method, n_neighbors=9, prediction_columns=P.shape[1])
    fitted.fit(np.hstack([fit, places[:100]]), y[:100])
    weights = fitted.local_weights(np.hstack([P, places])[100:])
    scaled = fitted._row_reader.transform(places)
    right = plain_right(combiner, fit.reshape(100, -1, n_outputs), y[:100])
    chance = None if combiner is LocalCompetenceRegressor else 1 / len(fitted.classes_)
    for row in range(50):
        distance = ((scaled[:100] - scaled[100 + row]) ** 2).sum(axis=1)
        near = np.argsort(distance)[:9]
        assert_allclose(weights[row], plain_weights(method, near, right, chance), atol=1e-12)


@pytest.mark.parametrize(("combiner", "task", "n_outputs"), CASES)
def test_smooth_against_plain_loops(combiner, task, n_outputs):
    P, y = task
    fitted = combiner(n_neighbors=9).fit(P[:100], y[:100])
    fitted.strength_ = 0.5
    weights = fitted.local_weights(P[100:])
    views = P.reshape(150, -1, n_outputs)
    if combiner is LocalCompetenceRegressor:
        points = standardized(P[:100]), (P[100:] - P[:100].mean(axis=0)) / P[:100].std(axis=0)
        errors = (views[:100, :, 0] - y[:100, None]) ** 2
        losses = errors / (2 * ((P[:100] @ fitted.weights_ - y[:100]) ** 2).mean())
    else:
        points = P[:100], P[100:]
        both_classes = np.concatenate([1 - views, views], axis=2) if n_outputs == 1 else views
        losses = -np.log(both_classes[np.arange(100), :, y[:100]])
    start = 0.99 * fitted.weights_ + 0.01 / views.shape[1]
    for row in range(50):
        near = np.argsort(((points[0] - points[1][row]) ** 2).sum(axis=1))[:9]
        expected = start * np.exp(-0.5 * 9 * losses[near].mean(axis=0))
        assert_allclose(weights[row], expected / expected.sum(), rtol=1e-6, atol=1e-12)


def test_held_out_losses_against_plain_loops():
    """The neighbours of a row held out are from other folds: never the row itself."""
    P, y = regression(120, 3)
    X = np.column_stack([P, np.random.default_rng(0).normal(size=120)])
    splits = list(KFold(4, shuffle=True, random_state=0).split(X))
    fitted = LocalCompetenceRegressor(n_neighbors=15, prediction_columns=3).fit(X, y, folds=splits)
    total = np.zeros(8)
    for train, test in splits:
        weights = ConvexRegressor().fit(P[train], y[train]).weights_
        scale = 2 * ((P[train] @ weights - y[train]) ** 2).mean()
        start = 0.99 * weights + 0.01 / 3
        for row in test:
            near = train[np.argsort(np.abs(X[train, 3] - X[row, 3]))[:15]]
            losses = ((P[near] - y[near, None]) ** 2).mean(axis=0) / scale
            for i, strength in enumerate([0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]):
                local = start * np.exp(-strength * 15 * losses) if strength else weights
                total[i] += (P[row] @ local / local.sum() - y[row]) ** 2
    assert_allclose(fitted.losses_, total / 120, rtol=1e-6)


# Weights of rows, missing predictions, targets.


@both
@all_methods
@pytest.mark.parametrize("unit", [1.0, 1e-300, 1e300])
def test_weights_are_repeated_rows(combiner, method, unit):
    X, y = experts(combiner, 300)
    X = X[:, :4]
    times = np.random.default_rng(0).integers(0, 4, size=300)
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(300), times))
    weighted = combiner(method=method, n_neighbors=12).fit(X, y, sample_weight=times * unit)
    repeated = combiner(method=method, n_neighbors=12).fit(X[rows], y[rows])
    assert_allclose(weighted.local_weights(X), repeated.local_weights(X), atol=1e-6)
    folds = np.arange(300) % 4
    weighted.fit(X, y, sample_weight=times * unit, folds=folds)
    repeated.fit(X[rows], y[rows], folds=folds[rows])
    assert_allclose(weighted.local_weights(X), repeated.local_weights(X), atol=1e-6)


@all_methods
def test_heavy_rows_fill_a_neighbourhood(method):
    """A row with the weight of 30 others is a neighbourhood of its own."""
    place = np.arange(60.0)
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    P = y[:, None] + rng.normal(size=(60, 2))
    P[30] = y[30] + [0.0, 5.0]
    weight = np.where(place == 30, 30.0, 1.0)
    combiner = LocalCompetenceRegressor(method=method, n_neighbors=30, prediction_columns=2)
    X = np.column_stack([P, place])
    combiner.fit(X, y, sample_weight=weight)
    combiner.strength_ = 1.0
    assert_allclose(combiner.local_weights(X[[30]]), [[1.0, 0.0]], atol=1e-6)


@both
@all_methods
def test_a_learner_has_no_say_where_it_did_not_predict(combiner, method):
    X, y = experts(combiner)
    holes = np.hstack([with_holes(X[:, :4]), X[:, 4:]])
    fitted = combiner(method=method, prediction_columns=4).fit(holes, y)
    weights = fitted.local_weights(holes)
    assert_allclose(weights.sum(axis=1), 1)
    assert (weights[np.isnan(holes[:, :4])] == 0).all()
    # A row that only one learner predicts is answered by it.
    alone = X[:5].copy()
    alone[:, [0, 1, 3]] = np.nan
    assert_array_equal(fitted.local_weights(alone), np.tile([0.0, 0.0, 1.0, 0.0], (5, 1)))


@all_methods
def test_a_learner_that_covers_half_of_the_rows(method):
    """Competent where it covers rows, it is trusted there, and judged by these rows alone."""
    X, y = experts(LocalCompetenceRegressor)
    X[X[:, 4] > 0, 0] = np.nan
    combiner = LocalCompetenceRegressor(method=method, prediction_columns=4).fit(X, y)
    left = X[:, 4] < -0.2
    assert combiner.local_weights(X[left])[:, 0].mean() > 0.35


@all_methods
def test_several_targets(method):
    rng = np.random.default_rng(0)
    places = rng.uniform(-1, 1, size=(800, 1))
    Y = rng.normal(size=(800, 2))
    noise = rng.normal(size=(800, 3, 2))
    noise[:, 0] *= np.where(places < 0, 0.1, 3)
    noise[:, 1] *= np.where(places < 0, 3, 0.1)
    X = np.hstack([(Y[:, None] + noise).reshape(800, -1), places])
    combiner = LocalCompetenceRegressor(method=method, prediction_columns=6)
    convex = ConvexRegressor(prediction_columns=6)
    combiner.fit(X[:400], Y[:400])
    assert combiner.predict(X).shape == Y.shape
    assert combiner.local_weights(X).shape == (800, 3)
    local = loss_of(combiner, X[400:], Y[400:])
    assert local < loss_of(convex.fit(X[:400], Y[:400]), X[400:], Y[400:])


@both
@all_methods
def test_without_other_columns_predictions_say_where_a_row_lies(combiner, method):
    """A learner that says when it knows is followed there."""
    X, y = experts(combiner)
    if combiner is LocalCompetenceRegressor:
        X[:, 3] = np.where(X[:, 4] < 0, -5.0, 5.0)
    else:
        X[:, 3] = np.where(X[:, 4] < 0, 0.25, 0.75)
    local = combiner(method=method).fit(X[:1000, :4], y[:1000])
    convex = convex_of(combiner)().fit(X[:1000, :4], y[:1000])
    new = X[1000:, :4]
    factor = 1.1 if method == "knora_e" else 1.0
    assert loss_of(local, new, y[1000:]) < factor * loss_of(convex, new, y[1000:])


@pytest.mark.parametrize("columns", [["x"], [4], slice(4, 5)])
def test_feature_columns(columns):
    X, y = experts(LocalCompetenceRegressor)
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "x", "noise"])
    combiner = LocalCompetenceRegressor(prediction_columns=4, feature_columns=columns)
    expected = LocalCompetenceRegressor(prediction_columns=4).fit(X[:, :5], y)
    assert_allclose(combiner.fit(frame, y).predict(frame), expected.predict(X[:, :5]))


# What every estimator does.


@both
@all_methods
def test_clone_pickle_and_more_neighbours_than_rows(combiner, method):
    X, y = experts(combiner, 40)
    fitted = clone(combiner(method=method, n_neighbors=1000, prediction_columns=4)).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.local_weights(X), fitted.local_weights(X))
    assert_array_equal(answer(again, X), answer(fitted, X))
    # All rows are neighbours of each: all have the same weights.
    if method != "knora_e":
        assert_allclose(np.ptp(fitted.local_weights(X), axis=0), 0, atol=1e-9)


@both
@all_methods
def test_blocks_of_rows_make_no_difference(combiner, method, monkeypatch):
    X, y = experts(combiner, 300)
    fitted = combiner(method=method, prediction_columns=4).fit(X, y)
    expected = answer(fitted, X)
    monkeypatch.setattr("stackmeta.combiners.neighbourhoods._NEIGHBOURS_AT_ONCE", 100)
    assert_allclose(answer(fitted, X), expected)
    assert_allclose(answer(clone(fitted).fit(X, y), X), expected)


@both
@all_methods
def test_one_learner_few_rows_and_constant_predictions(combiner, method):
    y = np.array([0, 1, 0, 1, 0, 1])
    fitted = combiner(method=method).fit(np.full((6, 1), 0.5), y)
    assert_array_equal(fitted.local_weights([[0.5]]), [[1.0]])
    fitted = combiner(method=method).fit(np.full((6, 2), 0.5), y)
    assert_allclose(answer(fitted, [[0.5, 0.5]]), 0.5)
    fitted = combiner(method=method).fit([[0.1, 0.2], [0.7, 0.9]], [0, 1])
    assert_allclose(fitted.local_weights([[0.5, 0.5]]).sum(), 1)


@both
def test_only_smooth_has_global_weights(combiner):
    X, y = experts(combiner, 100)
    fitted = combiner(prediction_columns=4).fit(X, y)
    assert fitted.weights_.shape == (4,)
    fitted.set_params(method="knora_u").fit(X, y)
    for name in ("weights_", "strength_", "losses_"):
        assert not hasattr(fitted, name)
    assert not get_tags(fitted).zero_weights


@pytest.mark.parametrize("method", METHODS)
def test_calibrate(method):
    X, y = experts(LocalCompetenceClassifier, 600)
    fitted = LocalCompetenceClassifier(method=method, calibrate=True, prediction_columns=4)
    assert 0.05 < fitted.fit(X, y).temperature_ < 20
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


@both
def test_bad_input(combiner):
    X, y = experts(combiner, 50)
    for params in ({"method": "knora"}, {"n_neighbors": 0}, {"n_neighbors": 2.5}):
        with pytest.raises(ValueError, match=f"{next(iter(params))!r} parameter"):
            combiner(**params).fit(X[:, :4], y)
    with pytest.raises(ValueError, match="needs prediction_columns"):
        combiner(feature_columns=[4]).fit(X, y)
    fitted = combiner(prediction_columns=4).fit(X, y)
    X[3, :4] = np.nan
    with pytest.raises(ValueError, match="Row 3 of X is NaN for every learner"):
        fitted.local_weights(X)
    X[3, :4] = np.inf
    with pytest.raises(ValueError, match="contains infinity: inf in row 3"):
        fitted.predict(X)


@all_methods
def test_in_a_stack_with_a_frame(method):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(0, 100, size=300),
            "size": np.where(rng.uniform(size=300) < 0.1, np.nan, rng.normal(size=300)),
            "city": rng.choice(["Ulm", "Bonn", "Kiel"], size=300),
        }
    )
    y = np.where(frame["city"] == "Ulm", 1.0, -1.0) * frame["age"] + rng.normal(size=300)
    read = make_column_transformer(
        (SimpleImputer(), ["age", "size"]), (OneHotEncoder(), ["city"]), sparse_threshold=0
    )
    learners = [Ridge(), DecisionTreeRegressor(max_depth=4)]
    named = [(type(learner).__name__, make_pipeline(read, learner)) for learner in learners]
    final = LocalCompetenceRegressor(method=method)
    stack = StackingRegressor(named, final, passthrough=True).fit(frame, y)
    assert stack.score(frame, y) > 0.5
    learners = [LogisticRegression(), DecisionTreeClassifier(max_depth=4)]
    named = [(type(learner).__name__, make_pipeline(read, learner)) for learner in learners]
    final = LocalCompetenceClassifier(method=method)
    stack = StackingClassifier(named, final, passthrough=True).fit(frame, y > 0)
    assert_allclose(stack.predict_proba(frame).sum(axis=1), 1)
    assert stack.score(frame, y > 0) > 0.8
