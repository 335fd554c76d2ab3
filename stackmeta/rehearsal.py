"""Find out before the learners are fitted whether the meta-learner can read what is passed on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone

from .compat import is_pandas, is_polars, safe_indexing
from .meta_features import join
from .out_of_fold.target import Target, fold_labels

_ROWS_A_CLASS = 20


def check_readable(final: Any, names: list[str], passed: Any, target: Target) -> None:
    """Fit a clone of the meta-learner on a few rows, if columns passed to it are not numbers.

    Its predictions are made up. Meta-learners that count their fits see one more.

    Parameters
    ----------
    final : estimator
        Unfitted meta-learner; a clone is fitted.
    names : list of str
        Names of the prediction columns.
    passed : array-like of shape (n_rows, n_passthrough)
        Columns of X that the meta-learner will see.
    target : Target

    Raises
    ------
    ValueError or what the meta-learner raised
        If it fails, and would not fail on the columns that are numbers.
    """
    numbers = _numeric_columns(passed)
    if numbers is None:
        return
    rows = _some_rows(target)
    sample = safe_indexing(passed, rows)
    cause = _failure(final, names, sample, target, rows)
    if cause is None:
        return
    sample = safe_indexing(sample, numbers, axis=1) if numbers else None
    if _failure(final, names, sample, target, rows) is None:
        advice = (
            f"final_estimator={final} cannot read the columns that passthrough gives it: {cause}. "
            "Put an encoder before it (a pipeline with a ColumnTransformer), or name numeric "
            "columns: passthrough=[...]."
        )
        if isinstance(cause, ValueError):
            raise ValueError(advice) from cause
        cause.add_note(advice)
        raise cause


def _numeric_columns(passed: Any) -> list[int] | None:
    """Positions of the numeric columns; None if all are."""
    if sparse.issparse(passed):
        return None
    if is_pandas(passed):
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        numeric = [is_numeric_dtype(t) or is_bool_dtype(t) for t in passed.dtypes]
    elif is_polars(passed):
        numeric = [t.is_numeric() or str(t) == "Boolean" for t in passed.dtypes]
    else:
        kind = np.asarray(passed).dtype.kind
        return [] if kind in "OUSM" else None
    return None if all(numeric) else [i for i, yes in enumerate(numeric) if yes]


def _some_rows(target: Target) -> np.ndarray:
    if target.kind != "classes":
        return np.arange(min(len(target.y), 5 * _ROWS_A_CLASS))
    members = [np.flatnonzero(target.y == code) for code in range(target.n_classes)]
    return np.sort(np.concatenate([rows[:_ROWS_A_CLASS] for rows in members]))


def _failure(
    final: Any, names: list[str], sample: Any, target: Target, rows: np.ndarray
) -> Exception | None:
    predictions = np.random.default_rng(0).uniform(size=(len(rows), len(names)))
    rehearsing = clone(final)
    if rehearsing.get_params().get("prediction_columns", 0) is None:
        # Made-up rows are no probabilities; combiners read no other column anyway.
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = fold_labels(target, rows, renumber=False)
            rehearsing.fit(join(predictions, names, sample), labels.y)
    except Exception as error:
        return error
    return None
