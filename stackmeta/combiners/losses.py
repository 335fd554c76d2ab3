"""Each learner's loss, and the blocks of numbers from which the minimisers work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .predictions import Predictions

Block = Callable[[slice | np.ndarray], np.ndarray]


def row_shares(sample_weight: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Weights of the rows that sum to one."""
    if sample_weight is None:
        return np.full(n_rows, 1.0 / n_rows)
    # Divided by the greatest first: a sum of huge weights may overflow.
    share = sample_weight / sample_weight.max()
    return share / share.sum()


def is_uniform(share: np.ndarray) -> bool:
    """Whether all rows have the same weight."""
    return bool((share == share[0]).all())


def truth_block(predictions: Predictions, codes: np.ndarray) -> Block:
    """Give rows → each learner's probability of the true class, of shape (n, n_learners).

    Two classes are read from the matrix as it stands; of more, a matrix of shape
    (n_rows, n_learners) is taken out once.
    """
    if predictions.n_outputs == 1:

        def binary(rows: slice | np.ndarray) -> np.ndarray:
            first = np.where(codes[rows] == 0, 1.0, 0.0)
            truth = predictions.block(rows)[:, :, 0] - first[:, None]
            np.abs(truth, out=truth)
            return np.minimum(truth, 1.0, out=truth)

        return binary

    truth = np.empty(predictions.view.shape[:2], dtype=predictions.view.dtype)
    for rows in predictions.slices():
        block = predictions.block(rows)
        truth[rows] = block[np.arange(len(block)), :, codes[rows]].clip(0.0, 1.0)
    return lambda rows: truth[rows].astype(np.float64, copy=False)


def residual_block(predictions: Predictions, y: np.ndarray) -> Block:
    """Give rows → truth minus prediction, of shape (n, n_learners).

    Several targets are rows of their own: row ``i * n_targets + t`` is target t of row i.
    """
    n_outputs = predictions.n_outputs
    flat = y.reshape(-1)

    def residuals(rows: slice | np.ndarray) -> np.ndarray:
        if n_outputs == 1:
            return flat[rows, None] - predictions.block(rows)[:, :, 0]
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(flat)))
        row, output = np.divmod(rows, n_outputs)
        block = predictions.block(row)
        return flat[rows, None] - block[np.arange(len(row)), :, output]

    return residuals


def squared_losses(predictions: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mean squared error of each learner, averaged over the outputs."""
    target = y.reshape(len(y), 1, -1)
    total = np.zeros(predictions.n_learners)
    for rows in predictions.slices():
        error = predictions.block(rows) - target[rows]
        error *= error
        total += (share[rows] @ error.reshape(len(error), -1)).reshape(error.shape[1:]).sum(axis=1)
    return total / predictions.n_outputs


def log_losses(predictions: Predictions, codes: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Log loss of each learner; a probability of 0 counts as the least above 0, as usual."""
    truth = truth_block(predictions, codes)
    least = np.finfo(predictions.view.dtype).eps
    total = np.zeros(predictions.n_learners)
    for rows in predictions.slices():
        total -= share[rows] @ np.log(np.maximum(truth(rows), least))
    return total
