"""TimelineDisplay: which worker did what when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...out_of_fold.result import FitRecord
from ..inspected import inspected
from .axes import BLUE, GREEN, ORANGE, Display, short, tidy

_KINDS = {"a fold": BLUE, "a refit on all rows": ORANGE, "a shortcut": GREEN}
# Fits that take less than this share of the whole are too narrow for their name.
_NAMED_SHARE = 0.06
# No bar is narrower than this share of the whole.
_LEAST_SHARE = 0.002


class TimelineDisplay(Display):
    """Bars of the fits, a lane a worker.

    Parameters
    ----------
    records : list of FitRecord
        ``oof_.records``.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import ConvexRegressor, StackingRegressor
    >>> from stackmeta.inspection import TimelineDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(20))]
    >>> stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    >>> TimelineDisplay.from_estimator(stack).ax_.get_xlabel()
    'seconds since the first fit began'
    """

    def __init__(self, records: Sequence[FitRecord]) -> None:
        self.records = records

    @classmethod
    def from_estimator(cls, stack: Any, *, ax: Any = None) -> TimelineDisplay:
        """Plot the fits of a fitted stack.

        Parameters
        ----------
        stack : estimator
            Fitted stack or super learner.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : TimelineDisplay

        Raises
        ------
        ValueError
            If no fit was done: predictions were given, or came from a store.
        """
        return cls(inspected(stack, "TimelineDisplay").oof.records).plot(ax=ax)

    def plot(self, ax: Any = None) -> TimelineDisplay:
        """Draw the lanes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : TimelineDisplay
        """
        if not self.records:
            raise ValueError(
                "There is no fit to show: the predictions were given, or learners were prefit."
            )
        begin = min(record.started for record in self.records)
        span = max(record.started + record.seconds for record in self.records) - begin
        lanes = _lanes(self.records)
        n_lanes = max(lanes) + 1
        ax = self._axes(ax, (9.0, max(2.2, 1.4 + 0.45 * n_lanes)))
        seen = set()
        for record, lane in zip(self.records, lanes, strict=True):
            kind = {-1: "a refit on all rows", -2: "a shortcut"}.get(record.fold, "a fold")
            ax.barh(
                lane,
                max(record.seconds, _LEAST_SHARE * span),
                left=record.started - begin,
                height=0.8,
                color=_KINDS[kind],
                edgecolor="white",
                linewidth=0.4 if record.seconds > _NAMED_SHARE * span / 10 else 0,
                label=None if kind in seen else kind,
            )
            seen.add(kind)
            if record.seconds > _NAMED_SHARE * span:
                ax.text(
                    record.started - begin + record.seconds / 2,
                    lane,
                    short(record.name, max(10, int(record.seconds / span * 100))),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="black" if kind == "a refit on all rows" else "white",
                    clip_on=True,
                )
        ax.set_yticks(range(n_lanes), [f"worker {lane + 1}" for lane in range(n_lanes)])
        ax.set_ylim(n_lanes - 0.4, -0.6)
        ax.set_xlim(0, span)
        ax.set_xlabel("seconds since the first fit began")
        shown = dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
        ax.legend(
            [shown[kind] for kind in _KINDS if kind in shown],
            [kind for kind in _KINDS if kind in shown],
            frameon=False,
            ncols=3,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            borderaxespad=0.1,
        )
        tidy(ax)
        return self


def _lanes(records: Sequence[FitRecord]) -> list[int]:
    """Give each record a lane: one a process, and more where its threads fit at once."""
    ends: dict[int, list[float]] = {}
    places: list[tuple[int, int]] = [(0, 0)] * len(records)
    for i in sorted(range(len(records)), key=lambda i: records[i].started):
        record = records[i]
        taken = ends.setdefault(record.worker, [])
        # A hair of overlap is how clocks differ, not a thread more.
        free = (k for k, end in enumerate(taken) if end <= record.started + 1e-3)
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append(0.0)
        taken[lane] = record.started + record.seconds
        places[i] = (record.worker, lane)
    order = {place: k for k, place in enumerate(sorted(set(places)))}
    return [order[place] for place in places]
