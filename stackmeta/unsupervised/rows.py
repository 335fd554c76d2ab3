"""What the faces without a target do with a table, before anything is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from ..meta_features import check_real, check_unique_names
from ..out_of_fold.checks import as_table, check_table
from ..out_of_fold.target import Target


def read_table(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Check the shape of a table and the names of its columns.

    Parameters
    ----------
    estimator : estimator
        Who reads; it remembers the columns.
    X : DataFrame or array-like of shape (n_rows, n_columns)
    reset : bool
        Whether these are the rows of ``fit``.

    Raises
    ------
    TypeError
        If X is sparse.
    ValueError
        If it is no table, or in ``fit`` one of a single row.
    """
    name = type(estimator).__name__
    if issparse(X):
        raise TypeError(
            f"Sparse data was passed, but {name} reads dense tables: use X.toarray(), or "
            "TruncatedSVD before it."
        )
    check_table(X, name)
    X = as_table(X, name)
    least = 2 if reset else 1
    if X.shape[0] < least:
        raise ValueError(
            f"Found array with {X.shape[0]} sample(s) (n_samples={X.shape[0]}, shape={X.shape}) "
            f"while a minimum of {least} is required by {name}."
        )
    check_unique_names(X)
    check_real(X)
    validate_data(estimator, X=X, reset=reset, skip_check_array=True)
    return X


def no_target(n_rows: int) -> Target:
    """Make a target that says nothing, for learners that ask for none."""
    return Target("numbers", np.zeros(n_rows))
