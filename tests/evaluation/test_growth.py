"""The gain of all rows: where it is nothing, how it goes with the folds, and that it is real."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, LeaveOneOut
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from stackmeta import ConvexRegressor, StackingRegressor, out_of_fold
from stackmeta.evaluation.growth import gain_of_all_rows, missing_share
from stackmeta.evaluation.judging import Judge, candidates_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = X[:, 0] + X[:, 1] ** 2 + RNG.normal(size=120)
LEARNERS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=4, random_state=0))]


def gain(oof, scoring=None):
    return gain_of_all_rows(oof, Judge(candidates_of(oof), oof.target, scoring))


def test_share_of_rows_that_folds_miss():
    learners = [("mean", DummyRegressor())]
    for cv, share in ((2, 1.0), (5, 0.25), (LeaveOneOut(), 1 / 119)):
        assert missing_share(out_of_fold(learners, X, Y, cv=cv)) == pytest.approx(share)


def test_more_folds_leave_less_to_gain():
    oof = out_of_fold(LEARNERS, X, Y, cv=5)
    tenfold = replace(oof, splits=list(KFold(10).split(X)))
    assert gain(tenfold) == pytest.approx(gain(oof) * 4 / 9)


def test_known_value():
    """Two learners that scatter by one around a mean that is right."""
    y = np.tile([0.0, 2.0], 60)
    sign = np.repeat([1.0, -1.0], 60)
    columns = np.column_stack([y + sign, y - sign])
    given = [("a", "passthrough", [0]), ("b", "passthrough", [1])]
    oof = out_of_fold([*given, ("mean", DummyRegressor())], columns, y).select(["a", "b"])
    assert gain(oof) == pytest.approx(0, abs=1e-9)  # a mean without loss cannot lose less
    worse = replace(oof, by_repeat=oof.by_repeat + 0.5)
    assert gain(worse) == pytest.approx(min(0.75 + 0.09 * 0.25 * 0.75, 0.25) / 4, rel=1e-3)
    noisy = replace(oof, by_repeat=oof.by_repeat + 0.9)
    assert gain(noisy) == pytest.approx((0.75 + 0.09 * 0.81 * 0.19) / 4, rel=1e-3)


def test_nothing_is_gained_by_what_learns_nothing():
    assert gain(out_of_fold([("mean", DummyRegressor())], X, Y)) == pytest.approx(0, abs=1e-3)


def test_labels_and_decisions_cannot_be_averaged():
    labels = (Y > 1).astype(int)
    assert gain(out_of_fold([("svc", LinearSVC())], X, labels)) == 0
    both = [("nb", GaussianNB()), ("svc", LinearSVC())]
    assert gain(out_of_fold(both, X, labels)) == 0
    assert gain(out_of_fold(both[:1], X, labels)) > 0


def test_scores():
    oof = out_of_fold([*LEARNERS, ("knn", KNeighborsRegressor())], X, Y)
    assert gain(oof, "neg_mean_absolute_error") > 0
    assert gain(oof, "r2") > 0


@pytest.mark.theory
@pytest.mark.parametrize("refit", [True, False])
def test_all_rows_bring_about_as_much(refit):
    """Two folds: a stack of all rows, beside the mean stack of half of them."""
    rng, expected, real = np.random.default_rng(0), [], []
    rows = rng.normal(size=(12_000, 4))
    y = rows[:, 0] + rows[:, 1] ** 2 + rng.normal(size=12_000)
    test = slice(10_000, None)
    learners = [*LEARNERS, ("knn", KNeighborsRegressor(10))]
    for task in range(12):
        part = slice(200 * task, 200 * (task + 1))
        stack = StackingRegressor(learners, ConvexRegressor(), cv=KFold(2), refit=refit)
        found = stack.fit(rows[part], y[part]).expected_loss()
        expected.append((found.mean + found.gain) ** 2 - found.mean**2)
        half = []
        for k in range(2):
            some = slice(200 * task + 100 * k, 200 * task + 100 * (k + 1))
            P = np.column_stack(
                [learner.fit(rows[some], y[some]).predict(rows[test]) for _, learner in learners]
            )
            half.append(np.mean((stack.final_estimator_.predict(P) - y[test]) ** 2))
        real.append(np.mean(half) - np.mean((stack.predict(rows[test]) - y[test]) ** 2))
    assert 0.4 < np.mean(expected) / np.mean(real) < 2.5
