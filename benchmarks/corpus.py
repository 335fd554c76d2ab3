"""Predictions of many learners on real tables, made once, on which combiners are compared.

    python benchmarks/corpus.py [--folder ~/.cache/stackmeta/corpus] [--tables titanic ...]

For each supervised table and seed: a draw of training and test rows, and out-of-fold and test
predictions of 17 or 18 learners. Files that exist are not made again; all tables come with
their first seed before any comes with its second. ``corpus_files.load`` reads what is there.

No group straddles training and test rows, or two folds. Rows of one calendar week are a group
where the manifest names a time but no group: neighbours in time tell each other's target, but
test rows that are all later would measure drift and not combiners. Where it names both, time
is a feature and no more.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

import corpus_files
import numpy as np
import pandas as pd
import tables
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from stackmeta import out_of_fold
from stackmeta.learners.pipelines import on_categories, on_codes, on_numbers
from stackmeta.learners.table import TableCleaner

SEEDS = (0, 1, 2)
FOLDS = 8
#: Most training rows, test rows and features of a draw.
TRAIN, TEST, FEATURES = 3_000, 8_000, 30
#: Classes with fewer rows are left out: what is predicted for them in test rows is luck.
LEAST_ROWS = 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=corpus_files.FOLDER)
    parser.add_argument("--tables", nargs="*", help="names; all by default")
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    entries = [e for e in tables.supervised() if e["name"] in (options.tables or [e["name"]])]
    for seed in options.seeds:
        for entry in sorted(entries, key=lambda entry: entry["rows"]):
            if not corpus_files.path_of(options.folder, entry["name"], seed).exists():
                corpus_files.save(make(entry, seed), options.folder)


def make(entry: dict, seed: int) -> corpus_files.Stored:
    """Draw rows, fit all learners, and say on one line how it went."""
    started = perf_counter()
    classifies = entry["task"] != "regression"
    X, y, groups = read(entry)
    train, test = draw(y, groups, classifies, seed)
    if classifies and len(np.unique(y[train])) < len(np.unique(y)):
        raise ValueError(f"{entry['name']}, seed {seed}: no training row of some class.")
    n_classes = len(np.unique(y)) if classifies else 0
    learners = classifiers(n_classes, seed) if classifies else regressors(seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # solvers that did not converge are welcome, too
        warnings.simplefilter("always", FitFailedWarning)
        oof = out_of_fold(
            learners,
            X.iloc[train],
            y[train],
            cv=splitter(classifies, groups, FOLDS, seed),
            groups=None if groups is None else groups[train],
            refit=True,
            n_jobs=2,
            on_error="drop",
        )
        predicted = oof.predict_matrix(X.iloc[test])
    kept = [name for name in oof.names if _valid(oof, name, predicted, classifies)]
    columns = np.concatenate([np.arange(predicted.shape[1])[oof.columns[n]] for n in kept])
    dropped = sorted(set(oof.paths) - set(kept))
    print(f"{entry['name']} {seed}: {len(train)} + {len(test)} rows, {len(kept)} learners", end="")
    print(f", {perf_counter() - started:.0f} s; dropped: {', '.join(dropped) or 'none'}")
    print("".join(f"    {warning.message}\n" for warning in caught), end="", flush=True)
    return corpus_files.Stored(
        table=entry["name"],
        seed=seed,
        task=entry["task"],
        n_classes=n_classes,
        names=np.array(kept),
        fit_seconds=np.array([oof.fit_seconds[name] for name in kept]),
        train=oof.matrix[:, columns],
        test=predicted[:, columns],
        y=y[train],
        y_test=y[test],
        fold=_fold_of_each_row(oof.splits, len(train)),
        **numbers(X.iloc[train], X.iloc[test], seed),
    )


def read(entry: dict) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None]:
    """Read the raw columns, the target as codes or numbers, and the groups."""
    frame = pd.read_parquet(tables.DATA / f"{entry['name']}.parquet")
    if entry["task"] != "regression":
        n_rows = frame["target"].map(frame["target"].value_counts())
        frame = frame[n_rows >= LEAST_ROWS].reset_index(drop=True)
    y = frame.pop("target")
    y = y.to_numpy(float) if entry["task"] == "regression" else pd.factorize(y, sort=True)[0]
    groups = None
    if entry["group_column"]:
        groups = pd.factorize(frame.pop(entry["group_column"]))[0]
    elif entry["time_column"]:
        weeks = pd.to_datetime(frame[entry["time_column"]]).dt.to_period("W")
        groups = pd.factorize(weeks)[0]
    return frame, y, groups


def splitter(classifies: bool, groups: np.ndarray | None, n_splits: int, seed: int) -> Any:
    """Folds that keep groups together and classes in proportion."""
    if groups is None:
        kind = StratifiedKFold if classifies else KFold
    else:
        kind = StratifiedGroupKFold if classifies else GroupKFold
    return kind(n_splits, shuffle=True, random_state=seed)


def draw(
    y: np.ndarray,
    groups: np.ndarray | None,
    classifies: bool,
    seed: int,
    most: tuple[int, int] = (TRAIN, TEST),
) -> tuple[np.ndarray, np.ndarray]:
    """Draw training rows from three fifths of the table, or of its groups; the rest is test."""
    fifths = list(splitter(classifies, groups, 5, seed).split(y, y, groups))
    test = np.concatenate([fifths[0][1], fifths[1][1]])
    train = np.setdiff1d(np.arange(len(y)), test)
    return _some(train, most[0], y, classifies, seed), _some(test, most[1], y, classifies, seed)


def _some(rows: np.ndarray, most: int, y: np.ndarray, classifies: bool, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return np.random.default_rng(seed).permutation(rows)
    stratify = y[rows] if classifies else None
    return train_test_split(rows, train_size=most, stratify=stratify, random_state=seed)[0]


def numbers(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Turn columns into numbers, as learned from the training rows."""
    cleaner = TableCleaner(categories="code").fit(train)
    train, test = cleaner.transform(train), cleaner.transform(test)
    chosen = np.arange(train.shape[1])
    if len(chosen) > FEATURES:  # at random, since a choice by y would look at held-out rows
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:FEATURES])
    train, test = train.iloc[:, chosen], test.iloc[:, chosen]
    medians = train.median()
    return {
        "features": train.fillna(medians).to_numpy(np.float32),
        "features_test": test.fillna(medians).to_numpy(np.float32),
        "feature_names": np.array([str(name) for name in train.columns]),
    }


def classifiers(n_classes: int, seed: int) -> list[tuple[str, BaseEstimator]]:
    """Eighteen classifiers, from poor to good, that all give probabilities."""
    rounds = _rounds(n_classes)
    return [
        ("linear_weak", on_numbers(LogisticRegression(C=100.0, max_iter=200))),
        ("linear_strong", on_numbers(LogisticRegression(C=0.01, max_iter=200))),
        ("nystroem", on_numbers(_kernel(LogisticRegression(C=10.0, max_iter=200), seed))),
        ("bayes", on_numbers(GaussianNB(var_smoothing=1e-3))),
        ("lda", on_numbers(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))),
        ("qda", on_numbers(QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1))),
        ("neighbours_few", on_numbers(KNeighborsClassifier(5))),
        ("neighbours_many", on_numbers(KNeighborsClassifier(60))),
        ("mlp", on_numbers(MLPClassifier((64,), max_iter=60, random_state=seed))),
        ("tree_shallow", on_codes(DecisionTreeClassifier(max_depth=3, random_state=seed))),
        ("tree_deep", on_codes(DecisionTreeClassifier(min_samples_leaf=4, random_state=seed))),
        ("forest", on_codes(_trees(RandomForestClassifier, seed))),
        ("extra_trees", on_codes(_trees(ExtraTreesClassifier, seed))),
        ("hist", on_categories(_hist(HistGradientBoostingClassifier, rounds, seed))),
        *_boosters(LGBMClassifier, XGBClassifier, rounds, seed),
    ]


def regressors(seed: int) -> list[tuple[str, BaseEstimator]]:
    """Seventeen regressors, from poor to good."""
    rounds = _rounds(1)
    mlp = MLPRegressor(hidden_layer_sizes=(64,), max_iter=60, random_state=seed)
    return [
        ("linear_weak", on_numbers(Ridge(1.0))),
        ("linear_strong", on_numbers(Ridge(1000.0))),
        ("lasso", on_numbers(_scaled_target(Lasso(0.02)))),
        ("nystroem", on_numbers(_kernel(Ridge(0.1), seed))),
        ("support_vectors", on_numbers(_scaled_target(SVR()))),
        ("neighbours_few", on_numbers(KNeighborsRegressor(5))),
        ("neighbours_many", on_numbers(KNeighborsRegressor(60))),
        ("mlp", on_numbers(_scaled_target(mlp))),
        ("tree_shallow", on_codes(DecisionTreeRegressor(max_depth=3, random_state=seed))),
        ("tree_deep", on_codes(DecisionTreeRegressor(min_samples_leaf=4, random_state=seed))),
        ("forest", on_codes(_trees(RandomForestRegressor, seed, max_features=0.5))),
        ("extra_trees", on_codes(_trees(ExtraTreesRegressor, seed, max_features=0.7))),
        ("hist", on_categories(_hist(HistGradientBoostingRegressor, rounds, seed))),
        *_boosters(LGBMRegressor, XGBRegressor, rounds, seed),
    ]


def _rounds(n_classes: int) -> int:
    """Choose the rounds of a booster; with over two classes, each grows a tree a class."""
    return 120 if n_classes <= 2 else max(24, 300 // n_classes)


def _kernel(learner: BaseEstimator, seed: int) -> BaseEstimator:
    return make_pipeline(Nystroem(n_components=200, random_state=seed), learner)


def _scaled_target(learner: BaseEstimator) -> BaseEstimator:
    return TransformedTargetRegressor(learner, transformer=StandardScaler())


def _trees(kind: type, seed: int, **options: Any) -> BaseEstimator:
    return kind(100, min_samples_leaf=2, n_jobs=1, random_state=seed, **options)


def _hist(kind: type, rounds: int, seed: int) -> BaseEstimator:
    return kind(
        learning_rate=0.08,
        max_iter=rounds,
        max_leaf_nodes=15,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )


def _boosters(light: type, extreme: type, rounds: int, seed: int) -> list[tuple[str, Any]]:
    """LightGBM as one would set it, with small trees and overfitted; XGBoost."""
    common = {"n_estimators": rounds, "n_jobs": 1, "random_state": seed}
    light_common = common | {"verbosity": -1, "subsample_freq": 1, "reg_lambda": 5.0}
    light_common |= {"min_child_weight": 1.0, "subsample": 0.8, "colsample_bytree": 0.8}
    overfitted = {"num_leaves": 63, "learning_rate": 0.15, "min_child_samples": 5}
    overfitted["reg_lambda"] = 1.0  # with 0, a fold with a rare class now and then diverges
    boosters = [
        ("lightgbm", light(**light_common, num_leaves=15, learning_rate=0.08)),
        ("lightgbm_small", light(**light_common, num_leaves=4, learning_rate=0.15)),
        ("lightgbm_overfitted", light(**(light_common | overfitted))),
        ("xgboost", extreme(**common, max_depth=5, learning_rate=0.1, subsample=0.8)),
    ]
    boosters[-1][1].set_params(colsample_bytree=0.8, enable_categorical=True)
    return [(name, on_categories(booster)) for name, booster in boosters]


def _valid(oof: Any, name: str, test: np.ndarray, classifies: bool) -> bool:
    """Whether all predictions of a learner are finite and, for classes, probabilities."""
    both = np.concatenate([oof.block(name), test[:, oof.columns[name]]])
    valid = bool(np.isfinite(both).all())
    if classifies:
        valid &= both.min() >= 0 and both.max() <= 1 + 1e-6
        valid &= both.shape[1] == 1 or bool(np.allclose(both.sum(axis=1), 1, atol=1e-4))
    return valid


def _fold_of_each_row(splits: list, n_rows: int) -> np.ndarray:
    fold = np.empty(n_rows, dtype=np.int8)
    for k, (_, held_out) in enumerate(splits):
        fold[held_out] = k
    return fold


if __name__ == "__main__":
    main()
