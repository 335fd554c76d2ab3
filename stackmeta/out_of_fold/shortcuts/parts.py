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
    if all(_is_complement(*splits[position], n_rows) for position in positions):
        return _parts_of_partition(splits, positions, n_rows)
    times = np.stack([np.bincount(splits[k][0], minlength=n_rows) for k in positions])
    labels = np.zeros(n_rows, dtype=np.intp)
    for row_times in times:
        _, labels = np.unique(labels * (row_times.max() + 1) + row_times, return_inverse=True)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return Parts(np.split(order, starts[1:]), positions, times[:, order[starts]])


def _is_complement(train: np.ndarray, test: np.ndarray, n_rows: int) -> bool:
    """Whether all rows that are not held out are trained on, once."""
    if len(train) + len(test) != n_rows:
        return False
    there = np.zeros(n_rows, dtype=bool)
    there[train] = there[test] = True
    return bool(there.all())


def _parts_of_partition(splits: list[Split], positions: list[int], n_rows: int) -> Parts:
    """Return the held-out rows of each split and, if there are any, those that none holds out."""
    rows = [splits[position][1] for position in positions]
    rest = np.ones(n_rows, dtype=bool)
    for held_out in rows:
        rest[held_out] = False
    if rest.any():
        rows.append(np.flatnonzero(rest))
    return Parts(rows, positions, 1 - np.eye(len(positions), len(rows), dtype=np.int64))
