"""The leak audit: ways in which out-of-fold losses look better than those on new rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..compat import is_pandas, is_polars, safe_indexing
from ..meta_features import check_unique_names
from ..out_of_fold import OutOfFold
from ..out_of_fold.checks import check_table
from ..out_of_fold.folds import make_splits, resolve_cv
from ..out_of_fold.target import Target, encode_target
from .audit_columns import find_fold_names, find_given_away, find_row_names
from .audit_fit import CHECK, find_knowing_learners
from .audit_rows import find_twins
from .audit_splits import find_ignored_groups, find_ignored_order, find_split_groups
from .audited import Audited
from .findings import Audit

# Rows for what is cheap, and for what fits a learner.
_MOST_ROWS, _MOST_FITTED = 8_000, 3_000
_MOST_CLASSES = 30
CHECKS = (
    "copies and near copies of rows on both sides of a fold",
    "columns that identify the row or the fold",
    "columns that give away the target",
    "groups, times and orders that the split ignores",
)


def audit(
    X: Any,
    y: Any,
    cv: Any = None,
    groups: Any = None,
    *,
    task: str = "auto",
    random_state: int | None = 0,
) -> Audit:
    """Look for leaks in a table and its split, before anything is fitted.

    Out-of-fold losses are honest where held-out rows are to the training rows as new rows will
    be. This looks for tables and splits where they are not: copies of rows on both sides, columns
    that name the row or the fold, a column that gives away the target, and groups or times that
    the split ignores. A quick learner (sixteen extra trees on at most 3,000 rows) tells what each
    is worth, as the share of the target that stays unexplained.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns)
        Raw table: numbers, texts, categories, dates, missing values.
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
        Target.
    cv : int, splitter or iterable of (train, test), default=None
        The split that is to be audited; None is 5 folds, that keep ``groups`` together. An int
        is as many folds. Folds in the order of the rows are taken for intended.
    groups : array-like of shape (n_rows,), default=None
        Group of each row, given to the splitter.
    task : {"auto", "classification", "regression"}, default="auto"
        What is predicted. "auto": classes where y holds texts, booleans, or at most 20
        different whole numbers.
    random_state : int, default=0
        Seeds the splitter, where it has no seed, and the rows that are drawn from large tables.

    Returns
    -------
    audit : Audit
        A sequence of findings, each with its evidence in numbers and what to do; empty where
        nothing was found. Its ``to_frame()`` is a table.

    Raises
    ------
    ValueError
        If X, y, cv or groups are not what they should be.

    See Also
    --------
    StackingClassifier.audit : After a fit, also learners that know too much.

    Notes
    -----
    It judges evidence, not meaning: a column that gives away the target may be known in time,
    and groups may be the same in new rows. What it does not find may be there nevertheless.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from stackmeta import audit
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=300), "paid": rng.normal(size=300)})
    >>> y = X["size"] + rng.normal(size=300)
    >>> X["paid"] = 2 * y + 0.01 * X["paid"]
    >>> audit(X, y)
    Audit: 1 finding.
    a column that gives away the target: 'paid'
      unexplained by it alone 0.0..., by all others 0...
      Was it known when the prediction was wanted? If it was written down later, or made of the
      target, drop it.
    """
    frame = as_frame(X)
    if y is not None and len(frame) != len(np.asarray(y)):
        raise ValueError(f"X has {len(frame)} rows and y has {len(np.asarray(y))}.")
    target = _read_target(y, task)
    codes = _read_groups(groups, len(frame))
    splitter = resolve_cv(cv, target.y, classifier=target.kind == "classes", groups=groups)
    if cv is None and groups is None:
        splitter.shuffle, splitter.random_state = True, random_state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes of fewer rows than folds
        splits = make_splits(splitter, frame, target.y, random_state=random_state, groups=groups)
    return audit_splits(frame, target, splits, codes, seed=random_state or 0)


def audit_splits(
    frame: Any, target: Target, splits: list, groups: np.ndarray | None, *, seed: int = 0
) -> Audit:
    """Audit a table whose splits are known."""
    if target.kind == "classes":
        target = replace(target, y=_fewer_classes(target))
    whole = Audited(frame, target, splits, groups, np.arange(len(frame)))
    many = whole.some(_MOST_ROWS, seed)
    few = many.some(_MOST_FITTED, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        groups_found = find_ignored_groups(whole)
        named = {finding.where for finding in groups_found}
        found = [
            *find_split_groups(few),
            *groups_found,
            *find_ignored_order(whole),
            *find_twins(many),
            *find_row_names(many),
            *find_fold_names(many),
            *(finding for finding in find_given_away(few) if finding.where not in named),
        ]
    return Audit(found, CHECKS)


def audit_fit(
    X: Any,
    oof: OutOfFold,
    predict: Callable[[Any], Mapping[str, np.ndarray]],
    *,
    seed: int = 0,
) -> Audit:
    """Audit a table, the splits that a stack was fitted over, and its learners.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns)
        The table of ``fit``.
    oof : OutOfFold
    predict : callable
        From rows to predictions of each learner that the stack uses.
    seed : int, default=0

    Returns
    -------
    audit : Audit
    """
    frame, n_rows = as_frame(X), len(oof.target.y)
    if len(frame) != n_rows:
        raise ValueError(
            f"X has {len(frame)} rows, but the stack was fitted on {n_rows}: pass that table."
        )
    codes = _read_groups(oof.groups, n_rows)
    found = audit_splits(frame, oof.target, oof.splits, codes, seed=seed)
    part = Audited(frame, oof.target, oof.splits, codes, np.arange(n_rows))
    part = part.some(_MOST_FITTED, seed)
    rows = part.position
    in_fold = predict(X if len(rows) == n_rows else safe_indexing(X, rows))
    knowing = find_knowing_learners(oof, in_fold, rows, part)
    return Audit([*knowing, *found], [*CHECKS, CHECK])


def _fewer_classes(target: Target) -> np.ndarray:
    """Put the rarest of very many classes together: a learner of them all is not quick."""
    counts = np.bincount(target.y, minlength=target.n_classes)
    if target.n_classes <= _MOST_CLASSES:
        return target.y
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.minimum(rank, _MOST_CLASSES - 1)[target.y]


def as_frame(X: Any) -> Any:
    """Read a table as a DataFrame."""
    import pandas as pd

    check_table(X, "audit")
    if is_polars(X):
        X = X.to_pandas()
    if not is_pandas(X):
        X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X has shape {X.shape}: it has a row a sample, a column a feature.")
        X = pd.DataFrame(X).infer_objects()
    check_unique_names(X)
    if X.shape[1] == 0:
        raise ValueError("X has no column to audit.")
    return X.reset_index(drop=True)


def _read_target(y: Any, task: str) -> Target:
    if task not in ("auto", "classification", "regression"):
        raise ValueError(f"task must be 'auto', 'classification' or 'regression'; got {task!r}.")
    if task != "auto":
        return encode_target(y, classifier=task == "classification", caller="audit")
    values = np.asarray(y)
    several = values.ndim == 2 and values.shape[1] > 1
    classes = values.dtype.kind not in "f" and not several
    if values.dtype.kind in "iu":
        classes = classes and len(np.unique(values)) <= 20
    elif values.dtype.kind == "f" and not several:
        known = values[~np.isnan(values)]
        classes = len(np.unique(known)) <= 2
    return encode_target(y, classifier=classes, caller="audit")


def _read_groups(groups: Any, n_rows: int) -> np.ndarray | None:
    if groups is None:
        return None
    import pandas as pd

    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise ValueError(
            f"groups has shape {values.shape}; give the group of each of the {n_rows} rows."
        )
    return pd.factorize(values, use_na_sentinel=False)[0]
