"""Small labelled tasks drawn from a table, in the form in which a metric is learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..learners.few_shot.descriptors import describe_columns, describe_table
from ..learners.few_shot.features import ColumnFeatures

MOST_ROWS_A_CLASS = 20
_MOST_CLASSES, _MOST_LABELLED, _MOST_COLUMNS = 8, 120, 40
_QUERIES = 32
_TRIES = 20


@dataclass(frozen=True)
class Episode:
    """Labelled rows and queries of one table, as sums by column.

    Attributes
    ----------
    table : str
        Which table they are from.
    columns : ndarray of shape (n_columns, n_descriptors)
        Descriptors of the columns.
    described : ndarray of shape (n_table_descriptors,)
        Descriptors of the labelled table.
    products : ndarray of shape (n_columns, n_labelled + n_queries, n_labelled)
        Inner products of all rows with the labelled ones, a column each.
    norms : ndarray of shape (n_columns, n_queries)
        Squared norms of the queries.
    codes : ndarray of shape (n_labelled,)
        Classes of the labelled rows.
    truth : ndarray of shape (n_queries,)
        Classes of the queries.
    """

    table: str
    columns: np.ndarray
    described: np.ndarray
    products: np.ndarray
    norms: np.ndarray
    codes: np.ndarray
    truth: np.ndarray

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.codes.max()) + 1


def draw_episode(
    table: str, X: Any, y: np.ndarray, groups: np.ndarray | None, rng: np.random.Generator
) -> Episode | None:
    """Draw classes, columns, 1 to 20 labelled rows a class, and queries among the other rows.

    Parameters
    ----------
    table : str
        Name of the table.
    X : DataFrame of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
        Codes of classes.
    groups : ndarray of shape (n_rows,), or None
        Queries are of other groups than labelled rows.
    rng : Generator

    Returns
    -------
    episode : Episode or None
        None where no column varies, or no query is left.
    """
    drawn = _draw_rows(y, groups, rng)
    if drawn is None:
        return None
    labelled, queries = drawn
    n_columns = X.shape[1]
    least = max(1, min(n_columns, 3), n_columns // 3)
    n_kept = int(rng.integers(least, min(n_columns, _MOST_COLUMNS), endpoint=True))
    if rng.random() < 0.5:  # half of the tasks are of the table as it is
        n_kept = min(n_columns, _MOST_COLUMNS)
    kept = np.sort(rng.permutation(n_columns)[:n_kept])
    return make_episode(
        table,
        X.iloc[labelled, kept],
        y[labelled],
        X.iloc[queries, kept],
        y[queries],
    )


def make_episode(
    table: str, X: Any, y: np.ndarray, X_query: Any, y_query: np.ndarray
) -> Episode | None:
    """Make an episode of given labelled rows and queries; None where no column varies."""
    classes, codes = np.unique(y, return_inverse=True)
    fitted = ColumnFeatures()
    features = fitted.fit_transform(X)
    n_columns = len(fitted.kinds_)
    if n_columns == 0:
        return None
    queries = fitted.transform(X_query)
    rows = np.concatenate([features, queries])
    products = np.empty((n_columns, len(rows), len(features)), dtype=np.float32)
    norms = np.empty((n_columns, len(queries)), dtype=np.float32)
    for column in range(n_columns):
        (own,) = np.nonzero(fitted.column_of_ == column)
        products[column] = rows[:, own] @ features[:, own].T
        norms[column] = (queries[:, own] ** 2).sum(axis=1)
    columns = describe_columns(features, fitted, codes, len(classes))
    return Episode(
        table=table,
        columns=columns,
        described=describe_table(columns, len(features), len(classes)),
        products=products,
        norms=norms,
        codes=codes,
        truth=np.searchsorted(classes, y_query),
    )


def _draw_rows(
    y: np.ndarray, groups: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Labelled rows and queries, both with the classes in about the same shares."""
    counts = np.bincount(y)
    usable = np.flatnonzero(counts >= 2)
    if len(usable) < 2:
        return None
    for _ in range(_TRIES):
        n_classes = int(rng.integers(2, min(len(usable), _MOST_CLASSES), endpoint=True))
        classes = rng.choice(usable, n_classes, replace=False)
        rows_a_class = np.exp(rng.uniform(0, np.log(MOST_ROWS_A_CLASS + 0.999)))
        rows_a_class = min(rows_a_class, _MOST_LABELLED / n_classes)
        labelled, queries = [], []
        for code in classes:
            # Shares differ a little, since labels are seldom counted out.
            n_rows = int(np.clip(rows_a_class * rng.uniform(0.75, 1.25), 1, MOST_ROWS_A_CLASS))
            n_rows = min(n_rows, counts[code] - 1)
            order = rng.permutation(np.flatnonzero(y == code))
            labelled.append(order[:n_rows])
            wanted = max(1, round(_QUERIES * n_rows / (rows_a_class * n_classes)))
            queries.append(order[n_rows : n_rows + wanted * 3])
        if groups is not None:
            known = np.unique(groups[np.concatenate(labelled)])
            queries = [rows[~np.isin(groups[rows], known)] for rows in queries]
        queries = [rows[: max(1, len(rows) // 3)] for rows in queries]
        if all(len(rows) for rows in queries):
            return np.concatenate(labelled), np.concatenate(queries)
    return None
