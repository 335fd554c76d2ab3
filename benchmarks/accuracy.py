"""How strong stacks are at the same seconds: the super learner beside others, on real tables.

    python benchmarks/accuracy.py --seconds 120 --results accuracy.jsonl \
        [--tables …] [--seeds 0 1 2] [--systems super lightgbm sklearn autogluon] \
        [--autogluon-python /path/to/its/python]

Draws of at most 8,000 training and 4,000 test rows; no group straddles them. Log loss of classes,
root mean squared error of numbers, two jobs. Each system gets the raw training rows, the seconds
and nothing else:

- "super": :class:`SuperLearnerClassifier` or ``Regressor``; "best learner" is the member
  that is best out of fold (of those that it keeps), as the average of its fold models.
- "lightgbm": a random search over LightGBM for the seconds, five folds, refitted.
- "sklearn": scikit-learn's stack of the portfolio (however long it takes).
- "autogluon": ``best_quality`` in an environment of its own.

Every run is a process of its own and a line of the results file; lines that are there are not run
again. The table at the end compares the draws on which no system failed; another says how near the
loss that a system promises (``expected_loss()``, AutoGluon's ``score_val``) is to that.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import pandas as pd
import tables
from scipy.stats import rankdata

TRAIN, TEST = 8_000, 4_000
SYSTEMS = ("super", "lightgbm", "sklearn", "autogluon")
BEST = "best learner"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--seeds", nargs="*", type=int, default=(0, 1, 2))
    parser.add_argument("--systems", nargs="*", choices=SYSTEMS, default=SYSTEMS[:2])
    parser.add_argument("--preset", default="balanced", help="of the super learner")
    parser.add_argument("--autogluon-python", default=sys.executable)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        run_task(Path(options.task))
        return
    names = [e["name"] for e in tables.supervised()]
    done = {(r["table"], r["seed"], r["system"], r["seconds"]) for r in read(options.results)}
    for seed in options.seeds:
        for name in options.tables or names:
            for system in options.systems:
                if (name, seed, system, options.seconds) not in done:
                    result = measure(name, seed, system, options)
                    if result is None:
                        print(f"{system} failed on {name}", flush=True)
                        continue
                    with options.results.open("a") as file:
                        file.write(json.dumps(result) + "\n")
                    print(json.dumps(result), flush=True)
    done_now = [r for r in read(options.results) if r["seconds"] == options.seconds]
    report(done_now)
    report_promises(done_now)


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def measure(name: str, seed: int, system: str, options: argparse.Namespace) -> dict | None:
    """Run a system in a process of its own, and judge its predictions; None if it failed."""
    (entry,) = [e for e in tables.supervised() if e["name"] == name]
    X, y, groups = corpus.read(entry)
    classifies = entry["task"] != "regression"
    train, test = corpus.draw(y, groups, classifies, seed, most=(TRAIN, TEST))
    with tempfile.TemporaryDirectory() as folder:
        task = {
            "system": system,
            "classifies": classifies,
            "seconds": options.seconds,
            "preset": options.preset,
            "seed": seed,
            "y": y[train],
            "groups": None if groups is None else groups[train],
        }
        X.iloc[train].reset_index(drop=True).to_parquet(f"{folder}/train.parquet")
        X.iloc[test].reset_index(drop=True).to_parquet(f"{folder}/test.parquet")
        Path(folder, "task.pkl").write_bytes(pickle.dumps(task))
        python = options.autogluon_python if system == "autogluon" else sys.executable
        script = Path(__file__).with_name("accuracy_autogluon.py")
        command = [script] if system == "autogluon" else [__file__, "--results", "-", "--task"]
        ended = subprocess.run([python, *command, folder], stdout=subprocess.DEVNULL)
        if ended.returncode:
            return None
        found = pickle.loads(Path(folder, "found.pkl").read_bytes())
    result = {"table": name, "seed": seed, "system": system, "seconds": options.seconds}
    result |= {key: round(found[key], 3) for key in ("fit_seconds", "predict_seconds")}
    result |= {"n_train": len(train), "n_test": len(test), "note": found.get("note", "")}
    result["loss"] = loss(found["predictions"], y[test], classifies)
    if "promised" in found:
        result["promised"] = found["promised"]
    if BEST in found:
        result[BEST] = loss(found[BEST], y[test], classifies)
    return result


def loss(predictions: np.ndarray, y: np.ndarray, classifies: bool) -> float:
    """Log loss, or root of the mean squared error."""
    if not classifies:
        return float(np.sqrt(np.mean((predictions - y) ** 2)))
    predictions = np.clip(predictions, 1e-15, None)
    predictions = predictions / predictions.sum(axis=1, keepdims=True)
    return float(-np.log(predictions[np.arange(len(y)), y]).mean())


def run_task(folder: Path) -> None:
    """Fit and predict with one of our systems (in its own process)."""
    warnings.filterwarnings("ignore")
    task = pickle.loads((folder / "task.pkl").read_bytes())
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    make = {"super": _super, "lightgbm": _lightgbm, "sklearn": _sklearn}[task["system"]]
    model, params = make(task)
    start = time.perf_counter()
    model.fit(train, task["y"], **params)
    fitted = time.perf_counter()
    method = "predict_proba" if task["classifies"] else "predict"
    found: dict[str, Any] = {"predictions": getattr(model, method)(test)}
    found |= {"fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted}
    if task["system"] == "super":
        found["promised"] = model.expected_loss().mean
        losses = model.oof_.loss()
        kept = model.oof_.models
        found[BEST] = getattr(kept[min(kept, key=losses.get)], method)(test)
        found["note"] = f"{len(losses)} learners, {len(kept)} kept, {len(model.oof_.splits)} folds"
    (folder / "found.pkl").write_bytes(pickle.dumps(found))


def _super(task: dict) -> tuple[Any, dict]:
    from stackmeta import SuperLearnerClassifier, SuperLearnerRegressor

    kind = SuperLearnerClassifier if task["classifies"] else SuperLearnerRegressor
    model = kind(
        time_limit=task["seconds"], preset=task["preset"], n_jobs=2, random_state=task["seed"]
    )
    return model, {"groups": task["groups"]}


def _splitter(task: dict, n_folds: int) -> Any:
    splitter = corpus.splitter(task["classifies"], task["groups"], n_folds, task["seed"])
    return list(splitter.split(task["y"], task["y"], task["groups"]))


def _sklearn(task: dict) -> tuple[Any, dict]:
    from sklearn.ensemble import StackingClassifier, StackingRegressor

    from stackmeta.learners import portfolio

    learners = portfolio(
        "classification" if task["classifies"] else "regression",
        n_rows=len(task["y"]),
        n_classes=len(np.unique(task["y"])) if task["classifies"] else 1,
        random_state=task["seed"],
    )
    kind = StackingClassifier if task["classifies"] else StackingRegressor
    return kind(learners, cv=_splitter(task, 5), n_jobs=2), {}


class _Search:
    """A random search over LightGBM until the time is over, then the best on all rows."""

    def __init__(self, task: dict) -> None:
        self.task = task

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> None:
        from joblib import Parallel, delayed
        from lightgbm import LGBMClassifier, LGBMRegressor

        from stackmeta.learners.pipelines import on_categories

        task, start = self.task, time.perf_counter()
        kind = LGBMClassifier if task["classifies"] else LGBMRegressor
        rng, splits = np.random.default_rng(task["seed"]), _splitter(task, 5)
        least = np.inf
        with Parallel(2) as parallel:
            while time.perf_counter() - start < 0.85 * task["seconds"]:
                params = {
                    "learning_rate": 0.05,
                    "n_estimators": int(np.exp(rng.uniform(np.log(30), np.log(800)))),
                    "num_leaves": int(np.exp(rng.uniform(np.log(4), np.log(128)))),
                    "min_child_samples": int(np.exp(rng.uniform(np.log(3), np.log(60)))),
                    "colsample_bytree": rng.uniform(0.4, 1.0),
                    "reg_lambda": np.exp(rng.uniform(np.log(0.1), np.log(30))),
                    "subsample": rng.uniform(0.6, 1.0),
                    "subsample_freq": 1,
                }
                model = on_categories(kind(**params, n_jobs=1, verbosity=-1, random_state=0))
                answers = parallel(delayed(_answer)(model, X, y, *split) for split in splits)
                found = np.mean(
                    [
                        loss(a, y[test], task["classifies"])
                        for a, (_, test) in zip(answers, splits, strict=True)
                    ]
                )
                if found < least:
                    least, best = found, model
        self.model = best.fit(X, y)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict_proba(X)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(X)


def _answer(model: Any, X: pd.DataFrame, y: np.ndarray, train: Any, test: Any) -> np.ndarray:
    model.fit(X.iloc[train], y[train])
    return getattr(model, "predict_proba" if hasattr(model, "predict_proba") else "predict")(
        X.iloc[test]
    )


def _lightgbm(task: dict) -> tuple[Any, dict]:
    return _Search(task), {}


def report(results: list[dict]) -> None:
    """Print losses by table, and how the systems compare."""
    losses: dict[tuple[str, int], dict[str, float]] = {}
    for r in results:
        row = losses.setdefault((r["table"], r["seed"]), {})
        row[r["system"]] = r["loss"]
        if BEST in r:
            row[BEST] = r[BEST]
    systems = [s for s in (*SYSTEMS, BEST) if any(s in row for row in losses.values())]
    if "super" not in systems:
        return
    complete = {k: row for k, row in losses.items() if all(s in row for s in systems)}
    frame = pd.DataFrame(complete).T[systems]
    by_table = frame.groupby(level=0).mean()
    print("| table | " + " | ".join(systems) + " |\n|---|" + "---|" * len(systems))
    for name, row in by_table.iterrows():
        print(f"| {name} | " + " | ".join(f"{value:.4g}" for value in row) + " |")
    ranks = pd.DataFrame(
        [rankdata(row) for row in by_table.to_numpy()], index=by_table.index, columns=systems
    )
    print(f"\n{len(by_table)} tables, {len(frame)} draws, {results[0]['seconds']:.0f} s\n")
    print(
        "| system | mean rank | super better on | loss of super against it: mean, median |", end=""
    )
    print(" fit s: mean, longest | predict s: mean, median |\n|---|---|---|---|---|---|")
    for system in systems:
        ratio = by_table["super"] / by_table[system] - 1
        own = [r for r in results if r["system"] == system and (r["table"], r["seed"]) in complete]
        fits, predictions = ([r[f"{x}_seconds"] for r in own] for x in ("fit", "predict"))
        seconds = ["", ""]
        if own:
            seconds[0] = f"{np.mean(fits):.1f}, {max(fits):.1f}"
            seconds[1] = f"{np.mean(predictions):.2f}, {np.median(predictions):.2f}"
        print(
            f"| {system} | {ranks[system].mean():.2f} | {(ratio < 0).mean():.0%} of tables | "
            f"{ratio.mean():+.2%}, {ratio.median():+.2%} | {seconds[0]} | {seconds[1]} |"
        )


def report_promises(results: list[dict]) -> None:
    """Print how far the losses that systems promise are from those on the test rows."""
    frame = pd.DataFrame([r for r in results if "promised" in r])
    if frame.empty:
        return
    frame["miss"] = frame["promised"] / frame["loss"] - 1
    print("\n| system | draws | promised against test loss: mean, median | size of it, median |")
    print("|---|---|---|---|")
    for system, own in frame.groupby("system"):
        miss = own["miss"]
        print(
            f"| {system} | {len(own)} | {miss.mean():+.1%}, {miss.median():+.1%} "
            f"| {miss.abs().median():.1%} |"
        )


if __name__ == "__main__":
    main()
