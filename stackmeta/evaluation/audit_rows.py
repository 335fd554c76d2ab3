"""Rows that are there twice, or nearly so, on both sides of a split."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from .audited import Audited, is_category
from .findings import Finding
from .quick import spread, truth_of

_MOST_QUERIES, _N_NEIGHBOURS = 2_000, 10
# Nearer than this share of the distance that is usual between neighbours.
_NEAR = 0.02
_LEAST_ROWS = 5
# Rows with a twin matter where the loss without them is so much higher.
_EFFECT = 1.1
# A twin tells the target this much better than a learner tells it of other rows.
_TELLS = 0.5
_APART = 1e3


def find_twins(audited: Audited) -> list[Finding]:
    """Find rows whose copy, exact or nearly so, is among the rows that predict them.

    Copies that tell no more than a learner finds out anyway are no leak: tables of few
    values hold many by chance.
    """
    exact = _exact_twins(audited)
    found = _finding(
        audited,
        np.arange(audited.n_rows),
        exact,
        "rows that are there twice",
        "Drop the copies (X.drop_duplicates()), or keep copies in one fold: "
        "groups=pandas.util.hash_pandas_object(X, index=False).",
    )
    near, queried = _near_twins(audited, exact)
    found += _finding(
        audited,
        queried,
        near,
        "rows that are nearly there twice",
        "Find out where these rows come from: repeated measurements, augmented or resampled "
        "rows. Give what they share as groups=.",
    )
    return found


def _exact_twins(audited: Audited) -> np.ndarray:
    """For each row, a row with equal columns that its fold trains on; -1 for none."""
    import pandas as pd

    frame = audited.frame.reset_index(drop=True)
    frame = frame.astype(dict.fromkeys(frame.columns[_unhashable(frame)], str))
    keys = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    twin = np.full(audited.n_rows, -1)
    for train, test in audited.splits:
        known, first = np.unique(keys[train], return_index=True)
        place = np.minimum(np.searchsorted(known, keys[test]), len(known) - 1)
        same = known[place] == keys[test]
        twin[test[same]] = train[first[place[same]]]
    return twin


def _unhashable(frame) -> list[bool]:  # type: ignore[no-untyped-def]
    """Tell which columns hold lists and the like, which pandas cannot hash."""
    return [
        is_category(column := frame.iloc[:, i]) and column.map(_is_container).any()
        for i in range(frame.shape[1])
    ]


def _is_container(value: object) -> bool:
    return isinstance(value, (list, dict, set))


def _near_twins(audited: Audited, exact: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give for some rows the nearest row that their fold trains on, if it is very near."""
    scaled = _scaled(audited)
    rows = np.flatnonzero((audited.fold >= 0) & (exact < 0))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:_MOST_QUERIES])
    twin = np.full(audited.n_rows, -1)
    if len(rows) < 2 * _N_NEIGHBOURS:
        return twin, rows
    model = NearestNeighbors(n_neighbors=min(_N_NEIGHBOURS, audited.n_rows)).fit(scaled)
    distances, neighbours = model.kneighbors(scaled[rows])
    allowed = audited.trains[audited.fold[rows][:, None], neighbours]
    usable = allowed.any(axis=1)
    at = allowed.argmax(axis=1)
    nearest = distances[np.arange(len(rows)), at]
    usual = np.median(nearest[usable & (nearest > 0)]) if (usable & (nearest > 0)).any() else 0.0
    # Usual: also in tables where most rows are copies of one another.
    usual = max(float(usual), float(np.median(distances[:, -1])))
    near = usable & (nearest < _NEAR * usual)
    twin[rows[near]] = neighbours[np.arange(len(rows)), at][near]
    return twin, rows


def _scaled(audited: Audited) -> np.ndarray:
    """Columns in units of their spread; different categories are far apart."""
    parts = []
    for place, values in audited.features.items():
        known = values[~np.isnan(values)]
        if not len(known):
            continue
        filled = np.nan_to_num(values, nan=float(np.median(known)))
        if is_category(audited.frame.iloc[:, place]):
            parts.append(_APART * filled)
        else:
            low, high = np.quantile(filled, [0.05, 0.95])
            unit = (high - low) or float(filled.std()) or 1.0
            parts.append((filled - low) / unit)
        if np.isnan(values).any():
            parts.append(_APART * np.isnan(values))
    return np.hstack(parts) if parts else np.zeros((audited.n_rows, 1))


def _finding(
    audited: Audited, looked_at: np.ndarray, twin: np.ndarray, what: str, advice: str
) -> list[Finding]:
    if (twin >= 0).sum() < _LEAST_ROWS:
        return []
    judged = audited.judged
    truth = truth_of(audited.target)
    has = twin[judged.rows] >= 0
    rows = judged.rows[has]
    if len(rows) < _LEAST_ROWS or has.all():
        return []
    error = ((truth[rows] - truth[twin[rows]]) ** 2).sum(axis=1).mean() / spread(truth)
    # The others: of the rows that were looked at, where these are a sample.
    others = ~has & np.isin(judged.rows, looked_at)
    if not others.any():
        return []
    without, with_all = (float(judged.errors[part].mean()) for part in (others, others | has))
    if error > _TELLS * without or without < _EFFECT * with_all:
        return []
    numbers = {
        "rows with a twin": int((twin >= 0).sum()),
        "of": int((audited.fold >= 0).sum()) if what.endswith("there twice") else len(looked_at),
        "unexplained by the twin's target": float(error),
        "unexplained by a quick learner, rows with a twin": float(judged.errors[has].mean()),
        "and the others": without,
    }
    first = rows[0]
    where = f"row {audited.position[first]} is like row {audited.position[twin[first]]}, …"
    return [Finding(what, where, numbers, advice)]
