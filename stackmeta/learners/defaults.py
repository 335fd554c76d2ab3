"""The default learners: seven kinds that err in different ways."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline

from .pipelines import on_categories, on_codes, on_numbers


def default_learners(task: str, *, random_state: int | None = 0) -> list[tuple[str, Pipeline]]:
    """List the default learners for a raw table.

    Each is a pipeline that takes the table as it is (strings, categories, dates, missing
    values) and runs on one thread: the stack runs several at once.

    Parameters
    ----------
    task : {"classification", "regression"}
        What is predicted.
    random_state : int or None, default=0
        Seed of the learners that draw random numbers.

    Returns
    -------
    learners : list of (str, Pipeline)
        ``linear``, ``neighbours``, ``forest``, ``extra_trees``, ``hist_boosting``,
        ``lightgbm`` and ``xgboost``.

    Raises
    ------
    ValueError
        If ``task`` is another word.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta.learners import default_learners
    >>> X = pd.DataFrame({"colour": ["red", "blue", None] * 20, "size": range(60)})
    >>> y = [colour == "red" for colour in X["colour"]]
    >>> dict(default_learners("classification"))["forest"].fit(X, y).score(X, y)
    1.0
    """
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification' or 'regression', got {task!r}.")
    classifies = task == "classification"
    return [
        ("linear", on_numbers(_linear(classifies))),
        ("neighbours", on_numbers(_neighbours(classifies))),
        ("forest", on_codes(_forest(classifies, random_state))),
        ("extra_trees", on_codes(_extra_trees(classifies, random_state))),
        ("hist_boosting", on_categories(_hist_boosting(classifies, random_state))),
        ("lightgbm", on_categories(_lightgbm(classifies, random_state))),
        ("xgboost", on_categories(_xgboost(classifies, random_state))),
    ]


def _linear(classifies: bool) -> BaseEstimator:
    if classifies:
        return LogisticRegression(max_iter=1000)
    return RidgeCV(alphas=np.logspace(-2, 4, 13).tolist())


def _neighbours(classifies: bool) -> BaseEstimator:
    return (KNeighborsClassifier if classifies else KNeighborsRegressor)(n_neighbors=30)


def _forest(classifies: bool, seed: int | None) -> BaseEstimator:
    # Leaves of a few rows give probabilities other than 0 and 1, and smaller models.
    if classifies:
        return RandomForestClassifier(150, min_samples_leaf=3, random_state=seed)
    return RandomForestRegressor(150, max_features=0.5, min_samples_leaf=3, random_state=seed)


def _extra_trees(classifies: bool, seed: int | None) -> BaseEstimator:
    if classifies:
        return ExtraTreesClassifier(150, min_samples_leaf=3, random_state=seed)
    return ExtraTreesRegressor(150, max_features=0.7, min_samples_leaf=3, random_state=seed)


def _hist_boosting(classifies: bool, seed: int | None) -> BaseEstimator:
    make = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    return make(
        learning_rate=0.06,
        max_iter=300,
        l2_regularization=5.0,
        early_stopping=True,
        random_state=seed,
    )


def _lightgbm(classifies: bool, seed: int | None) -> BaseEstimator:
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMClassifier if classifies else LGBMRegressor)(
        n_estimators=300,
        learning_rate=0.05,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        # Without these, rare classes are given probabilities far too sure.
        reg_lambda=5.0,
        min_child_weight=1.0,
        n_jobs=1,
        random_state=seed,
        verbosity=-1,
    )


def _xgboost(classifies: bool, seed: int | None) -> BaseEstimator:
    from xgboost import XGBClassifier, XGBRegressor

    return (XGBClassifier if classifies else XGBRegressor)(
        n_estimators=300,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.8,
        enable_categorical=True,
        n_jobs=1,
        random_state=seed,
    )
