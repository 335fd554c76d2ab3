"""Loss against seconds: which learners are worth theirs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def pareto_front(seconds: ArrayLike, losses: ArrayLike) -> np.ndarray:
    """Positions of those that nothing beats in both, quickest first.

    Parameters
    ----------
    seconds, losses : array-like of shape (n,)
        NaN is on no front.

    Returns
    -------
    positions : ndarray

    Examples
    --------
    >>> from stackmeta.inspection.costs import pareto_front
    >>> pareto_front([1.0, 2.0, 3.0], [0.5, 0.6, 0.4])
    array([0, 2])
    """
    x, y = np.asarray(seconds, float), np.asarray(losses, float)
    front, least = [], np.inf
    for i in np.lexsort((y, x)):
        if y[i] < least and not np.isnan(x[i]):
            front.append(i)
            least = y[i]
    return np.array(front, dtype=np.intp)
