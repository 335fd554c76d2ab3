"""The loss of each row, and how sure a mean of such losses is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import loss_of_block
from ..out_of_fold.losses import row_losses as losses_of_rows
from ..out_of_fold.target import Target

#: What people call the losses.
LOSS_LABELS = {
    "root_mean_squared_error": "RMSE",
    "log_loss": "log loss",
    "error_rate": "error rate",
}


def covered_by(block: np.ndarray) -> np.ndarray:
    """Positions of the rows that have a prediction."""
    return np.flatnonzero(~np.isnan(block).any(axis=1))


def rowwise(
    block: np.ndarray, rows: np.ndarray, method: str, target: Target, loss_name: str
) -> np.ndarray:
    """Loss of each of ``rows``: squared error, minus log probability, or 0 and 1.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_columns)
        Predictions of ``rows``.
    rows : ndarray of shape (n_rows,)
        Their positions in y.
    method : str
        The method that gave them.
    target : Target
    loss_name : {"root_mean_squared_error", "log_loss", "error_rate"}

    Returns
    -------
    losses : ndarray of shape (n_rows,)
        NaN where predictions do not say which class is best.
    """
    try:
        return losses_of_rows(block, rows, method, target, loss_name)
    except ValueError:
        if loss_name != "error_rate":
            raise
        return np.full(len(rows), np.nan)


def loss_and_error(
    block: np.ndarray, method: str, oof: OutOfFold, loss_name: str
) -> tuple[float, float]:
    """Loss of predictions over the rows that have one, and its standard error.

    The error is that of a mean over rows, by the delta method for a root; rows of one group are
    taken for independent.
    """
    rows = covered_by(block)
    if len(rows) == 0:
        return np.nan, np.nan
    target = replace(oof.target, y=oof.target.y[rows])
    loss = loss_of_block(block[rows], method, target, loss_name)
    return loss, standard_error(
        rowwise(block[rows], rows, method, oof.target, loss_name), loss, loss_name
    )


def standard_error(losses: np.ndarray, loss: float, loss_name: str) -> float:
    """Give the standard error of the mean of row losses, or of its root.

    ``losses`` may be differences to those of another prediction, ``loss`` being one of the two.
    """
    if len(losses) < 2:
        return np.nan
    error = float(np.std(losses, ddof=1) / np.sqrt(len(losses)))
    if loss_name == "root_mean_squared_error":
        return error / (2 * loss) if loss > 0 else 0.0
    return error


def overall(losses: np.ndarray, loss_name: str) -> float:
    """Mean of row losses, or its root."""
    mean = float(np.mean(losses))
    return float(np.sqrt(mean)) if loss_name == "root_mean_squared_error" else mean
