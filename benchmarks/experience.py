"""What a memory of other tables is worth to a super learner; and the memory that is shipped.

    python benchmarks/experience_draws.py && python benchmarks/experience.py --replay --ship
    python benchmarks/experience.py --fit --seconds 10 [--arms without advised] [--rows 300]
        [--tables …] [--seeds 0 1] [--jobs 1]

All on tables that the memory has not seen: nothing of a table is known when it is tested.

--replay takes the draws' own predictions: learners one after the other while their expected
seconds last, convex weights by out-of-fold error, judged on rows held out; in the order in
which they are listed, and in the order that the memory advises. Without draws it takes the shipped
records, and judges by their out-of-fold errors.

--fit fits super learners for the seconds, on up to --rows rows: "without" a memory, "with" the
shipped records of other tables, and with them in the order that they "advise"; each fit is a
process of its own, with --jobs workers. "change" is that of log loss or root mean squared error.

--ship writes the records of all draws into the package: losses, seconds, weights and products of
errors, no row of a table, and no name of a column.
"""

from __future__ import annotations

import argparse
import gzip
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import accuracy
import corpus
import experience_draws
import experience_report
import numpy as np
import pandas as pd
import tables

import stackmeta
from stackmeta import OutOfFold
from stackmeta.experience import TaskMemory, describe_table
from stackmeta.experience.leave_one_table_out import TriedTask, leave_one_table_out
from stackmeta.experience.record import TaskRecord
from stackmeta.experience.recording import gram_of, record_of
from stackmeta.experience.shipped import shipped_records
from stackmeta.learners import portfolio
from stackmeta.out_of_fold.target import Target

BUDGETS = (0.03, 0.06, 0.12, 0.25, 0.5)
SHIPPED = Path(stackmeta.__file__).parent / "experience" / "shipped.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=experience_draws.FOLDER)
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--ship", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rows", type=int, default=accuracy.TRAIN)
    parser.add_argument("--seeds", nargs="*", type=int, default=(0,))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--arms", nargs="*", default=experience_report.ARMS)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--results", type=Path, default=Path("experience.jsonl"))
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        fit_one(Path(options.task))
        return
    if options.replay:
        replay(tried_tasks(options.folder))
    if options.ship and not options.folder.exists():
        parser.error(f"--ship needs draws in {options.folder}: run experience_draws.py first.")
    if options.ship:
        ship(tried_tasks(options.folder))
    if options.fit:
        fit(options)


def tried_tasks(folder: Path) -> list[TriedTask]:
    """Read the draws as tasks that have been tried; without any, the shipped records."""
    if not folder.exists():
        return [TriedTask(record, record.gram) for record in shipped_records()]
    entries = {entry["name"]: entry for entry in tables.supervised()}
    found = []
    for draw in experience_draws.load(folder):
        oof = as_oof(draw)
        X = corpus.read(entries[draw["table"]])[0]
        rows = experience_draws.rows_of(entries[draw["table"]], draw["size"], draw["seed"])
        X = rows[0].iloc[rows[3]] if rows is not None else X
        record = record_of(
            oof,
            describe_table(X, draw["y"], classifies=draw["classifies"]),
            table=draw["table"],
            learners=learners_of(draw),
            seconds=draw["seconds"],
        )
        matrix = np.asarray(draw["test"], float)
        y = draw["y_test"].astype(int) if draw["classifies"] else draw["y_test"]
        found.append(TriedTask(record, gram_of(oof, matrix, y, record.names)))
    return found


def as_oof(draw: dict[str, Any]) -> OutOfFold:
    """Give a draw's predictions the form that the engine gives them."""
    if draw["classifies"]:
        target = Target("classes", draw["y"].astype(int), classes=np.arange(draw["n_classes"]))
    else:
        target = Target("numbers", draw["y"])
    matrix = np.asarray(draw["oof"], float)
    good = {
        name: where
        for name, where in draw["columns"].items()
        if np.isfinite(matrix[:, where]).all() and np.isfinite(draw["test"][:, where]).all()
    }
    method = "predict_proba" if draw["classifies"] else "predict"
    return OutOfFold(
        matrix[None],
        good,
        draw["folds"],
        methods=dict.fromkeys(good, method),
        target=target,
        paths=dict.fromkeys(good, "refit"),
    )


def learners_of(draw: dict[str, Any]) -> list:
    return portfolio(
        "classification" if draw["classifies"] else "regression",
        preset="best",
        n_rows=len(draw["y"]),
        n_classes=draw["n_classes"],
    )


def replay(tasks: list[TriedTask]) -> None:
    parts = []
    for kind in ("classification", "regression"):
        listed = [name for name, _ in portfolio(kind, preset="best", n_rows=1_000)]
        some = [tried for tried in tasks if tried.record.task == kind]
        parts.append(leave_one_table_out(some, BUDGETS, listed))
    found = pd.concat(parts)
    print(f"{len(tasks)} tasks of {found['table'].nunique()} tables\n")
    print("| rows | share of the seconds | change, mean | median | better on | worst table |")
    print("|---|---|---|---|---|---|")
    sizes = [("all", found)]
    sizes += [(f"{n:,}", found[_size(found) == n]) for n in sorted(set(_size(found)))]
    for size, some in sizes:
        for budget in BUDGETS:
            change = some[some["budget"] == budget].groupby("table")["change"].mean()
            print(
                f"| {size} | {budget:.0%} | {change.mean():+.2%} | {change.median():+.2%} "
                f"| {(change < 0).mean():.0%} | {change.max():+.1%} |"
            )


def _size(found: pd.DataFrame) -> np.ndarray:
    sizes = np.array(experience_draws.SIZES)
    return sizes[np.abs(np.log(found["rows"].to_numpy()[:, None] / sizes)).argmin(axis=1)]


def ship(tasks: list[TriedTask]) -> None:
    lines = "".join(tried.record.to_json() + "\n" for tried in tasks)
    SHIPPED.write_bytes(gzip.compress(lines.encode("utf-8"), mtime=0))
    print(f"{len(tasks)} records, {SHIPPED.stat().st_size / 1e3:.0f} kB: {SHIPPED}")


def fit(options: argparse.Namespace) -> None:
    """Fit super learners with and without the memory, side by side."""
    records = shipped_records()
    done = [json.loads(x) for x in _lines(options.results)]
    known = {(r["table"], r["seed"], r["seconds"], r["rows"], r["arm"]) for r in done}
    for seed in options.seeds:
        for entry in tables.supervised():
            if entry["name"] not in (options.tables or [entry["name"]]):
                continue
            # Which comes first takes turns.
            for arm in options.arms[:: 1 if seed % 2 else -1]:
                if (entry["name"], seed, options.seconds, options.rows, arm) not in known:
                    result = measure(entry, seed, arm, options, records)
                    if result is None:
                        continue
                    with options.results.open("a") as file:
                        file.write(json.dumps(result) + "\n")
                    done.append(result)
                    print(json.dumps(result), flush=True)
    experience_report.show(done)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def measure(
    entry: dict, seed: int, arm: str, options: argparse.Namespace, records: Sequence[TaskRecord]
) -> dict[str, Any] | None:
    """Fit one super learner in a process of its own; None where a table has too few rows."""
    classifies = entry["task"] != "regression"
    if options.rows < accuracy.TRAIN:
        drawn = experience_draws.rows_of(entry, options.rows, seed)
        if drawn is None:
            return None
        X, y, groups, train, test = drawn
    else:
        X, y, groups = corpus.read(entry)
        train, test = corpus.draw(y, groups, classifies, seed, (accuracy.TRAIN, accuracy.TEST))
    with tempfile.TemporaryDirectory() as folder:
        memory = TaskMemory(Path(folder) / "memory.sqlite")
        memory.add(*(record for record in records if record.table != entry["name"]))
        task = {
            "X": X.iloc[train].reset_index(drop=True),
            "X_test": X.iloc[test].reset_index(drop=True),
            "y": y[train],
            "groups": None if groups is None else groups[train],
            "classifies": classifies,
            "seconds": options.seconds,
            "seed": seed,
            "jobs": options.jobs,
            "memory": None if arm == "without" else memory,
            "order": "advised" if arm == "advised" else "listed",
        }
        Path(folder, "task.pkl").write_bytes(pickle.dumps(task))
        command = [sys.executable, __file__, "--task", folder]
        # On a busy machine not one learner may be done in so few seconds: once more.
        if subprocess.run(command).returncode and subprocess.run(command).returncode:
            print(f"{arm} failed on {entry['name']}", flush=True)
            return None
        found = pickle.loads(Path(folder, "found.pkl").read_bytes())
    return {
        "table": entry["name"],
        "seed": seed,
        "seconds": options.seconds,
        "rows": options.rows,
        "arm": arm,
        "loss": accuracy.loss(found["predictions"], y[test], classifies),
        "took": round(found["took"], 2),
        "learners": found["learners"],
    }


def fit_one(folder: Path) -> None:
    """Fit one super learner (in its own process), without what the package ships."""
    import time
    import warnings

    from stackmeta import SuperLearnerClassifier, SuperLearnerRegressor
    from stackmeta.experience import lessons

    warnings.filterwarnings("ignore")
    # Records of the table under test are among those that are shipped.
    lessons.shipped_records = lambda: ()
    task = pickle.loads((folder / "task.pkl").read_bytes())
    kind = SuperLearnerClassifier if task["classifies"] else SuperLearnerRegressor
    model = kind(
        time_limit=task["seconds"],
        experience=task["memory"],
        order=task["order"],
        n_jobs=task["jobs"],
        random_state=task["seed"],
    )
    start = time.perf_counter()
    model.fit(task["X"], task["y"], groups=task["groups"])
    took = time.perf_counter() - start
    method = "predict_proba" if task["classifies"] else "predict"
    found = {
        "predictions": getattr(model, method)(task["X_test"]),
        "took": took,
        "learners": model.oof_.names,
    }
    (folder / "found.pkl").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
