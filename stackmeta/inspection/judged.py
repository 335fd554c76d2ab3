"""Predictions of a stack for rows that it was not fitted on, beside the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..out_of_fold.losses import full_probabilities
from ..out_of_fold.response import PROBABILITIES
from ..out_of_fold.target import Target, plain
from .inspected import Inspected
from .level_one import STAND_IN, answer_method, combiner_of, cross_fit
from .row_losses import covered_by, rowwise

OF_STACK, OF_STAND_IN = "stack", "convex combination of the learners"


@dataclass(frozen=True)
class Judged:
    """Predictions and the truth.

    Attributes
    ----------
    rows : ndarray of shape (n_judged,)
        Positions in the table of the rows that are judged.
    target : Target
        With the truth of these rows, encoded.
    block : ndarray of shape (n_judged, n_columns)
        Predictions.
    method : str
        Method that gave them.
    losses : ndarray of shape (n_judged,)
    loss_name : str
    of : str
        Whose predictions they are.
    """

    rows: np.ndarray
    target: Target
    block: np.ndarray
    method: str
    losses: np.ndarray
    loss_name: str
    of: str

    @property
    def classes(self) -> np.ndarray | None:
        """Labels of one target; None otherwise."""
        return self.target.classes if self.target.kind == "classes" else None

    @property
    def codes(self) -> np.ndarray:
        """Encoded truth."""
        return self.target.y

    @property
    def probabilities(self) -> np.ndarray | None:
        """Probabilities of all classes; None where there are none."""
        if self.target.kind != "classes" or self.method not in PROBABILITIES:
            return None
        return full_probabilities(self.block, self.method, self.target)


def judge(
    block: np.ndarray, rows: np.ndarray, method: str, target: Target, loss_name: str, of: str
) -> Judged:
    """Put predictions of some rows beside the truth (``target`` holds that of these rows)."""
    if loss_name == "log_loss" and method not in PROBABILITIES:
        loss_name = "error_rate"
    losses = rowwise(block, np.arange(len(rows)), method, target, loss_name)
    return Judged(rows, target, block, method, losses, loss_name, of)


def judged_out_of_fold(seen: Inspected, X: Any = None) -> Judged | None:
    """Cross-fit the meta-learner over the folds, and judge what it says of held-out rows.

    Parameters
    ----------
    seen : Inspected
    X : array-like or DataFrame of shape (n_rows, n_features), default=None
        The rows of ``fit``, where somebody has them.

    Returns
    -------
    judged : Judged or None
        Of a convex combination where the meta-learner reads columns of X, which are not kept.
        None where nothing can stand in, or no fold was held out.
    """
    found = _cross_fitted(seen, X)
    if found is None:
        return None
    block, method, of = found
    rows = covered_by(block)
    if len(rows) == 0:
        return None
    target = replace(seen.oof.target, y=seen.oof.target.y[rows])
    return judge(block[rows], rows, method, target, seen.oof.loss_name, of)


def _cross_fitted(seen: Inspected, X: Any) -> tuple[np.ndarray, str, str] | None:
    """Out-of-fold predictions of the stack, or of what stands in, their method, and whose."""
    if seen.out_of_fold is not None:
        try:
            own = seen.out_of_fold(X)
        except ValueError:  # it needs columns of X
            pass
        else:
            return own.block, own.method, OF_STACK
    found = combiner_of(seen)
    if found is None:
        return None
    combiner, which = found
    of = OF_STAND_IN if which == STAND_IN else OF_STACK
    return cross_fit(combiner, seen.oof, seen.read), answer_method(combiner, seen.oof), of


def judged_on(seen: Inspected, X: Any, y: np.ndarray) -> Judged:
    """Judge the stack on rows that it was not fitted on.

    Parameters
    ----------
    seen : Inspected
    X : array-like or DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Their labels or numbers.

    Raises
    ------
    ValueError
        If y has labels that the stack does not know.
    """
    assert seen.parts is not None
    assert seen.combine is not None
    target = encoded(y, seen.oof.target)
    block = seen.combine(*seen.parts(X))
    width = block.shape[1]
    method = "predict"
    if target.kind != "numbers":
        named = ("predict_proba", "decision_function", "predict")
        method = next(name for name in named if hasattr(seen.final, name))
    if method == "decision_function" and width != target.n_columns(method):
        method = "predict"
        block = np.asarray(seen.final.predict(seen.parts(X)[0])).reshape(len(block), -1)
    return judge(block, np.arange(len(block)), method, target, seen.oof.loss_name, OF_STACK)


def encoded(y: Any, target: Target) -> Target:
    """Encode labels as those of ``fit`` were."""
    values = np.asarray(y)
    if target.kind == "numbers":
        return replace(target, y=values.astype(float))
    if target.kind == "multilabel":
        columns = [
            np.searchsorted(classes, column)
            for classes, column in zip(target.classes, values.T, strict=True)
        ]
        return replace(target, y=np.column_stack(columns))
    codes = np.searchsorted(target.classes, values)
    known = codes < len(target.classes)
    known[known] = target.classes[codes[known]] == values[known]
    if not known.all():
        strange = values[~known][0]
        raise ValueError(
            f"y holds {plain(strange)!r}, which is none of the classes {target.classes.tolist()} "
            f"that the stack knows ({int((~known).sum())} rows): leave those rows out."
        )
    return replace(target, y=codes)
