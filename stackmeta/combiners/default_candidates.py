"""The candidates that CrossFittedBlend tries where none are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV

from .convex import ConvexClassifier, ConvexRegressor
from .ensemble_selection import EnsembleSelectionClassifier, EnsembleSelectionRegressor
from .meta_learner import MetaLearnerClassifier, MetaLearnerRegressor
from .signed_weights import SignedWeightsClassifier, SignedWeightsRegressor


def default_candidates(*, classifies: bool) -> list[tuple[str, BaseEstimator]]:
    """List combiners that err in different ways, simplest first."""
    # Imported here for the sake of `import stackmeta`.
    from lightgbm import LGBMClassifier, LGBMRegressor

    trees: dict[str, Any] = {
        "n_estimators": 100,
        "learning_rate": 0.05,
        "num_leaves": 7,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.5,
        "n_jobs": 1,
        "random_state": 0,
        "verbose": -1,
    }
    if classifies:
        weak, strong = (LogisticRegression(C=C, max_iter=1000) for C in (0.01, 0.1))
        return [
            ("convex", ConvexClassifier(calibrate=True)),
            ("ensemble_selection", EnsembleSelectionClassifier()),
            ("signed_weights", SignedWeightsClassifier()),
            ("logistic", MetaLearnerClassifier(weak)),
            ("less_penalized_logistic", MetaLearnerClassifier(strong)),
            ("trees", MetaLearnerClassifier(LGBMClassifier(**trees), features="probabilities")),
        ]
    return [
        ("convex", ConvexRegressor()),
        ("ensemble_selection", EnsembleSelectionRegressor()),
        ("signed_weights", SignedWeightsRegressor()),
        ("ridge", MetaLearnerRegressor(RidgeCV(np.logspace(-3, 4, 15)))),
        ("trees", MetaLearnerRegressor(LGBMRegressor(**trees))),
    ]
