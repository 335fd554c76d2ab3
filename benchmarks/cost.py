"""What a stack costs, beside scikit-learn's stack of the same learners.

    python benchmarks/cost.py [--parts stacks million losses growth] [--tables …] [--repeats 3]

Each fit runs in a process of its own with ``n_jobs=2`` and 5 folds (closed forms: 10, and the
median of five fits in the process); sides alternate, and the median counts. "faster" and "CPU"
are scikit-learn's over ours; "memory" is our peak over theirs (proportional set size of the
whole process tree while it fits); "loss" is log loss or RMSE on a fifth of the rows, held out
from both. Workers are warm, except with a million rows. The part "losses" compares losses on
more tables, of 4,000 rows at most.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import growth as slopes
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from lists import LISTS
from measure import child_done, child_ready, run_child
from sklearn import ensemble
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split
from tables import load, supervised

import stackmeta

OURS = {
    "exact": {},
    "approximate": {"shortcuts": "approximate", "refit": False},
    "plain": {"shortcuts": False},
}
STACKS = {"closed": ["exact"], "mixed": ["exact", "approximate"], "forests": ["approximate"]}
#: Folds of a list, where they are not 5.
FOLDS = {"closed": 10}
TABLES = ["higgs_7500", "cpu_act", "adult", "synthetic_200000"]
#: Rows of a real table at most; where losses are compared on many tables; fewer are not enough.
MOST_ROWS, SOME_ROWS, FEWEST_ROWS = 20_000, 4_000, 2_500
COLUMNS = ["list", "mode", "table", "s", "scikit-learn s", "faster", "CPU", "memory", "loss"]


def child(options: dict) -> None:
    """Fit one stack and report; what :func:`run_child` starts."""
    X, y = data(options)
    classify = y.dtype.kind != "f"
    kinds = ("StackingClassifier", "StackingRegressor")
    module = ensemble if options["side"] == "scikit-learn" else stackmeta
    extra = OURS.get(options["side"], {})
    learners = LISTS[options["list"]](classify, len(y))[: options.get("learners")]
    stack = getattr(module, kinds[0 if classify else 1])(
        learners, n_jobs=2, cv=options.get("folds", FOLDS.get(options["list"], 5)), **extra
    )
    parts = train_test_split(X, y, test_size=options.get("test_size", 0.2), random_state=0)
    X, X_test, y, y_test = parts
    del parts
    if options["warm"]:
        Parallel(n_jobs=2)(delayed(_warm)() for _ in range(8))
    child_ready()
    seconds = []
    for _ in range(options.get("fits", 1)):
        start = time.perf_counter()
        stack.fit(X, y)
        seconds.append(time.perf_counter() - start)
    if classify:
        loss = log_loss(y_test, stack.predict_proba(X_test), labels=np.unique(y))
    else:
        loss = root_mean_squared_error(y_test, stack.predict(X_test))
    size = int(np.asarray(X[:1]).nbytes * len(y))
    child_done(seconds=statistics.median(seconds), loss=float(loss), bytes=size)


def data(options: dict) -> tuple:
    """Table of a child; ``million`` is made in place, so that nothing else inflates the peak."""
    if options["table"] != "million":
        return load(options["table"], options.get("most_rows"))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((options.get("rows", 1_000_000), 40))
    y = (X[:, 0] + X[:, 1] ** 2 + rng.standard_normal(len(X)) > 1).astype(int)
    return (pd.DataFrame(X, copy=False), y) if options.get("frame") else (X, y)


def _warm() -> None:
    stackmeta.StackingClassifier(LISTS["closed"](True, 100)[:1])
    for learners in (LISTS["mixed"](True, 100), LISTS["closed"](True, 100)):
        X = np.random.RandomState(0).normal(size=(60, 3))
        for _, learner in learners:
            learner.fit(X, np.arange(60) % 2)


def compare(modes: list[str], repeats: int, **options: object) -> dict[str, dict]:
    """Medians of scikit-learn and of our modes, one after the other in each repeat."""
    runs: dict[str, list[dict]] = {side: [] for side in ("scikit-learn", *modes)}
    for repeat in range(repeats):
        for side in list(runs)[:: 1 if repeat % 2 == 0 else -1]:
            runs[side].append(run_child(__file__, side=side, **options))
    return {
        side: {key: statistics.median(run[key] for run in several) for key in several[0]}
        for side, several in runs.items()
    }


def row(names: list[str], ours: dict, theirs: dict) -> str:
    """One row of the table."""
    cells = [
        *names,
        f"{ours['seconds']:.3g}",
        f"{theirs['seconds']:.3g}",
        f"{theirs['seconds'] / ours['seconds']:.2f} ×",
        f"{theirs['cpu'] / ours['cpu']:.2f} ×",
        f"{ours['peak'] / theirs['peak']:.2f} ×",
        f"{ours['loss']:.4f} / {theirs['loss']:.4f} ({ours['loss'] / theirs['loss'] - 1:+.2%})",
    ]
    return f"| {' | '.join(cells)} |"


def stacks(repeats: int, tables: list[str]) -> None:
    """Stacks of three real tables and a made one."""
    for kind, modes in STACKS.items():
        for table in tables:
            options = {"fits": 5} if kind == "closed" else {"most_rows": MOST_ROWS}
            found = compare(modes, repeats, list=kind, table=table, warm=True, **options)
            for mode in modes:
                print(row([kind, mode, table], found[mode], found["scikit-learn"]), flush=True)


def million() -> None:
    """Peak memory with a million rows and 40 columns, also in sizes of X."""
    for kind in ("closed", "refitted"):
        for frame in (False, True):
            options = {"list": kind, "table": "million", "frame": frame}
            found = compare(["exact"], 1, **options, warm=False, test_size=1000)
            size = found["exact"]["peak"] / found["exact"]["bytes"]
            name = "million, frame" if frame else "million, array"
            cells = [kind, f"exact ({size:.2f} × X)", name]
            print(row(cells, found["exact"], found["scikit-learn"]), flush=True)


def losses() -> None:
    """Held-out loss of approximate stacks on many tables, and its mean difference."""
    options = {"most_rows": SOME_ROWS, "warm": True}
    tables = [entry["name"] for entry in supervised() if entry["rows"] >= FEWEST_ROWS]
    for kind in ("mixed", "forests"):
        differences = []
        for table in tables:
            found = compare(["approximate"], 1, list=kind, table=table, **options)
            ours, theirs = found["approximate"], found["scikit-learn"]
            print(row([kind, "approximate", table], ours, theirs), flush=True)
            differences.append(ours["loss"] / theirs["loss"] - 1)
        mean, error = np.mean(differences), np.std(differences, ddof=1) / len(tables) ** 0.5
        print(f"\n{kind}, {len(tables)} tables: loss {mean:+.2%} (standard error {error:.2%})\n")


def growth() -> None:
    """Log-log slopes of our seconds over rows, learners and folds."""
    slopes.measure(lambda **options: run_child(__file__, **options)["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["stacks", "million", "losses", "growth"])
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", type=json.loads)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    if {"stacks", "million", "losses"} & set(options.parts):
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    if "stacks" in options.parts:
        stacks(options.repeats, options.tables)
    if "million" in options.parts:
        million()
    if "losses" in options.parts:
        losses()
    if "growth" in options.parts:
        growth()


if __name__ == "__main__":
    main()
