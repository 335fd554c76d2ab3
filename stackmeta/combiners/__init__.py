"""Level 1: combiners of predictions, plain scikit-learn estimators.

>>> import numpy as np
>>> from stackmeta.combiners import ConvexRegressor
>>> y = np.array([1.0, 2.0, 4.0])
>>> ConvexRegressor().fit(np.column_stack([y + 1, y - 1]), y).weights_
array([0.5, 0.5])
"""

from .averaging import AveragingClassifier, AveragingRegressor
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .bayesian import BayesianClassifier, BayesianRegressor
from .best_learner import BestLearnerClassifier, BestLearnerRegressor
from .convex import ConvexClassifier, ConvexRegressor
from .cross_fitted_blend import CrossFittedBlendClassifier, CrossFittedBlendRegressor
from .ensemble_selection import EnsembleSelectionClassifier, EnsembleSelectionRegressor
from .feature_weighted import FeatureWeightedClassifier, FeatureWeightedRegressor
from .local_competence import LocalCompetenceClassifier, LocalCompetenceRegressor
from .meta_learner import MetaLearnerClassifier, MetaLearnerRegressor
from .online_weights import OnlineWeightsClassifier, OnlineWeightsRegressor
from .partially_pooled import PartiallyPooledClassifier, PartiallyPooledRegressor
from .recent import RecentClassifier, RecentRegressor
from .signed_weights import SignedWeightsClassifier, SignedWeightsRegressor
from .tags import CombinerTags
from .weight_prior import WeightPrior

__all__ = [
    "AveragingClassifier",
    "AveragingRegressor",
    "BaseCombiner",
    "BaseCombinerClassifier",
    "BaseCombinerRegressor",
    "BayesianClassifier",
    "BayesianRegressor",
    "BestLearnerClassifier",
    "BestLearnerRegressor",
    "CombinerTags",
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
    "OnlineWeightsClassifier",
    "OnlineWeightsRegressor",
    "PartiallyPooledClassifier",
    "PartiallyPooledRegressor",
    "RecentClassifier",
    "RecentRegressor",
    "SignedWeightsClassifier",
    "SignedWeightsRegressor",
    "WeightPrior",
]
