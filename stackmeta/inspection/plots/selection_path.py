"""SelectionPathDisplay: loss against the number of learners."""

from __future__ import annotations

from typing import Any

from ..inspected import inspected
from ..selection_path import SelectionPath, selection_path
from .axes import Display, draw_curve, shortened, tidy

_BAND = "± 1 standard error of the difference to the least"
# Of a longer path, the first learners are listed instead of named where they join.
_MOST_NAMES, _N_LISTED = 12, 8


class SelectionPathDisplay(Display):
    """Loss of the stack of the first so many learners, each next one chosen greedily.

    Parameters
    ----------
    path : SelectionPath
        Learners in their order, and the losses.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import ConvexRegressor, StackingRegressor
    >>> from stackmeta.inspection import SelectionPathDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(20))]
    >>> stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    >>> SelectionPathDisplay.from_estimator(stack).path.names
    ['ridge', 'neighbours']
    """

    def __init__(self, path: SelectionPath) -> None:
        self.path = path

    @classmethod
    def from_estimator(cls, stack: Any, *, ax: Any = None) -> SelectionPathDisplay:
        """Plot the path of a fitted stack.

        Parameters
        ----------
        stack : estimator
            Fitted stack or super learner. A convex combination stands in for a meta-learner that
            is slow to refit, or reads columns of X; the title says so.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : SelectionPathDisplay
        """
        return cls(selection_path(inspected(stack, "SelectionPathDisplay"))).plot(ax=ax)

    def plot(self, ax: Any = None) -> SelectionPathDisplay:
        """Draw the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : SelectionPathDisplay
        """
        path = self.path
        ax = self._axes(ax, (7.2, 4.4))
        self.line_ = draw_curve(ax, path, path.n_learners, _BAND)
        _name(ax, path)
        ax.set_xlabel("learners, in the order in which they help a mean")
        ax.margins(x=0.08, y=0.2)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False, loc="upper right", fontsize=8)
        tidy(ax)
        return self


def _name(ax: Any, path: SelectionPath) -> None:
    """Say which learner joins where, or which come first."""
    names = shortened(path.names, 24)
    if len(names) > _MOST_NAMES:
        lines = [f"{i}  {name}" for i, name in enumerate(names[:_N_LISTED], start=1)]
        ax.text(
            1.02, 0.98, "\n".join(lines), transform=ax.transAxes, ha="left", va="top", fontsize=8
        )
        return
    for k, loss in zip(path.n_learners, path.losses, strict=True):
        ax.annotate(
            names[k - 1] if k == 1 else f"+ {names[k - 1]}",
            (k, loss),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            rotation=0 if len(names) <= 5 else 40,
        )
