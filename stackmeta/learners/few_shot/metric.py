"""The learned metric: weights of columns, and how sharply distances tell classes apart."""

from __future__ import annotations

import numpy as np

_MOST = 30.0


def column_weights(descriptors: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Weights of the columns: ``exp(theta @ descriptors)``, with sum one.

    Parameters
    ----------
    descriptors : ndarray of shape (n_columns, n_descriptors)
    theta : ndarray of shape (n_descriptors,)

    Returns
    -------
    weights : ndarray of shape (n_columns,)

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.learners.few_shot.metric import column_weights
    >>> column_weights(np.array([[0.0], [1.0]]), np.array([np.log(3.0)]))
    array([0.25, 0.75])
    """
    if not len(descriptors):
        return np.zeros(0)
    scores = descriptors @ theta
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def positive(coefficients: np.ndarray, table: np.ndarray) -> float:
    """``exp(coefficients @ table)``, which cannot overflow.

    Parameters
    ----------
    coefficients : ndarray of shape (n_table_descriptors,)
    table : ndarray of shape (n_table_descriptors,)

    Returns
    -------
    value : float
    """
    return float(np.exp(np.clip(coefficients @ table, -_MOST, _MOST)))
