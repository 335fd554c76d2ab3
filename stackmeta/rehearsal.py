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
    """Fit a clone of the meta-learner on a few rows, if it is given what is no finite number.

    The predictions are made up. Meta-learners that count their fits see one more.

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
        If it fails, and would not fail on the columns that are finite numbers.
    """
    if wants_prediction_columns(final):
        return  # a combiner, which reads no other column
    odd = [_is_odd(column) for column in _columns(passed)]
    if not any(odd):
        return
    rows = _some_rows(target, passed)
    sample = safe_indexing(passed, rows)
    cause = _failure(final, names, sample, target, rows)
    if cause is None:
        return
    plain = [i for i, is_odd in enumerate(odd) if not is_odd]
    sample = safe_indexing(sample, plain, axis=1) if plain else None
    if _failure(final, names, sample, target, rows) is None:
        advice = (
            f"final_estimator={final} cannot read the columns that passthrough gives it: {cause}. "
            "Put an encoder before it (a pipeline with a ColumnTransformer), or name numeric "
            "columns: passthrough=[...]."
        )
        for kind in (ValueError, TypeError):
            if isinstance(cause, kind):
                raise kind(advice) from cause
        cause.add_note(advice)
        raise cause


def check_takes_outputs(final: Any, names: list[str], target: Target) -> None:
    """Fit a clone of the meta-learner on a few rows, if y has several columns.

    Parameters
    ----------
    final : estimator
        Unfitted meta-learner; a clone is fitted.
    names : list of str
        Names of the prediction columns.
    target : Target

    Raises
    ------
    ValueError
        If it takes one column only.
    """
    if target.n_outputs == 1:
        return
    cause = _failure(final, names, None, target, _some_rows(target, None))
    if cause is not None:
        kind = "classifier" if target.kind == "multilabel" else "regressor"
        raise ValueError(
            f"final_estimator={final} cannot be fitted on a y of {target.n_outputs} columns: "
            f"{cause}. Use a meta-learner that can, such as KNeighbors{kind.title()}, or "
            f"MultiOutput{kind.title()} around it or around the stack."
        ) from cause


def wants_prediction_columns(final: Any) -> bool:
    """Whether the meta-learner asks which columns are predictions, and has not been told."""
    params = final.get_params()
    return "prediction_columns" in params and params["prediction_columns"] is None


def _columns(passed: Any) -> list[np.ndarray]:
    if is_pandas(passed):
        return [np.asarray(passed.iloc[:, i].array) for i in range(passed.shape[1])]
    if is_polars(passed):
        return [column.to_numpy() for column in passed]
    if sparse.issparse(passed) or np.ndim(passed) != 2:
        return []
    return list(np.asarray(passed).T)


def _not_finite(column: np.ndarray) -> np.ndarray:
    import pandas as pd

    return ~np.isfinite(column) if column.dtype.kind == "f" else pd.isna(column)


def _is_odd(column: np.ndarray) -> bool:
    """Whether a column is no numbers, or some are not finite: not every meta-learner reads it."""
    return column.dtype.kind not in "biuf" or bool(_not_finite(column).any())


def _some_rows(target: Target, passed: Any) -> np.ndarray:
    """Choose some rows of each class, and some with what is missing or infinite."""
    if target.kind == "classes":
        members = [np.flatnonzero(target.y == code) for code in range(target.n_classes)]
    elif target.kind == "multilabel":
        members = [np.flatnonzero(column == code) for column in target.y.T for code in (0, 1)]
    else:
        members = [np.arange(len(target.y))]
    if passed is not None:
        members.extend(np.flatnonzero(_not_finite(column)) for column in _columns(passed))
    return np.unique(np.concatenate([rows[:_ROWS_A_CLASS] for rows in members]))


def _failure(
    final: Any, names: list[str], sample: Any, target: Target, rows: np.ndarray
) -> Exception | None:
    predictions = np.random.default_rng(0).uniform(size=(len(rows), len(names)))
    rehearsing = clone(final)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = fold_labels(target, rows, renumber=False)
            rehearsing.fit(join(predictions, names, sample), labels.y)
    except Exception as error:
        return error
    return None
