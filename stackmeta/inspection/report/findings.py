"""What a report says, before it is a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from ...out_of_fold.seconds import seconds_of
from ...out_of_fold.target import Target
from ..diversity import Diversity, diversity
from ..inspected import Inspected, inspected
from ..judged import OF_STACK, Judged, encoded, judged_on, judged_out_of_fold
from ..row_losses import LOSS_LABELS, loss_and_error, overall, rowwise, standard_error
from ..weights import LearnerWeights, say_of_each
from .slices import slices_of

_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Expected:
    """The loss on new rows, and how the best learner compares.

    Attributes
    ----------
    mean, se, low, high : float
    level : float
    best : str
        Learner of least loss.
    best_loss : float
    difference, difference_se : float
        How much more the best learner loses.
    fell_back : bool
    of : str
        Whose loss it is.
    how : str
        How it was found.
    """

    mean: float
    se: float
    low: float
    high: float
    level: float
    best: str
    best_loss: float
    difference: float
    difference_se: float
    fell_back: bool
    of: str
    how: str


@dataclass
class Findings:
    """Everything that the page shows."""

    stack: Any
    seen: Inspected
    title: str
    loss_label: str
    leaderboard: pd.DataFrame
    weights: LearnerWeights | None
    diversity: Diversity
    expected: Expected | None
    out_of_fold: Judged | None
    new: Judged | None
    rows_are: str
    slices: pd.DataFrame | None = None
    row_labels: Any = None
    intervals: Any = None
    calibration: Any = None
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def judged(self) -> Judged | None:
        """New rows if there are some, else held-out ones."""
        return self.out_of_fold if self.new is None else self.new

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.seen.oof.target


def find(stack: Any, X: Any, y: Any, title: str | None) -> Findings:
    """Compute what a report says.

    Parameters
    ----------
    stack : estimator
        Fitted.
    X, y : as ``stack.report``
    title : str or None
    """
    seen = inspected(stack, "report()")
    if (X is None) != (y is None):
        raise ValueError("report(X=, y=) takes rows with their target, or neither.")
    oof, notes = seen.oof, []
    of_fit, y = _check_rows(seen, X, y)
    held_out = judged_out_of_fold(seen, X if of_fit else None)
    if held_out is None:
        notes.append(
            "No predictions of the whole stack for held-out rows: its meta-learner reads columns "
            "of X, which are not kept, or no row was held out."
        )
    elif held_out.of != OF_STACK:
        notes.append(
            "The meta-learner reads columns of X, which are not kept. Where rows are out of fold, "
            "a convex combination of the learners stands in for it."
        )
    new = judged_on(seen, X, y) if X is not None and not of_fit else None
    found = Findings(
        stack=stack,
        seen=seen,
        title=title or f"{type(stack).__name__}: report",
        loss_label=LOSS_LABELS.get(oof.loss_name, oof.loss_name),
        leaderboard=stack.leaderboard(X=X),
        weights=say_of_each(seen),
        diversity=diversity(oof),
        expected=_expected(stack, seen, held_out, X if of_fit else None, notes),
        out_of_fold=held_out,
        new=new,
        rows_are=_rows_are(X, of_fit),
        notes=notes,
    )
    if X is not None:
        _describe_rows(found, X, y, of_fit)
    if found.target.kind == "classes":
        found.calibration = _tried(stack.calibration, notes)
    return found


def _check_rows(seen: Inspected, X: Any, y: Any) -> tuple[bool, Any]:
    """Tell whether rows are those of ``fit``; give their target as an array."""
    if X is None:
        return False, None
    y = np.asarray(y)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows != len(y):
        raise ValueError(f"report(X, y): X has {n_rows} rows, y has {len(y)}.")
    if n_rows == 0:
        raise ValueError("report(X, y): no rows. Leave out X and y.")
    if y.shape[1:] != seen.oof.target.y.shape[1:]:
        y = y.reshape(len(y), *seen.oof.target.y.shape[1:])
    codes = encoded(y, seen.oof.target).y
    return len(codes) == len(seen.oof.target.y) and np.array_equal(codes, seen.oof.target.y), y


def _rows_are(X: Any, of_fit: bool) -> str:
    if X is None:
        return "rows that the folds held out"
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if of_fit:
        return "the rows of fit, predicted out of fold"
    return f"{n_rows:,} rows given to the report"


def _describe_rows(found: Findings, X: Any, y: Any, of_fit: bool) -> None:
    """Add what only a table says: slices, intervals, seconds."""
    judged, stack = found.judged, found.stack
    if judged is not None:
        found.row_labels = X.index if isinstance(X, pd.DataFrame) else None
        if of_fit:
            found.slices = _tried(lambda: stack.worst_slices(X), found.notes)
        if found.slices is None:
            found.slices = slices_of(judged, X)
    found.seconds = seconds_of(stack.predict, X)
    if not of_fit:
        found.intervals = _tried(lambda: _coverage(stack, X, y), found.notes)


def _coverage(stack: Any, X: Any, y: np.ndarray) -> dict[str, float] | None:
    """How many of the given rows 90 % intervals, or sets, cover, and how wide they are."""
    if y.ndim > 1:
        return None
    if not is_classifier(stack):
        low, high = np.asarray(stack.predict_interval(X, coverage=0.9)).T
        covered = (low <= y) & (y <= high)
        return {"coverage": float(covered.mean()), "width": float(np.mean(high - low))}
    sets = np.asarray(stack.predict_set(X, coverage=0.9), dtype=bool)
    codes = np.searchsorted(stack.classes_, y)
    covered = sets[np.arange(len(y)), codes]
    return {"coverage": float(covered.mean()), "size": float(sets.sum(axis=1).mean())}


def _tried(ask: Any, notes: list[str]) -> Any:
    """Ask for what a stack may refuse; the page then says why it is missing."""
    try:
        return ask()
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        notes.append(f"Left out: {error}")
        return None


def _expected(
    stack: Any, seen: Inspected, judged: Judged | None, X: Any, notes: list[str]
) -> Expected | None:
    """Take the stack's own expectation, or a plain mean over held-out rows."""
    found = _tried(lambda: stack.expected_loss(X=X), notes)
    if found is not None and len(found.learners):
        best = found.learners.iloc[0]
        return Expected(
            found.mean,
            found.se,
            found.low,
            found.high,
            found.level,
            str(best["learner"]),
            float(best["loss"]),
            float(best["difference"]),
            float(best["difference_se"]),
            found.fell_back,
            OF_STACK,
            "expected_loss()",
        )
    if judged is None or np.isnan(judged.losses).any():
        return None
    return _plain_expectation(seen, judged)


def _plain_expectation(seen: Inspected, judged: Judged) -> Expected:
    oof, loss_name = seen.oof, judged.loss_name
    mean = overall(judged.losses, loss_name)
    se = standard_error(judged.losses, mean, loss_name)
    losses = {
        name: loss_and_error(oof.block(name), oof.methods[name], oof, loss_name)[0]
        for name in seen.read
    }
    best = min(losses, key=lambda name: np.nan_to_num(losses[name], nan=np.inf))
    alone = rowwise(
        oof.block(best)[judged.rows], judged.rows, oof.methods[best], oof.target, loss_name
    )
    there = ~np.isnan(alone)
    difference = overall(alone[there], loss_name) - overall(judged.losses[there], loss_name)
    return Expected(
        mean,
        se,
        mean - _NORMAL_95 * se,
        mean + _NORMAL_95 * se,
        0.95,
        best,
        losses[best],
        difference,
        standard_error(alone[there] - judged.losses[there], mean, loss_name),
        False,
        judged.of,
        "the mean over held-out rows of a meta-learner cross-fitted over the same folds, "
        "whose rows are taken for independent",
    )
