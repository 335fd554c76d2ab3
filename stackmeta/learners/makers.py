"""What each learner of the portfolio is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import ElasticNetCV, LogisticRegression, RidgeCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)

from ..compat import elastic_net_classifier
from .device import lightgbm_device, xgboost_device
from .early_stopping import EarlyStoppingClassifier, EarlyStoppingRegressor
from .few_rows import NeighboursClassifier, NeighboursRegressor, NormalBayes
from .kernel_features import KernelFeatures
from .pipelines import on_categories, on_codes, on_indicators, on_numbers

# Of a fold's forest: the average of the fold models has eight times as many.
_TREES = 100
_ROWS_A_LEAF = 10_000
_DART_ROUNDS = 100
# What LightGBM does on the CPU alone.
_CPU_ONLY = {"linear_tree", "extra_trees"}


@dataclass(frozen=True)
class Table:
    """What a portfolio depends on."""

    classifies: bool
    n_rows: int
    n_classes: int
    seed: int | None
    pace: float = 1.0
    device: str = "cpu"

    @property
    def trees_a_round(self) -> int:
        """Trees that a booster grows in a round."""
        return self.n_classes if self.n_classes > 2 else 1


def _stopped(table: Table, learner: BaseEstimator, patience: int = 40) -> BaseEstimator:
    kind = EarlyStoppingClassifier if table.classifies else EarlyStoppingRegressor
    most = max(60, 1200 // max(1, table.trees_a_round // 2))
    return kind(
        learner,
        max_rounds=round(most / table.pace),
        patience=round(patience / table.pace),
        random_state=table.seed,
    )


def lightgbm(table: Table, *features: BaseEstimator, **params: Any) -> BaseEstimator:
    """LightGBM, after transformers that add columns."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    common: dict[str, Any] = {
        "learning_rate": 0.05,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.8,
        # Without these, rare classes are given probabilities far too sure.
        "reg_lambda": 5.0,
        "min_child_weight": 1.0,
        "n_jobs": 1,
        "random_state": table.seed,
        "verbosity": -1,
    }
    if not _CPU_ONLY.intersection(params):
        common["device_type"] = lightgbm_device(table.device)
    kind = LGBMClassifier if table.classifies else LGBMRegressor
    booster = kind(**{**common, **params})
    booster.set_params(learning_rate=table.pace * booster.learning_rate)
    return _stopped(table, on_categories(booster, *features))


def xgboost(table: Table, **params: Any) -> BaseEstimator:
    """XGBoost."""
    return _stopped(table, on_categories(_xgboost(table, **params)))


def _xgboost(table: Table, **params: Any) -> Any:
    from xgboost import XGBClassifier, XGBRegressor

    common = {
        "learning_rate": table.pace * 0.05,
        "subsample": 0.8,
        "colsample_bytree": 0.7,
        "max_depth": 6,
        "min_child_weight": 2.0,
        "reg_lambda": 2.0,
        "enable_categorical": True,
        "device": xgboost_device(table.device),
        "n_jobs": 1,
        "random_state": table.seed,
    }
    kind = XGBClassifier if table.classifies else XGBRegressor
    return kind(**{**common, **params})


def xgboost_indicators(table: Table) -> BaseEstimator:
    """XGBoost on indicators of categories."""
    return _stopped(table, on_indicators(_xgboost(table, max_depth=5, colsample_bytree=0.4)))


def xgboost_dart(table: Table) -> BaseEstimator:
    """XGBoost whose rounds leave some earlier trees out [1]_: cost grows with their square.

    References
    ----------
    .. [1] R. K. Vinayak and R. Gilad-Bachrach, "DART: dropouts meet multiple additive regression
       trees", International Conference on Artificial Intelligence and Statistics, 2015.
    """
    booster = _xgboost(table, booster="dart", rate_drop=0.1, learning_rate=0.15)
    return _stopped(table, on_categories(booster)).set_params(max_rounds=_DART_ROUNDS)


def forest(table: Table) -> BaseEstimator:
    """Bootstrapped trees."""
    return _trees(table, RandomForestClassifier, RandomForestRegressor, 0.5, 2)


def extra_trees(table: Table) -> BaseEstimator:
    """Trees with random splits, grown to the end."""
    return _trees(table, ExtraTreesClassifier, ExtraTreesRegressor, 0.7, 1)


def extra_trees_wide(table: Table) -> BaseEstimator:
    """Trees with random splits that look at all columns."""
    trees = _trees(table, ExtraTreesClassifier, ExtraTreesRegressor, 1.0, 1)
    if table.classifies:
        trees[-1].set_params(max_features=1.0, criterion="entropy")
    return trees


def _trees(
    table: Table, classifier: type, regressor: type, max_features: float, least: int
) -> Any:
    # More rows a leaf where there are many: models would grow with the rows.
    leaf = max(least, table.n_rows // _ROWS_A_LEAF)
    common = {"n_estimators": _TREES, "min_samples_leaf": leaf, "random_state": table.seed}
    if table.classifies:
        return on_codes(classifier(**common))
    return on_codes(regressor(**common, max_features=max_features))


def linear(table: Table) -> BaseEstimator:
    """Logistic regression, or ridge regression."""
    return on_numbers(_linear(table, 0.3, np.logspace(-2, 4, 13)))


def elastic_net(table: Table) -> BaseEstimator:
    """Linear, with a penalty that leaves columns out."""
    if table.classifies:
        return on_numbers(elastic_net_classifier(C=0.05, l1_ratio=0.5, random_state=table.seed))
    return on_numbers(ElasticNetCV(l1_ratio=0.5, cv=3, random_state=table.seed))


def naive_bayes(table: Table) -> BaseEstimator:
    """Naive Bayes on normal scores."""
    return on_numbers(NormalBayes(var_smoothing=1e-2), _normal(table), StandardScaler())


def splines(table: Table) -> BaseEstimator:
    """Linear in cubic splines of each number."""
    curves = SplineTransformer(n_knots=6, degree=3, knots="quantile")
    last = _linear(table, 0.03, np.logspace(-2, 4, 13))
    return on_numbers(last, StandardScaler(), curves, StandardScaler())


def kernel(table: Table) -> BaseEstimator:
    """Linear in Nyström features of one width."""
    n_components = min(300, max(table.n_rows // 2, 1))
    features = Nystroem(n_components=n_components, random_state=table.seed)
    return on_numbers(make_pipeline(features, _linear(table, 10.0, np.logspace(-3, 2, 11))))


def gaussian_process(table: Table) -> BaseEstimator:
    """Linear in features of a kernel that was learned."""
    features = KernelFeatures(400, classifies=table.classifies, random_state=table.seed)
    last = _linear(table, 5.0, np.logspace(-4, 2, 13))
    return on_numbers(make_pipeline(features, last), _normal(table), StandardScaler())


def _linear(table: Table, C: float, alphas: np.ndarray) -> BaseEstimator:
    return (
        LogisticRegression(C=C, max_iter=500)
        if table.classifies
        else RidgeCV(alphas=alphas.tolist())
    )


def neighbours(table: Table) -> BaseEstimator:
    """Nearest neighbours."""
    # Weights by distance would make copies of a training row sure of their class.
    if table.classifies:
        learner = NeighboursClassifier(40, algorithm="brute")
    else:
        learner = NeighboursRegressor(20, weights="distance", algorithm="brute")
    return on_numbers(learner, dtype=np.float32)


def hist(table: Table) -> BaseEstimator:
    """HistGradientBoosting."""
    kind = HistGradientBoostingClassifier if table.classifies else HistGradientBoostingRegressor
    booster = kind(
        learning_rate=0.05 * table.pace,
        max_leaf_nodes=15,
        max_features=0.5,
        l2_regularization=5.0,
        random_state=table.seed,
    )
    return _stopped(table, on_categories(booster))


def catboost(table: Table) -> BaseEstimator:
    """CatBoost, where it is installed."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if table.classifies else CatBoostRegressor
    booster = kind(
        learning_rate=0.05 * table.pace,
        depth=6,
        task_type="GPU" if table.device == "cuda" else "CPU",
        thread_count=1,
        random_seed=table.seed,
    )
    return _stopped(table, on_indicators(booster))


def _normal(table: Table) -> BaseEstimator:
    return QuantileTransformer(
        n_quantiles=100, output_distribution="normal", random_state=table.seed
    )


def network(table: Table, *layers: int) -> BaseEstimator:
    """Layers on normal scores."""
    return _trained(table, layers, 1e-3, _normal(table), StandardScaler())


def network_on_bins(table: Table, alpha: float) -> BaseEstimator:
    """Piecewise linear encoding of numbers, after Gorishniy et al. (NeurIPS 2022)."""
    bins = SplineTransformer(n_knots=12, degree=1, knots="quantile")
    both = FeatureUnion([("normal", _normal(table)), ("bins", bins)])
    return _trained(table, (256,), alpha, StandardScaler(), both, StandardScaler())


def _trained(
    table: Table, layers: tuple[int, ...], alpha: float, *after_imputing: BaseEstimator
) -> BaseEstimator:
    network = (MLPClassifier if table.classifies else MLPRegressor)(
        hidden_layer_sizes=layers,
        alpha=alpha,
        batch_size=int(np.clip(table.n_rows // 50, 16, 256)),
        random_state=table.seed,
    )
    kind = EarlyStoppingClassifier if table.classifies else EarlyStoppingRegressor
    learner = on_numbers(network, *after_imputing, dtype=np.float32)
    return kind(learner, max_rounds=120, patience=12, random_state=table.seed)
