"""Loss, calibration and rates on slices of the rows: where, and for whom, a learner fails."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compat import is_pandas, is_polars
from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import full_probabilities
from ..out_of_fold.response import PROBABILITIES
from .combined import check_level
from .expected_loss import STACK, judge_of
from .judging import Candidate, Judge, candidates_of
from .uncertainty import interval, proportion_interval

if TYPE_CHECKING:
    import pandas as pd

#: Slices with fewer rows are put together.
LEAST_ROWS = 10
_N_PARTS, _MOST_VALUES, _N_BINS = 4, 12, 10
_FEW, _MISSING = f"(values of fewer than {LEAST_ROWS} rows)", "(missing)"


def loss_by(
    oof: OutOfFold,
    by: Any,
    *,
    X: Any = None,
    stack: Candidate | None = None,
    scoring: Any = None,
    groups: Any = None,
    level: float = 0.95,
    learners: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Measure learners on each slice of the rows.

    Parameters
    ----------
    oof : OutOfFold
        Out-of-fold predictions.
    by : str or array-like of shape (n_rows,)
        A value for each row, or the name of a column of ``X``. Numbers of more than twelve
        values are cut at their quartiles; slices of fewer than ten rows are put together.
    X : DataFrame of shape (n_rows, n_features), default=None
        The table of ``fit``, where ``by`` is a name.
    stack : Candidate, default=None
        Out-of-fold predictions of a stack, which then comes first as "stack".
    scoring : str or callable, default=None
        A scikit-learn scorer, the loss being minus its score. None: the default loss.
    groups : array-like of shape (n_rows,), default=None
        What was drawn together.
    level : float, default=0.95
        Confidence level of the intervals.
    learners : sequence of str, default=None
        Learners to list; None: all.

    Returns
    -------
    table : DataFrame
        A row a learner and slice: ``learner``, ``slice``, ``n_rows``, ``share`` of all rows,
        ``loss``, ``se``, ``low``, ``high`` as measured out of fold, and ``difference`` to the
        loss on the other rows with ``difference_low`` and ``difference_high``. Numbers:
        ``bias`` (mean of prediction minus truth) with ``bias_low`` and ``bias_high``.
        Two classes with probabilities: ``predicted`` and ``observed`` share of the second
        class, ``ece`` (expected calibration error), ``positive_rate``, ``tpr`` and ``fpr`` of
        the most probable class, with ``_low`` and ``_high``. More classes: ``predicted``
        (confidence), ``observed`` (accuracy) and ``ece`` of the most probable class.

    Raises
    ------
    ValueError
        If ``by`` has another number of values than there are rows, or names no column.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from stackmeta import out_of_fold
    >>> from stackmeta.evaluation import loss_by
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> oof = out_of_fold([("ridge", Ridge(0.1))], X, y)
    >>> loss_by(oof, "sex", X=X)[["slice", "n_rows", "loss", "bias"]].round(1)
            slice  n_rows  loss  bias
    0  -0.0446416     235  56.8  -1.5
    1   0.0506801     207  52.5   0.9
    """
    import pandas as pd

    check_level(level)
    values = slice_values(by, X, len(oof.target.y))
    candidates = candidates_of(oof)
    found = {name: candidates[name] for name in (oof.names if learners is None else learners)}
    if stack is None:
        judge = Judge(candidates, oof.target, scoring, groups)
    else:
        judge = judge_of(oof, stack, scoring, groups)
        found = {STACK: stack, **found}
    lines = []
    for name, candidate in found.items():
        if not judge.comparable(name):
            continue
        rows = judge.rows(name)
        for value in values.categories:
            of = {"learner": "stack" if name == STACK else name, "slice": value}
            lines.append(
                {**of, **describe(judge, candidate, rows, (values == value)[rows], level)}
            )
    table = pd.DataFrame(lines)
    table.attrs["loss"] = judge.loss_name
    return table


def describe(
    judge: Judge, candidate: Candidate, rows: np.ndarray, inside: np.ndarray, level: float
) -> dict[str, Any]:
    """Loss, calibration and rates of a candidate on the rows that are inside a slice."""
    part, others = rows[inside], rows[~inside]
    line: dict[str, Any] = {"n_rows": len(part), "share": len(part) / len(rows)}
    names = ("loss", "se", "low", "high", "difference", "difference_low", "difference_high")
    line |= dict.fromkeys(names, np.nan)
    if len(part) < 2:
        return line
    one = _measure(judge, candidate, part)
    low, high = interval(one.value, one.se, one.dof, level, positive=judge.positive)
    line |= {"loss": one.value, "se": one.se, "low": low, "high": high}
    if len(others) > 1:
        rest = _measure(judge, candidate, others)
        difference = one.value - rest.value
        low, high = interval(difference, np.hypot(one.se, rest.se), one.dof, level)
        line |= {"difference": difference, "difference_low": low, "difference_high": high}
    return line | _calibration(judge, candidate, part, level)


def _measure(judge: Judge, candidate: Candidate, rows: np.ndarray) -> Any:
    """Loss on some rows; NaN where a scorer is not defined on them."""
    try:
        return judge.measure(candidate, rows)
    except ValueError:
        if judge.scoring is None:
            raise
        from .uncertainty import Measured

        return Measured(np.nan, np.full(2, np.nan))


def _calibration(
    judge: Judge, candidate: Candidate, rows: np.ndarray, level: float
) -> dict[str, float]:
    target = judge.target
    y = target.y[rows]
    if target.kind == "numbers":
        off = judge.clusters(rows).mean((candidate.block[rows] - y.reshape(len(y), -1)).mean(1))
        low, high = interval(off.value, off.se, off.dof, level)
        return {"bias": off.value, "bias_low": low, "bias_high": high}
    if target.kind == "multilabel" or candidate.method not in PROBABILITIES:
        return {}
    full = full_probabilities(candidate.block[rows], candidate.method, target)
    if target.n_classes > 2:
        best = full.argmax(axis=1)
        return _predicted_observed(full.max(axis=1), best == y, judge, rows, level)
    chosen, truth = full[:, 1] > 0.5, y == 1
    found = _predicted_observed(full[:, 1], truth, judge, rows, level)
    for name, which in (("positive_rate", slice(None)), ("tpr", truth), ("fpr", ~truth)):
        hits = chosen[which]
        low, high = proportion_interval(hits.sum(), len(hits), level)
        found |= {name: hits.mean() if len(hits) else np.nan}
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _predicted_observed(
    predicted: np.ndarray, observed: np.ndarray, judge: Judge, rows: np.ndarray, level: float
) -> dict[str, float]:
    """Mean prediction beside what was seen, and the expected calibration error."""
    seen = judge.clusters(rows).mean(observed.astype(float))
    low, high = interval(seen.value, seen.se, seen.dof, level)
    return {
        "predicted": float(predicted.mean()),
        "observed": seen.value,
        "observed_low": max(0.0, low),
        "observed_high": min(1.0, high),
        "ece": calibration_error(predicted, observed),
    }


def calibration_error(predicted: np.ndarray, observed: np.ndarray) -> float:
    """Mean distance of prediction and outcome over ten bins of as many rows each."""
    order = np.argsort(predicted, kind="stable")
    bins = np.array_split(order, min(_N_BINS, max(1, len(order) // LEAST_ROWS)))
    off = [abs(predicted[b].mean() - observed[b].mean()) * len(b) for b in bins]
    return float(np.sum(off) / len(order))


def slice_values(by: Any, X: Any, n_rows: int) -> pd.Categorical:
    """Say which slice each row is in.

    Parameters
    ----------
    by : str or array-like of shape (n_rows,)
    X : DataFrame or None
    n_rows : int

    Returns
    -------
    slices : Categorical of shape (n_rows,)
        Named by value or interval, in their order.
    """
    import pandas as pd

    values = pd.Series(_column(by, X))
    if len(values) != n_rows:
        raise ValueError(
            f"by has {len(values)} values; give one for each of the {n_rows} rows of fit."
        )
    missing = values.isna().to_numpy()
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and values.nunique() > _MOST_VALUES:
        codes, names = _quartiles(values.astype(float).to_numpy())
    else:
        codes, found = pd.factorize(values, sort=_sortable(values))
        names = [f"{x:.6g}" if isinstance(x, float) else str(x) for x in found]
    counts = np.bincount(codes[~missing], minlength=len(names))
    few = ~missing & (counts[codes] < LEAST_ROWS)
    labels = np.array([*names, _FEW, _MISSING], dtype=object)
    codes = np.where(missing, len(names) + 1, np.where(few, len(names), codes))
    used = np.unique(codes)
    return pd.Categorical.from_codes(np.searchsorted(used, codes), labels[used], ordered=True)


def _quartiles(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Cut numbers at their quartiles, and name the parts."""
    ends = np.unique(np.nanquantile(values, np.linspace(0, 1, _N_PARTS + 1)))
    codes = np.clip(np.searchsorted(ends, values, side="left") - 1, 0, len(ends) - 2)
    texts = [f"{end:.4g}" for end in ends]
    if len(set(texts)) < len(texts):
        texts = [f"{end!s}" for end in ends]
    names = [f"({low}, {high}]" for low, high in pairwise(texts)]
    return codes, [f"[{names[0][1:]}", *names[1:]]


def _sortable(values: Any) -> bool:
    try:
        sorted(values.dropna().unique())
    except TypeError:
        return False
    return True


def _column(by: Any, X: Any) -> Any:
    if not isinstance(by, str):
        values = by.to_pandas() if is_polars(by) else by
        if np.ndim(values) != 1:
            raise ValueError(f"by has {np.ndim(values)} axes; give a value for each row.")
        return np.asarray(values.array if hasattr(values, "array") else values)
    if X is None:
        raise ValueError(
            f"by={by!r} names a column, but X is not kept: pass X=, the table of fit, or a value "
            "for each row."
        )
    if not (is_pandas(X) or is_polars(X)):
        raise ValueError(f"by={by!r} names a column, but X is no DataFrame: pass X[:, column].")
    if by not in list(X.columns):
        raise ValueError(f"by={by!r} is no column of X: {list(X.columns)}.")
    return X[by].to_numpy() if is_polars(X) else np.asarray(X[by].array)
