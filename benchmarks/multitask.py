"""Loss against rows per task: one stack for all, one per task, and the multi-task stack.

    python benchmarks/multitask.py [--seeds 3] [--tables ames_housing] [--out FILE.csv]
    python benchmarks/multitask.py --read FILE.csv … [--figure FILE.png]

Prints tables: the mean over tables by rows per task, and each table's. ``--out`` keeps the losses,
which ``--read`` reports together, without measuring anything.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from tables import DATA, supervised

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    MultiTaskStackingClassifier,
    MultiTaskStackingRegressor,
    StackingClassifier,
    StackingRegressor,
)

#: Table → the column that says which task a row belongs to.
TASKS = {
    "parkinsons_updrs": "subject",
    "ames_housing": "Neighborhood",
    "california_housing": "ocean_proximity",
    "storms_status": "storm_id",
    "adult": "occupation",
    "bank_marketing": "job",
}
ROWS = (10, 20, 40, 80, 160)
MOST_TASKS, TEST_ROWS = 25, 60
FEWEST_OWN = 20


def read(name: str, column: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, bool]:
    """Read a table as numbers, its target, and the task of each row."""
    (entry,) = [e for e in supervised() if e["name"] == name]
    frame = pd.read_parquet(DATA / f"{name}.parquet")
    frame = frame[frame[column].notna()]
    classifies = entry["task"] != "regression"
    y = frame.pop("target")
    y = pd.factorize(y, sort=True)[0] if classifies else y.to_numpy(float)
    task = pd.factorize(frame.pop(column), sort=True)[0]
    for each in frame:
        if not pd.api.types.is_numeric_dtype(frame[each]):
            frame[each] = pd.factorize(frame[each], sort=True)[0]
    frame = frame.astype(float)
    frame = frame.fillna(frame.median()).fillna(0.0)
    return frame, y, task, classifies


def draw(task: np.ndarray, n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to fit and to test: so many of each task, the same tests whatever ``n_rows``."""
    rng = np.random.default_rng(seed)
    known, counts = np.unique(task, return_counts=True)
    # Tasks with rows enough to tell something of them; they differ in size as they do.
    tasks = rng.permutation(known[counts >= 40])[:MOST_TASKS]
    train, test = [], []
    for each in tasks:
        rows = rng.permutation(np.flatnonzero(task == each))
        n_test = min(TEST_ROWS, len(rows) // 3)
        test.append(rows[:n_test])
        train.append(rows[n_test : n_test + n_rows])
    return np.concatenate(train), np.concatenate(test)


def learners(classifies: bool) -> list[tuple]:
    boost = {"n_estimators": 40, "num_leaves": 8, "min_child_samples": 5, "verbose": -1}
    boost |= {"n_jobs": 1, "random_state": 0}
    if classifies:
        linear, near = LogisticRegression(C=0.1, max_iter=300), KNeighborsClassifier(10)
        return _scaled(linear, near) + [("booster", LGBMClassifier(**boost))]
    linear, near = RidgeCV(np.logspace(-1, 3, 9)), KNeighborsRegressor(5)
    return _scaled(linear, near) + [("booster", LGBMRegressor(**boost))]


def _scaled(linear, near) -> list[tuple]:
    return [
        ("linear", make_pipeline(StandardScaler(), linear)),
        ("neighbours", make_pipeline(StandardScaler(), near)),
    ]


def plain_stack(classifies: bool):
    stack, combiner = (
        (StackingClassifier, ConvexClassifier)
        if classifies
        else (StackingRegressor, ConvexRegressor)
    )
    return stack(learners(classifies), combiner(), random_state=0, keep_oof=False)


def answer(stack, X, classes) -> np.ndarray:
    if classes is None:
        return stack.predict(X)
    full = np.full((len(X), len(classes)), 1e-3)
    full[:, np.searchsorted(classes, stack.classes_)] = stack.predict_proba(X)
    return full / full.sum(axis=1, keepdims=True)


def one_for_all(X, y, task, X_new, task_new, classes, blind: bool) -> np.ndarray:
    """Fit one stack; unless blind, with the task's target encoding as a column."""
    X, X_new = X.to_numpy(), X_new.to_numpy()
    if not blind:
        # Prices that are whole numbers would be taken for classes.
        kind = "continuous" if classes is None else "auto"
        encoder = TargetEncoder(target_type=kind, random_state=0)
        X = np.hstack([X, encoder.fit_transform(task[:, None], y)])
        X_new = np.hstack([X_new, encoder.transform(task_new[:, None])])
    return answer(plain_stack(classes is not None).fit(X, y), X_new, classes)


def one_per_task(X, y, task, X_new, task_new, classes) -> np.ndarray:
    """Fit a stack for each task with rows enough; elsewhere one for all answers."""
    found = one_for_all(X, y, task, X_new, task_new, classes, blind=False)
    for each in np.unique(task):
        rows, new = task == each, task_new == each
        few = rows.sum() < FEWEST_OWN
        if classes is not None:
            of_class = np.unique(y[rows], return_counts=True)[1]
            few |= len(of_class) < 2 or of_class.min() < 5
        if few:
            continue
        stack = clone(plain_stack(classes is not None)).fit(X[rows].to_numpy(), y[rows])
        found[new] = answer(stack, X_new[new].to_numpy(), classes)
    return found


def multi_task(X, y, task, X_new, task_new, classes) -> dict[str, np.ndarray]:
    """Fit the stack once; its weights also with full and without pooling."""
    face = MultiTaskStackingRegressor if classes is None else MultiTaskStackingClassifier
    stack = face(learners(classes is not None), random_state=0).fit(X.to_numpy(), y, task=task)
    answers = {}
    for way, pooling in (("multi-task", None), ("same weights", np.inf), ("own weights", 0)):
        if pooling is not None:
            # The face's own combiner, over the same predictions, with another strength.
            stack.combiner_ = clone(stack.combiner_).set_params(pooling=pooling)
            codes = pd.factorize(task)[0]
            stack.combiner_.fit(np.column_stack([stack.oof_.matrix, codes]), stack.oof_.target.y)
        if classes is None:
            answers[way] = stack.predict(X_new.to_numpy(), task=task_new)
            continue
        full = np.full((len(X_new), len(classes)), 1e-3)
        places = np.searchsorted(classes, stack.classes_)
        full[:, places] = stack.predict_proba(X_new.to_numpy(), task=task_new)
        answers[way] = full / full.sum(axis=1, keepdims=True)
    return answers


WAYS = {
    "one stack, blind": lambda *a: {"one stack, blind": one_for_all(*a, blind=True)},
    "one stack": lambda *a: {"one stack": one_for_all(*a, blind=False)},
    "one per task": lambda *a: {"one per task": one_per_task(*a)},
    "multi-task": multi_task,
}
COLUMNS = [*WAYS, "same weights", "own weights"]


def measure(name: str, n_rows: int, seed: int) -> list[dict]:
    X, y, task, classifies = read(name, TASKS[name])
    train, test = draw(task, n_rows, seed)
    if classifies:
        # Classes that the largest draw has hardly any row of cannot be judged.
        largest, _ = draw(task, max(ROWS), seed)
        common = np.flatnonzero(np.bincount(y[largest]) >= 50)
        train = train[np.isin(y[train], common)]
        test = test[np.isin(y[test], common)]
    classes = np.unique(y[np.concatenate([train, test])]) if classifies else None
    found = []
    for run in WAYS.values():
        started = time.perf_counter()
        answers = run(X.iloc[train], y[train], task[train], X.iloc[test], task[test], classes)
        seconds = time.perf_counter() - started
        for each, p in answers.items():
            loss = (
                root_mean_squared_error(y[test], p)
                if classes is None
                else log_loss(y[test], p, labels=classes)
            )
            row = {"table": name, "rows": n_rows, "seed": seed, "way": each}
            found.append(row | {"loss": loss, "s": seconds})
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", nargs="*", default=list(TASKS))
    parser.add_argument("--rows", nargs="*", type=int, default=list(ROWS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", nargs="*", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.read:
        losses = pd.concat([pd.read_csv(path) for path in options.read])
    else:
        losses = measure_all(options)
    report(losses)
    if options.figure:
        plot(losses, options.figure)


def measure_all(options: argparse.Namespace) -> pd.DataFrame:
    found: list[dict] = []
    for seed in range(options.seeds):
        for name in options.tables:
            for n_rows in options.rows:
                found += measure(name, n_rows, seed)
                if options.out:
                    pd.DataFrame(found).to_csv(options.out, index=False)
    return pd.DataFrame(found)


def beside_one_stack(table: pd.DataFrame) -> pd.DataFrame:
    """Losses in percent of one stack for all, averaged over draws: (table, rows) by ways."""
    wide = table.pivot_table(index=["table", "rows", "seed"], columns="way", values="loss")
    relative = 100 * (wide.div(wide["one stack"], axis=0) - 1)[COLUMNS]
    return relative.groupby(["table", "rows"]).mean()


def plot(table: pd.DataFrame, path: Path) -> None:
    """Draw the loss of each way over rows a task, a panel for each table."""
    import matplotlib.pyplot as plt

    by_table = beside_one_stack(table)
    names = list(by_table.index.unique("table"))
    n_columns = min(len(names), 3)
    n_lines = -(-len(names) // n_columns)
    fig, axes = plt.subplots(
        n_lines,
        n_columns,
        figsize=(3.2 * n_columns, 2.6 * n_lines),
        layout="constrained",
        squeeze=False,
        sharex=True,
    )
    colours = {"one stack": "0.5", "one per task": "#d55e00", "multi-task": "#0072b2"}
    for ax in axes.ravel()[len(names) :]:
        ax.remove()
    for ax, name in zip(axes.ravel(), names, strict=False):
        for way, colour in colours.items():
            line = by_table.loc[name, way]
            ax.plot(line.index, line, "o-", ms=3, color=colour, label=way)
        ax.set_title(name, fontsize=9)
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xticks(sorted(by_table.index.unique("rows")))
        ax.set_xticklabels([f"{n:g}" for n in sorted(by_table.index.unique("rows"))])
    axes[0, 0].legend(frameon=False, fontsize=8)
    fig.supxlabel("rows a task", fontsize=9)
    fig.supylabel("loss beside one stack (%)", fontsize=9)
    fig.savefig(path, dpi=130)


def report(table: pd.DataFrame) -> None:
    """Print losses relative to one stack for all, averaged over draws, then tables."""
    by_table = beside_one_stack(table)
    print("Mean over tables, % of the loss of one stack for all\n")
    print(by_table.groupby("rows").mean().round(1).to_markdown(), "\n")
    print(by_table.groupby("table").mean().round(1).to_markdown(), "\n")
    print(by_table.round(1).to_markdown(), "\n")
    ahead = (by_table["multi-task"] < by_table[["one stack", "one per task"]].min(axis=1)).mean()
    print(f"ahead of both on {ahead:.0%} of (table, rows)")
    print(table.groupby("way")["s"].mean().round(1).to_string())


if __name__ == "__main__":
    main()
