"""The leaderboard of a fitted stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..out_of_fold import OutOfFold
from .gains import Gains
from .row_losses import loss_and_error

if TYPE_CHECKING:
    import pandas as pd


def leaderboard(
    oof: OutOfFold,
    weights: Mapping[str, float] | None = None,
    *,
    losses: Mapping[str, float] | None = None,
    loss_name: str | None = None,
    gained: Gains | None = None,
    predict_seconds: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """List the learners, best first.

    Parameters
    ----------
    oof : OutOfFold
        Out-of-fold predictions with their y.
    weights : mapping of str -> float, default=None
        Weight of each learner in the stack, where the meta-learner has weights.
    losses : mapping of str -> float, default=None
        Loss of each learner, where y is no target to compare with. None: ``oof.loss()``.
    loss_name : str, default=None
        What ``losses`` are.
    gained : Gains, default=None
        What the stack gains from each.
    predict_seconds : mapping of str -> float, default=None
        Seconds that each needs for 1,000 rows.

    Returns
    -------
    table : DataFrame
        Columns ``learner``, ``loss`` (out of fold; ``table.attrs["loss"]`` is its name),
        ``loss_se``, ``weight``, ``gain``, ``gain_se``, ``fit_seconds`` (all fits together),
        ``predict_seconds`` and ``path`` (how its predictions came about, or why they are
        missing). What is not known is NaN.
    """
    import pandas as pd

    name_of_loss, fit_seconds = oof.loss_name, oof.fit_seconds
    weights, predict_seconds = weights or {}, predict_seconds or {}
    gain = {} if gained is None else gained.gain
    gain_error = {} if gained is None else gained.error
    rows = []
    for name, path in oof.paths.items():
        loss = error = np.nan
        if losses is not None:
            loss = losses.get(name, np.nan)
        elif name in oof.columns:
            loss, error = loss_and_error(oof.block(name), oof.methods[name], oof, name_of_loss)
        rows.append(
            {
                "learner": name,
                "loss": loss,
                "loss_se": error,
                "weight": weights.get(name, np.nan),
                "gain": gain.get(name, np.nan),
                "gain_se": gain_error.get(name, np.nan),
                "fit_seconds": fit_seconds[name],
                "predict_seconds": predict_seconds.get(name, np.nan),
                "path": path,
            }
        )
    table = pd.DataFrame(rows).sort_values("loss", kind="stable", ignore_index=True)
    if losses is not None:
        table = table.drop(columns=["loss_se", "gain", "gain_se", "predict_seconds"])
    table.attrs["loss"] = name_of_loss if loss_name is None else loss_name
    if gained is not None:
        table.attrs["gain"] = gained.which
    return table
