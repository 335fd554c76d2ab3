"""No row's label enters the model that predicts it. Each test goes red if that path leaks."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from stackmeta import out_of_fold

from .given import Canary

N_ROWS = 60
RNG = np.random.RandomState(0)
Y = RNG.permutation(np.arange(N_ROWS) % 2)
GROUPS = RNG.permutation(np.repeat(np.arange(15), 4))
X = np.column_stack([np.arange(N_ROWS), GROUPS, RNG.normal(size=(N_ROWS, 2))])

PLAIN = [
    None,
    4,
    KFold(4),
    StratifiedKFold(3),
    TimeSeriesSplit(3),
    RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
    ShuffleSplit(4, random_state=0),
    StratifiedShuffleSplit(3, random_state=0),
    LeaveOneOut(),
    PredefinedSplit(np.arange(N_ROWS) % 3 - 1),
    [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))],
]
GROUPED = [None, 3, GroupKFold(3), GroupShuffleSplit(3, random_state=0), LeaveOneGroupOut()]


def name_of(cv):
    return type(cv).__name__ if not isinstance(cv, int) else str(cv)


def check_no_cheat(oof):
    """The canary is sure of rows it has seen, and of no other."""
    found = oof.block("canary")
    there = ~np.isnan(found)
    assert there.any()
    assert (found[there] == 0.5).all()


def test_the_canary_sings():
    """Fitted and asked on the same rows it must raise, else the tests below prove nothing."""
    with pytest.raises(AssertionError, match="leak"):
        Canary().fit(X, Y).predict_proba(X[:1])
    same_group = X[GROUPS == 3]
    with pytest.raises(AssertionError, match="straddles"):
        Canary(check_groups=True).fit(same_group[:2], [0, 1]).predict_proba(same_group[2:])
    assert (Canary(armed=False).fit(X, Y).predict(X) == Y).all()


@pytest.mark.parametrize("cv", PLAIN, ids=name_of)
@pytest.mark.parametrize("refit", [False, True])
def test_no_row_is_predicted_by_a_model_that_saw_it(cv, refit):
    oof = out_of_fold(
        [("canary", Canary()), ("nb", GaussianNB())], X, Y, cv=cv, refit=refit, keep_models=True
    )
    check_no_cheat(oof)
    wanted = set(np.concatenate([test for _, test in oof.splits]))
    assert set(np.flatnonzero(~np.isnan(oof.block("canary")[:, 0]))) == wanted


@pytest.mark.parametrize("cv", GROUPED, ids=name_of)
@pytest.mark.parametrize("refit", [False, True])
def test_no_group_straddles_a_split(cv, refit):
    canary = Canary(check_groups=True)
    oof = out_of_fold([("canary", canary)], X, Y, cv=cv, groups=GROUPS, refit=refit)
    check_no_cheat(oof)


def test_without_groups_the_same_canary_dies():
    """The check above is not empty: folds that ignore groups are caught."""
    with pytest.raises(AssertionError, match="straddles"):
        out_of_fold([("canary", Canary(check_groups=True))], X, Y, cv=KFold(3))


def test_with_columns_beside_given_predictions_and_on_threads():
    table = np.column_stack([X, np.full(N_ROWS, 0.25)])
    learners = [("given", "passthrough", [4]), ("canary", Canary(), [0, 1])]
    with parallel_config("threading"):
        oof = out_of_fold(learners, table, Y, cv=4, n_jobs=2, refit=True)
    check_no_cheat(oof)
    assert (oof.block("given") == 0.25).all()


def test_fit_parameters_are_cut_to_the_training_rows():
    class Watches(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            assert np.array_equal(np.asarray(X)[:, 0], sample_weight)
            return super().fit(X, y)

    oof = out_of_fold(
        [("w", Watches())],
        X,
        Y,
        cv=4,
        refit=True,
        fit_params={"sample_weight": np.arange(N_ROWS, dtype=float)},
    )
    assert len(oof.records) == 5


def test_labels_of_held_out_rows_do_not_matter():
    """Turning the labels of one fold round changes none of that fold's predictions."""
    cv = list(KFold(4).split(X))
    learners = [("tree", DecisionTreeClassifier(random_state=0)), ("knn", KNeighborsClassifier())]
    before = out_of_fold(learners, X, Y, cv=cv).matrix
    test = cv[1][1]
    turned = Y.copy()
    turned[test] = 1 - turned[test]
    after = out_of_fold(learners, X, turned, cv=cv).matrix
    assert np.array_equal(before[test], after[test])
    assert not np.array_equal(before, after)


@pytest.mark.theory
@pytest.mark.parametrize("repeats", [1, 2])
def test_shuffled_labels_cannot_be_predicted(repeats):
    """On pure noise no learner beats the constant: 20 tables, 4 standard errors.

    In-sample these learners err on no row, so any leak shows at once.
    """
    learners = [
        ("trees", ExtraTreesClassifier(10, random_state=0)),
        ("nearest", KNeighborsClassifier(1)),
    ]
    cv = RepeatedStratifiedKFold(n_splits=4, n_repeats=repeats, random_state=0)
    errors = []
    for seed in range(20):
        rng = np.random.RandomState(seed)
        y = rng.permutation(np.arange(80) % 2)
        oof = out_of_fold(learners, rng.normal(size=(80, 3)), y, cv=cv)
        errors.append([-value for value in oof.loss("accuracy").values()])
    errors = 1 - np.array(errors)
    standard_error = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    assert (errors.mean(axis=0) > 0.5 - 4 * standard_error).all()
    assert (errors.mean(axis=0) < 0.6).all()
