"""Models that are trained in rounds: how each library trains, watches, and predicts with fewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from ..compat import lightgbm_eval

_RATIO = 1.1
_LEAST = 1e-7
_FORGETTING = 3


def stages_up_to(rounds: int) -> np.ndarray:
    """Numbers of rounds after which a model is asked, each about a tenth larger than the last.

    Examples
    --------
    >>> from stackmeta.learners.staged import stages_up_to
    >>> stages_up_to(15)
    array([ 1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15])
    >>> stages_up_to(100)[-5:]
    array([68, 75, 82, 90, 99])
    """
    stages = [1]
    while stages[-1] <= rounds:
        stages.append(max(stages[-1] + 1, round(stages[-1] * _RATIO)))
    return np.array(stages[:-1])


def log_loss_of(probabilities: np.ndarray, codes: np.ndarray) -> float:
    """Mean log loss of class codes."""
    found = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(found, _LEAST)).mean())


def _keep_all(model: Any, rounds: int) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """What can be done with the models of a library.

    Attributes
    ----------
    fit : callable ``(model, X, y, rounds, params)``
        Train so many rounds.
    watch : callable ``(model, X, y, held, rounds, patience, params) -> int``
        Train until ``held``, a pair of X and y, has not gained for ``patience`` rounds, or to
        ``rounds``; return how many there were.
    answer : callable ``(model, X, method, rounds) -> ndarray``
        Predict with the first rounds.
    answers : callable ``(model, X, method, stages) -> iterator``, default=None
        The same for increasing numbers of rounds, where there is a quicker way.
    keep : callable ``(model, rounds)``
        Forget what other numbers of rounds would need, where that takes memory.
    """

    fit: Callable
    watch: Callable
    answer: Callable
    answers: Callable | None = None
    keep: Callable = _keep_all

    def each(self, model: Any, X: Any, method: str, stages: np.ndarray) -> Iterator[np.ndarray]:
        """Predict with the first rounds, for each of increasing numbers of them."""
        if self.answers is not None:
            yield from self.answers(model, X, method, stages)
        else:
            for rounds in stages:
                yield self.answer(model, X, method, int(rounds))


def _fit_lightgbm(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    model.set_params(n_estimators=rounds).fit(X, y, **params)


def _watch_lightgbm(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    model.set_params(n_estimators=rounds)
    model.fit(X, y, callbacks=[_lightgbm_stop(patience)], **lightgbm_eval(*held), **params)
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
    return getattr(model, method)(X, num_iteration=rounds)


def _fit_xgboost(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    model.set_params(n_estimators=rounds, early_stopping_rounds=None).fit(X, y, **params)


def _watch_xgboost(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    model.set_params(n_estimators=rounds, early_stopping_rounds=patience)
    model.fit(X, y, eval_set=[held], verbose=False, **params)
    return int(model.get_booster().num_boosted_rounds())


def _answer_xgboost(model: Any, X: Any, method: str, rounds: int) -> np.ndarray:
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


def _epochs(model: Any, X: Any, y: Any, rounds: int, params: dict) -> Iterator[int]:
    """Train a network; after each epoch it holds the average of its late weights.

    The average forgets polynomially: the last quarter of the epochs counts most. It stands in for
    a learning rate that falls, which scikit-learn's Adam has not [1]_.

    References
    ----------
    .. [1] O. Shamir and T. Zhang, "Stochastic gradient descent for non-smooth optimization",
       International Conference on Machine Learning, 2013.
    """
    classes = {"classes": np.unique(y)} if is_classifier(model) else {}
    y = _scaled(model, y)
    model.partial_fit(X, y, **classes, **params)
    averages = _copies(model.coefs_), _copies(model.intercepts_)
    for number in range(1, rounds + 1):
        if number > 1:
            model.partial_fit(X, y, **params)
        trained = model.coefs_, model.intercepts_
        share = (_FORGETTING + 1) / (number + _FORGETTING)
        for average, new in zip(chain(*averages), chain(*trained), strict=True):
            average += share * (new - average)
        model.coefs_, model.intercepts_ = averages
        yield number
        if number < rounds:
            model.coefs_, model.intercepts_ = trained


def _fit_network(model: Any, X: Any, y: Any, rounds: int, params: dict) -> None:
    for _ in _epochs(model, X, y, rounds, params):
        pass


def _watch_network(
    model: Any, X: Any, y: Any, held: tuple, rounds: int, patience: int, params: dict
) -> int:
    stages = set(stages_up_to(rounds).tolist())
    model.snapshots_ = {}
    least, best = np.inf, 0
    for number in _epochs(model, X, y, rounds, params):
        if number in stages:
            model.snapshots_[number] = _copies(model.coefs_), _copies(model.intercepts_)
        loss = _network_loss(model, *held)
        if loss < least:
            least, best = loss, number
        if number - best >= patience or not np.isfinite(loss):
            break
    return number


def _answer_network(model: Any, X: Any, method: str, rounds: int) -> np.ndarray:
    if rounds in getattr(model, "snapshots_", ()):
        model.coefs_, model.intercepts_ = model.snapshots_[rounds]
    answer = getattr(model, method)(X)
    if is_classifier(model):
        return answer
    centre, scale = model.target_scale_
    return answer * scale + centre


def _keep_network(model: Any, rounds: int) -> None:
    model.coefs_, model.intercepts_ = model.snapshots_[rounds]
    del model.snapshots_


def _scaled(model: Any, y: np.ndarray) -> np.ndarray:
    """Give a network numbers of size one to learn."""
    if is_classifier(model):
        return y
    model.target_scale_ = y.mean(), y.std() or 1.0
    return (y - model.target_scale_[0]) / model.target_scale_[1]


def _copies(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [array.copy() for array in arrays]


def _network_loss(model: Any, X: Any, y: np.ndarray) -> float:
    if is_classifier(model):
        return log_loss_of(model.predict_proba(X), y)
    centre, scale = model.target_scale_
    return float(((model.predict(X) * scale + centre - y) ** 2).mean())


_KINDS = {
    "LGBM": Kind(_fit_lightgbm, _watch_lightgbm, _answer_lightgbm),
    "XGB": Kind(_fit_xgboost, _watch_xgboost, _answer_xgboost),
    "HistGradientBoosting": Kind(_fit_hist, _watch_hist, _answer_hist, _answers_hist),
    "CatBoost": Kind(_fit_catboost, _watch_catboost, _answer_catboost),
    "MLP": Kind(_fit_network, _watch_network, _answer_network, keep=_keep_network),
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
