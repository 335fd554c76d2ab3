"""What a table is like, in a few numbers that do not give away a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compat import safe_indexing
from ..learners.columns import CategoryColumn, DateColumn
from ..learners.table import TableCleaner
from ..learners.texts import TextColumn

# More rows say the same.
_MOST_ROWS = 5_000
# Of heavy tails it is enough to know that they are heavy.
_HEAVY = 10.0


def describe_table(X: Any, y: np.ndarray, *, classifies: bool) -> dict[str, float]:
    """Describe a table.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns)
        Raw table.
    y : ndarray of shape (n_rows,)
        Target.
    classifies : bool
        Whether y holds classes.

    Returns
    -------
    description : dict of str to float
        ``n_rows``, ``n_columns``, ``n_classes`` (1 for numbers); the shares of columns that are
        ``categories``, ``texts`` and ``dates``; the share of cells ``missing``; the most
        ``levels`` of a category; of classes their ``entropy`` (1 where all are as frequent) and
        the share of the ``rarest``; of numbers ``skew``, ``tails`` (excess kurtosis) and the
        share of ``distinct`` values.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.experience import describe_table
    >>> y = np.array([0, 0, 0, 1])
    >>> found = describe_table([["a", 1], ["b", 2], ["a", 3], ["b", None]], y, classifies=True)
    >>> found["n_columns"], found["categories"], found["missing"], found["rarest"]
    (2.0, 0.5, 0.125, 0.25)
    """
    n_rows, n_columns = X.shape if hasattr(X, "shape") else np.shape(X)
    if n_rows > _MOST_ROWS:
        X = safe_indexing(X, np.arange(0, n_rows, -(-n_rows // _MOST_ROWS)))
    cleaner = TableCleaner().fit(X)
    kinds = cleaner.columns_
    levels = [len(kind.levels) for kind in kinds if isinstance(kind, CategoryColumn)]
    table = cleaner.transform(X)
    return {
        "n_rows": float(n_rows),
        "n_columns": float(n_columns),
        "categories": len(levels) / n_columns,
        "texts": sum(isinstance(kind, TextColumn) for kind in kinds) / n_columns,
        "dates": sum(isinstance(kind, DateColumn) for kind in kinds) / n_columns,
        "missing": float(table.isna().to_numpy().mean()),
        "levels": float(max(levels, default=0)),
        **(_classes(y) if classifies else _numbers(np.asarray(y, float))),
    }


def _classes(y: np.ndarray) -> dict[str, float]:
    shares = np.unique(y, return_counts=True)[1] / len(y)
    n_classes = len(shares)
    entropy = float(-shares @ np.log(shares)) / np.log(n_classes) if n_classes > 1 else 0.0
    return {"n_classes": float(n_classes), "entropy": entropy, "rarest": float(shares.min())}


def _numbers(y: np.ndarray) -> dict[str, float]:
    spread = y.std()
    z = (y - y.mean()) / spread if spread > 0 else np.zeros(len(y))
    return {
        "n_classes": 1.0,
        "skew": float(np.clip((z**3).mean(), -_HEAVY, _HEAVY)),
        "tails": float(np.clip((z**4).mean() - 3.0, -_HEAVY, _HEAVY)),
        "distinct": len(np.unique(y)) / len(y),
    }
