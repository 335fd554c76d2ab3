"""The portfolio: learners for raw tables that add to each other, by what a table is like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from sklearn.base import BaseEstimator

from . import makers
from .crosses import CrossedColumns
from .makers import Table

# Boosters grow a tree a class a round: with many classes these come before all others, boosters
# after them.
_MANY_CLASSES = 5
_FIRST = ("extra_trees", "linear", "extra_trees_wide", "forest", "kernel", "splines", "neighbours")
BOOSTERS = ("lightgbm", "xgboost", "hist", "catboost")
# All pairs of rows are too many beyond, when it comes to predictions.
_FEW_ROWS = 2_000
PRESETS = ("fast", "balanced", "best")


def _has_catboost(table: Table) -> bool:
    return find_spec("catboost") is not None


@dataclass(frozen=True)
class _Entry:
    make: Callable[[Table], BaseEstimator]
    preset: str = "fast"
    suits: Callable[[Table], bool] = lambda table: True


# Mostly in the order of what each adds, on 19 real tables, to a convex combination of those before
# it, for its seconds; what only "best" has comes last.
_ENTRIES = {
    "linear": _Entry(makers.linear),
    "splines": _Entry(makers.splines),
    "lightgbm_small": _Entry(
        lambda table: makers.lightgbm(table, num_leaves=7, learning_rate=0.08),
    ),
    "neighbours": _Entry(makers.neighbours, "balanced", lambda table: table.n_rows <= _FEW_ROWS),
    "xgboost_lossguide": _Entry(
        lambda table: makers.xgboost(table, grow_policy="lossguide", max_leaves=24, max_depth=0),
    ),
    "extra_trees": _Entry(makers.extra_trees, "balanced"),
    "kernel": _Entry(makers.kernel, "balanced"),
    "lightgbm_crosses": _Entry(
        lambda table: makers.lightgbm(
            table,
            CrossedColumns(classifies=table.classifies, random_state=table.seed),
            num_leaves=15,
        ),
        "balanced",
    ),
    "network": _Entry(lambda table: makers.network(table, 128, 64)),
    "lightgbm_linear": _Entry(
        lambda table: makers.lightgbm(table, linear_tree=True, num_leaves=8, linear_lambda=1.0),
        "balanced",
        lambda table: not table.classifies,
    ),
    "lightgbm_extra": _Entry(
        lambda table: makers.lightgbm(table, extra_trees=True, num_leaves=63, learning_rate=0.06),
        "balanced",
    ),
    "xgboost_indicators": _Entry(makers.xgboost_indicators, "balanced"),
    "xgboost": _Entry(makers.xgboost, "balanced"),
    "network_bins": _Entry(lambda table: makers.network_on_bins(table, alpha=1e-3), "balanced"),
    "extra_trees_wide": _Entry(makers.extra_trees_wide, "balanced"),
    "gaussian_process": _Entry(makers.gaussian_process, "balanced"),
    "network_wide": _Entry(lambda table: makers.network(table, 256), "balanced"),
    "forest": _Entry(makers.forest, "balanced"),
    "lightgbm": _Entry(makers.lightgbm, "balanced"),
    "xgboost_shallow": _Entry(
        lambda table: makers.xgboost(table, max_depth=4, colsample_bytree=0.5), "best"
    ),
    "hist": _Entry(makers.hist, "best"),
    "catboost": _Entry(makers.catboost, "best", _has_catboost),
    "elastic_net": _Entry(makers.elastic_net, "best"),
    "naive_bayes": _Entry(makers.naive_bayes, "best", lambda table: table.classifies),
    "lightgbm_deep": _Entry(
        lambda table: makers.lightgbm(
            table, num_leaves=95, min_child_samples=10, learning_rate=0.03, colsample_bytree=0.4
        ),
        "best",
    ),
    "lightgbm_median": _Entry(
        lambda table: makers.lightgbm(table, objective="quantile", alpha=0.5, num_leaves=15),
        "best",
        lambda table: not table.classifies,
    ),
    "network_smooth": _Entry(lambda table: makers.network_on_bins(table, alpha=1.0), "best"),
    "xgboost_dart": _Entry(makers.xgboost_dart, "best"),
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
        Where boosters compute, those whose library can.
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
        rest = [name for name in names if name not in _FIRST]
        rest.sort(key=lambda name: name.startswith(BOOSTERS))
        names = [name for name in _FIRST if name in names] + rest
    return [(name, _ENTRIES[name].make(table)) for name in names]
