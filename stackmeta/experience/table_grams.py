"""Records of tasks as one Gram matrix of errors a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .record import TaskRecord


@dataclass(frozen=True, eq=False)
class TableGrams:
    """What tables say about some learners' errors, each table once.

    Attributes
    ----------
    tables : tuple of str
        Tables, sorted.
    grams : ndarray of shape (n_tables, n_learners, n_learners)
        Mean Gram matrix of each table's records, in units of the squared error of its median
        learner; NaN for pairs of learners that no record of it has.
    weights : ndarray of shape (n_tables,)
        How much each table counts: what its nearest record does.
    """

    tables: tuple[str, ...]
    grams: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls,
        records: Sequence[TaskRecord],
        names: Sequence[str],
        weights: Sequence[float] | np.ndarray | None = None,
    ) -> TableGrams:
        """Read records; those that have none of the learners, or weight 0, say nothing."""
        counts = np.ones(len(records)) if weights is None else np.asarray(weights, float)
        found: dict[str, list[tuple[np.ndarray, float]]] = {}
        for record, count in zip(records, counts, strict=True):
            gram = record.gram_of(names)
            unit = float(np.median(record.gram.diagonal()))
            if count > 0 and unit > 0 and not np.isnan(gram).all():
                found.setdefault(record.table, []).append((gram / unit, float(count)))
        tables = tuple(sorted(found))
        return cls(
            tables,
            np.array([_mean(*map(np.array, zip(*found[t], strict=True))) for t in tables]).reshape(
                -1, len(names), len(names)
            ),
            np.array([max(count for _, count in found[t]) for t in tables]),
        )

    def __len__(self) -> int:
        return len(self.tables)

    def known(self, table: int) -> np.ndarray:
        """Positions of the learners that a table has."""
        return np.flatnonzero(np.isfinite(self.grams[table].diagonal()))

    def own(self, table: int) -> np.ndarray:
        """Gram matrix of the learners that a table has, positive semi-definite."""
        index = self.known(table)
        return completed(self.grams[table][np.ix_(index, index)])

    def pooled(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Mean over the tables of shape (n_learners, n_learners), with no gaps."""
        return completed(_mean(self.grams, self.weights if weights is None else weights))


def _mean(grams: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the tables that have both learners of a pair; NaN where none has."""
    has = np.isfinite(grams)
    total = np.einsum("t,tij->ij", weights, has)
    summed = np.einsum("t,tij->ij", weights, np.where(has, grams, 0.0))
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)


def completed(gram: np.ndarray) -> np.ndarray:
    """Fill the gaps of a Gram matrix, neutrally, and make it positive semi-definite.

    A learner that nobody knows gets the median squared error, a pair that nobody has seen
    together the mean correlation. Even without gaps a matrix is not always one of errors: pairs
    may come from different tables.

    Parameters
    ----------
    gram : ndarray of shape (n_learners, n_learners)
        Symmetric, with NaN for what is unknown.

    Returns
    -------
    gram : ndarray of shape (n_learners, n_learners)

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.experience.table_grams import completed
    >>> nan = np.nan
    >>> completed(np.array([[1.0, 0.5, nan], [0.5, 1.0, nan], [nan, nan, nan]])).round(6)
    array([[1. , 0.5, 0.5],
           [0.5, 1. , 0.5],
           [0.5, 0.5, 1. ]])
    """
    filled = gram if np.isfinite(gram).all() else _filled(gram)
    values, vectors = np.linalg.eigh(filled)
    return filled if values[0] >= 0 else (vectors * values.clip(0.0)) @ vectors.T


def _filled(gram: np.ndarray) -> np.ndarray:
    diagonal = gram.diagonal()
    known = np.isfinite(diagonal)
    diagonal = np.where(known, diagonal, np.median(diagonal[known]) if known.any() else 1.0)
    size = np.sqrt(np.outer(diagonal, diagonal))
    others = np.isfinite(gram) & (size > 0) & ~np.eye(len(gram), dtype=bool)
    correlation = float((gram[others] / size[others]).mean()) if others.any() else 0.5
    filled = np.where(np.isfinite(gram), gram, correlation * size)
    np.fill_diagonal(filled, diagonal)
    return filled
