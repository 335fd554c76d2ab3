"""The second level: learners that read a table and what the first level's learners made of it."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from ..combiners import MetaLearnerClassifier, MetaLearnerRegressor
from ..combiners.default_candidates import default_candidates
from .pipelines import on_categories, on_codes


def second_level(*, classifies: bool, random_state: int | None) -> list[tuple[str, BaseEstimator]]:
    """List the candidates of a blend: combiners of predictions, then learners on all columns.

    Parameters
    ----------
    classifies : bool
        Whether classes are predicted.
    random_state : int or None
        Seed of the learners.
    """
    from lightgbm import LGBMClassifier, LGBMRegressor

    meta = MetaLearnerClassifier if classifies else MetaLearnerRegressor
    booster = LGBMClassifier if classifies else LGBMRegressor
    trees = ExtraTreesClassifier if classifies else ExtraTreesRegressor
    common: dict[str, Any] = {
        "n_estimators": 150,
        "learning_rate": 0.05,
        "num_leaves": 15,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.5,
        "reg_lambda": 5.0,
        "n_jobs": 1,
        "random_state": random_state,
        "verbosity": -1,
    }
    grown = trees(150, min_samples_leaf=3, max_features=0.5, random_state=random_state)
    return [
        *default_candidates(classifies=classifies),
        ("second_lightgbm", meta(on_categories(booster(**common)), passthrough=True)),
        (
            "second_lightgbm_extra",
            meta(on_categories(booster(**common, extra_trees=True)), passthrough=True),
        ),
        ("second_extra_trees", meta(on_codes(grown), passthrough=True)),
    ]
