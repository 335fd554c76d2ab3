"""Forests: each fold grows the first of its trees only."""

from unittest import mock

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from stackmeta import StackingClassifier
from stackmeta.out_of_fold import out_of_fold
from stackmeta.out_of_fold.shortcuts import out_of_bag
from stackmeta.out_of_fold.shortcuts.fewer_trees import N_TREES

from .given import SPLITS, job_of, plain_blocks, refitted, shortcut


@pytest.fixture(scope="module", autouse=True)
def any_size():
    """Let tables of a hundred rows have the shortcut."""
    with mock.patch.object(out_of_bag, "FEWEST_ROWS", 0):
        yield


FORESTS = [
    ExtraTreesClassifier(100, random_state=0),
    ExtraTreesRegressor(120, max_features=0.5, random_state=0),
    ExtraTreesClassifier(100, class_weight="balanced", min_samples_leaf=3),
    RandomForestClassifier(100, bootstrap=False, random_state=0),
    RandomForestRegressor(100, bootstrap=False, min_samples_leaf=2, random_state=0),
]


def table(classify, n_rows=150):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, 4))
    signal = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=n_rows)
    return X, np.digitize(signal, [-1, 1]) if classify else signal


def answer_of(job, **options):
    """The answer for a table that counts as large."""
    with mock.patch.object(out_of_bag, "MANY_ROWS", 0):
        return shortcut(job, level="approximate", **options)


def assert_first_trees(job, answer):
    """What the folds' own forests say, cut to their first trees."""
    expected = []
    for fold, (train, test) in enumerate(job.splits):
        forest = refitted(job, train, fold)
        trees = forest.estimators_[:N_TREES]
        ask = "predict_proba" if is_classifier(forest) else "predict"
        X = job.X[test].astype(np.float32)
        mean = np.mean([getattr(tree, ask)(X) for tree in trees], axis=0)
        expected.append(mean.reshape(len(test), -1))
    for block, values in zip(answer.blocks, expected, strict=True):
        np.testing.assert_allclose(block, values, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("learner", FORESTS, ids=str)
def test_the_first_trees_of_each_fold(learner):
    job = job_of(learner, *table(is_classifier(learner)), "shuffled", seed=3)
    answer = answer_of(job)
    assert_first_trees(job, answer)
    assert len(answer.model.estimators_) == learner.n_estimators
    plain = refitted(job, np.arange(len(job.target.y)))
    assert set(vars(answer.model)) == set(vars(plain))
    np.testing.assert_array_equal(answer.model.predict(job.X), plain.predict(job.X))


@pytest.mark.parametrize("splits", [kind for kind in SPLITS if kind != "leave one out"])
def test_any_splits(splits):
    job = job_of(FORESTS[1], *table(False, 60), splits)
    assert_first_trees(job, answer_of(job, exchangeable=False))


def test_weights_and_several_targets():
    X, y = table(False)
    weights = np.random.RandomState(0).randint(0, 3, len(y)) * 1.0
    params = {"sample_weight": weights}
    job = job_of(FORESTS[1], X, np.column_stack([y, y**2]), "folds", fit_params=params)
    assert_first_trees(job, answer_of(job))


def test_labels_of_several_outputs():
    X, y = table(True)
    job = job_of(FORESTS[0], X, np.eye(3, dtype=int)[y], "folds")
    for block, plain in zip(answer_of(job).blocks, plain_blocks(job), strict=True):
        assert block.shape == plain.shape
        assert np.abs(block - plain).mean() < 0.05


@pytest.mark.parametrize("learner", FORESTS[:2], ids=str)
def test_near_to_all_trees(learner):
    job = job_of(learner, *table(is_classifier(learner)), "shuffled", seed=0)
    found, plain = np.concatenate(answer_of(job).blocks), np.concatenate(plain_blocks(job))
    assert np.abs(found - plain).mean() < 0.2 * plain.std()


def test_shuffled_labels_are_not_learnt():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(600, 5)), rng.randint(0, 2, 600)
    job = job_of(FORESTS[0], X, y, "shuffled", method="predict")
    answer = answer_of(job)
    hits = [
        np.mean(block[:, 0] == y[test])
        for block, (_, test) in zip(answer.blocks, job.splits, strict=True)
    ]
    assert answer.model.score(X, y) == 1
    assert abs(np.mean(hits) - 0.5) < 0.08


def test_what_is_declined():
    X, y = table(True)
    small = clone(FORESTS[0]).set_params(n_estimators=99)
    assert answer_of(job_of(small, X, y, "folds")) is None
    mine = type("Mine", (ExtraTreesClassifier,), {})()
    assert answer_of(job_of(mine, X, y, "folds")) is None
    y = np.where(np.arange(len(y)) == 0, 2, y > 1)
    assert answer_of(job_of(FORESTS[0], X, y, "folds")) is None


def test_small_tables_grow_more():
    X, y = table(True)
    assert shortcut(job_of(FORESTS[0], X, y, "folds"), level="approximate") is None
    many = clone(FORESTS[0]).set_params(n_estimators=200)
    answer = shortcut(job_of(many, X, y, "folds"), level="approximate")
    shares = np.concatenate(answer.blocks) * 100
    np.testing.assert_allclose(shares, shares.round(), atol=1e-9)


def test_groups_have_it_and_exact_has_not():
    X, y = table(True)
    groups = np.arange(len(y)) // 3
    learners = [
        ("random", RandomForestClassifier(200, random_state=0)),
        ("extra", ExtraTreesClassifier(200, random_state=0)),
    ]
    paths = out_of_fold(learners, X, y, groups=groups, shortcuts="approximate").paths
    assert paths == {"random": "fewer trees", "extra": "fewer trees"}
    assert out_of_fold(learners, X, y).paths == {"random": "refit", "extra": "refit"}
    stack = StackingClassifier(learners, shortcuts="approximate", refit=False).fit(X, y)
    assert stack.oof_.paths == {"random": "out-of-bag", "extra": "fewer trees"}


def test_kept_fold_models_share_out_the_trees():
    X, y = table(True)
    learners = [("extra", ExtraTreesClassifier(600, random_state=0))]
    stack = StackingClassifier(learners, shortcuts="approximate", refit=False).fit(X, y)
    models = stack.named_estimators_["extra"].models
    assert [len(model.estimators_) for model in models] == [120] * 5
    for model, (_, test) in zip(models, stack.oof_.splits, strict=True):
        expected = model.predict_proba(X[test])
        np.testing.assert_allclose(stack.oof_.matrix[test], expected, rtol=1e-12)


def test_small_tables_are_fitted_plainly():
    with mock.patch.object(out_of_bag, "FEWEST_ROWS", 2000):
        assert answer_of(job_of(FORESTS[0], *table(True), "folds")) is None
