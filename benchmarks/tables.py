"""The tables that benchmarks read: real ones from a folder, and a made one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification

#: Folder of parquet files with a column ``target`` and a manifest.json. Not published.
DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


def manifest() -> list[dict]:
    """Manifest entries of all tables."""
    entries = json.loads((DATA / "manifest.json").read_text())
    return entries.get("tables", entries) if isinstance(entries, dict) else entries


def supervised() -> list[dict]:
    """Manifest entries of the classification and regression tables."""
    return [entry for entry in manifest() if entry["task"] != "outlier"]


def load(name: str, n_rows: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Read a table as numbers: categories as codes, missing values as medians."""
    if name.startswith("synthetic"):
        return make_classification(
            int(name.split("_")[1]),
            10,
            n_informative=8,
            n_redundant=0,
            flip_y=0.1,
            random_state=seed,
        )
    (entry,) = [e for e in supervised() if e["name"] == name]
    frame = pd.read_parquet(DATA / f"{name}.parquet").sample(frac=1, random_state=seed)
    frame = frame.iloc[: n_rows or len(frame)]
    y = frame.pop("target")
    y = pd.factorize(y, sort=True)[0] if entry["task"] != "regression" else y.to_numpy(float)
    columns = []
    for column in frame:
        values = frame[column]
        if not pd.api.types.is_numeric_dtype(values):
            values = pd.Series(pd.factorize(values, sort=True)[0], index=frame.index)
        values = values.astype(float)
        columns.append(values.fillna(values.median()).fillna(0.0).to_numpy())
    return np.ascontiguousarray(np.column_stack(columns)), y
