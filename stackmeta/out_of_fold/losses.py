"""Loss of out-of-fold predictions, learner by learner."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, get_scorer, log_loss, root_mean_squared_error
from sklearn.utils.metaestimators import available_if

from .response import PROBABILITIES
from .target import Target

_LEAST = float(np.finfo(np.float32).eps)


def default_loss(target: Target, methods: dict[str, str]) -> str:
    """Name the loss that all learners can be compared by.

    Root mean squared error for numbers; log loss if every learner gives probabilities; else
    the error rate.
    """
    if target.kind == "numbers":
        return "root_mean_squared_error"
    probabilities = all(method in PROBABILITIES for method in methods.values())
    return "log_loss" if probabilities else "error_rate"


def loss_of_block(block: np.ndarray, method: str, target: Target, loss: str) -> float:
    """Loss of one learner's predictions under the name that :func:`default_loss` gave."""
    if loss == "root_mean_squared_error":
        return float(root_mean_squared_error(target.y, block))
    if loss == "error_rate":
        if method == "decision_function" and block.shape[1] != target.n_columns(method):
            return np.nan  # a score for each pair of classes
        return 1.0 - float(accuracy_score(target.y, class_codes(block, method, target)))
    probabilities = full_probabilities(block, method, target)
    if target.kind == "multilabel":
        return float(
            np.mean(
                [
                    log_loss(y, p, labels=[0, 1])
                    for y, p in zip(target.y.T, probabilities.T, strict=True)
                ]
            )
        )
    return float(log_loss(target.y, probabilities, labels=np.arange(target.n_classes)))


def row_losses(
    block: np.ndarray,
    rows: np.ndarray,
    method: str,
    target: Target,
    loss: str | None = None,
) -> np.ndarray:
    """Loss of each of some rows of y: squared error, minus log probability, or 0 and 1.

    Of probabilities it is the logarithm, unless ``loss`` is "error_rate".
    """
    y = target.y[rows]
    if target.kind == "numbers":
        return ((block - y.reshape(len(y), -1)) ** 2).mean(axis=1)
    if method not in PROBABILITIES or loss == "error_rate":
        wrong = class_codes(block, method, target) != y
        return wrong.reshape(len(y), -1).mean(axis=1)
    probabilities = full_probabilities(block, method, target)
    if target.kind == "multilabel":
        probabilities = np.where(y == 1, probabilities, 1 - probabilities)
    else:
        probabilities = probabilities[np.arange(len(y)), y][:, None]
    return -np.log(np.maximum(probabilities, _LEAST)).mean(axis=1)


def score_of_block(block: np.ndarray, method: str, target: Target, scoring: Any) -> float:
    """Score of one learner's predictions by a scikit-learn scorer (greater is better)."""
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    recorded: BaseEstimator
    if target.kind == "numbers":
        recorded = _RecordedRegressor(block)
    else:
        recorded = _RecordedClassifier(block, method, target)
    return float(scorer(recorded, np.arange(len(block)).reshape(-1, 1), target.original_y))


def full_probabilities(block: np.ndarray, method: str, target: Target) -> np.ndarray:
    """Probabilities of all classes (multilabel: P(class 1) of each output)."""
    probabilities = np.exp(block) if method == "predict_log_proba" else block
    if target.kind == "multilabel":
        return probabilities
    if target.n_classes == 2:
        return np.hstack([1 - probabilities, probabilities])
    # Learners that answer in float32 sum to one in float32 only.
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def class_codes(block: np.ndarray, method: str, target: Target) -> np.ndarray:
    """Class codes that a block of predictions stands for."""
    if method == "predict":
        codes = np.clip(np.rint(block), 0, target.n_classes - 1).astype(np.intp)
        return codes if target.kind == "multilabel" else codes[:, 0]
    threshold = {"predict_proba": 0.5, "predict_log_proba": np.log(0.5)}.get(method, 0.0)
    if block.shape[1] not in (1, target.n_classes, target.n_outputs):
        raise ValueError(
            f"{method} gave {block.shape[1]} columns for {target.n_classes} classes: it does not "
            "say which class is best. Use decision_function_shape='ovr'."
        )
    if target.kind == "multilabel":
        return (block > threshold).astype(np.intp)
    if block.shape[1] == 1:
        return (block[:, 0] > threshold).astype(np.intp)
    return block.argmax(axis=1)


class _RecordedRegressor(RegressorMixin, BaseEstimator):
    """Stand-in for a fitted learner: scorers read its out-of-fold predictions."""

    def __init__(self, block: np.ndarray) -> None:
        self.block = block

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        return self.block[:, 0] if self.block.shape[1] == 1 else self.block


class _RecordedClassifier(ClassifierMixin, BaseEstimator):
    """Stand-in for a fitted classifier; a method the learner was not asked for is absent."""

    def __init__(self, block: np.ndarray, method: str, target: Target) -> None:
        self.block = block
        self.method = method
        self.target = target
        self.classes_ = target.classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @available_if(lambda self: self.method in PROBABILITIES)
    def predict_proba(self, X: Any) -> np.ndarray:
        return full_probabilities(self.block, self.method, self.target)

    @available_if(lambda self: self.method == "decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        return self.block[:, 0] if self.block.shape[1] == 1 else self.block

    def predict(self, X: Any) -> np.ndarray:
        return self.target.decode(class_codes(self.block, self.method, self.target))
