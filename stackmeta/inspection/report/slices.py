"""Where the loss is high: slices of rows by the values of one column."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ...compat import is_polars
from ..judged import Judged
from ..row_losses import overall

_LEAST_ROWS, _N_SHOWN, _MOST_VALUES, _N_PARTS = 20, 8, 12, 4


def slices_of(judged: Judged, X: Any) -> pd.DataFrame:
    """List slices whose mean loss is furthest above that of the other rows.

    Parameters
    ----------
    judged : Judged
    X : array-like or DataFrame of shape (n_rows, n_features)
        The table that ``judged.rows`` point into.

    Returns
    -------
    table : DataFrame
        ``slice``, ``rows``, ``loss``, ``others`` (the loss on the other rows) and ``z`` (how many
        standard errors apart), furthest first. Slices were searched for: with k of them, chance
        alone gives a z of about 2 to 3.
    """
    losses = judged.losses
    columns = _columns(X)
    found = []
    for name, column in columns.items():
        for value, inside in _parts(column.iloc[judged.rows].reset_index(drop=True)):
            n = int(inside.sum())
            if n < _LEAST_ROWS or len(losses) - n < _LEAST_ROWS:
                continue
            here, there = losses[inside], losses[~inside]
            error = np.sqrt(here.var(ddof=1) / len(here) + there.var(ddof=1) / len(there))
            z = float((here.mean() - there.mean()) / error) if error > 0 else 0.0
            found.append(
                {
                    "slice": f"{name} = {value}" if value != "missing" else f"{name} is missing",
                    "rows": n,
                    "loss": overall(here, judged.loss_name),
                    "others": overall(there, judged.loss_name),
                    "z": z,
                }
            )
    table = pd.DataFrame(found, columns=["slice", "rows", "loss", "others", "z"])
    table = table[table["z"] > 0].sort_values("z", ascending=False).head(_N_SHOWN)
    table.attrs["tried"] = len(found)
    return table.reset_index(drop=True)


def _columns(X: Any) -> dict[str, pd.Series]:
    """Columns of any table by name; sparse ones are not described."""
    if is_polars(X):
        X = X.to_pandas()
    if not isinstance(X, pd.DataFrame):
        if not isinstance(X, (np.ndarray, list, tuple)):
            return {}
        X = pd.DataFrame(np.asarray(X))
        X.columns = [f"x{i}" for i in X.columns]
    return {str(name): X.iloc[:, i] for i, name in enumerate(X.columns)}


def _parts(column: pd.Series) -> list[tuple[str, np.ndarray]]:
    """Values of a column with the rows that have them; quarters of many numbers."""
    missing = column.isna().to_numpy()
    parts = [("missing", missing)] if missing.any() else []
    try:
        distinct = column[~missing].unique()
    except TypeError:  # lists and the like
        return parts
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numbers and len(distinct) > _MOST_VALUES:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _N_PARTS + 1)))
        for k, (low, high) in enumerate(pairwise(edges)):
            above = values >= low if k == 0 else values > low
            parts.append((f"{low:.4g} to {high:.4g}", above & (values <= high)))
        return parts
    if len(distinct) > max(_MOST_VALUES, len(column) // _LEAST_ROWS):
        return parts
    named = (
        (_text(value), (column == value).to_numpy(bool, na_value=False)) for value in distinct
    )
    return [*parts, *named]


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
