"""Predictions (+ columns of X) → the matrix that a meta-learner sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .compat import is_pandas, is_polars, safe_indexing
from .out_of_fold.folds import Split
from .out_of_fold.target import FoldLabels


@dataclass(frozen=True)
class CombinerTask:
    """What a meta-learner is fitted on: rows that some fold held out.

    Attributes
    ----------
    table : array-like of shape (n_covered, n_features)
        Meta-features.
    n_columns : int
        The first so many are predictions.
    labels : FoldLabels
        Target of these rows, and the classes that are among them.
    splits : list of (train, test)
        Positions among these rows.
    rows : ndarray of shape (n_covered,)
        Which rows of the table of ``fit`` they are.
    params : dict
        Further keyword arguments of ``fit``.
    """

    table: Any
    n_columns: int
    labels: FoldLabels
    splits: list[Split]
    rows: np.ndarray
    params: dict[str, Any]


def select_passthrough(X: Any, passthrough: Any) -> Any:
    """Columns of X that the meta-learner sees beside the predictions; None for none."""
    if isinstance(passthrough, (bool, np.bool_)):
        return X if passthrough else None
    if len(passthrough) == 0:
        return None
    return safe_indexing(X, list(passthrough), axis=1)


def check_passthrough(X: Any, passthrough: Any) -> None:
    """Look for the columns of ``passthrough`` before anything is fitted.

    Raises
    ------
    ValueError
        If X lacks them, some share a name, or are complex.
    """
    if isinstance(passthrough, (bool, np.bool_)) and not passthrough:
        return
    try:
        passed = select_passthrough(safe_indexing(X, [0]), passthrough)
    except Exception as error:
        raise ValueError(f"passthrough={passthrough!r} asks for columns of X: {error}") from error
    if passed is None:
        return
    shape = passed.shape if hasattr(passed, "shape") else np.asarray(passed).shape
    if len(shape) != 2:
        raise ValueError(
            f"passthrough={passthrough!r} needs columns, but X has {len(shape)} axes: give X a "
            "row a sample and a column a feature, or passthrough=False."
        )
    check_unique_names(passed)
    check_real(passed)


def check_real(X: Any) -> None:
    """Check that no column holds complex numbers, which would make all beside them complex.

    Raises
    ------
    ValueError
        If one does.
    """
    dtypes = X.dtypes if is_pandas(X) else [getattr(X, "dtype", None)]
    if any(getattr(dtype, "kind", None) == "c" for dtype in dtypes):
        raise ValueError("Complex data not supported: give X.real and X.imag, or np.abs(X).")


def check_unique_names(X: Any) -> None:
    """Check that no two columns of a frame share a name.

    Raises
    ------
    ValueError
        If some do: what is asked for by name would be several columns.
    """
    if not is_pandas(X) or X.columns.is_unique:
        return
    twice = " or ".join(map(repr, X.columns[X.columns.duplicated()].unique()))
    raise ValueError(
        f"Several columns of X are named {twice}: rename them, for example with X.columns = [...]."
    )


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
        # By way of csr: old versions of SciPy cannot stack some other formats.
        return sparse.hstack([matrix, X.tocsr()], format="csr").asformat(X.format)
    if is_pandas(X) and all(isinstance(name, str) for name in X.columns):
        import pandas as pd

        predictions = pd.DataFrame(matrix, columns=list(names), index=X.index)
        return pd.concat([predictions, X], axis=1)
    if is_polars(X):
        import polars as pl

        return pl.concat([pl.DataFrame(matrix, schema=list(names)), X], how="horizontal")
    values = np.asarray(X)
    # NumPy finds no common type for numbers and dates.
    return np.hstack([matrix, values.astype(object) if values.dtype.kind in "mM" else values])


def append(X: Any, matrix: np.ndarray, names: Sequence[str]) -> Any:
    """Put columns behind those of X; a frame stays a frame, a sparse matrix sparse.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    matrix : ndarray of shape (n_rows, n_columns)
        What follows.
    names : sequence of str
        Their names where X is a frame; made to differ from those of X.

    Returns
    -------
    wide : ndarray, sparse matrix or DataFrame of shape (n_rows, n_features + n_columns)
    """
    if is_pandas(X) or is_polars(X):
        if is_pandas(X) and not all(isinstance(name, str) for name in X.columns):
            X = X.set_axis([str(name) for name in X.columns], axis=1)
        while set(names) & set(X.columns):
            names = [f"_{name}" for name in names]
        return join(matrix, names, X)[[*X.columns, *names]]
    joined, width = join(matrix, names, X), matrix.shape[1]
    order = [*range(width, joined.shape[1]), *range(width)]
    return safe_indexing(joined, order, axis=1)


def restrict_to_classes(matrix: np.ndarray, n_classes: int, present: np.ndarray) -> np.ndarray:
    """Take the ``present`` classes' probabilities, learner by learner, scaled to sum to one.

    For a combiner whose training rows (those that a fold held out) lack a class.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_learners * n_classes)
    n_classes : int
        More than 2.
    present : ndarray of shape (n_present,)
        Codes of the classes that stay.

    Returns
    -------
    restricted : ndarray of shape (n_rows, n_learners * n_present)
        (n_rows, n_learners) with P(second class) where two classes stay.
    """
    parts = matrix.reshape(len(matrix), -1, n_classes)[:, :, present]
    total = parts.sum(axis=2, keepdims=True)
    parts = np.divide(parts, total, out=np.full_like(parts, 1 / len(present)), where=total != 0)
    return parts[:, :, 1] if len(present) == 2 else parts.reshape(len(matrix), -1)


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
