"""Learners that stop early: a fold is predicted with the rounds that the other folds chose."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit, StratifiedKFold
from sklearn.naive_bayes import GaussianNB

from stackmeta import ConvexRegressor, StackingClassifier, StackingRegressor, out_of_fold
from stackmeta.learners import EarlyStoppingClassifier
from stackmeta.out_of_fold.rounds import Staged, choose_stages
from stackmeta.out_of_fold.target import encode_target

RNG = np.random.RandomState(0)


class Overshoots(RegressorMixin, BaseEstimator):
    """Predicts as many as it has had rounds; ends two rounds after the held-out mean."""

    def __init__(self, rounds=None, most=20):
        self.rounds = rounds
        self.most = most

    def fit(self, X, y, sample_weight=None):
        self.rounds_ = self.rounds or 1
        return self

    def fit_watching(self, X, y, X_held, y_held, sample_weight=None):
        self.stages_ = np.arange(1, min(int(np.mean(y_held)) + 2, self.most) + 1)
        return self

    def use_rounds(self, rounds):
        self.rounds_ = rounds

    def staged_answers(self, X, method):
        for stage in self.stages_:
            yield np.full(len(X), float(stage))

    def predict(self, X):
        return np.full(len(X), float(self.rounds_))


CV = KFold(3)
X = np.arange(30.0).reshape(-1, 1)
#: The mean of each fold's held-out rows.
Y = np.repeat([4.0, 6.0, 11.0], 10)


def test_each_fold_is_predicted_with_the_rounds_of_the_others():
    oof = out_of_fold([("it", Overshoots())], X, Y, cv=CV, keep_models=True)
    found = oof.matrix[:, 0]
    # The folds end at 6, 8 and 13. For 6 and 11, 8 would be best; the first ended at 6.
    assert set(found[:10]) == {6.0}
    assert set(found[10:20]) == {6.0}  # for 4 and 11, as far as both went
    assert set(found[20:]) == {5.0}
    assert [model.rounds_ for model in oof.models["it"].models] == [6, 6, 5]


def test_a_fit_on_all_rows_takes_the_rounds_of_all_folds():
    stack = StackingRegressor([("it", Overshoots())], cv=CV).fit(X, Y)
    assert stack.named_estimators_["it"].rounds == 8  # as far as two of three went
    chosen = StackingRegressor([("it", Overshoots())], ConvexRegressor(), cv=CV).fit(X, Y)
    assert chosen.named_estimators_["it"].rounds == 8  # refitted in a second call


@pytest.mark.parametrize("fold", range(3))
def test_labels_of_held_out_rows_choose_nothing_for_them(fold):
    """They may end the training, but not before the others' choice."""
    learner = Overshoots(most=9)
    y = np.repeat([5.0, 6.0, 7.0], 10)
    before = out_of_fold([("it", learner)], X, y, cv=CV).matrix
    test = list(CV.split(X))[fold][1]
    turned = y.copy()
    turned[test] = 30.0
    after = out_of_fold([("it", learner)], X, turned, cv=CV).matrix
    assert np.array_equal(before[test], after[test])
    assert not np.array_equal(before, after)


def test_rows_that_two_folds_hold_out_do_not_choose_for_each_other():
    target = encode_target(np.array([1.0, 1.0, 5.0, 5.0]), classifier=False, caller="")
    blocks = np.arange(1.0, 6.0)[:, None, None] * np.ones((5, 2, 1))
    staged = [Staged(np.arange(1, 6), blocks)] * 3
    held = [np.array([0, 1]), np.array([0, 2]), np.array([2, 3])]
    splits = [(np.setdiff1d(np.arange(4), rows), rows) for rows in held]
    stages, rounds = choose_stages(staged, splits, target, "predict")
    assert stages == [4, 2, 0]  # rows 2, 2, 3; rows 1, 3; rows 0, 1, 0
    assert rounds == 3


def test_weights_count():
    weights = np.repeat([0.0, 1.0, 0.0], 10)
    oof = out_of_fold([("it", Overshoots())], X, Y, cv=CV, fit_params={"sample_weight": weights})
    assert set(oof.matrix[:10, 0]) == set(oof.matrix[20:, 0]) == {6.0}


def test_one_split_alone_is_fitted_plainly():
    cv = ShuffleSplit(1, random_state=0)
    oof = out_of_fold([("it", Overshoots())], X, Y, cv=cv, refit=True)
    assert set(oof.matrix[~np.isnan(oof.matrix)]) == {1.0}
    assert oof.models["it"].rounds is None


@pytest.mark.parametrize(
    "cv", [RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), ShuffleSplit(4, random_state=0)]
)
def test_repeats(cv):
    oof = out_of_fold([("it", Overshoots())], X, Y, cv=cv, refit=True, n_jobs=2)
    assert oof.models["it"].rounds in range(5, 10)


class Sure(ClassifierMixin, Overshoots):
    """The same with classes: as sure as it has had rounds."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return super().fit(X, y)

    def fit_watching(self, X, y, X_held, y_held):
        self.classes_ = np.unique(y)
        assert np.isin(y_held, self.classes_).all()
        self.stages_ = np.arange(1, 6)
        return self

    def staged_answers(self, X, method):
        for stage in self.stages_:
            self.rounds_ = stage
            yield self.predict_proba(X)

    def predict_proba(self, X):
        others = np.full((len(X), len(self.classes_)), 1.0)
        others[:, 0] += self.rounds_
        return others / others.sum(axis=1, keepdims=True)


def test_classes_that_a_fold_lacks():
    y = np.array(["a"] * 12 + ["b"] * 12 + ["c"] * 6)
    with pytest.warns(UserWarning, match="'c' in fold"):
        oof = out_of_fold([("it", Sure())], X, y, cv=KFold(5), refit=True)
    assert not np.isnan(oof.matrix).any()
    assert_allclose(oof.matrix.sum(axis=1), 1, rtol=1e-6)
    y = np.repeat(["a", "b"], 15)
    with pytest.warns(UserWarning, match="class"):
        oof = out_of_fold([("it", Sure())], X, y, cv=KFold(2), refit=True)
    assert oof.models["it"].rounds is None


class FailsLate(Overshoots):
    def fit_watching(self, X, y, X_held, y_held, sample_weight=None):
        if X_held[0, 0] == 20:
            raise RuntimeError("no more")
        return super().fit_watching(X, y, X_held, y_held)


def test_one_that_fails_leaves_the_stack():
    stack = StackingRegressor(
        [("bad", FailsLate()), ("good", Overshoots())], cv=CV, on_error="drop"
    )
    with pytest.warns(FitFailedWarning, match="fold 2"):
        stack.fit(X, Y)
    assert stack.named_estimators_["bad"] == "drop"


@pytest.mark.theory
def test_noise_does_not_look_predictable():
    """Rounds that suit the held-out rows themselves would: their loss is below the prior's."""
    honest, dishonest = [], []
    for seed in range(8):
        rng = np.random.RandomState(seed)
        noise, y = rng.normal(size=(120, 5)), rng.permutation(np.arange(120) % 2)
        cv = StratifiedKFold(5, shuffle=True, random_state=seed)
        booster = HistGradientBoostingClassifier(learning_rate=0.1, max_leaf_nodes=4)
        learner = EarlyStoppingClassifier(booster, patience=20)
        found = out_of_fold([("it", learner)], noise, y, cv=cv)
        honest.append(found.loss()["it"] - np.log(2))
        own = []
        for train, test in cv.split(noise, y):
            model = EarlyStoppingClassifier(booster, patience=20)
            model.fit_watching(noise[train], y[train], noise[test], y[test])
            answers = model.staged_answers(noise[test], "predict_proba")
            losses = [-np.log(p[np.arange(len(test)), y[test]]).mean() for p in answers]
            own.append(min(losses))
        dishonest.append(np.mean(own) - np.log(2))
    error = np.std(honest, ddof=1) / np.sqrt(8)
    assert np.mean(honest) > -2 * error
    assert np.mean(dishonest) < -2 * np.std(dishonest, ddof=1) / np.sqrt(8)


def test_beside_plain_learners_in_a_stack():
    rng = np.random.RandomState(0)
    table = rng.normal(size=(200, 4))
    y = (table[:, 0] + rng.normal(size=200) > 0).astype(int)
    learners = [("hist", EarlyStoppingClassifier(max_rounds=60)), ("bayes", GaussianNB())]
    for refit in (True, False):
        stack = StackingClassifier(learners, cv=4, refit=refit, n_jobs=2, random_state=0)
        assert stack.fit(table, y).score(table, y) > 0.7
