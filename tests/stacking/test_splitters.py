"""Any splitter: partial cover, repeats, predefined folds, iterators; never changed."""

import copy

import numpy as np
import pytest
from sklearn.datasets import make_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import (
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

from stackmeta import OutOfFoldTransformer, StackingClassifier, StackingRegressor

from .doubles import Log, RecordingRegressor, classifiers, fits, regressors

X, Y = make_regression(60, 4, noise=20, random_state=0)


def by_hand(splits):
    """Out-of-fold predictions averaged over the splits that hold a row out, by hand."""
    columns = []
    for _, learner in regressors():
        total, count = np.zeros(len(Y)), np.zeros(len(Y))
        for train, test in splits:
            total[test] += learner.fit(X[train], Y[train]).predict(X[test])
            count[test] += 1
        with np.errstate(invalid="ignore"):
            columns.append(total / count)
    return np.column_stack(columns)


SPLITTERS = {
    "time": TimeSeriesSplit(4),
    "repeated": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    "shuffle": ShuffleSplit(5, test_size=0.3, random_state=0),
    "predefined": PredefinedSplit(np.r_[np.full(10, -1), np.arange(50) % 3]),
    "shuffled": KFold(3, shuffle=True, random_state=0),
    "leave one out": LeaveOneOut(),
}


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_splitter(splitter):
    """Rows that no fold held out do not train the meta-learner; repeats are averaged."""
    cv = SPLITTERS[splitter]
    expected = by_hand(list(cv.split(X, Y)))
    stack = StackingRegressor(regressors(), LinearRegression(), cv=cv).fit(X, Y)
    np.testing.assert_allclose(stack.oof_.matrix, expected, atol=1e-9)
    held_out = ~np.isnan(expected).any(axis=1)
    np.testing.assert_array_equal(stack.oof_.covered, np.flatnonzero(held_out))
    final = LinearRegression().fit(expected[held_out], Y[held_out])
    np.testing.assert_allclose(stack.final_estimator_.coef_, final.coef_, atol=1e-7)
    np.testing.assert_allclose(stack.predict(X), final.predict(stack.transform(X)), atol=1e-7)


@pytest.mark.parametrize("cover", ["time", "shuffle"])
def test_weights_and_passthrough_follow_the_covered_rows(cover):
    """A meta-learner that trains on some rows must get their weights, not the first ones."""
    cv, weight = SPLITTERS[cover], np.arange(1.0, 61)
    stack = StackingRegressor(regressors(), Ridge(), cv=cv, passthrough=True)
    stack.fit(X, Y, sample_weight=weight)
    rows = stack.oof_.covered
    assert len(rows) < 60 or cover == "shuffle"
    final = Ridge().fit(np.hstack([stack.oof_.matrix, X])[rows], Y[rows], weight[rows])
    np.testing.assert_allclose(stack.final_estimator_.coef_, final.coef_)


def test_an_iterator_is_read_once():
    read = []

    def splits():
        for pair in KFold(3).split(X):
            read.append(1)
            yield pair

    stack = StackingRegressor(regressors(), cv=splits()).fit(X, Y)
    assert len(read) == 3
    reference = StackingRegressor(regressors(), cv=KFold(3)).fit(X, Y)
    np.testing.assert_allclose(stack.predict(X), reference.predict(X))


def test_an_exhausted_iterator_says_what_to_pass():
    stack = StackingRegressor(regressors(), cv=KFold(3).split(X)).fit(X, Y)
    with pytest.raises(ValueError, match=r"list\(cv\.split\(X, y\)\)"):
        stack.fit(X, Y)


def test_boolean_masks_are_rows():
    masks = [(np.arange(60) % 3 != k, np.arange(60) % 3 == k) for k in range(3)]
    stack = StackingRegressor(regressors(), cv=masks).fit(X, Y)
    pairs = [(np.flatnonzero(train), np.flatnonzero(test)) for train, test in masks]
    np.testing.assert_allclose(stack.oof_.matrix, by_hand(pairs))


@pytest.mark.parametrize(
    "cv",
    [
        KFold(3, shuffle=True),
        KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        RepeatedKFold(n_splits=2, n_repeats=2),
        ShuffleSplit(3),
    ],
    ids=["seedless", "seeded", "repeated", "overlapping"],
)
def test_the_splitter_is_unchanged(cv):
    """Seeding the splitter in place would change the user's next cross-validation."""
    before = copy.deepcopy(vars(cv))
    StackingRegressor(regressors(), cv=cv, random_state=3).fit(X, Y)
    after = vars(cv)
    assert before.keys() == after.keys()
    for name, value in before.items():
        if isinstance(value, np.random.RandomState):
            assert (value.get_state()[1] == after[name].get_state()[1]).all()
            assert value.get_state()[2] == after[name].get_state()[2]
        else:
            assert value == after[name]


def test_splits_are_computed_once():
    """Two calls of a shuffling splitter would give learners different folds: a leak."""

    class Once(KFold):
        calls = 0

        def split(self, X, y=None, groups=None):
            type(self).calls += 1
            return super().split(X, y, groups)

    log = Log()
    learners = [("a", RecordingRegressor(log)), ("b", RecordingRegressor(log))]
    stack = StackingRegressor(learners, cv=Once(3, shuffle=True)).fit(X, Y)
    assert Once.calls == 1
    np.testing.assert_allclose(stack.oof_.matrix[:, 0], stack.oof_.matrix[:, 1])
    assert len(fits(log)) == 8


def test_stratified_by_default():
    y = np.r_[np.zeros(50), np.ones(10)].astype(int)
    stack = StackingClassifier(classifiers()).fit(X, y)
    expected = StratifiedKFold(5).split(X, y)
    for (_, test), (_, wanted) in zip(stack.oof_.splits, expected, strict=True):
        np.testing.assert_array_equal(test, wanted)


def test_the_transformer_under_partial_cover():
    """fit_transform has NaN for rows that no fold held out; transform has none."""
    transformer = OutOfFoldTransformer(regressors(), cv=SPLITTERS["time"])
    answer = transformer.fit_transform(X, Y)
    np.testing.assert_allclose(answer, by_hand(list(SPLITTERS["time"].split(X))))
    assert np.isnan(answer).any()
    assert not np.isnan(transformer.transform(X)).any()


def test_the_drop_ins_fit_transform_is_in_sample():
    """As scikit-learn's; what may be trained on is OutOfFoldTransformer's."""
    stack = StackingRegressor(regressors(), cv=3)
    answer = stack.fit_transform(X, Y)
    np.testing.assert_allclose(answer, stack.transform(X))
    assert not np.allclose(answer, stack.oof_.matrix)


def test_groups_and_weights_of_a_stack_on_top_under_partial_cover():
    """The second layer sees the covered rows only, with their groups and weights."""
    log = Log()
    groups = np.arange(60) // 6
    top = StackingRegressor([("a", RecordingRegressor(log))], cv=3)
    stack = StackingRegressor(regressors(), top, cv=SPLITTERS["time"])
    stack.fit(X, Y, groups=groups, sample_weight=np.arange(60.0))
    rows = stack.oof_.covered
    whole = max(fits(log), key=lambda entry: len(entry["X"]))
    np.testing.assert_array_equal(whole["sample_weight"], rows)
    np.testing.assert_array_equal(whole["groups"], groups[rows])
    for train, test in stack.final_estimator_.oof_.splits:
        assert not set(groups[rows][train]) & set(groups[rows][test])
