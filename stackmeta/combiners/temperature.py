"""Temperature scaling of probabilities."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

# A probability of 0 counts as the least above 0.
_LEAST = np.finfo(np.float64).eps
_RANGE = (-3.0, 3.0)


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Flatten (temperature above 1) or sharpen probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Rows sum to one.
    temperature : float
        Log probabilities are divided by it [1]_.

    Returns
    -------
    probabilities : ndarray of shape (n_rows, n_classes)
        Rows sum to one.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", International Conference on Machine Learning, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.temperature import temper
    >>> temper(np.array([[0.9, 0.1]]), 2.0)
    array([[0.75, 0.25]])
    """
    scaled = np.log(np.maximum(probabilities, _LEAST)) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    return scaled / scaled.sum(axis=1, keepdims=True)


def fit_temperature(
    probabilities: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray | None
) -> float:
    """Find the temperature of least log loss, between 1/20 and 20.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Rows sum to one.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    sample_weight : ndarray of shape (n_rows,), or None
        Weights of the rows.
    """
    truth = np.arange(len(codes)), codes

    if len(codes) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        tempered = temper(probabilities, np.exp(log_temperature))[truth]
        return -float(np.average(np.log(np.maximum(tempered, _LEAST)), weights=sample_weight))

    return float(np.exp(minimize_scalar(loss, bounds=_RANGE, method="bounded").x))
