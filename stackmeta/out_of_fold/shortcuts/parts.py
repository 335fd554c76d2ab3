"""Which rows are always together: every fold's training rows are a sum of such parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..folds import Split, repeat_of_each_split


@dataclass(frozen=True)
class Parts:
    """Disjoint parts of the rows for the splits of one repeat.

    Attributes
    ----------
    rows : list of ndarray
        The rows of each part; together all rows.
    splits : list of int
        Positions of the splits that are sums of these parts.
    times : ndarray of shape (n_splits, n_parts)
        How often each split trains on each part.
    """

    rows: list[np.ndarray]
    splits: list[int]
    times: np.ndarray


def parts_of(splits: list[Split], n_rows: int) -> list[Parts]:
    """Find the parts of each repeat.

    The parts of a partition are its folds; those of forward-chaining splits are the segments
    between their ends.
    """
    repeats = repeat_of_each_split(splits, n_rows)
    return [
        _parts_of_repeat(splits, np.flatnonzero(repeats == repeat).tolist(), n_rows)
        for repeat in range(repeats[-1] + 1)
    ]


def _parts_of_repeat(splits: list[Split], positions: list[int], n_rows: int) -> Parts:
    times = np.zeros((len(positions), n_rows), dtype=np.int32)
    complements = True
    for k, position in enumerate(positions):
        train, test = splits[position]
        times[k] = np.bincount(train, minlength=n_rows)
        complements = complements and len(train) + len(test) == n_rows and times[k].max() == 1
    if complements:
        labels = np.full(n_rows, len(positions))
        for k, position in enumerate(positions):
            labels[splits[position][1]] = k
    else:
        labels = np.zeros(n_rows, dtype=np.intp)
        for row_times in times:
            _, labels = np.unique(labels * (row_times.max() + 1) + row_times, return_inverse=True)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    rows = np.split(order, starts[1:])
    return Parts(rows, positions, times[:, order[starts]])
