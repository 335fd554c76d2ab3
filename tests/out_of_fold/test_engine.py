"""out_of_fold: the same numbers as cross_val_predict, and what that cannot do."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.compose import make_column_selector
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import out_of_fold

from .given import Strict, classes, numbers

LETTERS = np.array(["no", "yes", "maybe"])


def strict_splits():
    """Fold 1 trains on classes 0 and 2 alone."""
    y = np.repeat([0, 1, 2], 10)
    rows = np.arange(30)
    return y, [(rows[5:], rows[:5]), (rows[(y != 1) & (rows >= 5)], np.r_[10:20])]


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "predict"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_cross_val_predict_for_classes(n_classes, method):
    X, y = classes(n_classes)
    lr = LogisticRegression()
    oof = out_of_fold([("lr", lr)], X, LETTERS[y], cv=4, method=method)
    wanted = cross_val_predict(lr, X, LETTERS[y], cv=4, method=method)
    if method == "predict":
        assert_array_equal(oof.classes[oof.matrix[:, 0].astype(int)], wanted)
    else:
        assert_allclose(oof.matrix, wanted[:, 1:] if n_classes == 2 else wanted, rtol=1e-10)
    assert oof.methods == {"lr": method}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_cross_val_predict_for_decision_values(n_classes):
    X, y = classes(n_classes)
    oof = out_of_fold([("svc", LinearSVC(random_state=0))], X, y, cv=4)
    wanted = cross_val_predict(
        LinearSVC(random_state=0), X, y, cv=4, method="decision_function"
    ).reshape(len(y), -1)
    assert oof.methods == {"svc": "decision_function"}
    assert_allclose(oof.matrix, wanted, rtol=1e-10)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_equals_cross_val_predict_for_numbers(n_targets):
    X, y = numbers(n_targets=n_targets)
    oof = out_of_fold([("lin", LinearRegression()), ("ridge", Ridge())], X, y, cv=4)
    for name, learner in (("lin", LinearRegression()), ("ridge", Ridge())):
        wanted = cross_val_predict(learner, X, y, cv=4).reshape(len(y), -1)
        assert_allclose(oof.block(name), wanted, rtol=1e-9)
    assert oof.matrix.shape == (90, 2 * n_targets)
    assert oof.columns == {"lin": slice(0, n_targets), "ridge": slice(n_targets, 2 * n_targets)}


def test_multilabel_lists_and_arrays():
    X, first = classes()
    y = np.column_stack([first, X[:, 0] > 0]).astype(int)
    cv = KFold(3)
    learners = [
        ("knn", KNeighborsClassifier()),
        ("forest", RandomForestClassifier(5, random_state=0)),
        ("lr", MultiOutputClassifier(LogisticRegression())),
    ]
    oof = out_of_fold(learners, X, y, cv=cv)
    for name, learner in learners:
        wanted = cross_val_predict(learner, X, y, cv=cv, method="predict_proba")
        assert_allclose(oof.block(name), np.column_stack([p[:, 1] for p in wanted]))


def test_sparse_multilabel_target():
    X, first = classes()
    y = np.column_stack([first, X[:, 0] > 0]).astype(int)
    dense = out_of_fold([("knn", KNeighborsClassifier())], X, y, cv=KFold(3))
    given = out_of_fold([("knn", KNeighborsClassifier())], X, sparse.csr_matrix(y), cv=KFold(3))
    assert_array_equal(given.matrix, dense.matrix)


def test_dtype_is_float32_only_where_all_learners_are():
    X, y = numbers()
    single, y32 = X.astype(np.float32), y.astype(np.float32)
    ridge = ("ridge", Ridge())
    wanted = cross_val_predict(Ridge(), single, y32, cv=3)
    assert wanted.dtype == np.float32
    found = out_of_fold([ridge], single, y32, cv=3).matrix
    assert found.dtype == np.float32
    assert_array_equal(found[:, 0], wanted)
    with_tree = out_of_fold([ridge, ("tree", DecisionTreeRegressor())], single, y32, cv=3)
    assert with_tree.matrix.dtype == np.float64
    assert out_of_fold([ridge], X, y, cv=3).matrix.dtype == np.float64


def test_rows_that_no_fold_holds_out_are_nan():
    X, y = numbers()
    cv = TimeSeriesSplit(3)
    oof = out_of_fold([("lin", LinearRegression())], X, y, cv=cv)
    for train, test in cv.split(X):
        wanted = LinearRegression().fit(X[train], y[train]).predict(X[test])
        assert_allclose(oof.matrix[test, 0], wanted)
    assert_array_equal(np.isnan(oof.matrix[:, 0]), ~np.isin(np.arange(90), oof.covered))
    assert len(oof.covered) == 66


@pytest.mark.parametrize(
    "cv",
    [RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), ShuffleSplit(5, random_state=0)],
    ids=lambda cv: type(cv).__name__,
)
def test_several_predictions_a_row_are_averaged(cv):
    X, y = numbers()
    oof = out_of_fold([("lin", LinearRegression())], X, y, cv=cv)
    total, count = np.zeros(90), np.zeros(90)
    for train, test in cv.split(X):
        total[test] += LinearRegression().fit(X[train], y[train]).predict(X[test])
        count[test] += 1
    there = count > 0
    assert_allclose(oof.matrix[there, 0], total[there] / count[there])
    assert np.isnan(oof.matrix[~there]).all()
    assert_array_equal((~np.isnan(oof.by_repeat[:, :, 0])).sum(axis=0), count)


def test_by_repeat_holds_each_repeat():
    X, y = numbers()
    oof = out_of_fold(
        [("lin", LinearRegression())],
        X,
        y,
        cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    )
    rng_splits = list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(X))
    for repeat in range(2):
        for train, test in rng_splits[3 * repeat : 3 * repeat + 3]:
            wanted = LinearRegression().fit(X[train], y[train]).predict(X[test])
            assert_allclose(oof.by_repeat[repeat, test, 0], wanted)


def test_predefined_folds_and_generator():
    X, y = numbers()
    cv = PredefinedSplit(np.r_[np.full(30, -1), np.arange(60) % 2])
    one = out_of_fold([("lin", LinearRegression())], X, y, cv=cv)
    two = out_of_fold([("lin", LinearRegression())], X, y, cv=(s for s in cv.split()))
    assert_array_equal(one.matrix, two.matrix)
    assert_array_equal(one.covered, np.arange(30, 90))


def test_an_exhausted_generator_says_what_to_pass():
    X, y = numbers()
    cv = KFold(3).split(X)
    out_of_fold([("lin", LinearRegression())], X, y, cv=cv)
    with pytest.raises(ValueError, match=r"list\(cv\.split\(X, y\)\)"):
        out_of_fold([("lin", LinearRegression())], X, y, cv=cv)


def test_splitter_without_groups_in_its_signature():
    """Without groups, none may be passed on: users' splitters need not take any."""

    class Halves:
        def split(self, X, y):
            yield np.arange(45), np.arange(45, 90)

        def get_n_splits(self, X=None, y=None):
            return 1

    X, y = numbers()
    oof = out_of_fold([("lin", LinearRegression())], X, y, cv=Halves())
    assert_array_equal(oof.covered, np.arange(45, 90))


@pytest.mark.parametrize("cv", [3, GroupKFold(3)], ids=["int", "GroupKFold"])
def test_groups_stay_whole(cv):
    X, y = classes()
    groups = np.repeat(np.arange(15), 6)
    oof = out_of_fold([("nb", GaussianNB())], X, y, cv=cv, groups=groups)
    for train, test in oof.splits:
        assert not set(groups[train]) & set(groups[test])
    assert not np.isnan(oof.matrix).any()


def test_containers_give_the_same_numbers():
    X, y = classes()
    cv = StratifiedKFold(3)
    tree = [("tree", DecisionTreeClassifier(random_state=0))]
    wanted = out_of_fold(tree, X, y, cv=cv).matrix
    frame = pd.DataFrame(X, columns=list("abcde"), index=np.arange(90)[::-1])
    given = [(X.tolist(), y.tolist()), (frame, pd.Series(y)), (sparse.coo_matrix(X), y)]
    for table, target in given:
        assert_array_equal(out_of_fold(tree, table, target, cv=cv).matrix, wanted)
    polars = pytest.importorskip("polars")
    table = polars.DataFrame(X, schema=list("abcde"))
    assert_array_equal(out_of_fold(tree, table, polars.Series(y), cv=cv).matrix, wanted)


def test_frame_reaches_learners_as_frame():
    X, y = classes()
    frame = pd.DataFrame(X, columns=list("abcde"))
    oof = out_of_fold([("nb", GaussianNB())], frame, y, cv=3, refit=True)
    assert_array_equal(oof.models["nb"].feature_names_in_, list("abcde"))


def test_inputs_are_not_changed():
    X, y = classes()
    X_before, y_before = X.copy(), y.copy()
    lr = LogisticRegression()
    out_of_fold([("lr", lr)], X, y, cv=3, refit=True, random_state=0)
    assert_array_equal(X, X_before)
    assert_array_equal(y, y_before)
    assert not hasattr(lr, "coef_")
    assert lr.random_state is None


# --- a class that a fold's training rows lack -----------------------------------------------


def test_missing_class_gets_its_share_and_rows_sum_to_one():
    y, cv = strict_splits()
    X = np.random.RandomState(0).normal(size=(30, 2)) + y[:, None]
    nb = GaussianNB()
    with pytest.warns(UserWarning, match="no training row"):
        oof = out_of_fold([("nb", nb)], X, y, cv=cv)
    train, test = cv[1]
    assert_allclose(oof.matrix[oof.covered].sum(axis=1), 1)
    wanted = nb.fit(X[train], y[train]).predict_proba(X[test])
    assert_allclose(oof.matrix[test][:, 1], 1 / 3)
    assert_allclose(oof.matrix[test][:, [0, 2]], wanted * 2 / 3)
    train, test = cv[0]
    assert_allclose(oof.matrix[test], nb.fit(X[train], y[train]).predict_proba(X[test]))


def test_consecutive_labels_reach_those_that_demand_them():
    y, cv = strict_splits()
    with pytest.warns(UserWarning, match="no training row"):
        oof = out_of_fold([("s", Strict())], np.zeros((30, 1)), y, cv=cv)
    assert_allclose(oof.matrix[10:20], [[5 / 15 * 2 / 3, 1 / 3, 10 / 15 * 2 / 3]] * 10)
    with pytest.warns(UserWarning, match="no training row"):
        oof = out_of_fold([("s", Strict())], np.zeros((30, 1)), y, cv=cv, method="predict")
    assert_array_equal(oof.matrix[10:20, 0], 2)  # the code, not the renumbered 1


def test_xgboost_survives_a_missing_class():
    xgboost = pytest.importorskip("xgboost")
    y, cv = strict_splits()
    X = np.random.RandomState(0).normal(size=(30, 2))
    learner = xgboost.XGBClassifier(n_estimators=2, n_jobs=1)
    with pytest.warns(UserWarning, match="no training row"):
        oof = out_of_fold([("xgb", learner)], X, LETTERS[y], cv=cv)
    assert_allclose(oof.matrix[oof.covered].sum(axis=1), 1, rtol=1e-6)


def test_decision_function_survives_a_missing_class():
    y, cv = strict_splits()
    X = np.random.RandomState(0).normal(size=(30, 2)) + y[:, None]
    with pytest.warns(UserWarning, match="no training row"):
        oof = out_of_fold([("svc", LinearSVC(random_state=0))], X, y, cv=cv)
    block = oof.matrix[10:20]
    assert np.isfinite(block).all()
    assert (block[:, 1] <= block.max(axis=1)).all()
    assert (block.argmax(axis=1) != 1).all()


def test_one_warning_names_class_learner_and_fold():
    y, cv = strict_splits()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out_of_fold(
            [("nb", GaussianNB()), ("strict", Strict())],
            np.random.RandomState(0).normal(size=(30, 1)),
            LETTERS[y],
            cv=cv,
        )
    assert len(caught) == 1
    message = str(caught[0].message)
    missing = np.unique(LETTERS)[np.unique(LETTERS[y], return_inverse=True)[1][10]]
    assert missing in message
    assert "nb" in message
    assert "strict" in message
    assert "[1]" in message
    assert caught[0].filename == __file__


def test_class_weights_of_a_fold_without_a_class_stay_with_their_class():
    """After renumbering, weight 50 of class 2 must not fall on nobody, nor 1's on 2."""
    y, cv = strict_splits()
    X = np.random.RandomState(0).normal(size=(30, 2))
    lr = LogisticRegression(class_weight={0: 1, 1: 1, 2: 50})
    with pytest.warns(UserWarning, match="no training row"):
        oof = out_of_fold([("lr", lr)], X, y, cv=cv)
    train, test = cv[1]
    wanted = lr.fit(X[train], y[train]).predict_proba(X[test]) * 2 / 3
    assert_allclose(oof.matrix[test][:, [0, 2]], wanted, rtol=1e-6)


@pytest.mark.parametrize("method", ["predict_proba", "predict"])
def test_frozen_learner_in_a_fold_without_a_class(method):
    """A frozen model knows all classes whatever the fold holds."""
    y, cv = strict_splits()
    X = np.random.RandomState(0).normal(size=(30, 2)) + 3 * y[:, None]
    frozen = FrozenEstimator(GaussianNB().fit(X, LETTERS[y]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        oof = out_of_fold([("frozen", frozen)], X, LETTERS[y], cv=cv, method=method)
    wanted = getattr(frozen, method)(X[10:20])
    found = oof.matrix[10:20]
    if method == "predict":
        found = oof.classes[found[:, 0].astype(int)]
    assert_array_equal(found, wanted)


# --- predictions from elsewhere; columns ----------------------------------------------------


def test_given_predictions_pass_through():
    X, y = classes()
    proba = np.linspace(0, 1, 90)
    table = np.column_stack([X, proba])
    oof = out_of_fold([("nb", GaussianNB(), slice(0, 5)), ("given", "passthrough", [5])], table, y)
    assert_array_equal(oof.block("given")[:, 0], proba)
    assert_array_equal(oof.block("nb"), out_of_fold([("nb", GaussianNB())], X, y).matrix)
    assert oof.paths == {"nb": "closed form", "given": "given"}


def test_given_predictions_of_three_classes_and_of_numbers():
    X, y = classes(3)
    proba = np.random.RandomState(0).dirichlet(np.ones(3), 90)
    frame = pd.DataFrame(np.column_stack([X, proba]), columns=[*"abcde", "p0", "p1", "p2"])
    learners = [("given", "passthrough", ["p0", "p1", "p2"]), ("nb", GaussianNB(), list("abcde"))]
    oof = out_of_fold(learners, frame, y, cv=3, refit=True)
    assert_array_equal(oof.block("given"), proba)
    assert_array_equal(oof.predict_matrix(frame)[:, :3], proba)
    line = out_of_fold([("given", "passthrough", "a")], frame, X[:, 1], cv=3)
    assert_array_equal(line.matrix[:, 0], X[:, 0])


@pytest.mark.parametrize(
    ("columns", "y", "message"),
    [
        (None, [0, 1], "names no columns"),
        (["nope"], [0, 1], "nope"),
        ([0], [0, 1], r"\[0, 1\].*got.*2"),
        ([0, 1], [0, 1], "2 columns; the target needs 1"),
        ([1], [0, 1, 2], "1 columns; the target needs 3"),
    ],
)
def test_unfit_given_predictions_are_refused_before_any_fit(columns, y, message):
    y = np.resize(y, 12)
    frame = pd.DataFrame({"two": np.full(12, 2.0), "half": np.full(12, 0.5)})
    learners = [("tree", DecisionTreeClassifier()), ("given", "passthrough", columns)]
    with pytest.raises(ValueError, match=message):
        out_of_fold(learners, frame, y, cv=3)


def test_given_predictions_with_gaps_can_be_compared():
    """NaN in a given column: the loss, and verbose=1, must not break after all is fitted."""
    X, y = classes()
    table = np.column_stack([X, np.r_[np.nan, np.full(89, 0.5)]])
    learners = [("nb", GaussianNB(), [0, 1]), ("given", "passthrough", [5])]
    oof = out_of_fold(learners, table, y, cv=3, verbose=1)
    assert_allclose(oof.loss()["given"], np.log(2))


def test_given_predictions_from_a_sparse_table():
    X, y = classes()
    table = sparse.csr_matrix(np.column_stack([X, np.full(90, 0.25)]))
    learners = [("lr", LogisticRegression(), [0, 1]), ("given", "passthrough", [5])]
    oof = out_of_fold(learners, table, y, cv=3)
    assert_array_equal(oof.block("given")[:, 0], 0.25)


FRAME_COLUMNS = [
    ["a", "c"],
    [0, 2],
    np.array([0, 2]),
    slice(0, 3, 2),
    [True, False, True, False, False],
    np.array([True, False, True, False, False]),
    pd.Index(["a", "c"]),
    lambda X: ["a", "c"],
    make_column_selector("^[ac]$"),
]


@pytest.mark.parametrize("columns", FRAME_COLUMNS)
def test_learners_read_their_columns_of_a_frame(columns):
    X, y = classes()
    frame = pd.DataFrame(X, columns=list("abcde"))
    wanted = out_of_fold([("nb", GaussianNB())], frame[["a", "c"]], y, cv=3, refit=True)
    oof = out_of_fold([("nb", GaussianNB(), columns)], frame, y, cv=3, refit=True)
    assert_array_equal(oof.matrix, wanted.matrix)
    assert_array_equal(oof.models["nb"].feature_names_in_, ["a", "c"])
    assert_array_equal(oof.predict_matrix(frame), wanted.predict_matrix(frame[["a", "c"]]))


@pytest.mark.parametrize("columns", FRAME_COLUMNS[1:6], ids=repr)
def test_learners_read_their_columns_of_an_array(columns):
    X, y = classes()
    wanted = out_of_fold([("nb", GaussianNB())], X[:, [0, 2]], y, cv=3)
    for table in (X, np.asfortranarray(X)):
        oof = out_of_fold([("nb", GaussianNB(), columns)], table, y, cv=3)
        assert_array_equal(oof.matrix, wanted.matrix)


@pytest.mark.parametrize("columns", FRAME_COLUMNS[:6], ids=repr)
def test_learners_read_their_columns_of_polars(columns):
    polars = pytest.importorskip("polars")
    X, y = classes()
    wanted = out_of_fold([("nb", GaussianNB())], X[:, [0, 2]], y, cv=3)
    table = polars.DataFrame(X, schema=list("abcde"))
    # Columns of another order in memory may be added up in another order.
    found = out_of_fold([("nb", GaussianNB(), columns)], table, y, cv=3)
    assert_allclose(found.matrix, wanted.matrix, rtol=1e-12)


def test_one_name_or_number_is_one_column():
    X, y = classes()
    frame = pd.DataFrame(X, columns=list("abcde"))
    wanted = out_of_fold([("nb", GaussianNB())], frame[["b"]], y, cv=3).matrix
    for table, column in ((frame, "b"), (frame, 1), (X, 1)):
        oof = out_of_fold([("nb", GaussianNB(), column)], table, y, cv=3)
        assert_array_equal(oof.matrix, wanted)


def test_new_rows_with_reordered_columns():
    X, y = classes()
    frame = pd.DataFrame(X, columns=list("abcde"))
    oof = out_of_fold([("nb", GaussianNB(), ["a", "c"])], frame, y, cv=3, refit=True)
    assert_array_equal(oof.predict_matrix(frame[list("edcba")]), oof.predict_matrix(frame))
