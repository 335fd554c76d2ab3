"""Predictions made up for the tests, and combiners that take any table for predictions."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.linear_model import Ridge

from stackmeta.combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BayesianClassifier,
    BayesianRegressor,
    BestLearnerClassifier,
    BestLearnerRegressor,
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
    OnlineWeightsClassifier,
    PartiallyPooledClassifier,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)

CLASSIFIERS = [
    ConvexClassifier(),
    ConvexClassifier(calibrate=True),
    MetaLearnerClassifier(),
    SignedWeightsClassifier(),
    CrossFittedBlendClassifier([("convex", ConvexClassifier()), ("mean", AveragingClassifier())]),
    ConvexClassifier(ridge=0.1),
    ConvexClassifier(loss="brier"),
    AveragingClassifier(),
    AveragingClassifier(method="median"),
    AveragingClassifier(method="geometric"),
    BestLearnerClassifier(),
    EnsembleSelectionClassifier(),
    EnsembleSelectionClassifier(scoring="accuracy", n_steps=8),
    LocalCompetenceClassifier(),
    FeatureWeightedClassifier(),
    BayesianClassifier(random_state=0),
    BayesianClassifier(method="pseudo_bma", n_samples=100, random_state=0),
    BayesianClassifier(method="stacking"),
]
REGRESSORS = [
    ConvexRegressor(),
    MetaLearnerRegressor(),
    SignedWeightsRegressor(),
    CrossFittedBlendRegressor([("convex", ConvexRegressor()), ("ridge", Ridge())]),
    ConvexRegressor(ridge=0.1),
    ConvexRegressor(loss="absolute_error"),
    ConvexRegressor(loss="quantile", quantile=0.8),
    AveragingRegressor(),
    AveragingRegressor(method="median"),
    AveragingRegressor(method="rank"),
    BestLearnerRegressor(),
    EnsembleSelectionRegressor(),
    EnsembleSelectionRegressor(n_bags=3, random_state=0),
    LocalCompetenceRegressor(),
    FeatureWeightedRegressor(),
    BayesianRegressor(random_state=0),
    BayesianRegressor(method="pseudo_bma", n_samples=100, random_state=0),
    BayesianRegressor(method="stacking"),
]
BINARY_ONLY = [AveragingClassifier(method="rank")]


def binary(n_rows=200, n_learners=4, seed=0, noise=1.0):
    """Probabilities of class 1 from learners of falling quality, and labels 0/1."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n_rows)
    y = (rng.uniform(size=n_rows) < 1 / (1 + np.exp(-2 * signal))).astype(int)
    y[:2] = 0, 1
    spread = noise * (0.5 + np.arange(n_learners))
    logits = 2 * signal[:, None] + spread * rng.normal(size=(n_rows, n_learners))
    return expit(logits), y


def multiclass(n_rows=200, n_learners=3, n_classes=3, seed=0):
    """Probabilities, learner by learner, and labels 0 … n_classes - 1."""
    rng = np.random.default_rng(seed)
    signal = 1.5 * rng.normal(size=(n_rows, n_classes))
    y = (signal + rng.gumbel(size=signal.shape)).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    spread = (0.5 + np.arange(n_learners))[:, None]
    logits = signal[:, None] + spread * rng.normal(size=(n_rows, n_learners, n_classes))
    return softmax(logits, axis=2).reshape(n_rows, -1), y


def regression(n_rows=200, n_learners=4, n_targets=1, seed=0):
    """Predictions, learner by learner, and y of shape (n_rows,) or (n_rows, n_targets)."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n_rows, n_targets)) + 5
    spread = (0.5 + np.arange(n_learners))[:, None]
    P = y[:, None] + spread * rng.normal(size=(n_rows, n_learners, n_targets))
    return P.reshape(n_rows, -1), (y[:, 0] if n_targets == 1 else y)


class _AnyTable:
    """Turns each number of X into probabilities, row by row, once X has been validated.

    scikit-learn's checks feed estimators tables of any numbers. With this, all that a
    combiner does with its input is checked, but on valid predictions.
    """

    def _as_predictions(self, matrix, rows=None):
        if self._n_outputs == 1:
            matrix = expit(np.clip(matrix, -30, 30))
        else:
            angles = np.linspace(0, np.pi, self._n_outputs)
            matrix = softmax(np.clip(matrix, -30, 30)[:, :, None] * np.cos(angles), axis=2)
            matrix = matrix.reshape(len(matrix), -1)
        return super()._as_predictions(matrix, rows)

    def _column_names(self):
        return None


class ConvexOfAnything(_AnyTable, ConvexClassifier):
    pass


class AveragingOfAnything(_AnyTable, AveragingClassifier):
    pass


class BayesianOfAnything(_AnyTable, BayesianClassifier):
    pass


class BestLearnerOfAnything(_AnyTable, BestLearnerClassifier):
    pass


class EnsembleSelectionOfAnything(_AnyTable, EnsembleSelectionClassifier):
    pass


class LocalCompetenceOfAnything(_AnyTable, LocalCompetenceClassifier):
    pass


class FeatureWeightedOfAnything(_AnyTable, FeatureWeightedClassifier):
    pass


class CrossFittedBlendOfAnything(_AnyTable, CrossFittedBlendClassifier):
    pass


class MetaLearnerOfAnything(_AnyTable, MetaLearnerClassifier):
    pass


class SignedWeightsOfAnything(_AnyTable, SignedWeightsClassifier):
    pass


class OnlineWeightsOfAnything(_AnyTable, OnlineWeightsClassifier):
    pass


class PartiallyPooledOfAnything(_AnyTable, PartiallyPooledClassifier):
    pass
