"""Ranks against the predictions seen in fit, and back from ranks to predictions."""

from __future__ import annotations

import numpy as np

# Ranks are resolved to a thousandth, so that what is kept does not grow with the rows.
LEVELS = np.linspace(0.0, 1.0, 1001)


def quantiles_of(column: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Quantiles of a column at ``LEVELS``, NaN left out; a weight of 2 is a row twice."""
    known = ~np.isnan(column)
    order = np.argsort(column[known], kind="stable")
    mass = np.cumsum(share[known][order])
    # The slack keeps sums that differ by rounding alone on the same quantile.
    place = np.searchsorted(mass, LEVELS * mass[-1] * (1 - 1e-12))
    return column[known][order][np.minimum(place, len(order) - 1)].astype(np.float64)


def rank(values: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Share of the column that is below each value, ties counted half; NaN stays NaN."""
    from_below = np.interp(values, quantiles, LEVELS)
    from_above = -np.interp(-values, -quantiles[::-1], -LEVELS[::-1])
    return (from_below + from_above) / 2.0


def value_at(ranks: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Value of a column at the given ranks."""
    return np.interp(ranks, LEVELS, quantiles)
