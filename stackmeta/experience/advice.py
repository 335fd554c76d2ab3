"""Advice: which learner next, from what earlier tasks say about a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..combiners.simplex import minimise_quadratic
from .distance import losses_of, weigh_records
from .record import TaskRecord

# How far apart (in logarithms of relative losses) learners of tasks that are alike may be.
_SPREAD = 0.6
# Of many losses that are known, these would say the same again.
_MOST_LOSSES = 4
# Plans take the learner of most gain / seconds ** power: which power is best depends on the time.
_POWERS = (0.0, 0.3, 0.6, 1.0)
# By how much a plan must be better than the listed order, if one table is just like the new one;
# with several of them, by so much less.
_DOUBT = 0.003
# No table may say more than this for or against it.
_MOST = 0.05
# A gain at once is worth so much more than one in the last second.
_SOON = 1.0
_LEAST = 1e-9


class Advice:
    """What learners are expected to add to a stack, revised as losses become known.

    Every earlier task knows by how much a further learner would have lowered the squared error of
    a blend of those that are done (from its Gram matrix of errors). Tasks count by how near
    they are: by description at first, and by how their learners did beside those of the new
    task as soon as some of these are done. Plans for the seconds that are left are played
    through on these tasks. One is followed where it is better than the order in which learners
    are listed by more than a standard error over tables.

    Parameters
    ----------
    records : list of TaskRecord
        Of the same kind of task, and other tables.
    description : dict of str to float
        Of the new task.
    names : sequence of str
        Learners that may be fitted, in the order in which they would be without advice.
    distance : ndarray of shape (n_features,)
        As :func:`learn_distance` gives it.
    """

    def __init__(
        self,
        records: Sequence[TaskRecord],
        description: Mapping[str, float],
        names: Sequence[str],
        distance: np.ndarray,
    ) -> None:
        self.names = list(names)
        self._grams = np.stack([record.gram_of(self.names) for record in records])
        self._losses = losses_of(records, self.names)
        self._near, n_near = weigh_records(records, description, distance)
        self._doubt = _DOUBT / max(n_near, _LEAST)
        tables = np.array([record.table for record in records])
        self._of_table = (np.unique(tables)[:, None] == tables).astype(float)
        self._known = ~np.isnan(self._losses).all(axis=0)

    def nearness(self, losses: Mapping[str, float]) -> np.ndarray:
        """Say how much each task counts, with sum one.

        Parameters
        ----------
        losses : dict of str to float
            Relative losses of the new task's learners that are done.
        """
        weights = self._near
        known = [j for j, name in enumerate(self.names) if name in losses]
        if known:
            new = np.log([max(losses[self.names[j]], _LEAST) for j in known])
            differences = (self._losses[:, known] - new) ** 2
            there = ~np.isnan(differences)
            mean = np.where(there, differences, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
            mean[~there.any(axis=1)] = np.median(mean[there.any(axis=1)]) if there.any() else 0.0
            strength = min(len(known), _MOST_LOSSES) / (2 * _SPREAD**2)
            weights = weights * np.exp(-strength * (mean - mean.min()))
        return weights / weights.sum()

    def best_alone(self, costs: Mapping[str, float], seconds: float) -> str | None:
        """Name the learner of least expected loss that costs so little; None if none does.

        Where it is not expected to be better beyond doubt, that is the one that is listed first.

        Parameters
        ----------
        costs : dict of str to float
            Expected seconds of each learner.
        seconds : float
            Most that it may cost.
        """
        weights = self.nearness({})
        blends = _Blends(self._grams, weights)
        gains, of_task = blends.gains(), blends.gains_of_tasks()
        open_ = [
            j for j, name in enumerate(self.names) if self._known[j] and costs[name] <= seconds
        ]
        if not open_:
            return None
        best, listed = max(open_, key=gains.__getitem__), open_[0]
        better = self._advantage(of_task[:, best] - of_task[:, listed], weights)
        return self.names[best if better > self._doubt else listed]

    def plan(
        self,
        losses: Mapping[str, float],
        costs: Mapping[str, float],
        seconds: float | None,
        *,
        first: str | None = None,
    ) -> list[str]:
        """Order the learners that are not done.

        Parameters
        ----------
        losses : dict of str to float
            Relative losses of the learners that are done.
        costs : dict of str to float
            Expected seconds of each learner.
        seconds : float or None
            What is left. None: enough for all of them.
        first : str, default=None
            A learner that comes first in any case.

        Returns
        -------
        names : list of str
            Those first that the best plan fits in the seconds. Learners that no task knows stay
            where they are listed.
        """
        left = [j for j, name in enumerate(self.names) if name not in {*losses, first}]
        rest = [j for j in left if self._known[j]]
        cost = np.array([costs[name] for name in self.names])
        weights = self.nearness(losses)
        blends = _Blends(self._grams, weights)
        blends.mix([j for j in range(len(self.names)) if j not in rest])
        seconds = float(cost.sum()) if seconds is None else seconds
        seconds -= costs[first] if first else 0.0
        kept, chosen = blends.follow(rest, cost, seconds)
        if rest:
            plans = [blends.play(rest, cost, seconds, power=power) for power in _POWERS]
            better = [self._advantage(gains - kept, weights) for gains, _ in plans]
            if max(better) > self._doubt:
                chosen = plans[int(np.argmax(better))][1]
        planned = iter(chosen + [j for j in rest if j not in chosen])
        names = [self.names[next(planned) if self._known[j] else j] for j in left]
        return [first, *names] if first else names

    def _advantage(self, differences: np.ndarray, weights: np.ndarray) -> float:
        """Give what tables say for one plan against another: their mean less its standard error.

        Parameters
        ----------
        differences : ndarray of shape (n_tasks,)
            Between the plans' gains.
        weights : ndarray of shape (n_tasks,)
            How much each task counts, with sum one.
        """
        share = self._of_table @ weights
        said = self._of_table @ (weights * np.clip(differences, -_MOST, _MOST))
        mean = float(said.sum())
        variance = float(share @ (said / np.maximum(share, _LEAST) - mean) ** 2)
        return mean - float(np.sqrt(max(variance, 0.0) * (share @ share)))


class _Blends:
    """Blends of the same learners on all earlier tasks at once.

    Parameters
    ----------
    grams : ndarray of shape (n_tasks, n_learners, n_learners)
        NaN for learners that a task does not have.
    weights : ndarray of shape (n_tasks,)
        How much each task counts.
    """

    def __init__(self, grams: np.ndarray, weights: np.ndarray) -> None:
        self._grams, self._weights = grams, weights
        self._alone = np.diagonal(grams, axis1=1, axis2=2)
        self._there = ~np.isnan(self._alone)
        # A blend of nothing predicts a constant, whose errors are nobody else's.
        self._now = np.ones(len(grams))
        self._shared = np.where(self._there, np.nan_to_num(self._alone), 0.0)

    def mix(self, done: list[int]) -> None:
        """Start from the best blends of the learners that are done."""
        for task, gram in enumerate(self._grams):
            have = np.array([j for j in done if self._there[task, j]], int)
            if len(have) == 0:
                continue
            some = gram[np.ix_(have, have)]
            start = np.full(len(have), 1 / len(have))
            weights = minimise_quadratic(2 * some, np.zeros(len(have)), start)[0]
            self._now[task] = max(float(weights @ some @ weights), _LEAST)
            self._shared[task] = weights @ np.nan_to_num(gram[have])

    def play(
        self, rest: list[int], cost: np.ndarray, seconds: float, *, power: float
    ) -> tuple[np.ndarray, list[int]]:
        """Take the learner of most gain for ``seconds ** power`` until the time is over.

        Returns
        -------
        gains : ndarray of shape (n_tasks,)
            Of all that were taken; early ones count more.
        chosen : list of int
        """
        state, total, chosen = (self._now, self._shared), np.zeros(len(self._grams)), []
        left, open_ = seconds, list(rest)
        while open_ := [j for j in open_ if j not in chosen and cost[j] <= left]:
            gains = self.gains(state)
            best = max(open_, key=lambda j: gains[j] / cost[j] ** power)
            left -= cost[best]
            total += self.gains_of_tasks(state)[:, best] * _worth(left, seconds)
            state = self._with(state, best)
            chosen.append(best)
        return total, chosen

    def follow(
        self, rest: list[int], cost: np.ndarray, seconds: float
    ) -> tuple[np.ndarray, list[int]]:
        """Take the learners as they are listed, but for those that do not fit in the time."""
        state, left = (self._now, self._shared), seconds
        total, chosen = np.zeros(len(self._grams)), []
        for j in rest:
            if cost[j] <= left:
                left -= cost[j]
                total += self.gains_of_tasks(state)[:, j] * _worth(left, seconds)
                state = self._with(state, j)
                chosen.append(j)
        return total, chosen

    def gains(self, state: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
        """By how much the logarithm of the loss falls with each learner, over the tasks."""
        known = self._weights @ self._there
        return self._weights @ self.gains_of_tasks(state) / np.where(known > 0, known, 1.0)

    def gains_of_tasks(self, state: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
        """As :meth:`gains`, of shape (n_tasks, n_learners); 0 where a task lacks the learner."""
        state = (self._now, self._shared) if state is None else state
        now = state[0][:, None]
        share, spread = self._steps(state)
        then = np.maximum(now - share**2 * spread, _LEAST)
        return np.where(self._there, np.log(now / np.minimum(then, now)) / 2, 0.0)

    def _steps(self, state: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Share of each learner in the best mixture of it and the blend, in closed form."""
        now, shared = state[0][:, None], state[1]
        alone = np.nan_to_num(self._alone)
        spread = np.maximum(now - 2 * shared + alone, _LEAST)
        return np.clip((now - shared) / spread, 0.0, 1.0), spread

    def _with(self, state: tuple[np.ndarray, np.ndarray], j: int) -> tuple[np.ndarray, np.ndarray]:
        share, spread = (found[:, j] for found in self._steps(state))
        share = np.where(self._there[:, j], share, 0.0)
        now = np.maximum(state[0] - share**2 * spread, _LEAST)
        other = np.nan_to_num(self._grams[:, j])
        return now, (1 - share)[:, None] * state[1] + share[:, None] * other


def _worth(left: float, seconds: float) -> float:
    """Give a gain more weight that comes soon: what seconds are expected may be wrong."""
    return 1.0 + _SOON * left / max(seconds, _LEAST)
