"""Rows of a table as float64 blocks, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from ...compat import is_pandas, safe_indexing
from .job import DeclinedError

#: Rows that are worked on at once: large enough for BLAS, small enough for the cache.
CHUNK = 4096


def check_numeric(X: Any, *, accept_sparse: bool = False) -> None:
    """Decline tables that scikit-learn would not work on in float64.

    Raises
    ------
    DeclinedError
        For other containers than arrays and pandas frames, text, float32, booleans alone.
    """
    if sparse.issparse(X):
        if accept_sparse and X.dtype == np.float64 and X.ndim == 2:
            return
        raise DeclinedError("X is sparse")
    if is_pandas(X):
        dtypes = list(X.dtypes)
        if not all(isinstance(dtype, np.dtype) for dtype in dtypes):
            raise DeclinedError("X has columns of an extension type")
    elif isinstance(X, np.ndarray) and X.ndim == 2:
        dtypes = [X.dtype]
    else:
        raise DeclinedError(f"X is a {type(X).__name__}")
    if not dtypes or np.result_type(*dtypes) not in (np.float64, np.int64, np.int32):
        raise DeclinedError("X is not of float64 or integers")


def chunks(X: Any, rows: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield ``(block, rows)``: float64 arrays (or csr matrices) of some of the rows."""
    if sparse.issparse(X):
        X = X.tocsr()
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        block = safe_indexing(X, some)
        if not sparse.issparse(block):
            block = np.asarray(block, dtype=np.float64)
        yield block, some


def all_finite(values: np.ndarray) -> bool:
    """Whether there is neither NaN nor infinity."""
    return bool(np.isfinite(values).all())
