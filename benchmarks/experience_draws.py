"""Draws of real tables with the whole portfolio's predictions: the tasks of a memory, on disk.

    python benchmarks/experience_draws.py [--folder /tmp/experience] [--seeds 2]

For each supervised table, seed and size: so many training rows, every learner of the portfolio
("best") over eight folds, with its seconds, and the average of its fold models on rows held out.
``experience.py`` makes memories of them, and judges what these are worth on other tables. No
group straddles training and held-out rows, or two folds.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import corpus
import joblib
import numpy as np
import pandas as pd
import tables

from stackmeta import out_of_fold
from stackmeta.learners import portfolio
from stackmeta.learners.preparation import sharing

FOLDER = Path("/tmp/experience")
SIZES = (100, 300, 1_000, 4_000)
FOLDS, HELD_OUT = 8, 2_000
#: Classes with fewer rows in expectation are left out.
LEAST_ROWS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for seed in range(options.seeds):
        for size in options.sizes:
            for entry in tables.supervised():
                path = options.folder / f"{entry['name']}-{size}-{seed}.joblib"
                if not path.exists():
                    started = perf_counter()
                    joblib.dump(make(entry, size, seed, options.n_jobs), path, compress=1)
                    print(f"{path.stem}: {perf_counter() - started:.0f} s", flush=True)


def load(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """Read all draws that are there; some tables are too small for some sizes."""
    for path in sorted(folder.glob("*.joblib")):
        if (found := joblib.load(path)) is not None:
            yield found


def rows_of(
    entry: dict, size: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None, np.ndarray, np.ndarray] | None:
    """Give table, target, groups, training and test rows; None where rows are too few."""
    classifies = entry["task"] != "regression"
    X, y, groups = corpus.read(entry)
    if classifies:
        share = pd.Series(y).map(pd.Series(y).value_counts(normalize=True)).to_numpy()
        kept = share * size >= LEAST_ROWS
        if not kept.any():
            return None
        X, y = X[kept].reset_index(drop=True), np.unique(y[kept], return_inverse=True)[1]
        groups = None if groups is None else groups[kept]
    train, test = corpus.draw(y, groups, classifies, seed, (size, HELD_OUT))
    if len(train) < 0.75 * size or (classifies and len(np.unique(y[train])) < y.max() + 1):
        return None
    return X, y, groups, train, test


def make(entry: dict, size: int, seed: int, n_jobs: int) -> dict[str, Any] | None:
    """Fit the portfolio on one draw."""
    drawn = rows_of(entry, size, seed)
    if drawn is None:
        return None
    X, y, groups, train, test = drawn
    classifies = entry["task"] != "regression"
    n_classes = int(y.max()) + 1 if classifies else 1
    learners = portfolio(
        "classification" if classifies else "regression",
        preset="best",
        n_rows=len(train),
        n_classes=n_classes,
        random_state=seed,
    )
    oof = out_of_fold(
        learners,
        X.iloc[train].reset_index(drop=True),
        y[train],
        cv=corpus.splitter(classifies, groups, FOLDS, seed),
        groups=None if groups is None else groups[train],
        keep_models=True,
        shortcuts="approximate",
        on_error="drop",
        n_jobs=n_jobs,
        random_state=seed,
    )
    with sharing(X.iloc[test]):
        predicted = oof.predict_matrix(X.iloc[test])
    return {
        "table": entry["name"],
        "size": size,
        "seed": seed,
        "classifies": classifies,
        "n_classes": n_classes,
        "n_columns": X.shape[1],
        "rows": train,
        "y": y[train],
        "y_test": y[test],
        "columns": {name: oof.columns[name] for name in oof.names},
        "oof": oof.matrix.astype(np.float32),
        "test": predicted.astype(np.float32),
        "seconds": {name: oof.fit_seconds[name] / FOLDS for name in oof.names},
        "folds": oof.splits,
    }


if __name__ == "__main__":
    main()
