"""The meta-learner refitted and cross-fitted on out-of-fold predictions, without the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from ..combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BestLearnerClassifier,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)
from ..meta_features import restrict_to_classes
from ..out_of_fold import OutOfFold
from ..out_of_fold.folds import restrict_splits
from ..out_of_fold.response import respond
from ..out_of_fold.target import fold_labels
from .inspected import Inspected

_SIMPLE = (
    AveragingClassifier,
    AveragingRegressor,
    BestLearnerClassifier,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)
OWN, STAND_IN = "the stack's own meta-learner", "a convex combination that stands in for it"

# A little towards equal weights: of copies of one learner, none is worthless.
_RIDGE = 1e-3


def combiner_of(seen: Inspected, *, cheap: bool = False) -> tuple[Any, str] | None:
    """Choose what is refitted in a study of the meta-learner.

    Parameters
    ----------
    seen : Inspected
    cheap : bool, default=False
        Whether a meta-learner without weights or coefficients, such as a blend of several, is
        too dear.

    Returns
    -------
    combiner : estimator
        Unfitted: the stack's own, or a convex combination where that reads the table.
    which : str
        Which of the two.
    """
    if not seen.reads_table and not (cheap and _is_costly(seen.final)):
        return clone(seen.final), OWN
    found = stand_in(seen.oof)
    return (clone(seen.final), OWN) if found is None and not seen.reads_table else found


def combiner_or_error(seen: Inspected) -> tuple[Any, str]:
    """Choose a combiner that is quick to refit, for a study that cannot do without.

    Raises
    ------
    ValueError
        If there is none, or no fold to cross-fit it over.
    """
    found = combiner_of(seen, cheap=True)
    if found is None:
        raise ValueError(
            "The meta-learner reads columns of X, and nothing can stand in for it: not all "
            "learners give probabilities of one target."
        )
    if not any(len(np.intersect1d(train, seen.oof.covered)) > 1 for train, _ in seen.oof.splits):
        raise ValueError(
            "There are no folds to cross-fit the meta-learner over: its training rows were held "
            'out by none, or by one only, as with cv="prefit".'
        )
    return found


def _is_costly(final: Any) -> bool:
    """Whether a meta-learner is slow to refit: neither a linear model nor a simple mean."""
    scorer = getattr(final, "scoring", None)
    return not (hasattr(final, "coef_") or (isinstance(final, _SIMPLE) and scorer is None))


def stand_in(oof: OutOfFold) -> tuple[Any, str] | None:
    """Make the convex combination that stands in; None if it cannot read the predictions."""
    if oof.target.kind == "numbers":
        return ConvexRegressor(ridge=_RIDGE), STAND_IN
    if oof.target.kind == "multilabel" or {oof.methods[n] for n in oof.names} != {"predict_proba"}:
        return None
    return ConvexClassifier(ridge=_RIDGE), STAND_IN


def answer_method(combiner: Any, oof: OutOfFold) -> str:
    """Name the method that says most of a combiner's prediction."""
    if oof.target.kind == "numbers":
        return "predict"
    for method in ("predict_proba", "decision_function"):
        if hasattr(combiner, method):
            return method
    return "predict"


def _columns(oof: OutOfFold, names: Sequence[str]) -> np.ndarray:
    return np.hstack([oof.block(name) for name in names])


def fit_on(
    combiner: Any, oof: OutOfFold, names: Sequence[str], rows: np.ndarray
) -> tuple[Any, np.ndarray | None]:
    """Fit a clone of a combiner on some rows of some learners' predictions.

    Returns
    -------
    fitted : estimator
    present : ndarray or None
        Codes of the classes among the rows; None for all.
    """
    labels = fold_labels(oof.target, rows, renumber=True)
    params = {}
    if has_fit_parameter(combiner, "folds"):
        splits = restrict_splits(oof.splits, rows, len(oof.target.y))
        params["folds"] = [(train, test) for train, test in splits if len(train) and len(test)]
        if not params["folds"]:
            params = {}
    matrix = _readable(combiner, oof, names, rows, labels.present)
    return clone(combiner).fit(matrix, labels.y, **params), labels.present


def _readable(
    combiner: Any, oof: OutOfFold, names: Sequence[str], rows: np.ndarray, present: Any
) -> np.ndarray:
    """Predictions of some rows, of the classes that the combiner knows where it must."""
    matrix = _columns(oof, names)[rows]
    if present is not None and getattr(get_tags(combiner), "reads_probabilities", False):
        return restrict_to_classes(matrix, oof.target.n_classes, present)
    return matrix


def cross_fit(
    combiner: Any,
    oof: OutOfFold,
    names: Sequence[str] | None = None,
    *,
    rows: np.ndarray | None = None,
    n_train: int | None = None,
    random_state: int = 0,
) -> np.ndarray:
    """Predict each row with a combiner that was fitted on the other folds' rows.

    Parameters
    ----------
    combiner : estimator
        Unfitted.
    oof : OutOfFold
    names : sequence of str, default=None
        Learners that it reads; all by default.
    rows : ndarray, default=None
        Rows to stay with; all covered ones by default.
    n_train : int, default=None
        Train on so many rows at most, drawn by ``random_state``.
    random_state : int, default=0

    Returns
    -------
    block : ndarray of shape (n_rows, n_columns)
        NaN for rows that no combiner could be fitted for.
    """
    names = oof.names if names is None else names
    method = answer_method(combiner, oof)
    width = oof.target.n_columns(method)
    total, times = np.zeros((len(oof.target.y), width)), np.zeros(len(oof.target.y))
    kept = np.zeros(len(times), dtype=bool)
    kept[oof.covered if rows is None else rows] = True
    rng = np.random.default_rng(random_state)
    for train, test in oof.splits:
        train, test = train[kept[train]], test[kept[test]]
        if n_train is not None and n_train < len(train):
            train = np.sort(rng.choice(train, n_train, replace=False))
        if len(train) < 2 or len(test) == 0 or _one_class(oof, train):
            continue
        fitted, present = fit_on(combiner, oof, names, train)
        matrix = _readable(combiner, oof, names, test, present)
        total[test] += respond(fitted, matrix, method, oof.target, present)
        times[test] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(times[:, None] > 0, total / times[:, None], np.nan)


def _one_class(oof: OutOfFold, rows: np.ndarray) -> bool:
    return oof.target.kind == "classes" and len(np.unique(oof.target.y[rows])) < 2


def some_rows(oof: OutOfFold, most: int) -> np.ndarray:
    """At most about so many covered rows, evenly spread, among them all classes."""
    rows = oof.covered
    if len(rows) <= most:
        return rows
    some = rows[:: -(-len(rows) // most)]
    if oof.target.kind == "classes":
        firsts = np.unique(oof.target.y[rows], return_index=True)[1]
        some = np.union1d(some, rows[firsts])
    return some
