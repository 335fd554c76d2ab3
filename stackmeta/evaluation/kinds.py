"""Kinds of rows, for each of which a user asks coverage."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compat import is_pandas


def is_word(by: Any, word: str) -> bool:
    """Whether ``by`` is that word, and no array that compares with it."""
    return isinstance(by, str) and by == word


def read_kinds(by: Any, X: Any, X_fit: Any, n_fit: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the kinds of the rows of fit, and of new rows.

    Parameters
    ----------
    by : str or pair of array-like
    X : array-like of shape (n_rows, n_features)
        New rows.
    X_fit : array-like of shape (n_fit, n_features), or None
    n_fit : int

    Returns
    -------
    known, new : ndarray

    Raises
    ------
    ValueError
        If a column or rows are missing.
    """
    if isinstance(by, str):
        pair = []
        for name, table in (("X_fit", X_fit), ("X", X)):
            if not is_pandas(table) or by not in table.columns:
                raise ValueError(
                    f"by={by!r} names a column of X and of X_fit, the table of fit, but {name} "
                    "has no such column. Pass both as DataFrames, or by=(values for the rows of "
                    "fit, values for the rows of X)."
                )
            pair.append(table[by])
    elif isinstance(by, tuple) and len(by) == 2:
        pair = list(by)
    else:
        raise ValueError(
            "by is the name of a column or a pair (values for the rows of fit, values for the "
            f"rows of X); got {type(by).__name__}."
        )
    known, new = (_as_labels(values) for values in pair)
    for values, n_rows, what in ((known, n_fit, "fit"), (new, X.shape[0], "X")):
        if values.shape != (n_rows,):
            raise ValueError(
                f"by has values of shape {values.shape} for the {n_rows} rows of {what}."
            )
    return known, new


def _as_labels(values: Any) -> np.ndarray:
    """Labels that can be compared: text where they are no numbers, so that None is one, too."""
    values = np.asarray(values)
    return values if values.dtype.kind in "biu" else np.array([str(v) for v in values.ravel()])
