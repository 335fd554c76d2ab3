"""The slices of the rows on which a stack does worst, found on some rows, judged on others."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compat import is_pandas, is_polars
from ..out_of_fold import OutOfFold
from .combined import check_level, check_rows_of_fit
from .expected_loss import STACK, judge_of
from .judging import Candidate
from .slices import describe, slice_values
from .uncertainty import Clusters

if TYPE_CHECKING:
    import pandas as pd

# Conditions on one column that are tried in pairs, and how much of a slice may be another's.
_N_PAIRED, _MOST_OVERLAP = 40, 0.5


def worst_slices(
    oof: OutOfFold,
    stack: Candidate,
    X: Any,
    *,
    n_slices: int = 5,
    min_rows: int | None = None,
    groups: Any = None,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """Find slices on which the loss is high.

    Slices are rows where one column, or two, have some value [1]_ [2]_; numbers are cut at their
    quartiles. One half of the rows (of the groups) says which slices look worst. The other half,
    which had no say in that, says how bad they are: the intervals hold for all of the listed
    slices together.

    Parameters
    ----------
    oof : OutOfFold
        The learners' out-of-fold predictions.
    stack : Candidate
        The stack's.
    X : array-like or DataFrame of shape (n_rows, n_features)
        Columns that describe the rows.
    n_slices : int, default=5
        At most so many.
    min_rows : int, default=None
        Rows of a slice; None: a fiftieth of all, and at least 20.
    groups : array-like of shape (n_rows,), default=None
        What was drawn together.
    level : float, default=0.95
        Confidence level of all intervals together (Bonferroni).
    random_state : int, default=0
        Draws the halves.

    Returns
    -------
    table : DataFrame
        Worst first: ``slice`` (what its rows have in common), ``worse`` (whether its loss is
        above that of the other rows beyond doubt), and the columns of :func:`loss_by`, from the
        second half of the rows.

    References
    ----------
    .. [1] Y. Chung, T. Kraska, N. Polyzotis, K. H. Tae and S. E. Whang, "Slice Finder:
       automated data slicing for model validation", ICDE 2019.
    .. [2] S. Sagadeeva and M. Boehm, "SliceLine: fast, linear-algebra-based slice finding for
       ML model debugging", SIGMOD 2021.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from stackmeta import StackingRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=400), "place": rng.choice(["a", "b"], 400)})
    >>> y = X["size"] + rng.normal(size=400) * np.where(X["place"] == "b", 2.0, 0.5)
    >>> stack = StackingRegressor([("ridge", Ridge(), ["size"])]).fit(X, y)
    >>> stack.worst_slices(X, n_slices=1)[["slice", "worse"]]
             slice  worse
    0  place = 'b'   True
    """
    import pandas as pd

    check_level(level)
    n_rows = len(oof.target.y)
    check_rows_of_fit(X, n_rows, False)
    for name, number in (("n_slices", n_slices), ("min_rows", min_rows)):
        if number is not None and (not isinstance(number, Integral) or number < 1):
            raise ValueError(f"{name} must be a whole number above 0, got {number!r}.")
    judge = judge_of(oof, stack, None, groups)
    rows = judge.rows(STACK)
    first = _half(len(rows), None if judge.groups is None else judge.groups[rows], random_state)
    least = max(20, len(rows) // 50) if min_rows is None else int(min_rows)
    names, conditions = _conditions(X, n_rows)
    losses = judge.row_losses(stack, rows)
    found = _search(conditions[rows][first], losses[first], max(least // 2, 2), n_slices)
    lines = []
    for columns in found:
        inside = conditions[rows][:, columns].all(axis=1)
        line = describe(
            judge, stack, rows[~first], inside[~first], 1 - (1 - level) / max(len(found), 1)
        )
        lines.append({"slice": " and ".join(names[c] for c in columns), **line})
    table = pd.DataFrame(lines)
    if len(table):
        table.insert(1, "worse", table["difference_low"] > 0)
        table = table.sort_values("difference", ascending=False, ignore_index=True)
    else:
        table = pd.DataFrame(columns=["slice", "worse", "n_rows", "share", "loss"])
    table.attrs["loss"] = judge.loss_name
    return table


def _half(n_rows: int, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """Draw half of the rows, or of the groups."""
    clusters = Clusters(n_rows, groups)
    drawn = np.random.default_rng(seed).permutation(clusters.n) % 2 == 0
    return drawn[clusters.codes]


def _conditions(X: Any, n_rows: int) -> tuple[list[str], np.ndarray]:
    """Name what single columns can say of a row, and say which rows it holds for."""
    names: list[str] = []
    holds = []
    for name, column in _columns(X):
        values = slice_values(column, None, n_rows)
        if not 2 <= len(values.categories) <= n_rows // 10:
            continue
        is_text = np.asarray(column).dtype.kind not in "iufb"
        for value in values.categories:
            if value.startswith(("(", "[")):
                names.append(f"{name} in {value}")
            else:
                names.append(f"{name} = {value!r}" if is_text else f"{name} = {value}")
            holds.append(values == value)
    if not holds:
        return [], np.zeros((n_rows, 0), dtype=bool)
    return names, np.column_stack(holds)


def _columns(X: Any) -> list[tuple[str, Any]]:
    if is_pandas(X):
        return [(str(name), X.iloc[:, i].array) for i, name in enumerate(X.columns)]
    if is_polars(X):
        return [(name, X[name].to_numpy()) for name in X.columns]
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    return [(f"x{i}", X[:, i]) for i in range(X.shape[1])]


def _search(
    holds: np.ndarray, losses: np.ndarray, least: int, n_slices: int
) -> list[tuple[int, ...]]:
    """Choose the slices whose loss is above the others' by most, beyond its error."""
    if holds.shape[1] == 0:
        return []
    single = np.diag(_scores(holds, losses, least))
    best = np.argsort(-single, kind="stable")[:_N_PAIRED]
    pairs = _scores(holds[:, best], losses, least)
    # Of a slice within another that is as bad, the plain one is told.
    plain = np.maximum(single[best][:, None], single[best][None, :])
    plain = np.where(np.isfinite(plain), 1.1 * np.maximum(plain, 0.0), 0.0)
    pairs = np.where(pairs > plain, pairs, -np.inf)
    i, j = np.triu_indices(len(best), 1)
    candidates: list[tuple[tuple[int, ...], float]]
    candidates = [((int(c),), single[c]) for c in range(len(single))]
    candidates += [((int(best[a]), int(best[b])), pairs[a, b]) for a, b in zip(i, j, strict=True)]
    candidates.sort(key=lambda found: -found[1])
    chosen: list[tuple[int, ...]] = []
    masks: list[np.ndarray] = []
    for columns, score in candidates:
        if not score > 0 or len(chosen) == n_slices:
            break
        mask = np.asarray(holds[:, columns].all(axis=1))
        if all((mask & m).sum() <= _MOST_OVERLAP * (mask | m).sum() for m in masks):
            chosen.append(columns)
            masks.append(mask)
    return chosen


def _scores(holds: np.ndarray, losses: np.ndarray, least: int) -> np.ndarray:
    """Mean loss where two conditions hold, less the overall mean and one standard error."""
    M = holds.astype(np.float64)
    n = M.T @ M
    off = losses - losses.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (M.T @ (off[:, None] * M)) / n
        spread = (M.T @ ((off**2)[:, None] * M)) / n - mean**2
        score = mean - np.sqrt(np.maximum(spread, 0) / n)
    return np.where((n >= least) & (len(losses) - n >= least), score, -np.inf)
