"""Three ways to stop early in cross-validation: honesty, accuracy and cost.

    python benchmarks/early_stopping.py [--tables …] [--rows 2000] [--nulls 20] [--jobs 2]

"others": a fold's model watches the rows that the fold holds out, and predicts them with the
rounds that the other folds chose (what a stack does). "inner": each fold puts an eighth of its
training rows aside and watches those. "own": the held-out rows choose the rounds that
they are predicted with, as is usual and dishonest.

Five folds. "out of fold" is the loss of out-of-fold predictions, "test" that of the average of the
fold models on test rows, both relative to "others" on test rows, averaged over tables.
"optimism" is (test of one fold model − out of fold) / test: what the out-of-fold loss promises
too much; about zero is honest. "null" is the mean of the same over tables of noise (200 rows),
with its standard error. "s" is the sum of the fits.
"""

from __future__ import annotations

import argparse
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import tables
from joblib import Parallel, delayed
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from stackmeta.learners import EarlyStoppingClassifier, EarlyStoppingRegressor
from stackmeta.out_of_fold.rounds import choose_stages, predict_stages
from stackmeta.out_of_fold.target import encode_target

WAYS = ("others", "inner", "own")


def learners(classifies: bool) -> dict[str, Any]:
    """Fill a dictionary with one learner a library."""
    common = {"learning_rate": 0.05, "n_jobs": 1, "random_state": 0}
    layers = {"hidden_layer_sizes": (64,), "random_state": 0}
    if classifies:
        models = {
            "LightGBM": LGBMClassifier(verbose=-1, **common),
            "XGBoost": XGBClassifier(max_depth=5, **common),
            "HistGradientBoosting": HistGradientBoostingClassifier(learning_rate=0.05),
            "MLP": make_pipeline(StandardScaler(), MLPClassifier(**layers)),
        }
    else:
        models = {
            "LightGBM": LGBMRegressor(verbose=-1, **common),
            "XGBoost": XGBRegressor(max_depth=5, **common),
            "HistGradientBoosting": HistGradientBoostingRegressor(learning_rate=0.05),
            "MLP": make_pipeline(StandardScaler(), MLPRegressor(**layers)),
        }
    kind = EarlyStoppingClassifier if classifies else EarlyStoppingRegressor
    return {name: kind(model, random_state=0) for name, model in models.items()}


def judge(
    learner: Any, X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray
) -> dict:
    """Losses and seconds of the three ways."""
    classifies = isinstance(learner, EarlyStoppingClassifier)
    target = encode_target(y, classifier=classifies, caller="")
    kind = StratifiedKFold if classifies else KFold
    splits = list(kind(5, shuffle=True, random_state=0).split(X, y))
    method = "predict_proba" if classifies else "predict"
    found: dict[str, dict] = {}
    started = perf_counter()
    models, staged = [], []
    for train, test in splits:
        model = type(learner)(**learner.get_params(deep=False))
        model.fit_watching(X[train], y[train], X[test], y[test])
        models.append(model)
        staged.append(predict_stages(model, X[test], method, target, None))
    seconds = perf_counter() - started
    test_stages = [np.stack(list(model.staged_answers(X_test, method))) for model in models]
    stages, _ = choose_stages(staged, splits, target, method)
    own = [
        int(np.argmin([loss(_full(block, classifies), y[test]) for block in one.blocks]))
        for one, (_, test) in zip(staged, splits, strict=True)
    ]
    for way, chosen in (("others", stages), ("own", own)):
        held = [
            _full(one.blocks[stage], classifies) for one, stage in zip(staged, chosen, strict=True)
        ]
        answers = [answer[stage] for answer, stage in zip(test_stages, chosen, strict=True)]
        found[way] = summary(held, answers, splits, y, y_test) | {"seconds": seconds}
    started = perf_counter()
    inner = [
        type(learner)(**learner.get_params(deep=False)).fit(X[train], y[train])
        for train, _ in splits
    ]
    seconds = perf_counter() - started
    held = [
        getattr(model, method)(X[test]) for model, (_, test) in zip(inner, splits, strict=True)
    ]
    answers = [getattr(model, method)(X_test) for model in inner]
    found["inner"] = summary(held, answers, splits, y, y_test) | {"seconds": seconds}
    return found


def _full(block: np.ndarray, classifies: bool) -> np.ndarray:
    """Give blocks of the engine the form of a model's answers."""
    if not classifies:
        return block[:, 0]
    return np.hstack([1 - block, block]) if block.shape[1] == 1 else block


def summary(
    held: list[np.ndarray],
    answers: list[np.ndarray],
    splits: list,
    y: np.ndarray,
    y_test: np.ndarray,
) -> dict[str, float]:
    """Out-of-fold loss, mean test loss of a model, and test loss of their average."""
    weights = [len(test) for _, test in splits]
    one = [loss(answer, y_test) for answer in answers]
    out = [loss(block, y[test]) for block, (_, test) in zip(held, splits, strict=True)]
    return {
        "out of fold": float(np.average(out, weights=weights)),
        "one": float(np.mean(one)),
        "test": loss(np.mean(answers, axis=0), y_test),
    }


def loss(answer: np.ndarray, y: np.ndarray) -> float:
    if answer.ndim == 1:
        return float(mean_squared_error(y, answer))
    return float(log_loss(y, answer, labels=np.arange(answer.shape[1])))


def real(entry: dict, rows: int) -> list[dict]:
    """Judge all learners on one real table."""
    X, y = tables.load(entry["name"], rows * 2)
    classifies = y.dtype.kind != "f"
    X = np.asarray(X, dtype=np.float64)
    order = np.random.default_rng(0).permutation(len(y))
    half = min(rows, len(y) // 2)
    train, test = order[:half], order[half:]
    if classifies and len(np.unique(y[train])) < len(np.unique(y)):
        return []
    return [
        {"learner": name, "table": entry["name"], "way": way, **numbers}
        for name, learner in learners(classifies).items()
        for way, numbers in judge(learner, X[train], y[train], X[test], y[test]).items()
    ]


def null(seed: int) -> list[dict]:
    """Judge all learners on noise."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(2200, 8)), rng.permutation(np.arange(2200) % 2)
    return [
        {"learner": name, "table": seed, "way": way, **numbers}
        for name, learner in learners(True).items()
        for way, numbers in judge(learner, X[:200], y[:200], X[200:], y[200:]).items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--nulls", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    entries = [e for e in tables.supervised() if e["name"] in (options.tables or [e["name"]])]
    parallel = Parallel(n_jobs=options.jobs)
    found = parallel(delayed(real)(entry, options.rows) for entry in entries)
    on_real = pd.DataFrame(list(chain.from_iterable(found)))
    found = parallel(delayed(null)(seed) for seed in range(options.nulls))
    on_null = pd.DataFrame(list(chain.from_iterable(found)))
    print(f"{on_real.table.nunique()} tables, {options.nulls} of noise\n")
    print("| learner | rounds chosen by | out of fold | test | optimism | null | s |")
    print("|---|---|---|---|---|---|---|")
    base = on_real[on_real.way == "others"].set_index(["learner", "table"])["test"]
    for (learner, way), rows in on_real.groupby(["learner", "way"], sort=False):
        rows = rows.set_index("table")
        optimism = ((rows["one"] - rows["out of fold"]) / rows["one"]).mean()
        noise = on_null[(on_null.learner == learner) & (on_null.way == way)]
        promised = (noise["one"] - noise["out of fold"]) / noise["one"]
        error = promised.std() / len(promised) ** 0.5
        print(
            f"| {learner} | {way} | {(rows['out of fold'] / base[learner] - 1).mean():+.1%} | "
            f"{(rows['test'] / base[learner] - 1).mean():+.2%} | {optimism:+.2%} | "
            f"{promised.mean():+.2%} ± {error:.2%} | {rows['seconds'].sum():.0f} |"
        )


if __name__ == "__main__":
    main()
