"""The portfolio: learners for raw tables that add to each other, by what a table is like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import QuantileTransformer, SplineTransformer, StandardScaler

from .crosses import CrossedColumns
from .early_stopping import EarlyStoppingClassifier, EarlyStoppingRegressor
from .kernel_features import KernelFeatures
from .pipelines import on_categories, on_codes, on_numbers

# Of a fold's forest: the average of the fold models has eight times as many.
_TREES = 100
# What is cheap comes first where many classes make the others slow: boosters grow a tree a class a
# round.
_MANY_CLASSES = 8
_SLOWER = (("network", "gaussian_process"), ("lightgbm", "xgboost"))
PRESETS = ("fast", "balanced", "best")


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


def _lightgbm(table: Table, *features: BaseEstimator, **params: Any) -> BaseEstimator:
    from lightgbm import LGBMClassifier, LGBMRegressor

    common = {
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
    kind = LGBMClassifier if table.classifies else LGBMRegressor
    booster = kind(**{**common, **params})
    booster.set_params(learning_rate=table.pace * booster.learning_rate)
    return _stopped(table, on_categories(booster, *features))


def _xgboost(table: Table, **params: Any) -> BaseEstimator:
    from xgboost import XGBClassifier, XGBRegressor

    common = {
        "learning_rate": table.pace * 0.05,
        "subsample": 0.8,
        "colsample_bytree": 0.7,
        "max_depth": 6,
        "min_child_weight": 2.0,
        "reg_lambda": 2.0,
        "enable_categorical": True,
        "device": table.device,
        "n_jobs": 1,
        "random_state": table.seed,
    }
    kind = XGBClassifier if table.classifies else XGBRegressor
    return _stopped(table, on_categories(kind(**{**common, **params})))


def _forest(table: Table) -> BaseEstimator:
    # Leaves of a few rows give probabilities other than 0 and 1, and smaller models.
    if table.classifies:
        forest = RandomForestClassifier(_TREES, min_samples_leaf=2, random_state=table.seed)
    else:
        forest = RandomForestRegressor(
            _TREES, max_features=0.5, min_samples_leaf=2, random_state=table.seed
        )
    return on_codes(forest)


def _extra_trees(table: Table) -> BaseEstimator:
    if table.classifies:
        trees = ExtraTreesClassifier(_TREES, min_samples_leaf=2, random_state=table.seed)
    else:
        trees = ExtraTreesRegressor(
            _TREES, max_features=0.7, min_samples_leaf=2, random_state=table.seed
        )
    return on_codes(trees)


def _linear(table: Table) -> BaseEstimator:
    if table.classifies:
        return on_numbers(LogisticRegression(C=0.3, max_iter=500))
    return on_numbers(RidgeCV(alphas=np.logspace(-2, 4, 13)))


def _splines(table: Table) -> BaseEstimator:
    curves = SplineTransformer(n_knots=6, degree=3, knots="quantile")
    steps = (StandardScaler(), curves, StandardScaler())
    if table.classifies:
        return on_numbers(LogisticRegression(C=0.03, max_iter=500), *steps)
    return on_numbers(RidgeCV(alphas=np.logspace(-2, 4, 13)), *steps)


def _kernel(table: Table) -> BaseEstimator:
    features = Nystroem(n_components=300, random_state=table.seed)
    if table.classifies:
        return on_numbers(make_pipeline(features, LogisticRegression(C=10.0, max_iter=500)))
    return on_numbers(make_pipeline(features, RidgeCV(alphas=np.logspace(-3, 2, 11))))


def _gaussian_process(table: Table) -> BaseEstimator:
    features = KernelFeatures(classifies=table.classifies, random_state=table.seed)
    if table.classifies:
        last: BaseEstimator = LogisticRegression(C=5.0, max_iter=500)
    else:
        last = RidgeCV(alphas=np.logspace(-4, 2, 13))
    return on_numbers(make_pipeline(features, last), _normal(table), StandardScaler())


def _neighbours(table: Table) -> BaseEstimator:
    kind = KNeighborsClassifier if table.classifies else KNeighborsRegressor
    return on_numbers(kind(n_neighbors=20, weights="distance"))


def _normal(table: Table) -> BaseEstimator:
    return QuantileTransformer(
        n_quantiles=100, output_distribution="normal", random_state=table.seed
    )


def _network(table: Table, *layers: int) -> BaseEstimator:
    return _trained(table, layers, 1e-3, _normal(table), StandardScaler())


def _network_on_bins(table: Table, alpha: float) -> BaseEstimator:
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
    learner = on_numbers(network, *after_imputing)
    return kind(learner, max_rounds=120, patience=12, random_state=table.seed)


@dataclass(frozen=True)
class _Entry:
    make: Callable[[Table], BaseEstimator]
    preset: str = "fast"
    suits: Callable[[Table], bool] = lambda table: True


# In the order of what each adds, on 19 real tables, to a convex combination of those before it,
# for its seconds.
_ENTRIES = {
    "linear": _Entry(_linear),
    "splines": _Entry(_splines),
    "lightgbm_small": _Entry(
        lambda table: _lightgbm(table, num_leaves=7, learning_rate=0.08),
    ),
    "neighbours": _Entry(_neighbours, "balanced"),
    "xgboost_lossguide": _Entry(
        lambda table: _xgboost(table, grow_policy="lossguide", max_leaves=24, max_depth=0),
    ),
    "kernel": _Entry(_kernel, "balanced"),
    "lightgbm_crosses": _Entry(
        lambda table: _lightgbm(
            table,
            CrossedColumns(classifies=table.classifies, random_state=table.seed),
            num_leaves=15,
        ),
        "balanced",
    ),
    "network": _Entry(lambda table: _network(table, 128, 64)),
    "lightgbm_linear": _Entry(
        lambda table: _lightgbm(table, linear_tree=True, num_leaves=8, linear_lambda=1.0),
        "balanced",
        lambda table: not table.classifies,
    ),
    "lightgbm_extra": _Entry(
        lambda table: _lightgbm(table, extra_trees=True, num_leaves=63, learning_rate=0.06),
        "balanced",
    ),
    "xgboost": _Entry(_xgboost, "balanced"),
    "network_bins": _Entry(lambda table: _network_on_bins(table, alpha=1e-3), "balanced"),
    "extra_trees": _Entry(_extra_trees, "balanced"),
    "gaussian_process": _Entry(_gaussian_process, "balanced"),
    "network_wide": _Entry(lambda table: _network(table, 256), "balanced"),
    "forest": _Entry(_forest, "balanced"),
    "lightgbm": _Entry(_lightgbm, "balanced"),
    "network_smooth": _Entry(lambda table: _network_on_bins(table, alpha=1.0), "best"),
}


def portfolio(
    task: str,
    *,
    preset: str = "balanced",
    n_rows: int = 10_000,
    n_classes: int = 2,
    pace: float = 1.0,
    device: str = "cpu",
    random_state: int | None = 0,
) -> list[tuple[str, BaseEstimator]]:
    """List learners for a raw table, those first that add most for their seconds.

    Each takes the table as it is (strings, categories, dates, missing values) and runs on one
    thread: the stack runs several at once. Boosters and networks stop early.

    Parameters
    ----------
    task : {"classification", "regression"}
        What is predicted.
    preset : {"fast", "balanced", "best"}, default="balanced"
        How many.
    n_rows : int, default=10_000
        Rows of the table, on which batches and what is too slow depend.
    n_classes : int, default=2
        Classes, on which the rounds of boosters depend.
    pace : float, default=1.0
        Boosters learn so much faster, in fewer rounds.
    device : {"cpu", "cuda"}, default="cpu"
        Where XGBoost computes.
    random_state : int or None, default=0
        Seed of the learners that draw random numbers.

    Returns
    -------
    learners : list of (str, estimator)

    Raises
    ------
    ValueError
        If ``task`` or ``preset`` is another word.

    Examples
    --------
    >>> from stackmeta.learners import portfolio
    >>> [name for name, _ in portfolio("classification", preset="fast")]
    ['linear', 'splines', 'lightgbm_small', 'xgboost_lossguide', 'network']
    """
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification' or 'regression', got {task!r}.")
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {[*PRESETS]}, got {preset!r}.")
    table = Table(task == "classification", n_rows, n_classes, random_state, pace, device)
    wanted = PRESETS[: PRESETS.index(preset) + 1]
    names = [x for x, one in _ENTRIES.items() if one.preset in wanted and one.suits(table)]
    if n_classes > _MANY_CLASSES:
        names.sort(key=lambda name: [name.startswith(slow) for slow in reversed(_SLOWER)])
    return [(name, _ENTRIES[name].make(table)) for name in names]
