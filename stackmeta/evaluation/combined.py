"""The meta-learner, cross-fitted over the folds that made the predictions it reads."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from ..meta_features import CombinerTask
from ..out_of_fold import OutOfFold, out_of_fold
from ..out_of_fold.folds import fold_of_each_row
from ..out_of_fold.response import PROBABILITIES, fill_probabilities
from ..out_of_fold.target import Target, plain
from ..out_of_fold.warning import warn_caller
from .judging import Candidate
from .uncertainty import sortable


def cross_fit_combiner(
    final: Any, task: CombinerTask, target: Target, *, n_jobs: int | None = None
) -> Candidate:
    """Predict each fold with the meta-learner of the others.

    Parameters
    ----------
    final : estimator
        Fitted meta-learner. One that has cross-fitted itself, such as
        :class:`CrossFittedBlendRegressor`, is not fitted again.
    task : CombinerTask
    target : Target
        Of all rows.
    n_jobs : int, default=None

    Returns
    -------
    stack : Candidate
        A row a row of ``fit``; NaN where no fold held it out, or none was left to fit on.
    """
    block, method, rows = (_kept if hasattr(final, "cross_fitted_") else _fitted)(
        final, task, n_jobs
    )
    block = all_classes(block, method, target, task.labels.present)
    full = np.full((len(target.y), block.shape[1]), np.nan)
    full[rows] = block
    return Candidate(full, method)


def _kept(final: Any, task: CombinerTask, n_jobs: int | None) -> tuple[np.ndarray, str, Any]:
    block, rows = final.cross_fitted_, task.rows
    if len(block) < len(rows):  # rows of weight 0 are left out by combiners
        rows = rows[np.asarray(task.params["sample_weight"]) > 0]
    return block, "predict_proba" if hasattr(final, "predict_proba") else "predict", rows


def _fitted(final: Any, task: CombinerTask, n_jobs: int | None) -> tuple[np.ndarray, str, Any]:
    oof = cross_fit(final, task, usable(final, task), n_jobs=n_jobs)
    return oof.matrix, oof.methods["stack"], task.rows


def cross_fit(final: Any, task: CombinerTask, fits: list[bool], **options: Any) -> OutOfFold:
    """Fit the meta-learner, named "stack", on those folds that it can be fitted on.

    Parameters
    ----------
    final : estimator
    task : CombinerTask
    fits : list of bool
        As :func:`usable` gives it.
    **options : dict
        Of :func:`stackmeta.out_of_fold`.
    """
    params = {f"stack__{name}": value for name, value in task.params.items()}
    if has_fit_parameter(final, "folds"):
        params["stack__folds"] = fold_of_each_row(task.splits, len(task.rows))
    with warnings.catch_warnings():
        # Of classes that a fold lacks: told of when the stack was fitted.
        warnings.simplefilter("ignore", UserWarning)
        return out_of_fold(
            [("stack", final)],
            task.table,
            task.labels.y,
            cv=[split for split, use in zip(task.splits, fits, strict=True) if use],
            fit_params=params,
            **options,
        )


def usable(final: Any, task: CombinerTask) -> list[bool]:
    """Tell which folds leave the meta-learner rows: of all classes, if it reads probabilities."""
    y, found = task.labels.y, []
    wanted = len(np.unique(y)) if getattr(get_tags(final), "reads_probabilities", False) else 0
    for train, test in task.splits:
        enough = len(train) > 0 and len(test) > 0
        found.append(enough and (not wanted or len(np.unique(y[train])) == wanted))
    if not any(found):
        raise ValueError(
            "No fold leaves the meta-learner rows (of all classes) to be fitted on: all rows that "
            "are held out are held out by one. Use a splitter of two folds or more, and rows of "
            "each class in each of them."
        )
    return found


def all_classes(
    block: np.ndarray, method: str, target: Target, present: np.ndarray | None
) -> np.ndarray:
    """Widen an answer to classes that no held-out row has."""
    if present is None:
        return block
    if method == "predict":
        known = ~np.isnan(block)
        return np.where(known, present[np.where(known, block, 0).astype(np.intp)], np.nan)
    if method not in PROBABILITIES:
        return np.full((len(block), target.n_columns(method)), np.nan)
    both = np.hstack([1 - block, block]) if block.shape[1] == 1 else block
    full = fill_probabilities(both, present, target.priors)
    return full[:, 1:] if target.n_classes == 2 else full


def known_groups(groups: Any, oof: OutOfFold) -> np.ndarray | None:
    """Take the groups given, or those of ``fit``; warn where folds cut them."""
    if groups is None:
        return oof.groups
    groups = sortable(groups)
    n_rows = len(oof.target.y)
    if groups.shape != (n_rows,):
        raise ValueError(
            f"groups has shape {groups.shape}; give the group of each of the {n_rows} rows of fit."
        )
    for train, test in oof.splits:
        both = np.intersect1d(groups[train], groups[test])
        if len(both):
            warn_caller(
                f"Group {plain(both[0])!r} and {len(both) - 1} more are on both sides of a fold: "
                "predictions out of fold know their groups, and losses look smaller than those on "
                "new groups are. Fit with groups=."
            )
            break
    return groups


def check_rows_of_fit(X: Any, n_rows: int, passthrough: Any) -> None:
    """Refuse a table that is not that of ``fit``."""
    if X is None:
        raise ValueError(
            f"The meta-learner reads columns of X (passthrough={passthrough!r}), which are not "
            "kept: pass X=, the table of fit."
        )
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n != n_rows:
        raise ValueError(f"X has {n} rows, but the stack was fitted on {n_rows}: pass that table.")


def check_level(level: float) -> None:
    """Refuse a confidence level that is none."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, such as 0.95; got {level!r}.")
