import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from stackmeta import (
    ConvexRegressor,
    CrossFittedBlendRegressor,
    MetaLearnerRegressor,
    StackingRegressor,
    SuperLearnerRegressor,
)

LEARNERS = [
    ("ridge", Ridge()),
    ("neighbours", KNeighborsRegressor(10)),
    ("tree", DecisionTreeRegressor(min_samples_leaf=10, random_state=0)),
]


def drawn(n, seed=0, n_columns=3):
    """Residuals five times as large on the right."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, n_columns))
    size = np.where(X[:, 0] > 0, 1.0, 0.2)
    return X, 2 * X[:, 0] + size * rng.normal(size=n)


def covered(intervals, y):
    return (intervals[:, 0] <= y) & (y <= intervals[:, 1])


def stack(final=None, **options):
    options = {"cv": KFold(5, shuffle=True, random_state=0), **options}
    return StackingRegressor(LEARNERS, final or ConvexRegressor(), **options)


@pytest.mark.theory
@pytest.mark.parametrize(("refit", "method"), [(True, "cv"), (False, "cv"), (False, "cv+")])
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_coverage_on_average(refit, method, coverage):
    shares = []
    for seed in range(4):
        X, y = drawn(1300, seed)
        fitted = stack(refit=refit).fit(X[:300], y[:300])
        shares.append(
            covered(fitted.predict_interval(X[300:], coverage, method=method), y[300:]).mean()
        )
    assert np.mean(shares) == pytest.approx(coverage, abs=0.04)


@pytest.mark.theory
def test_widths_follow_the_noise():
    X, y = drawn(3000)
    intervals = stack().fit(X[:1500], y[:1500]).predict_interval(X[1500:])
    width = np.diff(intervals)[:, 0]
    right = X[1500:, 0] > 0
    assert width[right].mean() > 2 * width[~right].mean()
    assert covered(intervals, y[1500:])[right].mean() > 0.8


@pytest.mark.theory
@pytest.mark.parametrize("method", ["cv", "cv+"])
def test_shuffled_labels_give_intervals_as_wide_as_y(method):
    """The leak test: in-sample residuals of a tree grown to the end would be nought."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 5)), rng.normal(size=400)
    learners = [("tree", DecisionTreeRegressor(random_state=0)), ("ridge", Ridge())]
    for final in (ConvexRegressor(), LinearRegression()):
        fitted = StackingRegressor(learners, final, refit=False).fit(X, y)
        width = np.diff(fitted.predict_interval(X, method=method)).mean()
        assert width > 0.93 * np.ptp(np.quantile(y, [0.05, 0.95]))


@pytest.mark.theory
def test_scale_does_not_know_the_residual_of_its_row():
    """Residuals of pure noise: scores as large out of fold as on new rows."""
    shares = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(2200, 6)), rng.standard_t(3, size=2200)
        fitted = stack().fit(X[:200], y[:200])
        shares.append(covered(fitted.predict_interval(X[200:]), y[200:]).mean())
    assert np.mean(shares) > 0.87


@pytest.mark.theory
def test_new_groups_are_covered():
    """Rows of a group share an error: residuals of known groups would be too small."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(6):
        groups = np.repeat(np.arange(160), 10)
        X = rng.normal(size=(160, 2))[groups] + 0.01 * rng.normal(size=(1600, 2))
        y = rng.normal(size=160)[groups] + 0.1 * rng.normal(size=1600)
        known = groups < 60
        fitted = stack(cv=GroupKFold(5)).fit(X[known], y[known], groups=groups[known])
        shares.append(covered(fitted.predict_interval(X[~known]), y[~known]).mean())
    assert 0.86 < np.mean(shares) < 0.97


def test_too_few_groups_give_infinite_intervals():
    X, y = drawn(80)
    fitted = stack(cv=GroupKFold(4)).fit(X, y, groups=np.arange(80) % 8)
    with pytest.warns(UserWarning, match="too few groups"):
        assert np.isinf(fitted.predict_interval(X)).all()
    assert np.isfinite(fitted.predict_interval(X, 0.5)).all()


@pytest.mark.theory
def test_kinds_are_covered_each():
    X, y = drawn(4000)
    X[:, 1] = 0  # of no use
    hard = np.arange(4000) % 4 == 0
    y = y + np.where(hard, 5.0, 0.0) * np.random.default_rng(1).normal(size=4000)
    fitted = stack().fit(X[:1000], y[:1000])
    plain = fitted.predict_interval(X[1000:])
    kinds = fitted.predict_interval(X[1000:], by=(hard[:1000], hard[1000:]))
    assert covered(plain, y[1000:])[hard[1000:]].mean() < 0.75
    assert covered(kinds, y[1000:])[hard[1000:]].mean() == pytest.approx(0.9, abs=0.04)
    assert covered(kinds, y[1000:])[~hard[1000:]].mean() == pytest.approx(0.9, abs=0.04)


def test_by_column_is_by_its_values():
    X, y = drawn(400)
    frame = pd.DataFrame(X, columns=list("abc"))
    frame["d"] = np.where(X[:, 1] > 0, "right", None)
    learners = [
        ("ridge", Ridge(), ["a", "b"]),
        ("tree", DecisionTreeRegressor(max_depth=3), ["a"]),
    ]
    fitted = StackingRegressor(learners, ConvexRegressor(), random_state=0).fit(frame, y)
    pair = (frame["d"], frame["d"][:50])
    found = fitted.predict_interval(frame[:50], by="d", X_fit=frame)
    np.testing.assert_array_equal(found, fitted.predict_interval(frame[:50], by=pair))


@pytest.mark.parametrize("final", [None, ConvexRegressor(), CrossFittedBlendRegressor()])
@pytest.mark.parametrize("refit", [True, False])
def test_ends_are_around_predictions(final, refit):
    X, y = drawn(200)
    fitted = StackingRegressor(LEARNERS, final, refit=refit, random_state=0).fit(X, y)
    low, high = fitted.predict_interval(X[:30]).T
    assert ((low < fitted.predict(X[:30])) & (fitted.predict(X[:30]) < high)).all()
    wide = fitted.predict_interval(X[:30], 0.95)
    assert ((wide[:, 1] - wide[:, 0]) >= (high - low) - 1e-9).mean() > 0.9


@pytest.mark.parametrize(
    "cv",
    [
        RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
        ShuffleSplit(6, test_size=0.3, random_state=0),
        TimeSeriesSplit(4),
    ],
)
@pytest.mark.parametrize("method", ["cv", "cv+"])
def test_any_split(cv, method):
    X, y = drawn(300)
    fitted = stack(cv=cv, refit=method == "cv").fit(X[:200], y[:200])
    intervals = fitted.predict_interval(X[200:], method=method)
    assert covered(intervals, y[200:]).mean() > 0.75


def test_a_row_alone_has_the_same_interval_and_pickles_keep_it():
    X, y = drawn(200)
    fitted = stack(refit=False).fit(X, y)
    for method in ("cv", "cv+"):
        found = fitted.predict_interval(X[:10], method=method)
        alone = fitted.predict_interval(X[3:4], method=method)
        np.testing.assert_allclose(alone, found[3:4], rtol=1e-9)
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(again.predict_interval(X[:10], method=method), found)


def test_a_new_fit_forgets_the_old_intervals():
    X, y = drawn(200)
    fitted = stack().fit(X, y)
    before = np.diff(fitted.predict_interval(X[:5]))
    after = np.diff(fitted.fit(X, 100 * y).predict_interval(X[:5]))
    np.testing.assert_allclose(after, 100 * before, rtol=0.2)


def test_learners_without_weight_are_not_asked():
    X, y = drawn(200)
    learners = [*LEARNERS, ("mean", DummyRegressor())]
    fitted = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    assert fitted.named_estimators_["mean"] == "drop"
    assert fitted.predict_interval(X[:3]).shape == (3, 2)


def test_meta_learner_that_reads_columns():
    X, y = drawn(200)
    fitted = stack(MetaLearnerRegressor(Ridge(), passthrough=True), passthrough=True).fit(X, y)
    with pytest.raises(ValueError, match="X"):
        fitted.predict_interval(X[:3])
    assert fitted.predict_interval(X[:3], X_fit=X).shape == (3, 2)
    assert fitted.predict_interval(X[:3]).shape == (3, 2)  # known by now


def test_perfect_predictions_have_no_width():
    X = np.arange(60.0).reshape(-1, 1)
    fitted = StackingRegressor([("line", LinearRegression())], ConvexRegressor()).fit(
        X, 2 * X[:, 0]
    )
    np.testing.assert_allclose(np.diff(fitted.predict_interval(X[:5])), 0, atol=1e-9)


class Untouched(RegressorMixin, BaseEstimator):
    """Fails if it is asked anything after the fit of the stack."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.mean_, self.open_ = y.mean(), True
        return self

    def predict(self, X):
        if not self.open_:
            raise AssertionError("asked")
        return np.full(len(X), self.mean_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coverage": 1.0}, "coverage must be between 0 and 1"),
        ({"coverage": 90}, "got 90"),
        ({"method": "jackknife"}, "method must be one of"),
        ({"method": "cv+"}, "refit=False"),
        ({"by": "region"}, "X_fit has no such column"),
        ({"by": np.zeros(3)}, "got ndarray"),
        ({"by": (np.zeros(3), np.zeros(100))}, r"\(3,\) for the 100 rows of fit"),
    ],
)
def test_bad_parameters_are_refused_before_any_work(options, message):
    X, y = drawn(100)
    fitted = StackingRegressor([("constant", Untouched())], ConvexRegressor()).fit(X, y)
    fitted.estimators_[0].open_ = False
    with pytest.raises(ValueError, match=message):
        fitted.predict_interval(X, **options)


def test_what_cannot_be_answered_is_refused():
    X, y = drawn(100)
    with pytest.raises(AttributeError, match="keep_oof=True"):
        stack(keep_oof=False).fit(X, y).predict_interval(X)
    with pytest.raises(ValueError, match="one target; y has 2"):
        StackingRegressor([("ridge", Ridge())]).fit(X, X[:, :2]).predict_interval(X)
    prefit = StackingRegressor([("ridge", Ridge().fit(X, y))], cv="prefit").fit(X, y)
    with pytest.raises(ValueError, match="prefit"):
        prefit.predict_interval(X)


def test_super_learner_on_a_raw_table():
    X, y = drawn(300)
    frame = pd.DataFrame(X, columns=list("abc"))
    frame["kind"] = pd.Series(["x", None, "y"] * 100)
    learner = SuperLearnerRegressor(["linear", "extra_trees"], levels=1, random_state=0)
    learner.fit(frame[:200], y[:200])
    intervals = learner.predict_interval(frame[200:])
    assert covered(intervals, y[200:]).mean() > 0.8
    assert learner.predict_interval(frame[200:], by="kind", X_fit=frame[:200]).shape == (100, 2)
