"""The folds over which a combiner cross-fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from ..out_of_fold.folds import Split, fold_of_each_row, restrict_splits

_N_FOLDS = 5


class Folds:
    """The folds that made the predictions or, where nobody knows them, five of its own.

    Parameters
    ----------
    folds : list of (train, test), array-like of shape (n_all,), or None
        What ``fit`` of a combiner was given.
    rows : ndarray of int, or None
        The rows that are fitted on, if not all.
    n_all : int
        Number of rows of ``fit``.
    classifies : bool
        Whether folds of its own are stratified.
    matrix : ndarray of shape (n_rows, n_columns), default=None
        The rows that are fitted on. Folds of its own keep identical rows together, and do not
        depend on their order: a row that is there twice is a row of weight 2.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.folds import Folds
    >>> folds = Folds([0, 1, 0, 1], None, 4, classifies=False)
    >>> folds.splits(np.zeros(4))
    [(array([1, 3]), array([0, 2])), (array([0, 2]), array([1, 3]))]
    >>> folds.numbers(np.zeros(4))
    array([0, 1, 0, 1])
    """

    def __init__(
        self,
        folds: Any,
        rows: np.ndarray | None,
        n_all: int,
        *,
        classifies: bool,
        matrix: np.ndarray | None = None,
    ) -> None:
        self._given = None if folds is None else _read(folds, rows, n_all)
        self._classifies = classifies
        self._matrix = matrix

    @property
    def given(self) -> bool:
        """Whether they are those that made the predictions."""
        return self._given is not None

    def splits(self, y: np.ndarray) -> list[Split]:
        """Split the rows that are fitted on; none if there are too few.

        Parameters
        ----------
        y : ndarray of shape (n_rows,) or (n_rows, n_targets)
            Truth, class codes where classes are predicted.
        """
        if self._given is not None:
            return self._given
        first, same = self._distinct_rows(y)
        if self._classifies and len(first) == len(np.unique(y)):  # constant predictions
            first = same = np.arange(len(y))
        if len(first) < 2:
            return []
        kind, most = KFold, len(first)
        if self._classifies and (fewest := np.bincount(y[first])[np.unique(y)].min()) > 1:
            kind, most = StratifiedKFold, fewest
        splitter = kind(min(_N_FOLDS, most), shuffle=True, random_state=0)
        numbers = np.empty(len(first), dtype=np.intp)
        for number, (_, test) in enumerate(splitter.split(first, y[first])):
            numbers[test] = number
        return _splits_of(numbers[same])

    def _distinct_rows(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First of the rows that are the same, and which of these each row is."""
        if self._matrix is None:
            return np.arange(len(y)), np.arange(len(y))
        rows = np.ascontiguousarray(np.column_stack([self._matrix, y]) + 0.0)  # -0.0 is 0.0
        keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))
        _, first, same = np.unique(keys.ravel(), return_index=True, return_inverse=True)
        # By the values, which neither float32 nor another unit puts into another order.
        sizes = (np.nan_to_num(rows[first]) ** 2).mean(axis=1)
        order = np.lexsort([sizes, y[first].reshape(len(first), -1)[:, 0]])
        position = np.empty_like(order)
        position[order] = np.arange(len(order))
        return first[order], position[same]

    def part(self, rows: np.ndarray, n_rows: int) -> Folds:
        """Give the same folds for a table that has only ``rows`` of the ``n_rows``."""
        matrix = None if self._matrix is None else self._matrix[rows]
        part = Folds(None, None, len(rows), classifies=self._classifies, matrix=matrix)
        if self._given is not None:
            part._given = _restricted(self._given, rows, n_rows)
        return part

    def numbers(self, y: np.ndarray) -> np.ndarray:
        """Say which fold holds each row out, the first of several; -1 for none."""
        return fold_of_each_row(self.splits(y), len(y))


def _read(folds: Any, rows: np.ndarray | None, n_all: int) -> list[Split]:
    if _is_list_of_splits(folds):
        splits = [(np.asarray(train), np.asarray(test)) for train, test in folds]
        for part in (part for split in splits for part in split):
            if part.dtype.kind not in "iu" or (part.size and not part.min() >= 0):
                raise ValueError("folds: a split is a pair of arrays of row positions.")
            if part.size and part.max() >= n_all:
                raise ValueError(f"folds name row {part.max()}, but X has {n_all} rows.")
    else:
        numbers = np.asarray(folds)
        if numbers.shape != (n_all,) or numbers.dtype.kind not in "iu":
            raise ValueError(
                f"folds must be a list of (train, test) row positions or {n_all} whole numbers, "
                f"one a row of X, got an array of shape {numbers.shape} and dtype {numbers.dtype}."
            )
        splits = _splits_of(numbers)
    return _restricted(splits, np.arange(n_all) if rows is None else rows, n_all)


def _splits_of(numbers: np.ndarray) -> list[Split]:
    return [
        (np.flatnonzero(numbers != number), np.flatnonzero(numbers == number))
        for number in np.unique(numbers[numbers >= 0])
    ]


def _restricted(splits: list[Split], rows: np.ndarray, n_all: int) -> list[Split]:
    splits = restrict_splits(splits, rows, n_all)
    return [(np.sort(train), np.sort(test)) for train, test in splits if len(train) * len(test)]


def _is_list_of_splits(folds: Any) -> bool:
    return isinstance(folds, list | tuple) and all(
        isinstance(split, tuple | list) and len(split) == 2 and np.ndim(split[0]) == 1
        for split in folds
    )
