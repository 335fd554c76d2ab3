"""The exact minimum of the squared error of a mixture over the simplex."""

from __future__ import annotations

import numpy as np

from .losses import squared_losses
from .predictions import Predictions
from .simplex import minimise_quadratic


def minimise_squared_error(
    predictions: Predictions, y: np.ndarray, share: np.ndarray, ridge: float = 0.0
) -> tuple[np.ndarray, float]:
    """Minimise ``share @ (predictions @ w - y)² + ridge * |w - 1/m|²`` over the simplex.

    It is done from products of differences to the best learner. They leave out the error that
    all learners have in common, in which the digits of small differences would drown.

    Parameters
    ----------
    predictions : Predictions
        Of m learners.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Truth.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    ridge : float, default=0.0
        Pull towards equal weights, in units of the loss of the constant mean.

    Returns
    -------
    weights : ndarray of shape (m,)
        The minimiser, with exact zeros.
    gap : float
        Duality gap, in the same units.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.predictions import Predictions
    >>> from stackmeta.combiners.squared_error import minimise_squared_error
    >>> y = np.array([1.0, 2.0, 4.0, 3.0])
    >>> predictions = Predictions(np.column_stack([y + 1, y - 3]), 1)
    >>> weights, gap = minimise_squared_error(predictions, y, np.full(4, 0.25))
    >>> weights.round(6)
    array([0.75, 0.25])
    """
    target = y.reshape(len(y), -1).astype(np.float64)
    losses = squared_losses(predictions, y, share)
    best = int(losses.argmin())
    products = np.zeros((predictions.n_learners + 1,) * 2)
    for rows in predictions.slices():
        block = predictions.block(rows)
        centre = block[:, best]
        difference = np.empty((len(block), predictions.n_outputs, len(products)))
        difference[:, :, :-1] = (block - centre[:, None, :]).transpose(0, 2, 1)
        difference[:, :, -1] = centre - target[rows]
        difference *= np.sqrt(share[rows])[:, None, None]
        flat = difference.reshape(-1, len(products))
        products += flat.T @ flat
    products /= predictions.n_outputs
    scale = max(share @ ((target - share @ target) ** 2).mean(axis=1), losses[best]) or 1.0
    hessian = 2.0 * products[:-1, :-1] / scale
    hessian[np.diag_indices_from(hessian)] += 2.0 * ridge
    start = np.zeros(predictions.n_learners)
    start[best] = 1.0
    return minimise_quadratic(hessian, 2.0 * products[:-1, -1] / scale, start)
