"""``partial_fit`` of a stack: weights follow new rows, and so do learners that can."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from .combiners.partially_pooled import codes_of
from .out_of_fold.checks import check_weights
from .out_of_fold.learner import take_columns
from .out_of_fold.target import read_numbers


def update(stack: Any, X: Any, y: Any, sample_weight: Any) -> None:
    """Update the meta-learner of a fitted stack, then the learners that have ``partial_fit``.

    The meta-learner is given what the learners said of the rows before they had seen them.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    truth, codes = _read(stack, y)
    check_consistent_length(X, truth)
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight)
        check_weights({"sample_weight": sample_weight}, len(truth), "partial_fit")
    final = stack.final_estimator_
    final.partial_fit(stack._meta_features(X), truth, **_weights(final, sample_weight))
    if isinstance(stack.cv, str):  # "prefit": the learners are the caller's own
        return
    for name, model in stack._models():
        if hasattr(model, "partial_fit"):
            columns = take_columns(X, stack._reads[name])
            model.partial_fit(columns, codes, **_weights(model, sample_weight))


def _read(stack: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Read y as the meta-learner was fitted on it, and as the learners were."""
    target = stack._target
    if target.kind == "numbers":
        numbers = read_numbers(y)
        return numbers, numbers
    if target.kind == "multilabel":
        raise ValueError("partial_fit takes one target; the stack was fitted on several.")
    codes = codes_of(y, target.classes)
    present = stack._final_present
    if present is None:
        return codes, codes
    for_final = codes_of(codes, present)
    return for_final, codes


def _weights(estimator: Any, sample_weight: Any) -> dict[str, Any]:
    if sample_weight is None or "sample_weight" not in signature(estimator.partial_fit).parameters:
        return {}
    return {"sample_weight": sample_weight}
