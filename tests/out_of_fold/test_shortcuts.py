"""Shortcuts in the engine: who takes one, what is fitted, what happens when one declines."""

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import (
    ConvexRegressor,
    OutOfFoldTransformer,
    StackingClassifier,
    StackingRegressor,
    out_of_fold,
)
from stackmeta.out_of_fold import cross_fit
from stackmeta.out_of_fold.folds import is_exchangeable
from stackmeta.out_of_fold.plan import ALL_FOLDS
from stackmeta.out_of_fold.shortcuts import Answer, Shortcut

from .given import Fails, classes, numbers

X, Y = numbers()
CV = KFold(3)
LEARNERS = [("ridge", Ridge()), ("positive", Ridge(positive=True))]


class CountsFits(Ridge):
    """No shortcut knows it: a subclass may fit otherwise."""

    fits = 0

    def fit(self, X, y):
        CountsFits.fits += 1
        return super().fit(X, y)


def test_paths_tell_who_took_one():
    oof = out_of_fold(LEARNERS, X, Y, cv=CV, refit=True)
    assert oof.paths == {"ridge": "closed form", "positive": "refit"}
    assert [r.fold for r in oof.records if r.name == "ridge"] == [ALL_FOLDS]
    assert sorted(r.fold for r in oof.records if r.name == "positive") == [-1, 0, 1, 2]
    assert oof.fit_seconds["ridge"] > 0
    assert_allclose(oof.models["ridge"].coef_, Ridge().fit(X, Y).coef_, rtol=1e-9)


def test_without_shortcuts_all_are_refitted():
    plain = out_of_fold(LEARNERS, X, Y, cv=CV, shortcuts=False)
    assert set(plain.paths.values()) == {"refit"}
    assert_allclose(out_of_fold(LEARNERS, X, Y, cv=CV).matrix, plain.matrix, rtol=1e-9)


@pytest.mark.parametrize("bad", ["fast", True, None, 1, 0])
def test_bad_values(bad):
    with pytest.raises(ValueError, match="shortcuts"):
        out_of_fold(LEARNERS, X, Y, shortcuts=bad)
    with pytest.raises(ValueError, match="shortcuts"):
        StackingRegressor(LEARNERS, shortcuts=bad).fit(X, Y)


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("cv", [3, TimeSeriesSplit(3), KFold(4, shuffle=True, random_state=0)])
def test_a_stack_predicts_the_same(refit, cv):
    scaled = make_pipeline(StandardScaler(), LinearRegression())
    stack = StackingRegressor([*LEARNERS, ("scaled", scaled)], cv=cv, refit=refit)
    short = stack.fit(X, Y)
    plain = clone(stack).set_params(shortcuts=False).fit(X, Y)
    assert short.oof_.paths["scaled"] == "closed form"
    assert_allclose(short.predict(X), plain.predict(X), rtol=1e-6)
    assert_allclose(short.transform(X), plain.transform(X), rtol=1e-8)
    if not refit:
        assert len(short.named_estimators_["ridge"].models) == len(short.oof_.splits)


def test_classes_with_any_labels_and_a_missing_one():
    A, b = classes(3)
    labels = np.array(["x", "y", "z"])[b]
    stack = StackingClassifier([("ridge", RidgeClassifier())], cv=CV).fit(A, labels)
    assert stack.oof_.paths == {"ridge": "closed form"}
    plain = clone(stack).set_params(shortcuts=False).fit(A, labels)
    assert_allclose(stack.predict_proba(A), plain.predict_proba(A), rtol=1e-6)
    last = labels.copy()
    last[labels == "z"] = "x"
    last[-2:] = "z"  # the last fold's training rows have none
    with pytest.warns(UserWarning, match="class 'z' in fold"):
        stack.fit(A, last)
    assert stack.oof_.paths == {"ridge": "refit"}


def test_what_declines_is_fitted_plainly_without_a_word(recwarn):
    copied = np.hstack([X, X[:, :1]])
    oof = out_of_fold([("line", LinearRegression()), LEARNERS[0]], copied, Y, cv=CV, refit=True)
    assert oof.paths == {"line": "refit", "ridge": "closed form"}
    plain = out_of_fold([("line", LinearRegression())], copied, Y, cv=CV, shortcuts=False)
    assert np.array_equal(oof.block("line"), plain.block("line"))
    assert not recwarn.list


class Breaks(Shortcut):
    """A shortcut with a bug: whatever it raises, the plain fits answer."""

    def __init__(self, light, block=None):
        self.light = light
        self.block = block

    def accepts(self, estimator):
        return True

    def run(self, job):
        if self.block is None:
            raise ZeroDivisionError("a bug")
        return Answer([np.full((len(test), 1), self.block) for _, test in job.splits], None)


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("block", [None, np.nan], ids=["raises", "nan"])
def test_a_shortcut_that_breaks_costs_nothing_but_time(monkeypatch, light, n_jobs, block):
    found = Breaks(light, block)
    monkeypatch.setattr(cross_fit, "find_shortcut", lambda *args, **kwargs: found)
    oof = out_of_fold(LEARNERS, X, Y, cv=CV, refit=True, n_jobs=n_jobs)
    assert set(oof.paths.values()) == {"refit"}
    plain = out_of_fold(LEARNERS, X, Y, cv=CV, shortcuts=False)
    assert np.array_equal(oof.matrix, plain.matrix)
    assert set(oof.models) == {"ridge", "positive"}


def test_errors_of_the_plain_fit_are_the_ones_raised():
    missing = X.copy()
    missing[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        out_of_fold([LEARNERS[0]], missing, Y, cv=CV)
    with pytest.raises(ValueError, match="'alpha' parameter of Ridge"):
        out_of_fold([("ridge", Ridge(alpha=-1))], X, Y, cv=CV)


def test_a_subclass_takes_no_shortcut():
    CountsFits.fits = 0
    oof = out_of_fold([("mine", CountsFits())], X, Y, cv=CV, refit=True)
    assert oof.paths == {"mine": "refit"}
    assert CountsFits.fits == 4


def test_weight_zero_saves_no_refit_that_came_along():
    """A combiner that chooses needs no second call for learners on a shortcut."""
    stack = StackingRegressor(LEARNERS, ConvexRegressor(), cv=CV).fit(X, Y)
    ridges = [r.fold for r in stack.oof_.records if r.name == "ridge"]
    assert ridges == [ALL_FOLDS]
    assert set(stack.oof_.models) >= {n for n, w in stack.learner_weights_.items() if w}


def test_no_models_unless_asked_for():
    assert out_of_fold(LEARNERS, X, Y, cv=CV).models == {}
    kept = out_of_fold(LEARNERS, X, Y, cv=CV, keep_models=True)
    assert [len(average.models) for average in kept.models.values()] == [3, 3]


def test_a_failure_beside_a_shortcut():
    with pytest.warns(FitFailedWarning, match="'old' failed"):
        oof = out_of_fold([("old", Fails()), *LEARNERS], X, Y, cv=CV, on_error="drop")
    assert oof.paths == {"old": "failed", "ridge": "closed form", "positive": "refit"}


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential", "multiprocessing"])
def test_any_backend(backend):
    wanted = out_of_fold(LEARNERS, X, Y, cv=CV, refit=True)
    with parallel_config(backend):
        oof = out_of_fold(LEARNERS, X, Y, cv=CV, refit=True, n_jobs=2)
    assert_allclose(oof.matrix, wanted.matrix, rtol=1e-12)
    assert oof.paths == wanted.paths


def test_under_a_time_limit():
    oof = out_of_fold(LEARNERS, X, Y, cv=CV, refit=True, n_jobs=2, time_limit=60)
    assert oof.paths == {"ridge": "closed form", "positive": "refit"}


def test_the_transformer_takes_them_too():
    short = OutOfFoldTransformer(LEARNERS, cv=CV)
    found = short.fit_transform(X, Y)
    assert short.oof_.paths["ridge"] == "closed form"
    plain = clone(short).set_params(shortcuts=False).fit_transform(X, Y)
    assert_allclose(found, plain, rtol=1e-9)


def test_progress_counts_a_shortcut_as_one(capsys):
    out_of_fold(LEARNERS, X, Y, cv=CV, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert sum("ridge: all folds done" in line for line in lines) == 1
    assert sum("ridge: out-of-fold root mean squared error" in line for line in lines) == 1


def test_columns_of_a_learner():
    oof = out_of_fold([("some", Ridge(), [0, 2])], X, Y, cv=CV)
    assert oof.paths == {"some": "closed form"}
    plain = out_of_fold([("some", Ridge())], X[:, [0, 2]], Y, cv=CV, shortcuts=False)
    assert_allclose(oof.matrix, plain.matrix, rtol=1e-9)


def test_which_splits_are_exchangeable():
    assert is_exchangeable(KFold(3))
    assert not is_exchangeable(KFold(3), groups=np.zeros(90))
    assert not is_exchangeable(GroupKFold(3))
    assert not is_exchangeable(TimeSeriesSplit(3))
    assert not is_exchangeable([(np.arange(10), np.arange(10, 20))])
