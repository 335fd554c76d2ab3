"""How many folds, repeats and rounds a time limit allows, by what learners should cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .costs import expected_seconds
from .portfolio import BOOSTERS

_N_FOLDS, _FEW_FOLDS, _MANY_ROWS = 8, 5, 50_000
# How much larger steps boosters take in a hurry.
_PACES = ((_N_FOLDS, 1.0), (_N_FOLDS, 2.0), (_FEW_FOLDS, 2.0), (_FEW_FOLDS, 3.0))
# Learners that a stack should have before it has others, and their share of the first level.
_CORE, _CORE_SHARE = 8, 0.7
_MOST_REPEATS, _REPEATS_SHARE = 3, 0.7
# For the start of workers, and for what ends late.
_START, _RESERVE = 1.0, 0.05
# The learners of the second level, in fits of "lightgbm" a fold; at most this share of the time.
_SECOND, _LEAST_SECOND, _MOST_SECOND = 2.0, 0.15, 0.3


@dataclass(frozen=True)
class TimePlan:
    """What a fit is to do.

    Attributes
    ----------
    n_folds : int
    n_repeats : int
        Of the folds.
    pace : float
        Boosters learn so much faster than they would with time.
    costs : dict of str to float
        Expected seconds of a fold of each learner.
    first_seconds : float or None
        Limit of the first level.
    n_workers : int
        Fits that run at once.
    """

    n_folds: int
    n_repeats: int
    pace: float
    costs: dict[str, float]
    first_seconds: float | None
    n_workers: int = 1

    @property
    def seconds_of_a_fold(self) -> float | None:
        """Seconds of one worker that a fold of all learners may take together."""
        if self.first_seconds is None:
            return None
        whole = max(self.first_seconds - _START, 0.1) * self.n_workers
        return whole / (self.n_folds * self.n_repeats)


def plan_time(
    names: Collection[str],
    time_limit: float | None,
    *,
    n_rows: int,
    n_columns: int,
    n_classes: int,
    n_workers: int,
    n_levels: int,
    slowness: Mapping[str, float] | None = None,
) -> TimePlan:
    """Plan a fit.

    Parameters
    ----------
    names : collection of str
        Learners, in the order in which they are wanted.
    time_limit : float or None
        Seconds of the whole fit.
    n_rows, n_columns, n_classes : int
        Of the table; one class for a target of numbers.
    n_workers : int
        Fits that run at once.
    n_levels : int
        2 if there is a second level.
    slowness : dict of str to float, default=None
        How many times what is usual learners have cost on this machine.

    Returns
    -------
    plan : TimePlan
    """

    def costs(n_folds: int, pace: float) -> dict[str, float]:
        rows = round(n_rows * (1 - 1 / n_folds))
        found = {
            x: expected_seconds(x, rows, n_columns, n_classes) * (slowness or {}).get(x, 1.0)
            for x in names
        }
        return {x: s / pace if x.startswith(BOOSTERS) else s for x, s in found.items()}

    if time_limit is None:
        n_folds = _N_FOLDS if n_rows < _MANY_ROWS else _FEW_FOLDS
        return TimePlan(n_folds, 1, 1.0, costs(n_folds, 1.0), None, n_workers)
    first = time_limit * (1 - _RESERVE)
    if n_levels > 1:
        second = _SECOND * _N_FOLDS / n_workers
        second *= expected_seconds("lightgbm", n_rows, n_columns, n_classes)
        first -= min(max(second, _LEAST_SECOND * time_limit), _MOST_SECOND * time_limit)
    budget = max(first - _START, 0.1) * n_workers
    for n_folds, pace in _PACES:
        seconds = costs(n_folds, pace)
        core = n_folds * sum([*seconds.values()][:_CORE])
        if core <= _CORE_SHARE * budget:
            break
    if n_rows >= _MANY_ROWS:
        n_folds = _FEW_FOLDS
    whole = n_folds * sum(seconds.values())
    n_repeats = min(max(int(_REPEATS_SHARE * budget / whole), 1), _MOST_REPEATS)
    return TimePlan(n_folds, n_repeats, pace, seconds, first, n_workers)
