"""CostDisplay: loss against seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..costs import pareto_front
from ..inspected import inspected
from ..row_losses import LOSS_LABELS
from .axes import BLUE, GREY, ORANGE, Display, shortened, tidy

if TYPE_CHECKING:
    import pandas as pd

# With more learners, only those on the front are named.
_MOST_NAMES = 12
# Losses that differ by more than this factor are shown on a logarithmic axis.
_SPREAD = 5


class CostDisplay(Display):
    """Loss of each learner against its seconds, and the front of those that nothing beats in both.

    Parameters
    ----------
    table : DataFrame
        A leaderboard.
    seconds : {"fit_seconds", "predict_seconds"}
        Which seconds are shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : matplotlib PathCollection
    front_ : list of str
        Learners on the front, quickest first.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import ConvexRegressor, StackingRegressor
    >>> from stackmeta.inspection import CostDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(20))]
    >>> stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    >>> CostDisplay.from_estimator(stack).front_[-1]
    'ridge'
    """

    def __init__(self, table: pd.DataFrame, *, seconds: str = "fit_seconds") -> None:
        self.table = table
        self.seconds = seconds

    @classmethod
    def from_estimator(cls, stack: Any, X: Any = None, *, ax: Any = None) -> CostDisplay:
        """Plot the learners of a fitted stack.

        Parameters
        ----------
        stack : estimator
            Fitted stack or super learner.
        X : array-like or DataFrame of shape (n_rows, n_features), default=None
            Rows on which to measure predictions; None shows the seconds of all fits.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : CostDisplay
        """
        inspected(stack, "CostDisplay")
        seconds = "fit_seconds" if X is None else "predict_seconds"
        return cls(stack.leaderboard(gain=False, X=X), seconds=seconds).plot(ax=ax)

    def plot(self, ax: Any = None) -> CostDisplay:
        """Draw the points and the front.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : CostDisplay
        """
        ax = self._axes(ax, (7.2, 4.6))
        table = self.table[self.table["loss"].notna() & self.table[self.seconds].notna()]
        x = np.maximum(table[self.seconds].to_numpy(), 1e-4)
        y, names = table["loss"].to_numpy(), list(table["learner"])
        front = pareto_front(x, y)
        self.front_ = [names[i] for i in front]
        ax.plot(x[front], y[front], color=ORANGE, drawstyle="steps-post", zorder=1)
        unused = (table["weight"] == 0).to_numpy()
        colors = np.where(unused, "white", BLUE)
        self.points_ = ax.scatter(x, y, c=colors, edgecolors=BLUE, s=32, zorder=2)
        ax.set_xscale("log")
        if y.min() > 0 and y.max() > _SPREAD * y.min():
            ax.set_yscale("log")
        ax.margins(x=0.15, y=0.1)
        few = len(names) <= _MOST_NAMES
        first = front[np.argsort(y[front])]
        _name_points(ax, x, y, shortened(names, 24), [*first, *(range(len(names)) if few else [])])
        unit = "of all fits" if self.seconds == "fit_seconds" else "that 1,000 rows take"
        ax.set_xlabel(f"seconds {unit}")
        loss = self.table.attrs.get("loss", "loss")
        ax.set_ylabel(f"out-of-fold {LOSS_LABELS.get(loss, loss)}")
        if unused.any():
            ax.set_title("hollow: weight 0", fontsize=9, color=GREY, loc="right")
        tidy(ax)
        return self


def _name_points(
    ax: Any, x: np.ndarray, y: np.ndarray, names: Sequence[str], wanted: Sequence[int]
) -> None:
    """Write names beside points, those that are wanted first, as far as there is room."""
    points = ax.transAxes.inverted().transform(ax.transData.transform(np.column_stack([x, y])))
    width, height = ax.figure.get_size_inches() * 72 * 0.8
    letter, line = 5.2 / width, 10.0 / height
    taken = [(px, py, px, py) for px, py in points]
    for i in dict.fromkeys(int(w) for w in wanted):
        px, py = points[i]
        long = len(names[i]) * letter
        for left, up in ((False, True), (False, False), (True, True), (True, False)):
            x0 = px - 0.012 - long if left else px + 0.012
            y0 = py + 0.012 if up else py - 0.012 - line
            box = x0, y0, x0 + long, y0 + line
            if x0 >= 0 <= y0 and box[2] <= 1 and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                ax.text(x0, y0, names[i], transform=ax.transAxes, fontsize=8, va="bottom")
                break


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
