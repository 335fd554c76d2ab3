"""Tables and a figure of what benchmarks/experience.py --fit has measured.

python benchmarks/experience_report.py RESULTS.jsonl [--figure FILE.png]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import accuracy
import numpy as np
import pandas as pd
import tables

ARMS = ("without", "with", "advised")
COLOURS = dict(zip(ARMS, ("#0072b2", "#d55e00", "#009e73"), strict=True))
#: Rows of the plain stack whose quality fewer rows should reach.
PLAIN_ROWS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    results = [json.loads(line) for line in options.results.read_text().splitlines()]
    show(results)
    if options.figure:
        draw(results, options.figure)


def show(results: list[dict]) -> None:
    """Print a line for each number of seconds and rows, and what the memory is worth in rows."""
    frame = pd.DataFrame(results)
    print(
        "\n| arm | seconds | rows | tables | fits | change, mean | median | better on "
        "| rank of it, without | worst | best |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    taught = [arm for arm in ARMS[1:] if arm in set(frame["arm"])]
    for arm in taught:
        for (seconds, rows), some in frame.groupby(["seconds", "rows"]):
            change, n_fits = changes(some, arm)
            if not n_fits:
                continue
            better = (change < 0).mean() + (change == 0).mean() / 2
            print(
                f"| {arm} | {seconds:g} | {rows:,} | {len(change)} | {n_fits} "
                f"| {change.mean():+.2%} | {change.median():+.2%} | {(change < 0).mean():.0%} "
                f"| {2 - better:.2f}, {1 + better:.2f} "
                f"| {change.max():+.1%} ({change.idxmax()}) "
                f"| {change.min():+.1%} ({change.idxmin()}) |"
            )
    few = frame[(frame["rows"] < accuracy.TRAIN) & (frame["arm"] != "advised")]
    for seconds, some in few.groupby("seconds"):
        if PLAIN_ROWS in set(some["rows"]) and some["rows"].nunique() > 1:
            report_rows(seconds, against_plain(some))


def changes(some: pd.DataFrame, arm: str) -> tuple[pd.Series, int]:
    """Change of each table's logarithm of loss with the memory, and the number of pairs."""
    losses = some.pivot_table(index=["table", "seed"], columns="arm", values="loss")
    losses = losses.reindex(columns=["without", arm]).dropna()
    return np.log(losses[arm] / losses["without"]).groupby("table").mean(), len(losses)


def against_plain(some: pd.DataFrame) -> pd.DataFrame:
    """Logarithm of losses beside those of PLAIN_ROWS rows without a memory: tables by cells.

    Of tables with two classes: few rows of more have not all of them.
    """
    two = [entry["name"] for entry in tables.supervised() if entry["task"] == "binary"]
    some = some[some["table"].isin(two)]
    cells = some.pivot_table(index=["table", "seed"], columns=["rows", "arm"], values="loss")
    plain = cells[(PLAIN_ROWS, "without")]
    return np.log(cells.div(plain, axis=0)).groupby("table").mean().dropna()


def report_rows(seconds: float, beside: pd.DataFrame) -> None:
    print(
        f"\n{seconds:g} seconds, {len(beside)} tables: loss beside that of {PLAIN_ROWS:,} rows "
        "without a memory\n"
    )
    print("| rows | without, mean | median | with, mean | median |")
    print("|---|---|---|---|---|")
    for rows in sorted({rows for rows, _ in beside}):
        without, taught = beside[(rows, "without")], beside[(rows, "with")]
        print(
            f"| {rows:,} | {without.mean():+.1%} | {without.median():+.1%} "
            f"| {taught.mean():+.1%} | {taught.median():+.1%} |"
        )


def draw(results: list[dict], path: Path) -> None:
    """Draw each table's change by seconds, and losses by rows with and without the memory."""
    import matplotlib.pyplot as plt

    frame = pd.DataFrame(results)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    whole = frame[frame["rows"] == accuracy.TRAIN]
    for x, (_, some) in enumerate(whole.groupby("seconds")):
        change = 100 * changes(some, "advised")[0]
        spread = np.linspace(-0.2, 0.2, len(change))
        left.scatter(x + spread, np.sort(change), s=14, color=COLOURS["advised"])
        for what, style in (("mean", "-"), ("median", ":")):
            label = what if not x else ""
            left.hlines(change.agg(what), x - 0.3, x + 0.3, color="black", ls=style, label=label)
    left.axhline(0, color="0.6", lw=0.8, zorder=0)
    left.set_yscale("symlog", linthresh=2)
    left.set_xticks(
        range(whole["seconds"].nunique()), [f"{x:g}" for x in sorted(set(whole["seconds"]))]
    )
    left.set(xlabel="time_limit (seconds)", ylabel="change of test loss when advised (%)")
    left.legend(frameon=False)
    few = frame[(frame["rows"] < accuracy.TRAIN) & (frame["arm"] != "advised")]
    if PLAIN_ROWS in set(few["rows"]):
        beside = 100 * against_plain(few[few["seconds"] == few["seconds"].min()]).mean()
        for arm in ARMS[:2]:
            line = beside.xs(arm, level="arm")
            right.plot(line.index, line, "o-", color=COLOURS[arm], label=f"{arm} the memory")
        right.axhline(0, color="0.6", lw=0.8, zorder=0)
        right.set_xscale("log")
        right.minorticks_off()
        right.set_xticks(line.index, [f"{n:,}" for n in line.index])
        right.set(xlabel="rows", ylabel=f"loss beside {PLAIN_ROWS:,} plain rows (%)")
        right.legend(frameon=False)
    fig.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
