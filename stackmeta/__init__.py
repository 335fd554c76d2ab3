"""Stacked generalization for scikit-learn: faster, with any split, and nothing thrown away."""

from ._export import export
from .clusters import StackingClusterer
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
    OnlineWeightsClassifier,
    OnlineWeightsRegressor,
    PartiallyPooledClassifier,
    PartiallyPooledRegressor,
    RecentClassifier,
    RecentRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)
from .evaluation import audit, rolling_evaluation
from .multi_target import MultiTargetStackingClassifier, MultiTargetStackingRegressor
from .multitask import MultiTaskStackingClassifier, MultiTaskStackingRegressor
from .out_of_fold import OutOfFold, OutOfFoldStore, out_of_fold
from .outliers import StackingOutlierDetector
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
    "MultiTargetStackingClassifier",
    "MultiTargetStackingRegressor",
    "MultiTaskStackingClassifier",
    "MultiTaskStackingRegressor",
    "OnlineWeightsClassifier",
    "OnlineWeightsRegressor",
    "OutOfFold",
    "OutOfFoldStore",
    "OutOfFoldTransformer",
    "PartiallyPooledClassifier",
    "PartiallyPooledRegressor",
    "RecentClassifier",
    "RecentRegressor",
    "SignedWeightsClassifier",
    "SignedWeightsRegressor",
    "StackingClassifier",
    "StackingClusterer",
    "StackingOutlierDetector",
    "StackingRegressor",
    "SuperLearnerClassifier",
    "SuperLearnerRegressor",
    "audit",
    "export",
    "out_of_fold",
    "rolling_evaluation",
]
