"""DiversityDisplay: which learners err alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..diversity import Diversity, diversity
from ..inspected import inspected
from .axes import Display, shortened

_LABELS = {
    "correlation": "correlation of errors",
    "q_statistic": "Q statistic",
    "double_fault": "share of rows on which both are wrong",
    "disagreement": "share of rows on which one is wrong",
}
# With more learners, numbers in the cells could not be read.
_MOST_NUMBERS = 12
# Colours of a narrower range would make much of little.
_LEAST_RANGE = 0.2


class DiversityDisplay(Display):
    """Map of how alike learners err; those that err alike stand together.

    Parameters
    ----------
    diversity : Diversity
        What ``stack.diversity()`` gave.
    measure : {"correlation", "q_statistic", "double_fault", "disagreement"}
        What is shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    im_ : matplotlib AxesImage

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import ConvexRegressor, StackingRegressor
    >>> from stackmeta.inspection import DiversityDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(20))]
    >>> stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    >>> display = DiversityDisplay.from_estimator(stack)
    >>> display.im_.get_array().shape
    (2, 2)
    """

    def __init__(self, diversity: Diversity, *, measure: str = "correlation") -> None:
        self.diversity = diversity
        self.measure = measure

    @classmethod
    def from_estimator(
        cls, stack: Any, *, measure: str = "correlation", ax: Any = None
    ) -> DiversityDisplay:
        """Plot how alike the learners of a fitted stack err.

        Parameters
        ----------
        stack : estimator
            Fitted stack or super learner.
        measure : {"correlation", "q_statistic", "double_fault", "disagreement"}
            What is shown; the last three are for classes.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : DiversityDisplay
        """
        return cls(diversity(inspected(stack, "DiversityDisplay").oof), measure=measure).plot(
            ax=ax
        )

    def plot(self, ax: Any = None) -> DiversityDisplay:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : DiversityDisplay

        Raises
        ------
        ValueError
            If there is no such measure, or none of a regression.
        """
        if self.measure not in _LABELS:
            raise ValueError(f"measure={self.measure!r}: it is one of {[*_LABELS]}.")
        values = getattr(self.diversity, self.measure)
        if values is None:
            raise ValueError(f"measure={self.measure!r} is for classes; use 'correlation'.")
        names = self.diversity.order()
        shown = values.loc[names, names].to_numpy()
        n = len(names)
        size = max(4.0, 2.0 + n * (0.45 if n <= _MOST_NUMBERS else 0.16))
        ax = self._axes(ax, (size + 1.2, size))
        apart = shown[~np.eye(n, dtype=bool)]
        apart = apart[np.isfinite(apart)]
        low, high = (apart.min(), apart.max()) if apart.size else (0.0, 1.0)
        low = min(low, high - _LEAST_RANGE)
        self.im_ = ax.imshow(shown, cmap="cividis", vmin=low, vmax=high)
        font = 9 if n <= _MOST_NUMBERS else 6
        labels = shortened(names, 20)
        ax.set_xticks(range(n), labels, rotation=90, fontsize=font)
        ax.set_yticks(range(n), labels, fontsize=font)
        if n <= _MOST_NUMBERS:
            for (i, j), value in np.ndenumerate(shown):
                light = value > (low + high) / 2
                text = "" if np.isnan(value) else f"{value:.2f}"
                ax.text(
                    j, i, text, ha="center", va="center", fontsize=8, color="k" if light else "w"
                )
        self.figure_.colorbar(self.im_, ax=ax, label=_LABELS[self.measure], shrink=0.8)
        return self
