"""How each library trains in rounds, watches, and predicts with fewer of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..compat import lightgbm_eval
from .coded import as_coded
from .staged_network import NETWORK
from .stages import Kind


def _fit_lightgbm(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    _train_lightgbm(model, *as_coded(X), y, rounds, params)


def _train_lightgbm(
    model: Any, X: Any, levels: dict[int, Any], y: Any, rounds: int, params: dict
) -> None:
    params = {**params, **({"categorical_feature": list(levels)} if levels else {})}
    model.set_params(n_estimators=rounds).fit(X, y, **params)
    model.levels_ = levels


def _watch_lightgbm(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    X, levels = as_coded(X)
    watched = lightgbm_eval(as_coded(held[0], levels)[0], held[1])
    params = {**params, **watched, "callbacks": [_lightgbm_stop(patience)]}
    _train_lightgbm(model, X, levels, y, rounds, params)
    return int(model.booster_.current_iteration())


def _lightgbm_stop(patience: int) -> Callable:
    """Make a callback that ends the training as LightGBM's own does, but keeps all the rounds."""
    from lightgbm import EarlyStopException

    best, least = 0, np.inf

    def stop(env: Any) -> None:
        nonlocal best, least
        _, _, value, higher_is_better, *_ = env.evaluation_result_list[0]
        loss = -value if higher_is_better else value
        if loss < least:
            best, least = env.iteration, loss
        if env.iteration - best >= patience:
            raise EarlyStopException(env.iteration, env.evaluation_result_list)

    return stop


def _answer_lightgbm(model: Any, X: Any, method: str, rounds: int) -> np.ndarray:
    return getattr(model, method)(as_coded(X, model.levels_)[0], num_iteration=rounds)


def _fit_xgboost(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    _train_xgboost(model, *as_coded(X), y, rounds, None, params)


def _train_xgboost(
    model: Any,
    X: Any,
    levels: dict[int, Any],
    y: Any,
    rounds: int,
    patience: int | None,
    params: dict,
) -> None:
    if levels:
        kinds = ["c" if i in levels else "q" for i in range(X.shape[1])]
        model.set_params(feature_types=kinds)
    model.set_params(n_estimators=rounds, early_stopping_rounds=patience).fit(X, y, **params)
    model.levels_ = levels


def _watch_xgboost(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    X, levels = as_coded(X)
    watched = {"eval_set": [(as_coded(held[0], levels)[0], held[1])], "verbose": False}
    _train_xgboost(model, X, levels, y, rounds, patience, {**params, **watched})
    return int(model.get_booster().num_boosted_rounds())


def _answer_xgboost(model: Any, X: Any, method: str, rounds: int) -> np.ndarray:
    X = as_coded(X, model.levels_)[0]
    return getattr(model, method)(X, iteration_range=(0, rounds))


def _fit_hist(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    model.set_params(max_iter=rounds, early_stopping=False).fit(X, y, **params)


def _watch_hist(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    model.set_params(max_iter=rounds, early_stopping=True, n_iter_no_change=patience, tol=0.0)
    model.fit(X, y, X_val=held[0], y_val=held[1], **params)
    return int(model.n_iter_)


def _answers_hist(model: Any, X: Any, method: str, stages: np.ndarray) -> Iterator[np.ndarray]:
    wanted = set(stages.tolist())
    for number, answer in enumerate(getattr(model, f"staged_{method}")(X), start=1):
        if number in wanted:
            yield answer
        if number == stages[-1]:
            return


def _answer_hist(model: Any, X: Any, method: str, rounds: int) -> np.ndarray:
    if rounds == model.n_iter_:
        return getattr(model, method)(X)
    return next(_answers_hist(model, X, method, np.array([rounds])))


def _fit_catboost(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    model.set_params(iterations=rounds, verbose=False, allow_writing_files=False)
    model.fit(X, y, **params)


def _watch_catboost(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    model.set_params(iterations=rounds, verbose=False, allow_writing_files=False)
    stop = {"eval_set": held, "early_stopping_rounds": patience, "use_best_model": False}
    model.fit(X, y, **stop, **params)
    return int(model.tree_count_)


def _answer_catboost(model: Any, X: Any, method: str, rounds: int) -> np.ndarray:
    return getattr(model, method)(X, ntree_end=rounds)


_KINDS = {
    "LGBM": Kind(_fit_lightgbm, _watch_lightgbm, _answer_lightgbm),
    "XGB": Kind(_fit_xgboost, _watch_xgboost, _answer_xgboost),
    "HistGradientBoosting": Kind(_fit_hist, _watch_hist, _answer_hist, _answers_hist),
    "CatBoost": Kind(_fit_catboost, _watch_catboost, _answer_catboost),
    "MLP": NETWORK,
}


def kind_of(model: Any) -> Kind:
    """Find what can be done with a model by the name of its class, or of a class above it.

    Raises
    ------
    TypeError
        If it is trained in no rounds that are known here.
    """
    names = [base.__name__ for base in type(model).__mro__]
    for start, kind in _KINDS.items():
        if any(name.startswith(start) for name in names):
            return kind
    raise TypeError(
        f"{type(model).__name__} is not known to be trained in rounds; known are estimators of "
        "LightGBM, XGBoost, CatBoost, HistGradientBoosting and MLP."
    )
