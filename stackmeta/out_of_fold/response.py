"""What a fitted learner predicts → a block of columns of fixed width.

Regression: a column a target. Binary: P(class 1). Multiclass: a column a class.
Multilabel: a column an output. Classes that a fold's training rows lacked are filled in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from .target import Target

PROBABILITIES = ("predict_proba", "predict_log_proba")


def respond(
    model: Any, X: Any, method: str, target: Target, present: np.ndarray | None = None
) -> np.ndarray:
    """Predict with ``model`` and bring the answer to the common form.

    Parameters
    ----------
    model : estimator
        Fitted learner.
    X : array-like of shape (n_rows, n_features)
        Rows to predict.
    method : {"predict_proba", "predict_log_proba", "decision_function", "predict"}
        Which method of the model to call.
    target : Target
        What the whole stack predicts.
    present : ndarray of shape (n_present,), default=None
        Codes of the classes that the model was fitted on; None for all of them.

    Returns
    -------
    block : ndarray of shape (n_rows, n_columns)

    Raises
    ------
    ValueError
        If the prediction has a shape that the target does not explain, or is of other classes.
    """
    answer = getattr(model, method)(X)
    if answer is None:
        raise ValueError(f"{method} gave None.")
    if target.kind == "classes":
        _check_classes(model, target, present)
    if target.kind == "numbers" or method != "predict":
        answer = _as_floats(answer, method)
    if target.kind == "numbers":
        return _two_dimensional(answer)
    if target.kind == "multilabel":
        return _multilabel_block(answer, method, target)
    if method == "predict":
        return _two_dimensional(_label_codes(model, np.asarray(answer), target, present))
    answer = np.asarray(answer)
    if present is None:
        present = _codes_of_model(model, answer, method, target)
    if method in PROBABILITIES:
        return _probability_block(answer, method, target, present)
    return _decision_block(answer, target, present)


def _check_classes(model: Any, target: Target, present: np.ndarray | None) -> None:
    """Refuse a model whose ``classes_`` are not those that it was fitted on, in their order."""
    known: Any = getattr(model, "classes_", None)
    codes = np.arange(target.n_classes) if present is None else present
    if np.ndim(known) != 1 or len(known) != len(codes):
        return
    classes = np.asarray(target.classes)[codes]
    names = [str(name) for name in known]
    for expected in (codes, np.arange(len(codes)), classes):
        if np.array_equal(known, expected) or names == [str(name) for name in expected]:
            return
    raise ValueError(
        f"its classes_ are {names}, which are not those of y in their order: "
        f"{[str(name) for name in classes]} (or their numbers)."
    )


def _as_floats(answer: Any, method: str) -> Any:
    """Widen half precision, and read objects as the numbers that they are.

    Probabilities in half precision do not sum to one, and sparse matrices cannot hold them.
    Objects are what linear models of scikit-learn answer for a frame of categories.
    """
    dtype = getattr(answer, "dtype", None)
    if getattr(dtype, "kind", None) == "O":
        return answer.astype(np.float64)
    if dtype != np.float16:
        return answer
    answer = answer.astype(np.float32)
    return answer / answer.sum(axis=1, keepdims=True) if method == "predict_proba" else answer


def fill_probabilities(
    probabilities: np.ndarray, present: np.ndarray, priors: np.ndarray
) -> np.ndarray:
    """Widen probabilities of the ``present`` classes to all: the others get their prior.

    Rows still sum to one.
    """
    full = np.empty((len(probabilities), len(priors)), dtype=probabilities.dtype)
    full[:] = priors
    full[:, present] = probabilities * priors[present].sum()
    return full


def _two_dimensional(answer: Any) -> np.ndarray:
    answer = np.asarray(answer)
    return answer.reshape(-1, 1) if answer.ndim == 1 else answer


def _label_codes(
    model: Any, answer: np.ndarray, target: Target, present: np.ndarray | None
) -> np.ndarray:
    if present is not None:
        return present[answer.astype(np.intp)]
    known = getattr(model, "classes_", None)
    if known is None or np.array_equal(known, np.arange(target.n_classes)):
        return answer
    if np.isin(known, target.classes).all():
        # Fitted elsewhere (prefit, frozen) on the original labels, or on some of them.
        return np.searchsorted(target.classes, answer)
    return answer


def _codes_of_model(
    model: Any, answer: np.ndarray, method: str, target: Target
) -> np.ndarray | None:
    """Codes of the classes a learner knows that was fitted elsewhere on fewer of them."""
    width = 1 if answer.ndim == 1 else answer.shape[1]
    known = getattr(model, "classes_", None)
    if method not in PROBABILITIES or width == target.n_classes or known is None:
        return None
    labels = np.asarray(known)
    codes = np.searchsorted(target.classes, labels)
    in_range = codes < target.n_classes
    if in_range.all() and np.array_equal(target.classes[codes], labels):
        return codes
    if labels.dtype.kind in "iu" and np.isin(labels, np.arange(target.n_classes)).all():
        return labels.astype(np.intp)
    return None


def _probability_block(
    answer: np.ndarray, method: str, target: Target, present: np.ndarray | None
) -> np.ndarray:
    if present is not None and len(present) < target.n_classes:
        log = method == "predict_log_proba"
        probabilities = np.exp(answer) if log else answer
        answer = fill_probabilities(probabilities, present, target.priors)
        if log:
            answer = np.log(answer)
    if answer.ndim != 2 or answer.shape[1] != target.n_classes:
        raise ValueError(
            f"{method} gave an array of shape {answer.shape}; expected (n_rows, "
            f"{target.n_classes}), a column for each class."
        )
    return answer[:, 1:] if target.n_classes == 2 else answer


def _decision_block(answer: np.ndarray, target: Target, present: np.ndarray | None) -> np.ndarray:
    if present is None or len(present) == target.n_classes:
        return _two_dimensional(answer)
    scores = np.column_stack([-answer, answer]) if answer.ndim == 1 else answer
    if scores.shape[1] != len(present):
        raise ValueError(
            f"decision_function gave {scores.shape[1]} columns for {len(present)} classes, which "
            "cannot be matched to the classes of the other folds. Use "
            "decision_function_shape='ovr', or a splitter that keeps each class in every fold."
        )
    if target.n_classes == 2:  # the fold knew one class: no row is nearer to it than another
        return np.zeros((len(scores), 1))
    full = np.empty((len(scores), target.n_classes), dtype=scores.dtype)
    full[:] = scores.min(axis=1, keepdims=True)
    full[:, present] = scores
    return full


def _multilabel_block(answer: Any, method: str, target: Target) -> np.ndarray:
    if not isinstance(answer, list):
        return _two_dimensional(answer)
    columns = []
    for output, scores in enumerate(answer):
        scores = np.asarray(scores)
        if scores.shape[1] == 2:
            columns.append(scores[:, 1])
        else:  # the training rows held one class of this output only
            prior = target.priors[output, 1]
            columns.append(
                np.full(len(scores), np.log(prior) if method == "predict_log_proba" else prior)
            )
    return np.column_stack(columns)


class OneClass(ClassifierMixin, BaseEstimator):
    """Stands in for a classifier in a fold whose training rows hold one class only."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """Be certain of the one class: (n_rows, 1)."""
        return np.ones((_n_rows(X), 1))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Be certain of the one class: (n_rows, 1)."""
        return np.zeros((_n_rows(X), 1))

    def decision_function(self, X: Any) -> np.ndarray:
        """Prefer no row: (n_rows, 1)."""
        return np.zeros((_n_rows(X), 1))

    def predict(self, X: Any) -> np.ndarray:
        """Give the only label there is: (n_rows,)."""
        return np.zeros(_n_rows(X), dtype=np.intp)


def _n_rows(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)
