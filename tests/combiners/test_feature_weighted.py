"""Weights as functions of chosen columns: where they help, and that they are left alone else."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from stackmeta import StackingClassifier
from stackmeta.combiners import (
    ConvexClassifier,
    ConvexRegressor,
    FeatureWeightedClassifier,
    FeatureWeightedRegressor,
)
from stackmeta.combiners.row_losses import BinaryLogLoss, LogLoss, SquaredLoss
from stackmeta.combiners.row_weights import RowWeights, fold_groups, principal_axes

from .given import binary, multiclass, regression


def numbers(n_rows=600, n_targets=1, seed=0):
    """Two learners, the one better where the third column is high, the other where it is low."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n_rows)
    y = rng.normal(size=(n_rows, n_targets))
    spread = np.exp(np.column_stack([-z, z]) / 2)[:, :, None]
    P = y[:, None] + spread * rng.normal(size=(n_rows, 2, n_targets))
    return np.column_stack([P.reshape(n_rows, -1), z]), (y[:, 0] if n_targets == 1 else y)


def classes(n_rows=600, n_classes=2, seed=0):
    """The same for probabilities."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n_rows)
    signal = 2 * rng.normal(size=(n_rows, n_classes))
    y = (signal + rng.gumbel(size=signal.shape)).argmax(axis=1)
    spread = 2 * np.exp(np.column_stack([-z, z]))[:, :, None]
    logits = signal[:, None] + spread * rng.normal(size=(n_rows, 2, n_classes))
    P = softmax(logits / (1 + spread**2 / 4), axis=2)
    P = P[:, :, 1] if n_classes == 2 else P.reshape(n_rows, -1)
    return np.column_stack([P, z]), y


TASKS = [
    (FeatureWeightedRegressor(prediction_columns=2), lambda *a, **k: numbers(*a, **k)),
    (
        FeatureWeightedRegressor(prediction_columns=4),
        lambda *a, **k: numbers(*a, n_targets=2, **k),
    ),
    (FeatureWeightedClassifier(prediction_columns=2), lambda *a, **k: classes(*a, **k)),
    (
        FeatureWeightedClassifier(prediction_columns=6),
        lambda *a, **k: classes(*a, n_classes=3, **k),
    ),
]
all_tasks = pytest.mark.parametrize(
    ("combiner", "draw"), TASKS, ids=["number", "two targets", "two classes", "three classes"]
)


def answer(combiner, X):
    return combiner.predict_proba(X) if hasattr(combiner, "predict_proba") else combiner.predict(X)


def loss(combiner, X, y):
    if hasattr(combiner, "predict_proba"):
        return log_loss(y, combiner.predict_proba(X))
    return ((combiner.predict(X) - y) ** 2).mean()


def convex_like(combiner):
    kind = ConvexClassifier if hasattr(combiner, "predict_proba") else ConvexRegressor
    return kind(prediction_columns=combiner.prediction_columns)


@all_tasks
def test_finds_weights_that_depend_on_a_column(combiner, draw):
    X, y = draw(seed=0)
    combiner = clone(combiner).fit(X, y)
    assert combiner.coef_.shape == (2, 1)
    assert combiner.coef_[0, 0] > 0.05 > -0.05 > combiner.coef_[1, 0]
    assert np.isfinite(combiner.ridge_)
    assert combiner.row_features_ == [f"x{X.shape[1] - 1}"]
    new, truth = draw(4000, seed=1)
    convex = convex_like(combiner).fit(X, y)
    assert_array_equal(combiner.weights_, convex.weights_)
    assert loss(combiner, new, truth) < 0.97 * loss(convex, new, truth)


@all_tasks
def test_independent_features_change_nothing(combiner, draw):
    chosen = 0
    for seed in range(20):
        X, y = draw(200, seed=seed)
        noise = np.random.default_rng(seed + 1000).normal(size=(200, 4))
        X = np.column_stack([X[:, :-1], noise])
        fitted = clone(combiner).fit(X, y)
        if fitted.coef_.any():
            chosen += 1
            continue
        assert fitted.ridge_ == np.inf
        assert_allclose(answer(fitted, X), answer(convex_like(fitted).fit(X, y), X), atol=1e-12)
    assert chosen <= 2


@pytest.mark.theory
@pytest.mark.parametrize("n_features", [1, 20])
def test_rate_of_false_discoveries(n_features):
    """Rows are taken to matter in at most one in ten tables where they do not."""
    chosen = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        P, y = regression(250, 4, seed=seed)
        X = np.column_stack([P, rng.normal(size=(250, n_features))])
        chosen += FeatureWeightedRegressor(prediction_columns=4).fit(X, y).coef_.any()
    assert chosen <= 10


def fold_mean_leak(seed, n_rows=100, n_folds=5):
    """Predictions out of fold, the first learner's being the mean of y over the other folds."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n_rows)
    folds = rng.permutation(np.arange(n_rows) % n_folds)
    means = np.array([y[folds != k].mean() for k in range(n_folds)])
    return np.column_stack([means[folds], y + 2 * rng.normal(size=n_rows)]), y, folds


def test_learner_of_the_fold_mean_gets_no_signed_weight():
    """It is low where its fold's y is high: least squares believes that, centred folds do not."""
    slopes, centred = [], 0
    for seed in range(20):
        P, y, folds = fold_mean_leak(seed)
        slopes.append(np.linalg.lstsq(np.column_stack([P, np.ones(len(y))]), y, rcond=None)[0][0])
        model = RowWeights(
            differences=P[:, None, :1],
            features=np.ones((len(y), 1)),
            offset=np.zeros((len(y), 1)),
            loss=SquaredLoss(y[:, None], 1.0),
            share=np.full(len(y), 1 / len(y)),
            groups=folds,
        )
        assert_allclose(model.fit(1e-3)[0], 0, atol=1e-10)
        centred += model.choose_ridge(5) < np.inf
    assert np.mean(slopes) < -3
    assert centred == 0


@pytest.mark.parametrize("classifies", [False, True])
def test_fold_mean_leak_in_whole(classifies):
    """The leak does not make independent columns matter, nor those that tell folds apart."""
    chosen = 0
    for seed in range(20):
        P, y, folds = fold_mean_leak(seed)
        combiner = FeatureWeightedRegressor(prediction_columns=2)
        if classifies:
            combiner, y = FeatureWeightedClassifier(prediction_columns=2), (y > 0).astype(int)
            means = np.array([y[folds != k].mean() for k in range(5)])
            P = np.column_stack([means[folds], expit(P[:, 1])])
        rng = np.random.default_rng(seed)
        sites = rng.normal(size=(5, 2))[folds]
        X = np.column_stack([P, rng.normal(size=(100, 2)), rng.exponential(size=100), sites])
        chosen += combiner.fit(X, y, folds=folds).coef_.any()
    assert chosen <= 2


@all_tasks
def test_coefficients_minimise_what_they_should(combiner, draw):
    """Another optimiser, on products made in whole, finds the same."""
    X, y = draw(150)
    folds = np.arange(150) % 3
    weight = np.random.default_rng(0).uniform(0.5, 1.5, size=150)
    fitted = clone(combiner).fit(X, y, sample_weight=weight, folds=folds)
    assert fitted.coef_.any()
    share = weight / weight.sum()
    z = fitted._read_others(X, reset=False)
    z = z - share @ z
    learners = X[:, :-1].reshape(150, 2, -1)
    mixture = np.einsum("rlo,l->ro", learners, fitted.weights_)
    n_outputs = learners.shape[2]
    if hasattr(combiner, "predict_proba"):
        to_scores = logit if n_outputs == 1 else np.log
        clipped = np.clip(learners, 1e-4, 1 - 1e-4 if n_outputs == 1 else 1)
        differences = to_scores(clipped) - to_scores(mixture)[:, None]
        offset = to_scores(mixture)
        model = BinaryLogLoss(y) if n_outputs == 1 else LogLoss(y)
    else:
        differences, offset, target = learners - mixture[:, None], mixture, y.reshape(150, -1)
        model = SquaredLoss(target, share @ ((target - mixture) ** 2).mean(axis=1))
    products = np.einsum("rlo,rf->rolf", differences, z).reshape(150, n_outputs, -1)
    centred = products.copy()
    for fold in range(3):
        rows = folds == fold
        centred[rows] -= np.average(products[rows], axis=0, weights=weight[rows])

    def objective(coef):
        losses = model.losses(offset + centred @ coef, np.arange(150))
        return share @ losses + fitted.ridge_ / 2 * coef @ coef

    found = minimize(objective, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9})
    assert_allclose(fitted.coef_.ravel(), found.x, atol=1e-5)
    assert_allclose(fitted.intercept_, -share @ (products @ found.x), atol=1e-5)


def test_losses_have_the_derivatives_they_state():
    rng = np.random.default_rng(0)
    codes, rows, step = np.array([0, 2, 1, 1]), np.arange(4), 1e-6
    cases = [
        (SquaredLoss(rng.normal(size=(4, 3)), 2.0), rng.normal(size=(4, 3))),
        (BinaryLogLoss(codes > 0), rng.normal(size=(4, 1))),
        (LogLoss(codes), rng.normal(size=(4, 3))),
    ]
    for model, scores in cases:
        diagonal, common = model.curvature(scores)
        for move in np.eye(scores.shape[1]):
            above, below = scores + step * move, scores - step * move
            slope = (model.losses(above, rows) - model.losses(below, rows)) / (2 * step)
            assert_allclose(-model.residuals(scores, rows) @ move, slope, atol=1e-7)
            bend = (model.residuals(below, rows) - model.residuals(above, rows)) / (2 * step)
            stated = diagonal * move
            if common is not None:
                stated = stated - common * (common @ move)[:, None]
            assert_allclose(stated, bend, atol=1e-7)


@all_tasks
def test_weights_sum_to_one_and_shifts_pass_through(combiner, draw):
    """Only differences between learners are read."""
    if hasattr(combiner, "predict_proba"):
        X, y = draw()
        assert_allclose(answer(clone(combiner).fit(X, y), X).sum(axis=1), 1)
        return
    X, y = draw()
    shifted = X.copy()
    shifted[:, :-1] += 100
    expected = clone(combiner).fit(X, y).predict(X) + 100
    assert_allclose(clone(combiner).fit(shifted, y + 100).predict(shifted), expected, atol=1e-6)


@all_tasks
def test_rows_of_weight_zero_are_left_out(combiner, draw):
    X, y = draw()
    weight = np.random.default_rng(0).integers(0, 2, size=600).astype(float)
    wrong = np.where(weight == 0, 1, 0) if y.ndim == 1 else np.zeros_like(y)
    spoilt = np.where(weight == 0, wrong, y) if y.ndim == 1 else np.where(weight[:, None], y, 9.0)
    folds = np.arange(600) % 5
    first = clone(combiner).fit(X, y, sample_weight=weight, folds=folds)
    second = clone(combiner).fit(X, spoilt, sample_weight=weight, folds=folds)
    assert first.coef_.any()
    assert_array_equal(first.coef_, second.coef_)


@all_tasks
def test_units_of_weights_do_not_matter(combiner, draw):
    X, y = draw()
    weight = np.random.default_rng(0).uniform(size=600)
    expected = clone(combiner).fit(X, y, sample_weight=weight).coef_
    for unit in (1e-300, 1e300):
        fitted = clone(combiner).fit(X, y, sample_weight=weight * unit)
        assert_allclose(fitted.coef_, expected, rtol=1e-4)


@all_tasks
def test_missing_predictions(combiner, draw):
    X, y = draw()
    n_outputs = (X.shape[1] - 1) // 2
    holes = X.copy()
    holes[::3, :n_outputs] = np.nan
    fitted = clone(combiner).fit(holes, y)
    assert fitted.coef_.any()
    assert np.isfinite(answer(fitted, holes)).all()
    # The mean of one learner is that learner, whatever the weights.
    filled = X.copy()
    filled[::3, :n_outputs] = filled[::3, n_outputs : 2 * n_outputs]
    assert_allclose(answer(fitted, holes), answer(fitted, filled))
    holes[5, :-1] = np.nan
    with pytest.raises(ValueError, match="Row 5 of X is NaN for every learner"):
        answer(fitted, holes)


def test_learners_without_base_weight_are_read():
    """Their correction may not be 0, so a stack must refit them."""
    for combiner in (FeatureWeightedClassifier(), FeatureWeightedRegressor()):
        assert not get_tags(combiner).zero_weights


@all_tasks
def test_pickle_clone_and_containers(combiner, draw):
    X, y = draw()
    expected = answer(clone(combiner).fit(X, y), X)
    fitted = pickle.loads(pickle.dumps(clone(combiner).fit(X, y)))
    assert_array_equal(answer(fitted, X), expected)
    assert_allclose(answer(fitted, X[7:8]), expected[7:8])
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    for other in (frame, pl.from_pandas(frame), X.tolist(), sparse.csr_array(X)):
        assert_allclose(answer(clone(combiner).fit(other, y), other), expected, rtol=1e-9)


@pytest.mark.parametrize("library", ["pandas", "polars", "objects"])
def test_text_categories_and_missing_values(library):
    X, y = numbers(900)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(X[:, :2], columns=["rf", "lr"])
    frame["height"] = np.where(rng.uniform(size=900) < 0.1, np.nan, rng.normal(size=900))
    frame["size"] = np.select([X[:, 2] < -0.5, X[:, 2] > 0.5], ["small", "large"], "middle")
    frame["kind"] = pd.Categorical(rng.choice(["u", "v"], size=900))
    frame.loc[::50, ["size", "kind"]] = None
    table = {"polars": pl.from_pandas, "objects": lambda x: x.to_numpy(dtype=object)}
    table = table.get(library, lambda x: x)(frame)
    combiner = FeatureWeightedRegressor(prediction_columns=2).fit(table, y)
    names = [name.rpartition("_")[2] for name in combiner.row_features_]
    assert names[1:] == ["large", "middle", "small", "nan", "u", "v", "nan"]
    weight = dict(zip(names[1:4], combiner.coef_[0, 1:4], strict=True))
    assert weight["large"] > weight["middle"] > weight["small"]
    convex = ConvexRegressor(prediction_columns=2).fit(table, y)
    assert combiner.score(table, y) > convex.score(table, y)
    unseen = frame.assign(size="huge", kind=None, height=np.inf)
    table = {"polars": pl.from_pandas, "objects": lambda x: x.to_numpy(dtype=object)}
    assert np.isfinite(combiner.predict(table.get(library, lambda x: x)(unseen))).all()


def test_sparse_columns_beside():
    P, y = regression(300, 3)
    hot = np.random.default_rng(0).poisson(0.05, size=(300, 400))
    X = sparse.csr_array(np.hstack([P, hot]))
    combiner = FeatureWeightedRegressor(prediction_columns=3).fit(X, y)
    assert combiner.coef_.shape == (3, 100)
    assert combiner.predict(X).shape == (300,)


def test_more_coefficients_than_rows_can_bear():
    """Principal components stand in; coef_ is still of the features themselves."""
    X, y = numbers(200)
    rng = np.random.default_rng(0)
    copies = X[:, [2]] + 0.3 * rng.normal(size=(200, 40))
    combiner = FeatureWeightedRegressor(prediction_columns=2)
    combiner.fit(np.column_stack([X[:, :2], copies]), y)
    assert combiner.coef_.shape == (2, 40)
    assert combiner.coef_[0].sum() > 0.05 > -0.05 > combiner.coef_[1].sum()
    assert np.linalg.matrix_rank(combiner.coef_) <= 200 // 4 // 2


def test_principal_axes():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 30)) * np.r_[5.0, 4.0, np.ones(28)]
    share = np.full(100, 0.01)
    assert_array_equal(principal_axes(features[:, :5], share, 5), np.eye(5))
    axes = principal_axes(features, share, 10)
    assert axes.shape == (30, 2)
    assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    assert axes[0, 0] > 0.9
    assert axes[1, 1] > 0.9
    assert principal_axes(features, share, 1000).shape == (30, 1)


def test_folds():
    class Given:
        def __init__(self, numbers):
            self.given = np.array(numbers)

        def numbers(self, y):
            return self.given.copy()

    groups, n_held_out = fold_groups(Given([4, -1, 2, 4]), None)
    assert_array_equal(groups, [1, 2, 0, 1])
    assert n_held_out == 2
    groups, n_held_out = fold_groups(Given(np.arange(25)), None)
    assert n_held_out == 10
    assert_array_equal(groups, np.arange(25) % 10)
    assert fold_groups(Given([-1, -1]), None)[1] == 0


def test_folds_say_which_rows_go_together():
    X, y = numbers(200)
    combiner = FeatureWeightedRegressor(prediction_columns=2)
    assert combiner.fit(X, y, folds=np.arange(200) % 4).coef_.any()
    assert combiner.fit(X, y, folds=np.arange(200)).coef_.any()
    # One fold, or none, tells nothing.
    assert not combiner.fit(X, y, folds=np.zeros(200, dtype=int)).coef_.any()
    part = np.where(np.arange(200) < 20, -1, np.arange(200) % 4)
    assert combiner.fit(X, y, folds=part).coef_.any()


@pytest.mark.parametrize("rows", [2, 3, 7])
@all_tasks
def test_few_rows(combiner, draw, rows):
    X, y = draw(100)
    keep = np.unique(y, return_index=True)[1][:3] if y.dtype.kind == "i" else np.arange(rows)
    keep = np.unique(np.concatenate([keep, np.arange(rows)]))
    assert np.isfinite(answer(clone(combiner).fit(X[keep], y[keep]), X)).all()


def test_one_learner_and_perfect_learners():
    X, y = numbers(100)
    assert not FeatureWeightedRegressor(prediction_columns=1).fit(X, y).coef_.any()
    X[:, 0] = y
    combiner = FeatureWeightedRegressor(prediction_columns=2).fit(X, y)
    assert_allclose(combiner.predict(X), y, atol=1e-9)


def test_probabilities_of_zero_and_one():
    X, y = classes(400)
    X[:, 0] = X[:, 0] > 0.5
    for columns in (X, X[:, [0, 0, 2]]):
        combiner = FeatureWeightedClassifier(prediction_columns=2).fit(columns, y)
        assert np.isfinite(combiner.predict_proba(columns)).all()


def test_calibrate():
    X, y = classes(400)
    combiner = FeatureWeightedClassifier(prediction_columns=2, calibrate=True).fit(X, y)
    assert combiner.coef_.any()
    assert combiner.temperature_ > 0
    assert_allclose(combiner.predict_proba(X).sum(axis=1), 1)


def test_without_other_columns_it_is_convex():
    for task, pair in (
        (binary(200, 4), (FeatureWeightedClassifier, ConvexClassifier)),
        (multiclass(200, 4), (FeatureWeightedClassifier, ConvexClassifier)),
        (regression(200, 4), (FeatureWeightedRegressor, ConvexRegressor)),
    ):
        P, y = task
        first, second = (kind().fit(P, y) for kind in pair)
        assert_allclose(answer(first, P), answer(second, P), atol=1e-12)
        assert first.coef_.shape == (4, 0)
        assert first.row_features_ == []


def test_bad_predictions():
    X, y = classes(100)
    combiner = FeatureWeightedClassifier(prediction_columns=2).fit(X, y)
    X[3, 1] = 1.5
    with pytest.raises(
        ValueError, match=r"contains 1\.5 in row 3 of column 1, which is no probab"
    ):
        combiner.predict_proba(X)
    with pytest.raises(
        ValueError, match=r"contains 1\.5 in row 3 of column 1, which is no probab"
    ):
        combiner.fit(X, y)
    X, y = classes(100, 3)
    combiner = FeatureWeightedClassifier(prediction_columns=6).fit(X, y)
    X[5, :3] /= 2
    with pytest.raises(ValueError, match=r"row 5 of X sum to 0\.5, not 1"):
        combiner.predict_proba(X)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_in_a_stack(n_classes):
    """Two learners that each read one half of the table, and a category that says which half."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    table["half"] = pd.Categorical(rng.choice(["first", "second"], size=300))
    y = np.where(table["half"] == "first", table["a"], table["c"])
    y = np.digitize(y + 0.2 * rng.normal(size=300), [0.0, 1.0][: n_classes - 1])
    stack = StackingClassifier(
        [
            ("first", LogisticRegression(), ["a", "b"]),
            ("second", DecisionTreeClassifier(max_depth=3, random_state=0), ["c", "d"]),
        ],
        final_estimator=FeatureWeightedClassifier(feature_columns=["half"]),
        passthrough=True,
        cv=5,
    ).fit(table, np.array(["x", "y", "z"])[y])
    final = stack.final_estimator_
    assert final.row_features_ == ["half_first", "half_second"]
    assert final.coef_[0, 0] > final.coef_[0, 1]
    assert_allclose(stack.predict_proba(table).sum(axis=1), 1)
    everything = clone(stack).set_params(final_estimator__feature_columns=None)
    everything.fit(table, y)
    assert everything.final_estimator_.row_features_ == [*"abcd", "half_first", "half_second"]
