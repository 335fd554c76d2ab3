"""The detectors, and the adapter that lets any detector be a learner."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta.unsupervised import (
    AbnormalityScore,
    ComponentDetector,
    HistogramDetector,
    MahalanobisDetector,
    NeighbourDetector,
    SubsampledDetector,
    TailDetector,
    default_detectors,
)

DETECTORS = [
    TailDetector(),
    TailDetector(rotate=True),
    HistogramDetector(),
    HistogramDetector(rotate=True, n_bins=7),
    NeighbourDetector(),
    MahalanobisDetector(),
    ComponentDetector(),
    ComponentDetector(by_rank=True),
    SubsampledDetector(OneClassSVM(nu=0.5), max_rows=30, n_samples=2),
]


class AsInPyOD(BaseEstimator):
    """The interface of PyOD: the higher, the more abnormal; no score_samples; 1 for outliers."""

    def fit(self, X, y=None):
        self.centre_ = np.mean(X, axis=0)
        self.decision_scores_ = self.decision_function(X)
        self.threshold_ = np.quantile(self.decision_scores_, 0.9)
        return self

    def decision_function(self, X):
        return np.linalg.norm(np.asarray(X) - self.centre_, axis=1)

    def predict(self, X):
        return (self.decision_function(X) > self.threshold_).astype(int)


class AsInScikitLearn(AsInPyOD):
    """scikit-learn's sign, and no score_samples."""

    def decision_function(self, X):
        return -np.linalg.norm(np.asarray(X) - self.centre_, axis=1)

    def predict(self, X):
        return np.where(self.decision_function(X) < np.quantile(self.decision_scores_, 0.1), -1, 1)


@pytest.fixture(scope="module")
def blob():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 3)) @ random.normal(size=(3, 3))
    X[:15] = random.normal(size=(15, 3)) * 8
    return X, np.arange(300) < 15


@parametrize_with_checks(DETECTORS)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: type(d).__name__)
def test_finds_what_lies_far_out(detector, blob):
    X, is_outlier = blob
    assert roc_auc_score(is_outlier, -detector.fit(X).score_samples(X)) > 0.85


@pytest.mark.parametrize(("name", "detector"), default_detectors(random_state=0))
def test_default_detectors_take_raw_tables(name, detector):
    table = pd.DataFrame(
        {
            "size": [1.0, np.nan, 2.0, 1.5] * 20,
            "colour": ["red", "blue", None, "red"] * 20,
            "day": ["2024-05-30", "2024-05-31"] * 40,
            "same": 1,
            "empty": np.nan,
        }
    )
    new = table.iloc[:3].assign(colour=["red", "never seen", None], size=[1.0, 2.0, 1e6])
    scores = detector.fit(table).score_samples(new)
    assert np.isfinite(scores).all()
    assert scores[2] < scores[0]


@pytest.mark.parametrize(
    "detector",
    [
        IsolationForest(n_estimators=20, random_state=0),
        LocalOutlierFactor(novelty=True),
        KernelDensity(),
        AsInPyOD(),
        AsInScikitLearn(),
        make_pipeline(StandardScaler(), AsInPyOD()),
        make_pipeline(StandardScaler(), AsInScikitLearn()),
        make_pipeline(StandardScaler(), IsolationForest(n_estimators=20, random_state=0)),
    ],
    ids=str,
)
def test_higher_is_more_abnormal_whatever_the_detector_says(detector, blob):
    X, is_outlier = blob
    assert roc_auc_score(is_outlier, AbnormalityScore(detector).fit(X).predict(X)) > 0.8


def test_pyod_where_it_is_installed(blob):
    hbos = pytest.importorskip("pyod.models.hbos")
    X, is_outlier = blob
    assert roc_auc_score(is_outlier, AbnormalityScore(hbos.HBOS()).fit(X).predict(X)) > 0.85


def test_histograms_on_components_see_what_breaks_a_correlation():
    x = np.random.default_rng(0).normal(size=(500, 1))
    X = np.hstack([x, x + 0.01 * np.random.default_rng(1).normal(size=(500, 1))])
    row = [[0.5, -0.5]]
    plain, turned = (HistogramDetector(rotate=r).fit(X) for r in (False, True))
    assert plain.predict(row)[0] == 1
    assert turned.predict(row)[0] == -1


def test_mahalanobis_of_rows_in_a_plane():
    X = np.random.default_rng(0).normal(size=(100, 2)) @ np.ones((2, 3))
    assert np.isfinite(MahalanobisDetector().fit(X).score_samples(X)).all()
    assert np.isfinite(MahalanobisDetector().fit(X[:3]).score_samples(X)).all()


def test_samples_are_drawn_where_there_are_more_rows(blob):
    X, _ = blob
    detector = SubsampledDetector(NeighbourDetector(), max_rows=50, n_samples=3, random_state=0)
    sizes = [d._search.n_samples_fit_ for d in detector.fit(X).detectors_]
    assert sizes == [50, 50, 50]
    assert len(detector.fit(X[:40]).detectors_) == 1


@pytest.mark.parametrize("wrong", [0.0, 0.6, "auto"])
def test_contamination_is_a_share(wrong, blob):
    with pytest.raises(ValueError, match="contamination"):
        TailDetector(contamination=wrong).fit(blob[0])
