"""Any scikit-learn estimator as a combiner."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from stackmeta.combiners import (
    ConvexClassifier,
    CrossFittedBlendClassifier,
    MetaLearnerClassifier,
    MetaLearnerRegressor,
)
from stackmeta.learners import default_learners

from .given import binary, multiclass, regression


def test_it_reads_log_odds():
    P, y = binary(100)
    P = P.clip(0.001, 0.999)
    odds = np.log(P / (1 - P))
    plain = LogisticRegression(C=0.01, max_iter=1000).fit(odds, y)
    assert_allclose(
        MetaLearnerClassifier().fit(P, y).predict_proba(P), plain.predict_proba(odds), rtol=1e-6
    )
    bare = LogisticRegression().fit(P, y)
    combiner = MetaLearnerClassifier(LogisticRegression(), features="probabilities").fit(P, y)
    assert_allclose(combiner.predict_proba(P), bare.predict_proba(P))


def test_of_several_classes_it_reads_centred_logs():
    P, y = multiclass(150)
    logs = np.log(P.clip(1e-6)).reshape(150, 3, 3)
    logs = (logs - logs.mean(axis=2, keepdims=True)).reshape(150, 9)
    plain = LogisticRegression(C=0.01, max_iter=1000).fit(logs, y)
    assert_allclose(
        MetaLearnerClassifier().fit(P, y).predict_proba(P), plain.predict_proba(logs), rtol=1e-6
    )


def test_zeros_and_ones_are_no_infinite_odds():
    P = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.9], [1.0, 0.2]])
    assert np.isfinite(MetaLearnerClassifier().fit(P, [0, 1, 0, 1]).predict_proba(P)).all()


def test_weights_go_to_the_estimator():
    P, y = binary(100)
    weight = np.random.default_rng(0).integers(0, 3, 100)
    rows = np.repeat(np.arange(100), weight)
    for combiner in (MetaLearnerClassifier(), MetaLearnerRegressor()):
        weighted = combiner.fit(P, y, sample_weight=weight).estimator_.coef_
        assert_allclose(combiner.fit(P[rows], y[rows]).estimator_.coef_, weighted, atol=1e-4)
    with pytest.raises(TypeError, match="does not take sample_weight"):
        MetaLearnerClassifier(KNeighborsClassifier()).fit(P, y, sample_weight=weight)


def test_several_targets():
    P, y = regression(100, 3, n_targets=2)
    assert MetaLearnerRegressor(LinearRegression()).fit(P, y).predict(P).shape == (100, 2)


def test_folds_are_brought_to_one_mean():
    """Folds that differ by a shift alone are the same to the estimator."""
    P, y = regression(90, 2)
    numbers = np.arange(90) % 3
    combiner = MetaLearnerRegressor(LinearRegression())
    coef = combiner.fit(P, y, folds=numbers).estimator_.coef_
    shifted = P + 7.0 * numbers[:, None]
    assert_allclose(combiner.fit(shifted, y, folds=numbers).estimator_.coef_, coef)


def test_bad_estimators_are_refused():
    P, y = binary(50)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        MetaLearnerClassifier(LinearSVC()).fit(P, y)
    with pytest.raises(ValueError, match="'features' parameter"):
        MetaLearnerClassifier(features="logit").fit(P, y)


def test_trees():
    P, y = multiclass(200)
    trees = HistGradientBoostingClassifier(max_iter=20)
    combiner = MetaLearnerClassifier(trees, features="probabilities").fit(P, y)
    assert combiner.score(P, y) > 0.8


class TestPassthrough:
    """The estimator reads the table's other columns beside the predictions."""

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    table = pd.DataFrame(
        {
            "learner": rng.uniform(0.3, 0.7, 200),
            "colour": np.where(y == 1, "red", "blue"),
            "size": rng.normal(size=200),
        }
    )

    def test_a_raw_table(self):
        raw = dict(default_learners("classification"))["forest"]
        combiner = MetaLearnerClassifier(
            raw, passthrough=True, prediction_columns=["learner"]
        ).fit(self.table, self.y)
        assert list(combiner.estimator_.feature_names_in_) == ["learner", "colour", "size"]
        assert combiner.score(self.table, self.y) == 1.0
        moved = self.table[["size", "learner", "colour"]]
        with pytest.raises(ValueError, match="feature names"):
            combiner.predict(moved)

    def test_an_array_and_a_regressor(self):
        X = np.column_stack([self.table["learner"], self.y * 3.0])
        combiner = MetaLearnerRegressor(Ridge(1e-6), passthrough=True, prediction_columns=1)
        assert combiner.fit(X, self.y).score(X, self.y) > 0.999
        assert MetaLearnerRegressor(prediction_columns=1).fit(X, self.y).score(X, self.y) < 0.1

    def test_without_other_columns_nothing_changes(self):
        P = self.table[["learner"]].to_numpy()
        plain = MetaLearnerClassifier().fit(P, self.y).predict_proba(P)
        passed = MetaLearnerClassifier(passthrough=True).fit(P, self.y).predict_proba(P)
        assert np.array_equal(plain, passed)

    def test_as_a_candidate_of_a_blend(self):
        trees = MetaLearnerClassifier(
            dict(default_learners("classification"))["lightgbm"], passthrough=True
        )
        blend = CrossFittedBlendClassifier(
            [("convex", ConvexClassifier()), ("trees", trees)], prediction_columns=["learner"]
        ).fit(self.table, self.y)
        assert blend.candidate_weights_["trees"] > 0.9
        assert blend.score(self.table, self.y) == 1.0
