"""The exact minimum of the squared error of a mixture over the simplex."""

from __future__ import annotations

import numpy as np

from .losses import squared_losses
from .predictions import Predictions
from .simplex import minimise_quadratic
from .weight_prior import WeightPrior, loss_unit, prior_penalty, ridge_penalty


def minimise_squared_error(
    predictions: Predictions,
    y: np.ndarray,
    share: np.ndarray,
    ridge: float = 0.0,
    prior: WeightPrior | None = None,
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
    prior : WeightPrior, default=None
        What is known of the weights.

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
    linear = 2.0 * products[:-1, -1] / scale
    penalty = ridge_penalty(ridge, predictions.n_learners)
    if prior is not None:
        known = _worth(prior, hessian, linear, losses[best] / scale, share)
        penalty = prior_penalty(prior, known, share, loss_unit(losses) / scale, penalty)
    if penalty is not None:
        hessian, linear = hessian + penalty.hessian, linear + penalty.linear
    start = np.zeros(predictions.n_learners)
    start[best] = 1.0
    return minimise_quadratic(hessian, linear, start)


def _worth(
    prior: WeightPrior, hessian: np.ndarray, linear: np.ndarray, loss: float, share: np.ndarray
) -> float:
    """Say how many rows the prior is worth, given the errors' products and the best's loss."""
    if not prior.yields:
        return prior.n_rows
    n_rows, own = 1.0 / float(share @ share), prior.weights
    weights, _ = minimise_quadratic(hessian, linear, own)

    def excess(w: np.ndarray) -> float:
        return float(w @ hessian @ w / 2 + linear @ w)

    least = max(loss + excess(weights), np.finfo(np.float64).tiny)
    gain = max(excess(own) - excess(weights), 0.0)
    # Where the best weights make no error, the ratio is as good as infinite.
    statistic = n_rows * min(gain / least, 1.0 / np.finfo(np.float64).eps)
    return prior.worth(statistic, int((weights > 0).sum()) - 1, n_rows)
