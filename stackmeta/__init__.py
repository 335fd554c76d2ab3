"""Stacked generalization for scikit-learn: faster, with any split, and nothing thrown away."""

from .combiners import (
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
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)
from .out_of_fold import OutOfFold, OutOfFoldStore, out_of_fold
from .stacking import StackingClassifier, StackingRegressor
from .super_learner import SuperLearnerClassifier, SuperLearnerRegressor
from .transformer import OutOfFoldTransformer

__version__ = "0.1.0.dev0"

__all__ = [
    "AveragingClassifier",
    "AveragingRegressor",
    "BayesianClassifier",
    "BayesianRegressor",
    "BestLearnerClassifier",
    "BestLearnerRegressor",
    "ConvexClassifier",
    "ConvexRegressor",
    "CrossFittedBlendClassifier",
    "CrossFittedBlendRegressor",
    "EnsembleSelectionClassifier",
    "EnsembleSelectionRegressor",
    "FeatureWeightedClassifier",
    "FeatureWeightedRegressor",
    "LocalCompetenceClassifier",
    "LocalCompetenceRegressor",
    "MetaLearnerClassifier",
    "MetaLearnerRegressor",
    "OutOfFold",
    "OutOfFoldStore",
    "OutOfFoldTransformer",
    "SignedWeightsClassifier",
    "SignedWeightsRegressor",
    "StackingClassifier",
    "StackingRegressor",
    "SuperLearnerClassifier",
    "SuperLearnerRegressor",
    "out_of_fold",
]
