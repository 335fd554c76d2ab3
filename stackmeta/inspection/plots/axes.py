"""What all displays share: axes, colours that the colour-blind tell apart, long lists of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..level_one import STAND_IN
from ..row_losses import LOSS_LABELS

# Okabe and Ito's colours, which differ in lightness, too.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
GREY = "#767676"

_LONGEST = 28


class Display:
    """What all displays share."""

    ax_: Any
    figure_: Any

    def _axes(self, ax: Any, size: tuple[float, float]) -> Any:
        """Take the given axes, or make a figure of a size; remember both."""
        plt = pyplot(type(self).__name__)
        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def pyplot(caller: str) -> Any:
    """Import matplotlib.

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{caller} needs matplotlib: pip install "stackmeta[plot]".') from error
    return plt


def shortened(names: Sequence[str], longest: int = _LONGEST) -> list[str]:
    """Cut the middle out of long names, where that leaves the most of them apart.

    Examples
    --------
    >>> shortened(["a_rather_long_name_1_indeed", "a_rather_long_name_2_indeed"], 12)
    ['a_r…1_indeed', 'a_r…2_indeed']
    """
    names = [" ".join(str(name).split()) for name in names]
    ends = range(0, longest, max(1, longest // 12))
    ways = [[_cut(name, longest, end) for name in names] for end in [8, *ends]]
    best = max(ways, key=lambda way: len(set(way)))
    return [name.replace("$", r"\$") for name in best]


def short(name: str, longest: int = _LONGEST) -> str:
    """Cut the middle out of a long name; dollars are no formulas."""
    return shortened([name], longest)[0]


def _cut(name: str, longest: int, end: int) -> str:
    if len(name) <= longest:
        return name
    end = min(end, longest - 1)
    return f"{name[: longest - 1 - end]}…{name[len(name) - end :]}"


def height_for(n_rows: int) -> float:
    """Inches that so many rows of text need."""
    return max(2.0, 0.9 + n_rows * (0.3 if n_rows <= 15 else 0.2))


def font_for(n_rows: int) -> float:
    """Points of the labels of so many rows."""
    return 10 if n_rows <= 15 else 8


def label_rows(ax: Any, names: Sequence[str]) -> None:
    """Write a name a row, the first at the top."""
    ax.set_yticks(range(len(names)), shortened(names), fontsize=font_for(len(names)))
    ax.set_ylim(len(names) - 0.4, -0.6)


def draw_curve(ax: Any, study: Any, x: Any, band: str, line: str | None = None) -> Any:
    """Draw the losses of a study with their errors; say if a convex combination stands in.

    Parameters
    ----------
    ax : matplotlib Axes
    study : CombinerCurve or SelectionPath
    x : array-like of int
    band, line : str
        What the legend calls the errors, and the losses.

    Returns
    -------
    line : matplotlib Line2D
    """
    below, above = study.losses - study.errors, study.losses + study.errors
    ax.fill_between(x, below, above, color=BLUE, alpha=0.15, linewidth=0, label=band)
    (drawn,) = ax.plot(x, study.losses, "o-", color=BLUE, markersize=4, label=line)
    ax.set_ylabel(f"cross-fitted {LOSS_LABELS.get(study.loss_name, study.loss_name)}")
    if study.which == STAND_IN:
        ax.set_title("of a convex combination", fontsize=9, color=GREY, loc="right")
    return drawn


def tidy(ax: Any) -> None:
    """Leave the two axes that are read."""
    ax.spines[["top", "right"]].set_visible(False)
