"""How the seconds of a fit grow with rows, learners and folds: slopes on log-log axes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

#: What grows, over which values; the other two stay at the middle ones.
AXES = {
    "rows": [10_000, 31_623, 100_000, 316_228, 1_000_000],
    "learners": [2, 4, 8, 16, 32, 64],
    "folds": [2, 5, 10, 20],
}
MODES = ["exact", "plain"]
FIGURE = Path(__file__).parents[1] / "docs" / "_static" / "growth.svg"


def measure(seconds: Callable[..., float]) -> None:
    """Print the slopes of both modes; draw the figure.

    Parameters
    ----------
    seconds : callable
        Fits a stack of ``learners`` closed-form learners on ``rows`` rows and ``folds`` folds.
    """
    print("\n| grows | from, to | mode | seconds | slope |\n|---|---|---|---|---|")
    found = {}
    for axis, values in AXES.items():
        for mode in MODES:
            times = []
            for value in values:
                fixed = {"rows": 30_000, "learners": 4, "folds": 5} | {axis: value}
                times.append(seconds(list="many", side=mode, table="million", warm=True, **fixed))
            slope = np.polyfit(np.log(values), np.log(times), 1)[0]
            found[axis, mode] = (values, times, slope)
            listed = ", ".join(f"{t:.2f}" for t in times)
            print(f"| {axis} | {values[0]}, {values[-1]} | {mode} | {listed} | {slope:.2f} |")
    draw(found)


def draw(found: dict) -> None:
    """Save the figure."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(AXES), figsize=(10, 3.4), sharey=True, layout="constrained")
    for ax, axis in zip(axes, AXES, strict=True):
        for mode, marker, colour in zip(MODES, "os", ("#0072B2", "#D55E00"), strict=True):
            values, times, slope = found[axis, mode]
            label = f"{'closed forms' if mode == 'exact' else 'refits'}, slope {slope:.2f}"
            ax.loglog(values, times, marker=marker, color=colour, label=label)
        ax.set_xlabel(axis)
        ax.grid(alpha=0.3, which="both")
        ax.legend(frameon=False, fontsize="small")
    axes[0].set_ylabel("seconds of fit")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})
