"""The leaderboard of a fitted stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..out_of_fold import OutOfFold

if TYPE_CHECKING:
    import pandas as pd


def leaderboard(oof: OutOfFold, weights: Mapping[str, float] | None = None) -> pd.DataFrame:
    """List the learners, best first.

    Parameters
    ----------
    oof : OutOfFold
        Out-of-fold predictions with their y.
    weights : mapping of str -> float, default=None
        Weight of each learner in the stack, where the meta-learner has weights.

    Returns
    -------
    table : DataFrame
        Columns ``learner``, ``loss`` (out of fold; ``table.attrs["loss"]`` is its name),
        ``weight`` (NaN without weights), ``fit_seconds`` (all fits together) and ``path``
        (how its predictions came about, or why they are missing).
    """
    import pandas as pd

    losses, seconds, weights = oof.loss(), oof.fit_seconds, weights or {}
    rows = [
        {
            "learner": name,
            "loss": losses.get(name, np.nan),
            "weight": weights.get(name, np.nan),
            "fit_seconds": seconds[name],
            "path": path,
        }
        for name, path in oof.paths.items()
    ]
    table = pd.DataFrame(rows).sort_values("loss", kind="stable", ignore_index=True)
    table.attrs["loss"] = oof.loss_name
    return table
