"""Candidates, cross-fitted over the folds, and the weights that follow."""

import re
from time import sleep

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, TimeSeriesSplit

from stackmeta import StackingClassifier
from stackmeta.combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BestLearnerClassifier,
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    FeatureWeightedClassifier,
)
from stackmeta.combiners.choice import simplest_of_best, standard_errors

from .given import binary, multiclass, regression

FEW = [("mean", AveragingClassifier()), ("convex", ConvexClassifier())]
FEW_NUMBERS = [("mean", AveragingRegressor()), ("linear", LinearRegression())]


@pytest.mark.parametrize("how", ["blend", "best"])
@pytest.mark.parametrize(
    ("make", "combiner"),
    [
        (binary, CrossFittedBlendClassifier()),
        (multiclass, CrossFittedBlendClassifier()),
        (regression, CrossFittedBlendRegressor()),
    ],
)
def test_losses_are_those_of_plain_cross_fitting(make, combiner, how):
    P, y = make(150)
    splits = list(KFold(4, shuffle=True, random_state=0).split(P))
    fitted = clone(combiner).set_params(how=how).fit(P, y, folds=splits)
    assert next(iter(fitted.losses_)) == "constant"
    assert sum(fitted.candidate_weights_.values()) == pytest.approx(1)
    numbers = np.empty(150, int)
    for number, (_, test) in enumerate(splits):
        numbers[test] = number
    for name in ("convex", "ensemble_selection", "signed_weights"):
        total = 0.0
        for train, test in splits:
            candidate = dict(fitted._all_candidates())[name]
            candidate.fit(P[train], y[train], folds=numbers[train])
            if make is regression:
                total += ((candidate.predict(P[test]) - y[test]) ** 2).sum()
            else:
                p = candidate.predict_proba(P[test])[np.arange(len(test)), y[test]]
                total -= np.log(p).sum()
        assert fitted.losses_[name] == pytest.approx(total / 150, rel=1e-6)


def test_predictions_are_the_weighted_candidates():
    P, y = multiclass(200)
    blend = CrossFittedBlendClassifier([*FEW, ("logistic", LogisticRegression())]).fit(P, y)
    total = sum(
        weight * blend.candidates_[name].predict_proba(P)
        for name, weight in blend.candidate_weights_.items()
        if weight > 0
    )
    assert_allclose(blend.predict_proba(P), total, rtol=1e-9)
    assert set(blend.candidates_) == {n for n, w in blend.candidate_weights_.items() if w > 0}


def test_a_clear_winner_gets_the_weight():
    """Learners that are far too low: no mean of them is any good, a line is."""
    P, y = regression(600, 3)
    blend = CrossFittedBlendRegressor(FEW_NUMBERS).fit(0.2 * P, y)
    assert blend.candidate_weights_["linear"] > 0.9
    best = CrossFittedBlendRegressor(FEW_NUMBERS, how="best").fit(0.2 * P, y)
    assert best.candidate_weights_ == {"constant": 0.0, "mean": 0.0, "linear": 1.0}


def test_candidates_that_are_alike_share_the_weight():
    P, y = binary(300)
    twins = [("one", ConvexClassifier()), ("two", ConvexClassifier())]
    weights = CrossFittedBlendClassifier(twins).fit(P, y).candidate_weights_
    assert weights["one"] == pytest.approx(weights["two"])
    best = CrossFittedBlendClassifier(twins, how="best").fit(P, y).candidate_weights_
    assert best["one"] == 1


class Memory(RegressorMixin, BaseEstimator):
    """Knows every row that it was fitted on, and nothing else."""

    def fit(self, X, y):
        self.known_ = {tuple(row): truth for row, truth in zip(X, y, strict=True)}
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.array([self.known_.get(tuple(row), self.mean_) for row in X])


def test_candidates_are_judged_on_rows_they_were_not_fitted_on():
    P, y = regression(200, 3)
    blend = CrossFittedBlendRegressor([("convex", ConvexRegressor()), ("memory", Memory())])
    blend.fit(P, y)
    assert blend.losses_["memory"] > 0.9 * np.var(y)
    assert blend.candidate_weights_["memory"] < 0.05


def test_groups_stay_together_in_the_cross_fit():
    """A candidate that reads the group from the predictions gains nothing across folds."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    y = rng.normal(size=40)[group] + 0.1 * rng.normal(size=400)
    P = np.column_stack([group, np.zeros(400)]).astype(float)
    neighbours = [("memory", Memory())]
    apart = CrossFittedBlendRegressor(neighbours).fit(P, y)
    together = CrossFittedBlendRegressor(neighbours).fit(P, y, folds=group % 5)
    assert apart.losses_["memory"] < 0.2 * np.var(y)
    # Columns are centred in each fold, so values differ; what counts is that nothing is known.
    assert together.losses_["memory"] > 0.8 * np.var(y)


def test_sample_weight_counts_in_fit_and_choice():
    P, y = binary(120)
    weight = np.repeat([1.0, 2.0], 60)
    folds = np.tile(np.arange(5), 24)
    rows = np.repeat(np.arange(120), weight.astype(int))
    weighted = CrossFittedBlendClassifier(FEW).fit(P, y, weight, folds=folds)
    repeated = CrossFittedBlendClassifier(FEW).fit(P[rows], y[rows], folds=folds[rows])
    for name, loss in repeated.losses_.items():
        assert weighted.losses_[name] == pytest.approx(loss, rel=1e-6)
    without = weight.copy()
    without[::3] = 0
    kept = without > 0
    left_out = CrossFittedBlendClassifier(FEW).fit(P, y, without, folds=folds)
    plain = CrossFittedBlendClassifier(FEW).fit(P[kept], y[kept], without[kept], folds=folds[kept])
    assert_allclose(left_out.predict_proba(P), plain.predict_proba(P))


def test_the_temperature_is_that_of_the_blend():
    P, y = binary(600)
    P = P**3 / (P**3 + (1 - P) ** 3)
    candidates = [("constant", BestLearnerClassifier())]  # in place of our constant
    blend = CrossFittedBlendClassifier(candidates, how="best", calibrate=True)
    assert blend.fit(P, y).temperature_ > 1.3


def test_rows_that_no_fold_held_out_are_fitted_on_and_not_judged():
    P, y = regression(100, 3)
    blend = CrossFittedBlendRegressor(FEW_NUMBERS)
    blend.fit(P, y, folds=list(TimeSeriesSplit(4).split(P)))
    assert np.isfinite(blend.predict(P)).all()


def test_columns_that_pass_through_reach_those_that_read_them():
    P, y = binary(300, 3)
    frame = pd.DataFrame(P, columns=["a", "b", "c"])
    frame["colour"] = np.where(np.arange(300) % 3 > 0, "red", "blue")
    candidates = [*FEW, ("weighted", FeatureWeightedClassifier()), ("lr", LogisticRegression())]
    blend = CrossFittedBlendClassifier(candidates, prediction_columns=["a", "b", "c"])
    blend.fit(frame, y)
    assert blend.predict_proba(frame).shape == (300, 2)
    X = frame.assign(d=np.random.default_rng(0).normal(size=300))
    learners = [("lr", LogisticRegression()), ("lr2", LogisticRegression(C=0.01))]
    learners = [(name, learner, ["a", "b", "c", "d"]) for name, learner in learners]
    stack = StackingClassifier(
        learners, CrossFittedBlendClassifier(candidates), passthrough=True, cv=3
    )
    assert stack.fit(X, y).predict_proba(X).shape == (300, 2)
    assert not stack.leaderboard()["loss"].isna().any()


def test_same_seed_same_numbers_on_any_number_of_jobs():
    P, y = binary(200)
    one = CrossFittedBlendClassifier(random_state=0).fit(P, y).predict_proba(P)
    two = CrossFittedBlendClassifier(random_state=0, n_jobs=2).fit(P, y).predict_proba(P)
    assert_allclose(one, two, rtol=1e-12)


def test_a_constant_of_ones_own_replaces_ours():
    P, y = regression(60)
    median = DummyRegressor(strategy="median")
    blend = CrossFittedBlendRegressor([*FEW_NUMBERS, ("constant", median)]).fit(P, y)
    assert list(blend.losses_) == ["mean", "linear", "constant"]


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ([("a", 3)], r"got \('a', 3\)"),
        ([ConvexRegressor()], "(name, estimator)"),
        ([("a", ConvexRegressor()), ("a", ConvexRegressor())], "must differ"),
        ([("a__b", ConvexRegressor())], "must not contain '__'"),
    ],
)
def test_bad_candidates_are_refused(candidates, message):
    P, y = regression(60)
    with pytest.raises(ValueError, match=message if "\\" in message else re.escape(message)):
        CrossFittedBlendRegressor(candidates).fit(P, y)


def test_too_few_rows_are_refused():
    P, _ = binary(4)
    with pytest.raises(ValueError, match="n_samples=2 rows are too few to cross-fit"):
        CrossFittedBlendClassifier().fit(P[:2], [0, 1])


def test_a_class_that_one_fold_holds_whole():
    P, y = multiclass(90)
    folds = np.tile(np.arange(3), 30)
    y = np.where(y == 2, 0, y)
    y[folds == 1] = np.resize([0, 1, 2], 30)
    blend = CrossFittedBlendClassifier(FEW).fit(P, y, folds=folds)
    assert_allclose(blend.predict_proba(P).sum(axis=1), 1)


def test_choice():
    rng = np.random.default_rng(0)
    losses = rng.normal([1.0, 1.0, 0.0], 0.5, size=(400, 3))
    share = np.full(400, 1 / 400)
    assert simplest_of_best(losses, share, 400) == 2
    difference = losses - losses[:, [2]]
    behind = difference.mean(axis=0) / difference.std(axis=0)[[0, 1, 0]] * 20
    assert_allclose(standard_errors(losses, share, 400)[:2], behind[:2])
    assert standard_errors(losses, share, 400)[2] == 0
    assert simplest_of_best(np.repeat(losses[:, :1], 3, axis=1), share, 400) == 0


def test_one_usable_fold_is_enough():
    """The other trains on one class only."""
    P, y = binary(60)
    order = np.argsort(y, kind="stable")
    P, y = P[order], y[order]
    first = np.flatnonzero(y == 1)[:-1]
    splits = [
        (np.setdiff1d(np.arange(60), first), first),
        (first, np.setdiff1d(np.arange(60), first)),
    ]
    fitted = CrossFittedBlendClassifier(FEW).fit(P, y, folds=splits)
    assert_allclose(sum(fitted.candidate_weights_.values()), 1)


@pytest.mark.parametrize("make", [binary, regression])
def test_without_time_for_a_cross_fit_the_first_candidate_stands_alone(make):
    P, y = make(60)
    blend = CrossFittedBlendClassifier if make is binary else CrossFittedBlendRegressor
    with pytest.warns(UserWarning, match="'convex' is used alone"):
        fitted = blend(time_limit=1e-9).fit(P, y)
    assert fitted.candidate_weights_ == {"convex": 1.0}
    assert fitted.predict(P).shape == (60,)


def test_a_constant_alone_is_no_answer():
    """Under a time limit that only the constant keeps, the simplest that learns is used."""

    class Sleeps(ConvexRegressor):
        def fit(self, P, y, sample_weight=None, folds=None):
            sleep(0.4)
            return super().fit(P, y, sample_weight=sample_weight)

    y = np.random.default_rng(0).normal(size=60)
    blend = CrossFittedBlendRegressor([("sleeps", Sleeps())], time_limit=0.6)
    with pytest.warns(UserWarning, match="'sleeps' is used alone"):
        blend.fit(np.column_stack([y, -y]), y)
    assert list(blend.candidates_) == ["sleeps"]
    np.testing.assert_allclose(blend.predict(np.array([[1.0, -1.0]])), [1.0], atol=1e-3)
