"""Tables as boosters compute with them: their own reading of DataFrames takes longer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compat import is_pandas


def as_coded(X: Any, levels: dict[int, Any] | None = None) -> tuple[Any, dict[int, Any]]:
    """Give categories as codes, missing ones as NaN.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns)
        Of float64 and pandas categoricals; anything else is returned as it is.
    levels : dict of int to ndarray, default=None
        Categories that codes stand for, by position of the column: those of the training rows.
        None: those of X.

    Returns
    -------
    table : ndarray of shape (n_rows, n_columns)
        float64; X itself if it is no DataFrame with categories.
    levels : dict of int to ndarray
        Categories of the columns that hold codes.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta.learners.coded import as_coded
    >>> kind = pd.Categorical(["a", None, "b"])
    >>> table, levels = as_coded(pd.DataFrame({"size": [1.0, 2.0, 3.0], "kind": kind}))
    >>> table
    array([[ 1.,  0.],
           [ 2., nan],
           [ 3.,  1.]])
    >>> as_coded(pd.DataFrame({"size": [4.0], "kind": pd.Categorical(["b"])}), levels)[0]
    array([[4., 1.]])
    """
    if not is_pandas(X):
        return X, {}
    kinds = [dtype.name for dtype in X.dtypes]
    if "category" not in kinds or set(kinds) - {"category", "float64"}:
        return X, {}
    if levels is None:
        levels = {
            i: dtype.categories.to_numpy()
            for i, dtype in enumerate(X.dtypes)
            if dtype.name == "category"
        }
    table = np.empty(X.shape)
    for i, (_, column) in enumerate(X.items()):
        if kinds[i] == "category":
            if not np.array_equal(column.cat.categories.to_numpy(), levels[i]):
                column = column.cat.set_categories(levels[i])
            codes = column.cat.codes.to_numpy()
            table[:, i] = np.where(codes < 0, np.nan, codes)
        else:
            table[:, i] = column.to_numpy()
    return table, levels
