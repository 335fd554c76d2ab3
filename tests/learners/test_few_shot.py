"""Learners of few labelled rows: raw tables, the metric, folds, and no leak."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta import out_of_fold
from stackmeta._few_shot import few_shot_stack
from stackmeta.learners.few_shot import (
    OneOfEachClassOut,
    PriorFittedClassifier,
    PrototypeClassifier,
    SoftNeighboursClassifier,
    few_shot_learners,
)
from stackmeta.learners.few_shot.descriptors import (
    COLUMN_DESCRIPTORS,
    TABLE_DESCRIPTORS,
    describe_columns,
)
from stackmeta.learners.few_shot.features import KINDS, ColumnFeatures
from stackmeta.learners.few_shot.learned import FILE

LEARNERS = [PrototypeClassifier(), SoftNeighboursClassifier(), PriorFittedClassifier()]
each = pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: type(one).__name__)
PLAIN = np.zeros(len(COLUMN_DESCRIPTORS))
ASSOCIATION = np.eye(len(COLUMN_DESCRIPTORS))[0] * 8


@parametrize_with_checks(LEARNERS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def raw_table(n_rows=24, seed=0):
    rng = np.random.default_rng(seed)
    y = np.array(["ill", "well", "dead"])[np.arange(n_rows) % 3]
    X = pd.DataFrame(
        {
            "size": np.where(rng.random(n_rows) < 0.2, np.nan, rng.normal(size=n_rows)),
            "state": np.char.add(y, rng.choice(["", "!"], n_rows)),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, n_rows), "D"),
            "flag": rng.random(n_rows) < 0.5,
            "never": np.nan,
            "always": 3,
        }
    )
    return X, y


@each
def test_raw_table(learner):
    X, y = raw_table()
    fitted = clone(learner).fit(X, y)
    later = X.assign(state="unheard of", size=np.inf, seen=pd.NaT)
    for rows in (X, later, X.iloc[:1]):
        probabilities = fitted.predict_proba(rows)
        assert np.isfinite(probabilities).all()
        assert_allclose(probabilities.sum(axis=1), 1)
    assert fitted.score(X, y) > 0.7  # a third by chance
    assert_array_equal(fitted.classes_, ["dead", "ill", "well"])
    assert_allclose(fitted.column_weights_.sum(), 1)


@each
def test_one_row_a_class(learner):
    X, y = raw_table(3)
    fitted = clone(learner).fit(X, y)
    assert fitted.score(X, y) == 1
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


@each
def test_columns_that_do_not_vary_leave_the_shares(learner):
    fitted = clone(learner).fit(np.ones((4, 2)), [0, 0, 0, 1])
    assert_allclose(fitted.predict_proba([[5.0, 7.0]]), [[0.75, 0.25]])


@each
def test_order_of_rows_and_units_do_not_matter(learner):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), np.arange(20) % 2
    expected = clone(learner).fit(X, y).predict_proba(X)
    order = rng.permutation(20)
    assert_allclose(clone(learner).fit(X[order], y[order]).predict_proba(X), expected, atol=1e-8)
    other = 1000 * X + 5
    assert_allclose(clone(learner).fit(other, y).predict_proba(other), expected, atol=1e-8)


@each
def test_bad_input(learner):
    X, y = raw_table()
    with pytest.raises(ValueError, match=r"one class only, 'ill'.*at least two"):
        clone(learner).fit(X, ["ill"] * len(X))
    with pytest.raises(ValueError, match=r"theta has shape \(2,\).*association"):
        clone(learner).set_params(theta=[1.0, 2.0]).fit(X, y)
    with pytest.raises(ValueError, match=r"sharpness.*NaN"):
        clone(learner).set_params(sharpness=[np.nan] * len(TABLE_DESCRIPTORS)).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(learner).fit(X, y[:-1])
    with pytest.raises(ValueError, match="0 sample"):
        clone(learner).fit(X.iloc[:0], y[:0])


def test_own_parameters_are_checked():
    X, y = raw_table()
    for learner in (
        PrototypeClassifier(shrinkage=-1),
        SoftNeighboursClassifier(prior_rows=-1),
        PriorFittedClassifier(caution=-1),
    ):
        with pytest.raises(ValueError, match="must be a float in the range"):
            learner.fit(X, y)
    with pytest.raises(ValueError, match="scale has shape"):
        PriorFittedClassifier(scale=[1.0]).fit(X, y)


def test_values_that_one_row_has_are_kept():
    X = pd.DataFrame({"colour": ["red", "blue", "green"]})
    fitted = PrototypeClassifier().fit(X, ["a", "b", "c"])
    assert list(fitted.predict(X)) == ["a", "b", "c"]
    assert_allclose(
        fitted.predict_proba(pd.DataFrame({"colour": ["pink"]})), [[1 / 3] * 3], atol=1e-8
    )


def test_features_have_variance_one_a_column():
    X, _ = raw_table()
    fitted = ColumnFeatures()
    features = fitted.fit_transform(X)
    assert_allclose(features.mean(axis=0), 0, atol=1e-12)
    assert_allclose(np.bincount(fitted.column_of_, features.var(axis=0)), 1)
    assert_allclose(fitted.transform(X), features)
    kinds = [KINDS[i] for i in fitted.kinds_]
    assert kinds.count("category") == 1
    assert kinds.count("missing") == 1
    assert "date" in kinds


def test_descriptors_of_known_columns():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    noise = rng.normal(size=40)
    X = pd.DataFrame(
        {"y": y + 0.01 * noise, "noise": noise, "copy": 2 * noise, "kind": list("ab") * 20}
    )
    fitted = ColumnFeatures()
    described = describe_columns(fitted.fit_transform(X), fitted, y, 2)
    found = pd.DataFrame(described, columns=COLUMN_DESCRIPTORS, index=X.columns)
    assert found.association["y"] > 0.85
    assert found.association["kind"] > 0.85
    assert found.association["noise"] < 0.1
    assert list(found.category) == [0, 0, 0, 1]
    assert found.redundancy["noise"] > 0.3
    alone = describe_columns(fitted.fit_transform(X.iloc[:2]), fitted, y[:2], 2)
    assert_array_equal(alone[:, :2], 0)  # one row a class says nothing on association


@each
def test_theta_weighs_columns(learner):
    rng = np.random.default_rng(0)
    y = np.arange(16) % 2
    X = rng.normal(size=(16, 12))
    X[:, 3] += 4 * y
    plain = clone(learner).set_params(theta=PLAIN).fit(X, y)
    assert_allclose(plain.column_weights_, 1 / 12)
    weighted = clone(learner).set_params(theta=ASSOCIATION).fit(X, y)
    assert weighted.column_weights_.argmax() == 3
    assert weighted.column_weights_[3] > 0.5


def test_euclidean_prototypes_are_nearest_centroids():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 3)), np.arange(12) % 3
    learner = PrototypeClassifier(theta=PLAIN, shrinkage=0).fit(X, y)
    features = ColumnFeatures()
    rows = features.fit_transform(X)
    centres = np.stack([rows[y == code].mean(axis=0) for code in range(3)])
    distances = ((rows[:, None] - centres) ** 2).sum(axis=2)
    assert_array_equal(learner.predict(X), distances.argmin(axis=1))
    # Log odds are differences of distances.
    logs = np.log(learner.predict_proba(X))
    expected = -learner.sharpness_ / 3 * (distances[:, 0] - distances[:, 1]) / 2
    assert_allclose(logs[:, 0] - logs[:, 1], expected)


def test_prior_fitted_is_ridge_regression():
    """More features than rows, and fewer."""
    for n_columns in (4, 40):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, n_columns)), np.arange(20) % 2
        learner = PriorFittedClassifier(theta=PLAIN).fit(X, y)
        rows = ColumnFeatures().fit_transform(X) * np.sqrt(learner.sharpness_ / n_columns)
        ridge = Ridge(1.0, fit_intercept=False).fit(rows, y - 0.5)
        assert_allclose(learner.coef_[:, 1], ridge.coef_, atol=1e-10)


@pytest.mark.theory
@each
def test_labels_that_say_nothing_leave_about_the_shares(learner):
    """Mean log loss on new rows is hardly above that of knowing nothing."""
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(40):
        X, y = rng.normal(size=(20, 8)), np.arange(20) % 2
        probabilities = clone(learner).fit(X, y).predict_proba(rng.normal(size=(50, 8)))
        losses.append(-np.log(probabilities).mean())
    assert np.mean(losses) < np.log(2) + 0.1


@each
def test_held_out_labels_are_not_seen(learner):
    """A row's own prediction is the same whatever its label, and so is its fold's."""
    X, y = raw_table()
    splits = list(OneOfEachClassOut(random_state=0).split(X, y))
    before = out_of_fold([("one", learner)], X, y, cv=splits).block("one")
    changed = y.copy()
    train, held_out = splits[2]
    changed[held_out[0]] = "well" if y[held_out[0]] != "well" else "ill"
    after = out_of_fold([("one", learner)], X, changed, cv=splits).block("one")
    assert_array_equal(after[held_out], before[held_out])
    assert not np.allclose(after[train], before[train])


@pytest.mark.theory
def test_out_of_fold_losses_of_random_labels_are_no_better_than_guessing():
    """Leaving single rows out would make them much worse, a leak better."""
    rng = np.random.default_rng(0)
    learners = few_shot_learners(0)[:3]
    losses = []
    for seed in range(12):
        X, y = rng.normal(size=(8, 4)), rng.permutation(np.arange(8) % 2)
        cv = OneOfEachClassOut(random_state=seed)
        oof = out_of_fold(learners, X, y, cv=cv)
        right = np.where(oof.y[:, None] == 1, oof.matrix, 1 - oof.matrix)
        losses.append(-np.log(right).mean())
    error = np.std(losses) / np.sqrt(len(losses))
    assert np.mean(losses) > np.log(2) - 2 * error


class TestFolds:
    def test_one_of_each_class(self):
        y = np.repeat([0, 1, 2], 5)
        for train, held_out in OneOfEachClassOut(random_state=0).split(y, y):
            assert_array_equal(np.bincount(y[held_out]), 1)
            assert_array_equal(np.bincount(y[train]), 4)
            assert not np.intersect1d(train, held_out).size

    def test_every_row_but_lonely_ones_is_held_out_once(self):
        y = np.array([0] * 7 + [1] * 2 + [2] + [3] * 25)
        held_out = [rows for _, rows in OneOfEachClassOut(random_state=0).split(y, y)]
        assert len(held_out) == 5 == OneOfEachClassOut().get_n_splits(y=y)
        assert_array_equal(np.sort(np.concatenate(held_out)), np.flatnonzero(y != 2))
        for rows in held_out:
            assert set(np.setdiff1d(np.arange(len(y)), rows)) >= {9}
            assert len(set(y[np.setdiff1d(np.arange(len(y)), rows)])) == 4

    @pytest.mark.parametrize("y", [[0, 1], [0, 1, 2], [0, 0, 0, 1]])
    def test_without_second_rows_classes_are_left_out(self, y):
        for train, held_out in OneOfEachClassOut().split(y, y):
            assert not set(np.take(y, train)) & set(np.take(y, held_out))

    def test_bad_input(self):
        with pytest.raises(ValueError, match="max_folds must be at least 2, not 1"):
            OneOfEachClassOut(1)
        with pytest.raises(ValueError, match="depends on y"):
            next(OneOfEachClassOut().split([1, 2]))


class TestStack:
    @pytest.mark.filterwarnings("ignore:Too few rows of a class:UserWarning")
    @pytest.mark.parametrize("rows", [3, 6])
    def test_one_or_two_rows_a_class(self, rows):
        X, y = raw_table(rows)
        stack = few_shot_stack(random_state=0).fit(X, y)
        weights = np.array(list(stack.learner_weights_.values()))
        assert_allclose(weights.sum(), 1)
        if rows == 3:  # nothing says which learner is better
            assert_allclose(weights, 1 / len(weights))
        assert_allclose(stack.predict_proba(X).sum(axis=1), 1)

    def test_same_seed_same_stack(self):
        X, y = raw_table(6)
        answers = [few_shot_stack(random_state=3).fit(X, y).predict_proba(X) for _ in range(2)]
        assert_array_equal(*answers)

    def test_learned_parameters_are_used(self):
        learned = {"prototype": {"shrinkage": 7.0}}
        (_, learner), *_ = few_shot_learners(learned=learned)
        assert learner.shrinkage == 7.0


def test_what_ships_is_small_and_complete():
    assert FILE.stat().st_size < 20_000
    learners = json.loads(FILE.read_text())["learners"]
    assert set(learners) == {"prototype", "neighbours", "bayesian"}
    for parameters in learners.values():
        assert len(parameters["theta"]) == len(COLUMN_DESCRIPTORS)
        assert len(parameters["sharpness"]) == len(TABLE_DESCRIPTORS)
