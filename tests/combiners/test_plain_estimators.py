"""What every scikit-learn estimator does, on valid predictions."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

import stackmeta.combiners
from stackmeta.combiners import (
    AveragingRegressor,
    BestLearnerRegressor,
    CombinerTags,
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
    FeatureWeightedClassifier,
    FeatureWeightedRegressor,
    LocalCompetenceClassifier,
    LocalCompetenceRegressor,
    MetaLearnerClassifier,
    MetaLearnerRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)

from .given import BINARY_ONLY, CLASSIFIERS, REGRESSORS, binary, multiclass, regression

TASKS = [
    *((combiner, binary(90, 3)) for combiner in CLASSIFIERS + BINARY_ONLY),
    *((combiner, multiclass(90, 3)) for combiner in CLASSIFIERS),
    *((combiner, regression(90, 3)) for combiner in REGRESSORS),
    *((combiner, regression(90, 3, 2)) for combiner in REGRESSORS),
]
READ_FOLDS = (
    *(CrossFittedBlendClassifier, CrossFittedBlendRegressor),
    *(FeatureWeightedClassifier, FeatureWeightedRegressor),
    *(LocalCompetenceClassifier, LocalCompetenceRegressor),
    *(MetaLearnerClassifier, MetaLearnerRegressor),
    *(SignedWeightsClassifier, SignedWeightsRegressor),
)
WEIGH_AGAINST_A_PENALTY = (
    *(CrossFittedBlendClassifier, CrossFittedBlendRegressor),
    *(MetaLearnerClassifier, MetaLearnerRegressor, SignedWeightsClassifier),
)
all_tasks = pytest.mark.parametrize(("combiner", "task"), TASKS)


def answer(combiner, X):
    return combiner.predict_proba(X) if is_classifier(combiner) else combiner.predict(X)


@all_tasks
def test_shapes(combiner, task):
    P, y = task
    combiner = clone(combiner).fit(P, y)
    if hasattr(combiner, "weights_"):
        assert combiner.weights_.shape == (3,)
        if not isinstance(combiner, SignedWeightsClassifier | SignedWeightsRegressor):
            assert_allclose(combiner.weights_.sum(), 1)
    assert combiner.n_features_in_ == P.shape[1]
    assert combiner.predict(P).shape == y.shape
    if is_classifier(combiner):
        proba = combiner.predict_proba(P)
        assert proba.shape == (90, len(combiner.classes_))
        assert_allclose(proba.sum(axis=1), 1)
        assert (proba >= 0).all()
    assert np.isfinite(combiner.score(P, y))


@all_tasks
def test_clone_pickle_and_fit_again(combiner, task):
    P, y = task
    combiner = clone(combiner)
    expected = answer(combiner.fit(P, y), P)
    assert_array_equal(answer(pickle.loads(pickle.dumps(combiner)), P), expected)
    assert_array_equal(answer(combiner.fit(P, y), P), expected)
    assert_array_equal(answer(clone(combiner).fit(P, y), P), expected)


@all_tasks
def test_containers_and_types(combiner, task):
    P, y = task
    combiner = clone(combiner)
    expected = answer(combiner.fit(P, y), P)
    readonly = P.copy()
    readonly.flags.writeable = False
    for X in (readonly, np.asfortranarray(P), np.repeat(P, 2, axis=1)[:, ::2], P.tolist()):
        assert_allclose(answer(combiner.fit(X, y), X), expected, rtol=1e-9)
    small = P.astype(np.float32)
    assert_allclose(answer(combiner.fit(small, y), small), expected, rtol=1e-3, atol=1e-4)
    assert_array_equal(readonly, P)


@all_tasks
def test_frames(combiner, task):
    P, y = task
    combiner = clone(combiner)
    expected = answer(combiner.fit(P, y), P)
    names = [f"learner {k}" for k in range(P.shape[1])]
    frame = pd.DataFrame(P, columns=names)
    combiner.fit(frame, y)
    assert list(combiner.feature_names_in_) == names
    assert_allclose(answer(combiner, frame), expected)
    with pytest.raises(ValueError, match="feature names should match"):
        combiner.predict(frame[names[::-1]])
    polars = pl.from_pandas(frame)
    assert_allclose(answer(clone(combiner).fit(polars, y), polars), expected)


@all_tasks
def test_integer_weights_are_repeated_rows(combiner, task):
    P, y = task
    times = np.random.default_rng(0).integers(0, 4, size=90)
    times[:3] = 1
    folds = np.arange(90) % 3
    weighted = answer(clone(combiner).fit(P, y, sample_weight=times, folds=folds), P)
    rows = np.repeat(np.arange(90), times)
    repeated = answer(clone(combiner).fit(P[rows], y[rows], folds=folds[rows]), P)
    assert_allclose(weighted, repeated, rtol=1e-5, atol=1e-5)


@all_tasks
def test_units_of_weights_do_not_matter(combiner, task):
    if isinstance(combiner, WEIGH_AGAINST_A_PENALTY):
        pytest.skip("more rows mean less penalty")
    P, y = task
    weight = np.random.default_rng(0).uniform(size=90)
    expected = answer(clone(combiner).fit(P, y, sample_weight=weight), P)
    for unit in (1e-300, 1e300):
        fitted = clone(combiner).fit(P, y, sample_weight=weight * unit)
        assert_allclose(answer(fitted, P), expected, rtol=1e-6)


@all_tasks
def test_folds_are_taken_and_ignored_or_read(combiner, task):
    P, y = task
    folds = [(np.arange(45), np.arange(45, 90)), (np.arange(45, 90), np.arange(45))]
    fitted = clone(combiner).fit(P, y, folds=folds)
    assert np.isfinite(answer(fitted, P)).all()
    if isinstance(combiner, READ_FOLDS) or getattr(combiner, "calibrate", False):
        return
    assert_array_equal(answer(fitted, P), answer(clone(combiner).fit(P, y), P))


def test_string_labels():
    P, y = multiclass(60, 2)
    labels = np.array(["ant", "bee", "cat"])
    combiner = ConvexClassifier().fit(P, labels[y])
    assert list(combiner.classes_) == ["ant", "bee", "cat"]
    assert_array_equal(combiner.predict(P), labels[ConvexClassifier().fit(P, y).predict(P)])


def test_tags():
    convex, mean = get_tags(ConvexClassifier()), get_tags(AveragingRegressor())
    assert isinstance(convex, CombinerTags)
    assert isinstance(mean, CombinerTags)
    assert convex.zero_weights
    assert convex.reads_probabilities
    for selection in (BestLearnerRegressor, EnsembleSelectionRegressor):
        assert get_tags(selection()).zero_weights
    assert get_tags(EnsembleSelectionClassifier()).reads_probabilities
    assert not mean.zero_weights
    assert not mean.reads_probabilities
    assert convex.input_tags.allow_nan
    assert mean.input_tags.allow_nan
    assert mean.target_tags.multi_output
    assert not convex.target_tags.multi_output
    assert convex.estimator_type == "classifier"
    assert mean.estimator_type == "regressor"


def test_unused_weights_are_exactly_zero():
    P, y = binary(300, 2)
    P = np.column_stack([P, 0.9 - 0.8 * y])
    for combiner in (ConvexClassifier(), ConvexClassifier(loss="brier"), ConvexRegressor()):
        assert combiner.fit(P, y).weights_[2] == 0.0


def test_metadata_requests():
    with config_context(enable_metadata_routing=True):
        combiner = ConvexRegressor().set_fit_request(sample_weight=True, folds=True)
        requests = combiner.get_metadata_routing()
    assert requests.fit.requests == {"sample_weight": True, "folds": True}
    assert requests.predict.requests == {}


def test_all_names_exist():
    for name in stackmeta.combiners.__all__:
        assert getattr(stackmeta.combiners, name).__doc__
