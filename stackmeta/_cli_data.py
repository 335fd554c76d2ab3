"""What `stackmeta fit` decides about a table: the target, the task, the held-out rows."""

from __future__ import annotations

import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold, train_test_split

from ._cli_io import UserError

if TYPE_CHECKING:
    import pandas as pd

# Whole numbers with at most so many distinct values are taken for classes …
_MOST_NUMBERED_CLASSES = 20
# … if there are so many rows a value.
_ROWS_A_CLASS = 5


def check_column(table: pd.DataFrame, column: str, option: str) -> None:
    """Refuse a column that is not there, with the nearest names.

    Raises
    ------
    UserError
        If the table has no such column.
    """
    names = list(table.columns)
    if column in names:
        return
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(column.lower(), by_lower, n=3, cutoff=0.5)
    hint = ", ".join(by_lower[name] for name in near)
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    raise UserError(
        f"{option}: the table has no column {column!r}. "
        + (f"Did you mean: {hint}?" if hint else f"It has: {listed}")
    )


def drop_rows_without(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Leave out rows that miss a value that every row must have, and say so.

    Raises
    ------
    UserError
        If no row has one.
    """
    there = table[column].notna()
    if there.all():
        return table
    if not there.any():
        raise UserError(f"Column {column!r} is empty.")
    print(f"{(~there).sum()} rows without {column!r} are left out")
    return table[there].reset_index(drop=True)


def choose_task(target: pd.Series, task: str) -> tuple[str, str]:
    """Choose between classification and regression.

    Parameters
    ----------
    target : Series
        Target column, without missing values.
    task : {"auto", "classification", "regression"}
        What the user asked for.

    Returns
    -------
    task : {"classification", "regression"}
    reason : str
        Why.
    """
    from pandas.api import types

    if task != "auto":
        return task, "as --task says"
    n_values = target.nunique()
    if not types.is_numeric_dtype(target.dtype) or types.is_bool_dtype(target.dtype):
        return "classification", f"{target.name!r} holds {n_values} labels"
    if not _whole(target):
        return "regression", f"{target.name!r} holds fractions"
    few = n_values <= _MOST_NUMBERED_CLASSES and n_values * _ROWS_A_CLASS <= len(target)
    if few or n_values <= 2:
        return "classification", f"{target.name!r} holds {n_values} whole numbers"
    return "regression", f"{target.name!r} holds {n_values} different whole numbers"


def _whole(target: pd.Series) -> bool:
    from pandas.api.types import is_integer_dtype

    if is_integer_dtype(target.dtype):
        return True
    values = target.to_numpy(dtype=np.float64)
    return bool((values == np.floor(values)).all())


def target_values(target: pd.Series, task: str) -> np.ndarray:
    """Turn the target column into what the stack takes.

    Whole numbers that a missing value turned into floats become integers again, so that
    classes are named 1 and 2, not 1.0 and 2.0.

    Raises
    ------
    UserError
        If the column does not suit the task.
    """
    from pandas.api import types

    name, dtype = target.name, target.dtype
    is_number = types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype)
    if task == "regression":
        if not is_number:
            raise UserError(
                f"Target {name!r} holds no numbers ({dtype}): use --task classification."
            )
        values = target.to_numpy(dtype=np.float64)
        if not np.isfinite(values).all():
            raise UserError(f"Target {name!r} holds infinite values.")
        return values
    n_classes = target.nunique()
    if n_classes < 2:
        raise UserError(
            f"Target {name!r} has one class only, {target.iloc[0]!r}: nothing to learn."
        )
    if is_number and not _whole(target):
        raise UserError(f"Target {name!r} holds fractions: use --task regression.")
    if n_classes > len(target) / 2:
        raise UserError(
            f"Target {name!r} has {n_classes} classes in {len(target)} rows: is it a number "
            "(--task regression) or a name?"
        )
    if is_number:
        # By way of floats large integers would lose digits.
        numbers = target if types.is_integer_dtype(dtype) else target.astype(np.float64)
        return numbers.to_numpy(dtype=np.int64)
    if types.is_bool_dtype(dtype):
        return target.to_numpy(dtype=bool)
    return np.asarray([str(value) for value in target], dtype=object)


def split_rows(
    y: np.ndarray, task: str, share: float, groups: Any, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into training and held-out ones: by group, else by class, else at random.

    Every class has training rows, and no group rows on both sides.

    Returns
    -------
    train, test : ndarray of int
    """
    rows = np.arange(len(y))
    if share == 0:
        return rows, rows[:0]
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    stratified = task == "classification"
    if groups is not None:
        splitter: Any = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
        if stratified and share <= 0.5:
            splitter = StratifiedGroupKFold(round(1 / share), shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # Of classes with few rows: they are seen to below.
            warnings.simplefilter("ignore", UserWarning)
            train, test = next(splitter.split(rows, codes, groups))
    else:
        possible = counts.min() > 1 and min(share, 1 - share) * len(y) >= len(classes)
        train, test = train_test_split(
            rows,
            test_size=share,
            stratify=codes if stratified and possible else None,
            random_state=seed,
        )
    if not stratified:
        return np.sort(train), np.sort(test)
    unseen = np.setdiff1d(codes[test], codes[train])
    moved = np.isin(codes[test], unseen)
    if groups is not None:
        moved = np.isin(groups[test], groups[test][moved])
    return np.sort(np.concatenate([train, test[moved]])), np.sort(test[~moved])
