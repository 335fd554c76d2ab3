"""Predictions (+ columns of X) → the matrix that a meta-learner sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from .compat import is_pandas, is_polars, safe_indexing


def select_passthrough(X: Any, passthrough: Any) -> Any:
    """Columns of X that the meta-learner sees beside the predictions; None for none."""
    if isinstance(passthrough, (bool, np.bool_)):
        return X if passthrough else None
    return safe_indexing(X, list(passthrough), axis=1)


def join(matrix: np.ndarray, names: Sequence[str], X: Any = None) -> Any:
    """Put predictions and passed-through columns side by side.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Predictions.
    names : sequence of str
        Names of the prediction columns; used where X is a frame.
    X : array-like of shape (n_rows, n_passthrough), default=None
        Columns that go along.

    Returns
    -------
    meta_features : ndarray, sparse matrix or DataFrame
        A frame with string column names stays a frame, its columns keep their dtypes;
        everything else becomes one array, or one sparse matrix if X is sparse.
    """
    if X is None:
        return matrix
    if sparse.issparse(X):
        return sparse.hstack([matrix, X], format=X.format)
    if is_pandas(X) and all(isinstance(name, str) for name in X.columns):
        import pandas as pd

        predictions = pd.DataFrame(matrix, columns=list(names), index=X.index)
        return pd.concat([predictions, X], axis=1)
    if is_polars(X):
        import polars as pl

        return pl.concat([pl.DataFrame(matrix, schema=list(names)), X], how="horizontal")
    return np.hstack([matrix, np.asarray(X)])


def as_array(meta_features: Any) -> Any:
    """Return meta-features as scikit-learn's stack gives them: an array or sparse matrix."""
    if sparse.issparse(meta_features) or isinstance(meta_features, np.ndarray):
        return meta_features
    return np.asarray(meta_features)


def prediction_names(
    prefix: str, learners: Sequence[str], widths: Sequence[int], taken: Sequence[str] = ()
) -> list[str]:
    """Name the prediction columns as scikit-learn does, apart from the names in ``taken``.

    ``prefix_learner`` for one column, ``prefix_learner0``, … for several. A stack whose X
    already holds another stack's predictions gets a longer prefix.
    """
    names: list[str] = []
    for learner, width in zip(learners, widths, strict=True):
        stem = f"{prefix}_{learner}"
        names.extend([stem] if width == 1 else [f"{stem}{i}" for i in range(width)])
    if set(names) & set(taken):
        return prediction_names(f"{prefix}_", learners, widths, taken)
    return names
