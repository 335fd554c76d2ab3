"""Draws of real tables, their out-of-fold and held-out predictions, kept on disk.

    python benchmarks/expected_loss_draws.py [--folder /tmp/expected_loss] [--seeds 5]

For each supervised table, seed and size: so many training rows, five quick learners over five
folds, and their predictions of rows held out, both as refitted on all training rows and as the
average of their fold models. The smaller sizes are fitted over two repeats of the folds, too.
``expected_loss.py`` reads what is there. No group straddles training and held-out rows, or two
folds; where the manifest names a time and no group, rows of one week are one.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib
import numpy as np
import pandas as pd
import tables
from corpus import draw, read
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from stackmeta import out_of_fold

FOLDER = Path("/tmp/expected_loss")
SIZES = (50, 100, 300, 1_000, 3_000, 8_000)
#: Sizes that come with a second repeat of the folds.
REPEATED = (300,)
FOLDS, HELD_OUT = 5, 3_000
#: Classes with fewer rows in expectation are left out: some fold would not know them.
LEAST_ROWS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for seed in range(options.seeds):
        for size in options.sizes:
            started = perf_counter()
            for entry in tables.supervised():
                path = options.folder / f"{entry['name']}-{size}-{seed}.joblib"
                if not path.exists():
                    joblib.dump(make(entry, size, seed), path, compress=1)
            print(f"seed {seed}, {size} rows: {perf_counter() - started:.0f} s", flush=True)


def load(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """Read all draws that are there; some tables are too small for some sizes."""
    for path in sorted(folder.glob("*.joblib")):
        if (found := joblib.load(path)) is not None:
            yield found


def make(entry: dict, size: int, seed: int) -> dict[str, Any] | None:
    """Fit the learners on one draw; None where the table has too few rows."""
    classifies = entry["task"] != "regression"
    frame, y, groups = read(entry)
    if classifies:
        share = pd.Series(y).map(pd.Series(y).value_counts(normalize=True)).to_numpy()
        kept = share * size >= LEAST_ROWS
        if not kept.any():
            return None
        frame, y = frame[kept], np.unique(y[kept], return_inverse=True)[1]
        groups = None if groups is None else groups[kept]
    train, test = draw(y, groups, classifies, seed, (size, HELD_OUT))
    if len(train) < 0.75 * size or (classifies and len(np.unique(y[train])) < y.max() + 1):
        return None
    X = numbers(frame)
    splits = folds(y[train], None if groups is None else groups[train], classifies, seed, 1)
    found = {
        "table": entry["name"],
        "size": size,
        "seed": seed,
        "y_test": y[test],
        "groups": None if groups is None else groups[train],
        "groups_test": None if groups is None else groups[test],
        **fitted(X, y, train, test, splits, classifies, seed),
    }
    if size in REPEATED:
        twice = folds(y[train], None if groups is None else groups[train], classifies, seed, 2)
        again = fitted(X, y, train, test, twice, classifies, seed)
        found |= {f"{key}_twice": value for key, value in again.items()}
    return found


def fitted(
    X: np.ndarray,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    splits: list,
    classifies: bool,
    seed: int,
) -> dict[str, Any]:
    """Out-of-fold predictions, and those of held-out rows by refits and by fold models."""
    learners = classifiers(y.max() + 1, seed) if classifies else regressors(seed)
    options: dict[str, Any] = {"cv": splits, "n_jobs": 1, "random_state": seed}
    averaged = out_of_fold(learners, X[train], y[train], keep_models=True, **options)
    mean = averaged.predict_matrix(X[test])
    models = [(name, learner.fit(X[train], y[train])) for name, learner in learners]
    method = "predict_proba" if classifies else "predict"
    blocks = [np.asarray(getattr(model, method)(X[test])) for _, model in models]
    if classifies and y.max() == 1:
        blocks = [block[:, 1:] for block in blocks]
    refitted = np.hstack([block.reshape(len(test), -1) for block in blocks])
    oof = replace(averaged, models={}, by_repeat=averaged.by_repeat.astype(np.float32))
    return {
        "oof": oof,
        "refitted": refitted.astype(np.float32),
        "averaged": mean.astype(np.float32),
    }


def folds(
    y: np.ndarray, groups: np.ndarray | None, classifies: bool, seed: int, repeats: int
) -> list:
    if groups is None:
        kind = StratifiedKFold if classifies else KFold
    else:
        kind = StratifiedGroupKFold if classifies else GroupKFold
    found = []
    for repeat in range(repeats):
        splitter = kind(FOLDS, shuffle=True, random_state=seed + 1_000 * repeat)
        found += list(splitter.split(y, y, groups))
    return found


def numbers(frame: pd.DataFrame) -> np.ndarray:
    """Categories as codes, dates as numbers, missing values as medians; no target is read."""
    columns = []
    for column in frame:
        values = frame[column]
        if pd.api.types.is_datetime64_any_dtype(values):
            values = values.astype("int64")
        elif not pd.api.types.is_numeric_dtype(values):
            values = pd.Series(pd.factorize(values, sort=True)[0], index=frame.index)
        values = values.astype(float)
        columns.append(values.fillna(values.median()).fillna(0.0).to_numpy())
    table = np.ascontiguousarray(np.column_stack(columns))
    return StandardScaler().fit_transform(table)


def classifiers(n_classes: int, seed: int) -> list[tuple[str, Any]]:
    rounds = 50 if n_classes <= 2 else max(15, 120 // n_classes)
    return [
        ("linear", LogisticRegression(C=1.0, max_iter=100)),
        ("bayes", make_pipeline(_normal(seed), GaussianNB(var_smoothing=0.1))),
        ("neighbours", KNeighborsClassifier(20)),
        ("forest", RandomForestClassifier(25, min_samples_leaf=2, random_state=seed)),
        ("lightgbm", LGBMClassifier(n_estimators=rounds, **_light(seed))),
    ]


def regressors(seed: int) -> list[tuple[str, Any]]:
    forest = RandomForestRegressor(25, min_samples_leaf=2, max_features=0.5, random_state=seed)
    return [
        ("linear", Ridge(1.0)),
        ("neighbours", KNeighborsRegressor(10)),
        ("tree", DecisionTreeRegressor(min_samples_leaf=5, random_state=seed)),
        ("forest", forest),
        ("lightgbm", LGBMRegressor(n_estimators=50, **_light(seed))),
    ]


def _normal(seed: int) -> QuantileTransformer:
    return QuantileTransformer(
        n_quantiles=50, output_distribution="normal", subsample=None, random_state=seed
    )


def _light(seed: int) -> dict[str, Any]:
    return {
        "num_leaves": 7,
        "learning_rate": 0.1,
        "min_child_samples": 10,
        "n_jobs": 1,
        "random_state": seed,
        "verbosity": -1,
    }


if __name__ == "__main__":
    main()
