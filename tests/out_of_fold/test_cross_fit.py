"""The engine's own bookkeeping."""

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor

from stackmeta import StackingRegressor, out_of_fold
from stackmeta.out_of_fold.cross_fit import CrossFit
from stackmeta.out_of_fold.learner import Learner
from stackmeta.out_of_fold.target import encode_target

from .given import Fails, ReadOnly, Writes, classes, numbers

X, Y = numbers()
SPLITS = list(KFold(3).split(X))


def engine(*estimators, shortcuts=False, **options):
    learners = [Learner(f"l{i}", e, "predict") for i, e in enumerate(estimators)]
    target = encode_target(Y, classifier=False, caller="Tester")
    return CrossFit(learners, X, target, SPLITS, shortcuts=shortcuts, **options)


@pytest.mark.parametrize("refit", [False, True])
def test_each_fit_is_recorded_once(refit):
    oof = engine(LinearRegression(), Ridge()).run(refit=refit)
    folds = [0, 1, 2, *([-1] if refit else [])]
    assert sorted((r.name, r.fold) for r in oof.records) == sorted(
        (name, fold) for name in ("l0", "l1") for fold in folds
    )
    assert all(record.seconds > 0 for record in oof.records)
    seconds = {n: sum(r.seconds for r in oof.records if r.name == n) for n in ("l0", "l1")}
    assert oof.fit_seconds == pytest.approx(seconds)


def test_refits_are_fits_on_all_rows():
    oof = engine(LinearRegression(), Ridge()).run(refit=True)
    for name, learner in (("l0", LinearRegression()), ("l1", Ridge())):
        assert_array_equal(oof.models[name].coef_, learner.fit(X, Y).coef_)


def test_later_refits_of_the_named_only():
    cross_fit = engine(LinearRegression(), Ridge())
    oof = cross_fit.run(refit=False)
    assert oof.models == {}
    assert cross_fit.refit(["l1"]) == []
    assert list(cross_fit.refits) == ["l1"]
    assert_array_equal(cross_fit.refits["l1"].coef_, Ridge().fit(X, Y).coef_)


def test_later_refit_that_fails_is_told():
    cross_fit = engine(LinearRegression(), Fails(n_rows=90), on_error="drop")
    assert cross_fit.run(refit=False).names == ["l0", "l1"]
    with pytest.warns(FitFailedWarning, match="'l1' failed in the fit on all rows"):
        assert cross_fit.refit(["l0", "l1"]) == ["l1"]


def test_fold_models_are_kept_on_demand():
    oof = engine(Ridge(), keep_fold_models=True).run(refit=False)
    average = oof.models["l0"]
    assert len(average.models) == 3
    for model, (train, _) in zip(average.models, SPLITS, strict=True):
        assert_array_equal(model.coef_, Ridge().fit(X[train], Y[train]).coef_)


def test_order_of_columns_is_order_of_learners():
    """Whatever order the queue chose."""
    one = engine(Fails(error="TooOld", without=-1.0, n_rows=1), Ridge(), LinearRegression())
    oof = one.run(refit=False)
    assert oof.names == ["l0", "l1", "l2"]
    assert [oof.columns[name].start for name in oof.names] == [0, 1, 2]


def test_an_engine_in_an_engine():
    """A stack as a learner: groups and weights go in, folds nest."""
    inner = StackingRegressor([("line", LinearRegression())], Ridge(), cv=2)
    with parallel_config("threading"):
        oof = out_of_fold([("stack", inner), ("ridge", Ridge())], X, Y, cv=3, n_jobs=2)
    wanted = clone(inner).fit(X[30:], Y[30:]).predict(X[:30])
    assert np.allclose(oof.block("stack")[:30, 0], wanted)


def test_groups_reach_a_stack_inside():
    groups = np.repeat(np.arange(18), 5)
    seen = []

    class Watches(StackingRegressor):
        def fit(self, X, y, *, groups=None, **params):
            seen.append(groups)
            return super().fit(X, y, groups=groups, **params)

    stack = Watches([("line", LinearRegression())], Ridge(), cv=2)
    oof = out_of_fold([("stack", stack)], X, Y, cv=3, groups=groups, refit=True)
    cut = {len(g): g for g in seen}
    assert len(seen) == 4
    assert_array_equal(cut[90], groups)
    for train, _ in oof.splits:
        assert any(np.array_equal(g, groups[train]) for g in seen)


def test_weights_are_cut_and_change_the_fit():
    X, y = classes()
    weight = np.random.RandomState(0).uniform(0.1, 5, size=90)
    lr = LogisticRegression()
    oof = out_of_fold([("lr", lr)], X, y, cv=KFold(3), fit_params={"sample_weight": weight})
    for train, test in KFold(3).split(X):
        lr.fit(X[train], y[train], sample_weight=weight[train])
        assert_array_equal(oof.matrix[test, 0], lr.predict_proba(X[test])[:, 1])
    one = out_of_fold(
        [("lr", lr), ("other", lr)], X, y, cv=KFold(3), fit_params={"lr__sample_weight": weight}
    )
    assert_array_equal(one.block("lr"), oof.block("lr"))
    assert not np.array_equal(one.block("other"), oof.block("lr"))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_learner_that_works_in_place_changes_no_other(n_jobs):
    """All rows are handed out without a copy; whoever writes into them gets one."""
    before = X.copy()
    learners = [("writes", Writes()), ("ridge", Ridge(positive=True))]
    oof = out_of_fold(learners, X, Y, cv=3, refit=True, n_jobs=n_jobs)
    assert_array_equal(X, before)
    assert oof.models["writes"].fits_ == 1
    assert_array_equal(oof.models["ridge"].coef_, Ridge(positive=True).fit(X, Y).coef_)


def test_all_rows_are_not_copied():
    oof = out_of_fold([("keeps", KNeighborsRegressor())], X, Y, cv=3, refit=True)
    assert np.shares_memory(oof.models["keeps"]._fit_X, X)


def test_other_errors_of_a_locked_table_are_not_swallowed():
    with pytest.raises(ValueError, match="read-only by nature"):
        out_of_fold([("odd", ReadOnly())], sparse.csr_array(X), Y, cv=3, refit=True)
    with pytest.raises(ValueError, match="read-only by nature"):
        out_of_fold([("odd", ReadOnly())], X, Y, cv=3, refit=True)
