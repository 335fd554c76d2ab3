"""WeightsDisplay: how much say each learner has."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..inspected import inspected
from ..weights import WEIGHT, LearnerWeights, say_of_each
from .axes import BLUE, GREY, RED, Display, font_for, height_for, label_rows, tidy


class WeightsDisplay(Display):
    """Bars of the learners' weights, largest first.

    Parameters
    ----------
    weights : dict of str -> float
        Weight of each learner.
    meaning : str, default="weight"
        What they are, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer

    See Also
    --------
    StackingClassifier.leaderboard : The same as numbers, with losses and gains.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import ConvexRegressor, StackingRegressor
    >>> from stackmeta.inspection import WeightsDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("neighbours", KNeighborsRegressor(20))]
    >>> stack = StackingRegressor(learners, ConvexRegressor()).fit(X, y)
    >>> WeightsDisplay.from_estimator(stack).ax_.get_xlabel()
    'weight'
    """

    def __init__(self, weights: dict[str, float], *, meaning: str = WEIGHT) -> None:
        self.weights = weights
        self.meaning = meaning

    @classmethod
    def from_estimator(cls, stack: Any, *, ax: Any = None) -> WeightsDisplay:
        """Plot the weights of a fitted stack.

        Parameters
        ----------
        stack : estimator
            Fitted stack or super learner.
        ax : matplotlib Axes, default=None
            Where to plot; a new figure by default.

        Returns
        -------
        display : WeightsDisplay
            Of the meta-learner's weights, or its coefficients; of a convex combination that
            stands in where it has neither, as the axis then says.

        Raises
        ------
        ValueError
            If there is none of these.
        """
        found = say_of_each(inspected(stack, "WeightsDisplay"))
        if found is None:
            raise ValueError(
                "The meta-learner has neither weights nor a coefficient a learner, and a convex "
                "combination cannot stand in: not all learners give probabilities of one target."
            )
        return cls.from_weights(found, ax=ax)

    @classmethod
    def from_weights(cls, weights: LearnerWeights, *, ax: Any = None) -> WeightsDisplay:
        """Plot weights that were found before."""
        return cls(weights.values, meaning=weights.meaning).plot(ax=ax)

    def plot(self, ax: Any = None) -> WeightsDisplay:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        display : WeightsDisplay
        """
        kept = {name: w for name, w in self.weights.items() if w != 0} or dict(self.weights)
        names = sorted(kept, key=lambda name: -abs(kept[name]))
        values = np.array([kept[name] for name in names])
        ax = self._axes(ax, (6.4, height_for(len(names))))
        colors = np.where(values < 0, RED, BLUE)
        self.bars_ = ax.barh(range(len(names)), values, color=colors, height=0.7)
        ax.bar_label(
            self.bars_,
            [_text(value) for value in values],
            padding=3,
            fontsize=font_for(len(names)) - 1,
        )
        label_rows(ax, names)
        ax.margins(x=0.12)
        if (values < 0).any():
            ax.axvline(0, color=GREY, linewidth=0.8)
        ax.set_xlabel(self.meaning)
        if without := len(self.weights) - len(kept):
            ax.set_title(f"and {without} of weight 0", fontsize=9, color=GREY, loc="right")
        tidy(ax)
        return self


def _text(weight: float) -> str:
    if 0 < abs(weight) < 0.0005:
        return "< 0.001" if weight > 0 else "> −0.001"
    return f"{weight:.2f}" if abs(weight) >= 0.01 else f"{weight:.3f}"
