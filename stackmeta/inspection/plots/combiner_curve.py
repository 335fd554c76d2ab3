"""CombinerCurveDisplay: the learning curve of a meta-learner."""

from __future__ import annotations

from typing import Any

from ..combiner_curve import CombinerCurve, combiner_curve
from ..inspected import inspected
from .axes import RED, Display, draw_curve, short, tidy

_BAND = "± 1 standard error of the difference"


class CombinerCurveDisplay(Display):
    """Loss of the meta-learner by the rows that it learns from, beside the best learner's.

    Parameters
    ----------
    curve : CombinerCurve
        Sizes and losses.

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
    >>> from stackmeta.inspection import CombinerCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(20))]
    >>> stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    >>> CombinerCurveDisplay.from_estimator(stack).curve.n_rows.tolist()
    [20, 35, 71, 142, 248, 354]
    """

    def __init__(self, curve: CombinerCurve) -> None:
        self.curve = curve

    @classmethod
    def from_estimator(cls, stack: Any, *, ax: Any = None) -> CombinerCurveDisplay:
        """Plot the curve of a fitted stack.

        Parameters
        ----------
        stack : estimator
            Fitted stack or super learner. A convex combination stands in for a meta-learner that
            is slow to refit, or reads columns of X; the title says so.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : CombinerCurveDisplay
        """
        return cls(combiner_curve(inspected(stack, "CombinerCurveDisplay"))).plot(ax=ax)

    def plot(self, ax: Any = None) -> CombinerCurveDisplay:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : CombinerCurveDisplay
        """
        curve = self.curve
        ax = self._axes(ax, (6.4, 4.2))
        self.line_ = draw_curve(ax, curve, curve.n_rows, _BAND, "meta-learner")
        name, loss = curve.best
        ax.axhline(loss, color=RED, linestyle="--", label=f"best learner ({short(name, 20)})")
        ax.set_xscale("log")
        ax.set_xticks(curve.n_rows, [f"{n:,}" for n in curve.n_rows], fontsize=8)
        ax.minorticks_off()
        ax.set_xlabel("rows that the meta-learner learns from")
        ax.legend(frameon=False)
        tidy(ax)
        return self
