"""Networks of scikit-learn, epoch by epoch, with late weights averaged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from .stages import Kind, log_loss_of, stages_up_to

_FORGETTING = 3


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
    y = _scaled(model, y, X.dtype)
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


def _scaled(model: Any, y: np.ndarray, dtype: Any) -> np.ndarray:
    """Give a network numbers of size one to learn, as precise as its rows."""
    if is_classifier(model):
        return y
    model.target_scale_ = y.mean(), y.std() or 1.0
    return ((y - model.target_scale_[0]) / model.target_scale_[1]).astype(dtype)


def _copies(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [array.copy() for array in arrays]


def _network_loss(model: Any, X: Any, y: np.ndarray) -> float:
    if is_classifier(model):
        return log_loss_of(model.predict_proba(X), y)
    centre, scale = model.target_scale_
    return float(((model.predict(X) * scale + centre - y) ** 2).mean())


NETWORK = Kind(_fit_network, _watch_network, _answer_network, keep=_keep_network)
