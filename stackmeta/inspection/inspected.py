"""A fitted stack as this room reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..out_of_fold import OutOfFold


@dataclass(frozen=True)
class Inspected:
    """What a face hands over of itself.

    Attributes
    ----------
    oof : OutOfFold
        Out-of-fold predictions of all learners, and y.
    read : list of str
        Learners that the meta-learner reads, in its order.
    final : estimator
        Fitted meta-learner.
    reads_table : bool
        Whether the meta-learner also reads columns of X.
    present : ndarray or None
        Codes of the classes that the meta-learner was fitted on; None for all.
    models : dict of str -> estimator
        Fitted learners that predict.
    parts : callable
        From rows of X to the predictions of ``read`` (NaN for learners without weight) and what
        passes through beside them.
    combine : callable
        From such predictions, and what passes through, to an array (n_rows, n_outputs).
    out_of_fold : callable or None
        From the rows of ``fit``, or None, to the stack's own out-of-fold predictions (with
        ``block`` and ``method``), where the face can tell them.
    """

    oof: OutOfFold
    read: list[str]
    final: Any
    reads_table: bool
    present: np.ndarray | None = None
    models: dict[str, Any] = field(default_factory=dict)
    parts: Callable[[Any], tuple[np.ndarray, Any]] | None = None
    combine: Callable[[np.ndarray, Any], np.ndarray] | None = None
    out_of_fold: Callable[[Any], Any] | None = None

    @property
    def weights(self) -> dict[str, float] | None:
        """The meta-learner's weight of each learner; None where it has none."""
        weights = getattr(self.final, "weights_", None)
        if weights is None:
            return None
        return dict(zip(self.read, map(float, weights), strict=True))


def inspected(stack: Any, method: str = "this") -> Inspected:
    """Ask a fitted stack for what this room reads.

    Parameters
    ----------
    stack : estimator
        A stack or super learner of stackmeta.
    method : str
        Who asks, for messages.

    Raises
    ------
    TypeError
        If it is none.
    AttributeError
        If it was fitted with ``keep_oof=False``.
    sklearn.exceptions.NotFittedError
        If it was not fitted.
    """
    if not hasattr(type(stack), "_inspected"):
        raise TypeError(
            f"{method} reads a stack of stackmeta (StackingClassifier, StackingRegressor, "
            f"SuperLearnerClassifier or SuperLearnerRegressor), not {type(stack).__name__}."
        )
    check_is_fitted(stack)
    return stack._inspected(method)
