"""Few labelled rows: learners whose metric was learned on other tables, and a stack of them.

    python benchmarks/few_shot.py [--folder /tmp/few_shot] [--draws 5] [--stack-draws 5]

Metrics are learned on all supervised tables (numbers are cut into thirds) but five, and tested on
these five classification tables. K labelled rows a class are drawn from three fifths
of a table; as many test rows of each class, at most 200 in all, from the rest. No group straddles
both. "plain metric" learns all but the weights of the columns (theta stays 0). Log losses are
relative to the plain logistic regression's. Prints the tables of docs/experience_few_shot.md.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

import corpus
import joblib
import numpy as np
import pandas as pd
import tables

from stackmeta import SuperLearnerClassifier
from stackmeta._few_shot import few_shot_stack
from stackmeta.experience.few_shot import draw_episodes, fit_learner
from stackmeta.experience.few_shot_losses import LOSSES
from stackmeta.learners.few_shot import few_shot_learners

FOLDER = Path("/tmp/few_shot")
ROWS = (1, 2, 5, 10, 20)
TEST = 200
#: Small tasks that are drawn from each table, and rows of those that have more.
EPISODES, MOST_ROWS = 25, 6_000
#: Tables that are left out together.
LEFT_OUT = 5
#: Classes with fewer rows are left out: 20 labelled ones, of three fifths, and some to test.
LEAST_ROWS = 60
REFERENCE = "linear"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--stack-draws", type=int, default=5)
    parser.add_argument("--super-learner", type=float, default=0, help="seconds; 0: without")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    read = {entry["name"]: read_table(entry) for entry in entries()}
    learned = learn(read, options.folder)
    for draw in range(options.draws):
        for name, table in read.items():
            for n_rows in ROWS:
                path = options.folder / f"{name}-{n_rows}-{draw}.joblib"
                if not path.exists():
                    with_stack = draw < options.stack_draws
                    found = run(table, n_rows, draw, *learned[name], with_stack)
                    joblib.dump(found, path)
            print(name, draw, flush=True)
    if options.super_learner:
        super_learners(read, options)
    report(options.folder)


def entries() -> list[dict]:
    """Manifest entries of the classification tables, small ones first."""
    found = [e for e in tables.supervised() if e["task"] != "regression"]
    return sorted(found, key=lambda entry: entry["rows"])


def read_table(entry: dict) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None]:
    """Read a table without rare classes."""
    X, y, groups = corpus.read(entry)
    kept = np.bincount(y)[y] >= LEAST_ROWS
    groups = None if groups is None else groups[kept]
    return X[kept].reset_index(drop=True), np.unique(y[kept], return_inverse=True)[1], groups


def cut_in_thirds(entry: dict) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None]:
    """Read a regression table as one of three classes: low, middle and high."""
    X, y, groups = corpus.read(entry)
    rows = np.arange(len(y))
    if groups is None:
        rows = np.random.default_rng(0).permutation(len(y))[:MOST_ROWS]
    codes = pd.qcut(pd.Series(y[rows]).rank(method="first"), 3, labels=False).to_numpy()
    return X.iloc[rows], codes, None if groups is None else groups[rows]


def all_episodes(folder: Path) -> list[Any]:
    """Small tasks of all supervised tables."""
    path = folder / "episodes.joblib"
    if not path.exists():
        found = {entry["name"]: read_table(entry) for entry in entries()}
        for entry in tables.supervised():
            if entry["task"] == "regression":
                found[entry["name"]] = cut_in_thirds(entry)
        joblib.dump(draw_episodes(found, n_episodes=EPISODES), path)
    return joblib.load(path)


def learn(read: dict, folder: Path) -> dict[str, tuple[dict, dict]]:
    """For each table: what the others teach, with and without weights of columns."""
    path = folder / "learned.joblib"
    if path.exists():
        return joblib.load(path)
    episodes = all_episodes(folder)
    learned = {}
    for first in range(0, len(read), LEFT_OUT):
        started = perf_counter()
        left_out = list(read)[first : first + LEFT_OUT]
        others = [episode for episode in episodes if episode.table not in left_out]
        found = tuple(
            {kind: fit_learner(kind, others, learn_metric=metric) for kind in LOSSES}
            for metric in (True, False)
        )
        learned |= dict.fromkeys(left_out, found)
        print(f"learned without {left_out}: {perf_counter() - started:.0f} s", flush=True)
    joblib.dump(learned, path)
    return learned


def draw_rows(table: tuple, n_rows: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """Labelled rows, as many of each class, and test rows, as many of each class."""
    _, y, groups = table
    train, test = corpus.draw(y, groups, True, draw, (len(y), len(y)))
    rng = np.random.default_rng([n_rows, draw])
    train, test = rng.permutation(train), rng.permutation(test)
    n_classes = int(y.max()) + 1
    classes = range(n_classes)
    labelled = np.concatenate([train[y[train] == code][:n_rows] for code in classes])
    return labelled, np.concatenate([test[y[test] == c][: TEST // n_classes] for c in classes])


def run(
    table: tuple, n_rows: int, draw: int, metric: dict, plain: dict, with_stack: bool
) -> dict[str, Any]:
    """Fit everything on one draw; the stack's refitted learners are the single ones."""
    X, y, _ = table
    labelled, test = draw_rows(table, n_rows, draw)
    X_labelled, y_labelled, X_test = X.iloc[labelled], y[labelled], X.iloc[test]
    predicted, found, refitted = {}, {}, {}
    if with_stack:
        started = perf_counter()
        stack = few_shot_stack(draw, learned=metric).fit(X_labelled, y_labelled)
        found = {"seconds": perf_counter() - started, "weights": stack.learner_weights_}
        found |= {"oof": stack.oof_.matrix, "y": stack.oof_.y}
        refitted = dict(stack.named_estimators_)
    learners = few_shot_learners(draw, learned=metric)
    for name, learner in learners:
        fitted = refitted.get(name, "drop")
        if fitted == "drop":
            fitted = learner.fit(X_labelled, y_labelled)
        predicted[name] = fitted.predict_proba(X_test)
    predicted["equal weights"] = np.mean([predicted[name] for name, _ in learners], axis=0)
    if with_stack:
        weights = found["weights"]
        predicted["stack"] = sum(weights[name] * predicted[name] for name, _ in learners)
    for name, learner in few_shot_learners(draw, learned=plain)[:3]:
        fitted = learner.fit(X_labelled, y_labelled)
        predicted[f"{name}, plain metric"] = fitted.predict_proba(X_test)
    predicted = {name: p.astype(np.float32) for name, p in predicted.items()}
    return {"truth": y[test], "predicted": predicted, **found}


def super_learners(read: dict, options: Any) -> None:
    """Fit the plain super learner on one draw, where there are 5 rows a class or more."""
    for name, table in read.items():
        for n_rows in ROWS[2:]:
            path = options.folder / f"super-{name}-{n_rows}-0.joblib"
            if not path.exists():
                X, y, _ = table
                labelled, test = draw_rows(table, n_rows, 0)
                model = SuperLearnerClassifier(time_limit=options.super_learner, random_state=0)
                model.fit(X.iloc[labelled], y[labelled])
                joblib.dump(model.predict_proba(X.iloc[test]), path)


def losses(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Log loss and accuracy."""
    predicted = np.clip(np.asarray(predicted, float), 1e-6, 1)
    predicted /= predicted.sum(axis=1, keepdims=True)
    right = predicted[np.arange(len(truth)), truth]
    return float(-np.log(right).mean()), float((predicted.argmax(axis=1) == truth).mean())


def collect(folder: Path) -> pd.DataFrame:
    """One row a table, K, draw and method."""
    rows = []
    for path in sorted(folder.glob("*-*-*.joblib")):
        if path.stem.startswith("super-"):
            continue
        name, n_rows, draw = path.stem.rsplit("-", 2)
        found = joblib.load(path)
        methods = dict(found["predicted"])
        plain = folder / f"super-{path.stem}.joblib"
        if plain.exists():
            methods["super learner"] = joblib.load(plain)
        for method, predicted in methods.items():
            loss, accuracy = losses(predicted, found["truth"])
            rows.append((name, int(n_rows), int(draw), method, loss, accuracy))
    return pd.DataFrame(rows, columns=["table", "K", "draw", "method", "loss", "accuracy"])


def report(folder: Path) -> None:
    """Print the tables."""
    found = collect(folder)
    cells = found[found.method == "super learner"][["table", "K", "draw"]]
    beside = found.merge(cells)
    found = found[found.method != "super learner"].copy()
    found["rank"] = found.groupby(["table", "K", "draw"])["loss"].rank()
    means = found.groupby(["table", "K", "method"])[["loss", "accuracy", "rank"]].mean()
    loss = means["loss"].unstack("method")
    relative = loss.div(loss[REFERENCE], axis=0)
    print("\nLog loss relative to the logistic regression, mean over tables (draws averaged)\n")
    print(_wide(relative))
    print("\nAccuracy\n")
    print(_wide(means["accuracy"].unstack("method")))
    print("\nMean rank by log loss\n")
    print(_wide(means["rank"].unstack("method"), 2))
    print("\nLearned metric against plain metric: share of tables where it is better\n")
    for method in [m for m in loss.columns if f"{m}, plain metric" in loss.columns]:
        ratio = loss[method] / loss[f"{method}, plain metric"]
        wins = (ratio < 1).groupby("K").mean().round(2)
        print(method, wins.to_dict(), "mean ratio", ratio.groupby("K").mean().round(3).to_dict())
    if len(cells):
        beside = beside[beside.method.isin(["stack", "super learner", REFERENCE])]
        print(f"\nOn the {len(cells)} draws with a plain super learner: log loss, accuracy\n")
        print(beside.groupby(["K", "method"])[["loss", "accuracy"]].mean().round(3))


def _wide(values: pd.DataFrame, digits: int = 3) -> str:
    by_k = values.groupby("K").mean().T
    by_k["all"] = by_k.mean(axis=1)
    by_k = by_k.sort_values("all").round(digits)
    lines = ["| method | " + " | ".join(f"K={k}" if k != "all" else k for k in by_k) + " |"]
    lines.append("|---|" + "---|" * by_k.shape[1])
    for method, row in by_k.iterrows():
        lines.append(f"| {method} | " + " | ".join(f"{v:.{digits}f}" for v in row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
