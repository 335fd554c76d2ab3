"""The features of a Gaussian process."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta.learners import KernelFeatures


@pytest.fixture(scope="module")
def wave():
    X = np.random.default_rng(0).normal(size=(250, 4))
    return X, np.sin(2 * X[:, 0]) + 0.5 * X[:, 1]


def test_columns_that_say_nothing_get_long_scales(wave):
    scales = KernelFeatures(random_state=0).fit(*wave).kernel_.k2.length_scale
    assert scales[:2].max() < 0.25 * scales[2:].min()


def test_with_all_rows_as_landmarks_it_is_the_gaussian_process(wave):
    X, y = wave
    features = KernelFeatures(n_components=200, random_state=0).fit(X[:200], y[:200])
    process = GaussianProcessRegressor(features.kernel_ + WhiteKernel(0.1), optimizer=None)
    ridge = make_pipeline(features, Ridge(0.1, fit_intercept=False)).fit(X[:200], y[:200])
    exact = process.fit(X[:200], y[:200]).predict(X[200:])
    np.testing.assert_allclose(ridge.predict(X[200:]), exact, atol=1e-2)


def test_many_columns_share_a_scale(wave):
    X, y = wave
    features = KernelFeatures(max_scales=3, random_state=0).fit(X, y)
    assert np.ndim(features.kernel_.k2.length_scale) == 0


def test_equal_rows_cost_no_precision(wave):
    X, y = np.tile(wave[0][:30], (4, 1)), np.tile(wave[1][:30], 4)
    features = KernelFeatures(random_state=0).fit(X, y)
    table = features.transform(X)
    assert table.shape == (120, len(features.get_feature_names_out()))
    assert 5 < table.shape[1] <= 30
    assert np.isfinite(table).all()


@pytest.mark.parametrize("n_classes", [1, 2, 4])
def test_classes(n_classes):
    X = np.random.default_rng(0).uniform(size=(300, 3))
    y = np.array(["a", "b", "c", "d"])[(X[:, 0] * n_classes).astype(int)]
    features = KernelFeatures(classifies=True, random_state=0)
    if n_classes == 1:
        assert features.fit(X, y).transform(X).shape[0] == 300
        return
    model = make_pipeline(features, LogisticRegression(C=10.0)).fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.9


def test_same_seed_same_features(wave):
    a, b = (KernelFeatures(50, random_state=1).fit(*wave).transform(wave[0]) for _ in range(2))
    assert np.array_equal(a, b)
    assert a.shape[1] <= 50


@parametrize_with_checks([KernelFeatures(50, random_state=0)])
def test_sklearn_checks(estimator, check):
    check(estimator)
