"""Tasks drawn from tables: some of the rows, some of the columns, some of the classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

# Rows of a class without which no learner can be cross-fitted.
_LEAST_OF_A_CLASS = 4
_MOST_HELD_OUT = 2_000


@dataclass(frozen=True)
class SubTask:
    """Training rows of a task, and rows held out to judge on.

    Attributes
    ----------
    table : str
        Name of the table that it was drawn from.
    X, X_held_out : DataFrame
    y, y_held_out : ndarray
        Codes of classes, or numbers.
    groups : ndarray or None
        Of the training rows; held-out rows are of other groups.
    classifies : bool
    """

    table: str
    X: pd.DataFrame
    y: np.ndarray
    X_held_out: pd.DataFrame
    y_held_out: np.ndarray
    groups: np.ndarray | None
    classifies: bool


def sub_tasks(
    table: str,
    X: Any,
    y: Any,
    groups: Any,
    *,
    classifies: bool,
    n_rows: tuple[int, ...],
    n_tasks: int,
    least_columns: float,
    class_subsets: bool,
    seed: int,
) -> Iterator[SubTask]:
    """Draw tasks from a table; sizes for which it has too few rows are left out.

    Parameters
    ----------
    table : str
    X : DataFrame or array-like of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,)
    groups : array-like of shape (n_rows,) or None
    classifies : bool
    n_rows : tuple of int
        Training rows.
    n_tasks : int
        Tasks of each size.
    least_columns : float
        Least share of the columns that a task keeps.
    class_subsets : bool
        Whether tasks of more than two classes keep some of them, at random.
    seed : int
    """
    frame = X.reset_index(drop=True) if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    y = np.asarray(y)
    groups = None if groups is None else pd.factorize(np.asarray(groups))[0]
    for size in n_rows:
        for number in range(n_tasks):
            rng = np.random.default_rng([seed, size, number])
            rows = _rows_of_classes(y, class_subsets, rng) if classifies else np.arange(len(y))
            rows = rows[_often_enough(y[rows], size)] if classifies else rows
            drawn = _split(y, groups, rows, size, classifies, rng)
            if drawn is None:
                continue
            train, held_out = drawn
            columns = _some_columns(frame.shape[1], least_columns, rng)
            codes = np.unique(y[train], return_inverse=True)[1] if classifies else y[train]
            known = np.isin(y[held_out], y[train]) if classifies else slice(None)
            held_out = held_out[known]
            yield SubTask(
                table,
                frame.iloc[train, columns].reset_index(drop=True),
                codes,
                frame.iloc[held_out, columns].reset_index(drop=True),
                np.searchsorted(np.unique(y[train]), y[held_out]) if classifies else y[held_out],
                None if groups is None else groups[train],
                classifies,
            )


def _rows_of_classes(y: np.ndarray, subsets: bool, rng: np.random.Generator) -> np.ndarray:
    classes = np.unique(y)
    if subsets and len(classes) > 2:
        classes = rng.permutation(classes)[: rng.integers(2, len(classes) + 1)]
    return np.flatnonzero(np.isin(y, classes))


def _often_enough(y: np.ndarray, size: int) -> np.ndarray:
    """Keep classes that so many training rows should have several times."""
    codes = np.unique(y, return_inverse=True)[1]
    shares = np.bincount(codes) / max(len(y), 1)
    return shares[codes] * size >= _LEAST_OF_A_CLASS


def _split(
    y: np.ndarray,
    groups: np.ndarray | None,
    rows: np.ndarray,
    size: int,
    classifies: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray] | None:
    seed = int(rng.integers(2**31))
    if len(rows) < 1.5 * size or (classifies and len(np.unique(y[rows])) < 2):
        return None
    if groups is not None:
        if len(np.unique(groups[rows])) < 4:
            return None
        halves = GroupShuffleSplit(1, test_size=0.4, random_state=seed)
        train, rest = next(halves.split(rows, groups=groups[rows]))
        train, rest = rng.permutation(train)[:size], rng.permutation(rest)
        if len(train) < 0.75 * size:
            return None
    elif classifies:
        draw = StratifiedShuffleSplit(1, train_size=size, random_state=seed)
        train, rest = next(draw.split(rows, y[rows]))
    else:
        train, rest = next(ShuffleSplit(1, train_size=size, random_state=seed).split(rows))
    train, rest = rows[train], rows[rest[:_MOST_HELD_OUT]]
    too_few = classifies and np.unique(y[train], return_counts=True)[1].min() < 2
    return None if too_few else (train, rest)


def _some_columns(n_columns: int, least: float, rng: np.random.Generator) -> np.ndarray:
    share = rng.uniform(least, 1.0)
    n_kept = max(1, round(share * n_columns))
    return np.sort(rng.permutation(n_columns)[:n_kept])
