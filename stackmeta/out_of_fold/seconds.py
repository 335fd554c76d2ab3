"""Seconds that predictions take."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from ..compat import safe_indexing

_N_ROWS = 1000
_REPEATS = 2


def seconds_of(predict: Callable[[Any], Any], X: Any) -> float:
    """Measure the seconds that 1,000 rows take.

    Parameters
    ----------
    predict : callable
        Is given rows.
    X : array-like or DataFrame of shape (n_rows, n_features)
        With fewer rows, these take their place: what a call costs at least is not in
        proportion to rows.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    rows = safe_indexing(X, np.arange(min(_N_ROWS, X.shape[0])))
    taken = []
    for _ in range(_REPEATS):
        start = perf_counter()
        predict(rows)
        taken.append(perf_counter() - start)
    return min(taken)
