"""Which learners a stack can afford, by the seconds that its predictions may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from .compat import safe_indexing
from .out_of_fold.learner import take_columns
from .out_of_fold.result import OutOfFold

_N_ROWS = 1000
_REPEATS = 2


def seconds_of(predict: Callable[[Any], Any], X: Any) -> float:
    """Measure the seconds that 1,000 rows take.

    Parameters
    ----------
    predict : callable
        Is given rows.
    X : array-like or DataFrame of shape (n_rows, n_features)
        With fewer rows, these take their place: what a call costs at least is not in
        proportion to rows.
    """
    rows = safe_indexing(X, np.arange(min(_N_ROWS, X.shape[0])))
    taken = []
    for _ in range(_REPEATS):
        start = perf_counter()
        predict(rows)
        taken.append(perf_counter() - start)
    return min(taken)


def seconds_of_each(oof: OutOfFold, X: Any) -> dict[str, float]:
    """Measure the seconds of each learner for 1,000 rows.

    Parameters
    ----------
    oof : OutOfFold
        With models.
    X : array-like or DataFrame of shape (n_rows, n_features)
        Training rows.
    """
    found = {}
    for name in oof.names:
        predict = getattr(oof.models[name], oof.methods[name])
        found[name] = seconds_of(predict, take_columns(X, oof.learner_columns[name]))
    return found


def most_worth(
    seconds: Mapping[str, float], worth: Mapping[str, float], bound: float
) -> list[str]:
    """Choose learners, those of most worth first, that together stay under a bound.

    Parameters
    ----------
    seconds, worth : dict of str to float
        Of each learner.
    bound : float
        Seconds.

    Returns
    -------
    names : list of str
        In the order of ``seconds``; the quickest, if not even that stays under the bound.

    Examples
    --------
    >>> from stackmeta._predict_cost import most_worth
    >>> most_worth({"a": 2.0, "b": 1.0, "c": 1.0}, {"a": 0.6, "b": 0.3, "c": 0.1}, 3.0)
    ['a', 'b']
    """
    chosen: set[str] = set()
    for name in sorted(seconds, key=lambda x: -worth[x]):
        if sum(seconds[x] for x in chosen) + seconds[name] <= bound:
            chosen.add(name)
    if not chosen:
        chosen = {min(seconds, key=seconds.__getitem__)}
    return [name for name in seconds if name in chosen]
