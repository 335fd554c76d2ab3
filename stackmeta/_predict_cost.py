"""Which learners a stack can afford, by the seconds that its predictions may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .out_of_fold.learner import take_columns
from .out_of_fold.result import OutOfFold
from .out_of_fold.seconds import seconds_of


def seconds_of_each(oof: OutOfFold, X: Any) -> dict[str, float]:
    """Measure the seconds of each learner for 1,000 rows.

    Parameters
    ----------
    oof : OutOfFold
        With models.
    X : array-like or DataFrame of shape (n_rows, n_features)
        Training rows.
    """
    models = {name: oof.models[name] for name in oof.names}
    return seconds_of_models(models, oof.methods, oof.learner_columns, X)


def seconds_of_models(
    models: Mapping[str, Any], methods: Mapping[str, str], reads: Mapping[str, Any], X: Any
) -> dict[str, float]:
    """Measure the seconds of each fitted learner for 1,000 rows.

    Parameters
    ----------
    models : dict of str to estimator
    methods : dict of str to str
        Method that each answers with.
    reads : dict of str to object
        Columns of X that each reads; None for all.
    X : array-like or DataFrame of shape (n_rows, n_features)
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    return {
        name: seconds_of(getattr(model, methods[name]), take_columns(X, reads[name]))
        for name, model in models.items()
    }


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
