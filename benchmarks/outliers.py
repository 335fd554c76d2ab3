"""Outlier detectors, alone and stacked, on test rows they never saw.

    python benchmarks/outliers.py [--seeds 10] [--only NAME …] [--labels 30]

Each table is split 70 to 30 ten times. "single" are the default detectors, fitted on the training
rows; "consensus" a StackingOutlierDetector without labels; "labels" one with so many
labels, half of them outliers, drawn from the training rows. Where PyOD is installed, its
detectors' average and XGBOD are beside. Tables: those of the data folder whose task is
"outlier", and some made of tables of classes: up to 4,000 rows of a few classes are normal, 5 % of
rows of another class are outliers. Values are means over seeds of ROC AUC and average precision.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd
import tables
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split

from stackmeta import StackingOutlierDetector
from stackmeta.unsupervised.consensus import CONSENSUS
from stackmeta.unsupervised.scaling import ScoreScale

#: table -> (codes of the normal classes, codes of the outlying ones)
MADE = {
    "phoneme": ([0], [1]),
    "letter": ([0, 1, 2, 3, 4], [25]),
    "wine_quality": ([2, 3, 4], [0, 1]),
    "vehicle": ([1, 2], [0]),
    "german_credit": ([0], [1]),
}


def read(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a table: its rows, and which are outliers."""
    if name not in MADE:
        frame = pd.read_parquet(tables.DATA / f"{name}.parquet")
        is_outlier = frame.pop("target").to_numpy(int)
        return frame.to_numpy(float), is_outlier
    X, y = tables.load(name)
    normal, outlying = (np.flatnonzero(np.isin(y, codes)) for codes in MADE[name])
    random = np.random.default_rng(seed)
    normal = random.permutation(normal)[:4000]
    outlying = random.permutation(outlying)[: len(normal) // 20]
    return X[np.r_[normal, outlying]], np.r_[np.zeros(len(normal)), np.ones(len(outlying))]


def some_labels(is_outlier: np.ndarray, n_labels: int, seed: int) -> np.ndarray:
    """Labels of a few rows, half of them outliers; -1 for the others."""
    random = np.random.default_rng(seed)
    labels = np.full(len(is_outlier), -1)
    for kind in (0, 1):
        rows = np.flatnonzero(is_outlier == kind)
        labels[random.permutation(rows)[: n_labels // 2]] = kind
    return labels


def judge(name: str, seed: int, n_labels: int) -> list[dict]:
    """Score the test rows of one split in all ways."""
    X, is_outlier = read(name, seed)
    X, X_test, known, truth = train_test_split(
        X, is_outlier, test_size=0.3, stratify=is_outlier, random_state=seed
    )
    rows: list[dict] = []

    def note(kind: str, what: str, scores: np.ndarray, seconds: float = np.nan) -> None:
        auc = precision = np.nan
        if np.isfinite(scores).all():  # some of PyOD's ways give NaN on some splits
            auc = roc_auc_score(truth, scores)
            precision = average_precision_score(truth, scores)
        row = {"table": name, "seed": seed, "kind": kind, "what": what, "s": seconds}
        rows.append(row | {"auc": auc, "ap": precision})

    with TemporaryDirectory() as store:
        started = perf_counter()
        stack = StackingOutlierDetector(random_state=seed, store=store).fit(X)
        seconds = perf_counter() - started
        labels = some_labels(known, n_labels, seed)
        labelled = StackingOutlierDetector(random_state=seed, store=store).fit(X, labels=labels)
    note("consensus", "default", -stack.score_samples(X_test), seconds)
    reference, scores = stack.oof_.matrix, stack.oof_.predict_matrix(X_test)
    for j, learner in enumerate(stack.oof_.names):
        note("single", learner, scores[:, j], stack.oof_.fit_seconds[learner])
    for scaling in ("rank", "gaussian"):
        scale = ScoreScale(reference, scaling)
        for consensus, combine in CONSENSUS.items():
            found = combine(scale(reference)).combine(scale(scores))
            note("consensus", f"{consensus}, {scaling}", found)
    note("labels", "default", -labelled.score_samples(X_test))
    for what, found in pyod_combinations(reference, scores).items():
        note("pyod", what, found)
    for what, run in pyod_ways().items():
        started = perf_counter()
        try:
            found = run(X, X_test, labels, seed)
        except ValueError as error:
            print(f"{what} on {name}, seed {seed}: {error}")
            found = np.full(len(truth), np.nan)
        note("pyod", what, found, perf_counter() - started)
    return rows


def pyod_combinations(reference: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Combine standardised scores of the same detectors by PyOD's functions (and ``combo``)."""
    try:
        from pyod.models.combination import aom, average, maximization, median, moa
    except ImportError:
        return {}
    scaled = (scores - reference.mean(axis=0)) / reference.std(axis=0)
    plain = {"average": average, "maximization": maximization, "median": median}
    found = {f"{name} of the same": way(scaled) for name, way in plain.items()}
    grouped = {"AOM": aom, "MOA": moa}
    return found | {
        f"{name} of the same": way(scaled, n_buckets=4, method="dynamic", random_state=0)
        for name, way in grouped.items()
    }


def pyod_ways() -> dict[str, Callable]:
    """Ways to combine that PyOD has, where it is installed."""
    try:
        from pyod.models.xgbod import XGBOD
    except ImportError:
        return {}
    from sklearn.preprocessing import StandardScaler

    def scaled(X: np.ndarray, X_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scaler = StandardScaler().fit(X)
        return scaler.transform(X), scaler.transform(X_test)

    def average(X: np.ndarray, X_test: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
        X, X_test = scaled(X, X_test)
        total = np.zeros(len(X_test))
        for detector in pyod_detectors(seed):
            detector.fit(X)
            known, found = detector.decision_scores_, detector.decision_function(X_test)
            total += (found - known.mean()) / known.std()
        return total

    def xgbod(X: np.ndarray, X_test: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
        X, X_test = scaled(X, X_test)
        rows = labels >= 0
        return XGBOD(random_state=seed).fit(X[rows], labels[rows]).decision_function(X_test)

    return {"average of 6": average, "XGBOD, labels": xgbod}


def pyod_detectors(seed: int) -> list:
    """Make six of PyOD's detectors, with its own defaults.

    Not its PCA, which divides by the variance of components: that is 0 in some tables.
    """
    from pyod.models.copod import COPOD
    from pyod.models.ecod import ECOD
    from pyod.models.hbos import HBOS
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF

    return [IForest(random_state=seed), LOF(), KNN(), ECOD(), HBOS(), COPOD()]


def show(rows: pd.DataFrame, real: list[str]) -> None:
    """Print a table a measure, and whether the targets are met."""
    rows["way"] = rows["kind"] + ": " + rows["what"]
    made = [name for name in rows["table"].unique() if name not in real]
    for measure in ("auc", "ap"):
        table = rows.pivot_table(index="way", columns="table", values=measure)
        table["mean of outlier tables"] = table[real].mean(axis=1)
        if made:
            table["mean of all"] = table[real + made].mean(axis=1)
        single = table[table.index.str.startswith("single")]
        table.loc["single: mean"] = single.mean()
        table.loc["single: best fixed"] = single.max()
        columns = [*real, *made, *table.columns[len(real + made) :]]
        print(f"\n{measure}\n| way | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
        for way, row in table.sort_index()[columns].iterrows():
            print(f"| {way} | {' | '.join(f'{value:.3f}' for value in row)} |")
    print(
        "\nseconds of a fit:",
        rows[rows["s"].notna()].groupby("way")["s"].mean().round(1).to_dict(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--labels", type=int, default=30)
    parser.add_argument("--rows", type=Path, help="CSV file: what it has is not measured again")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    entries = tables.manifest()
    real = [entry["name"] for entry in entries if entry["task"] == "outlier"]
    names = [n for n in [*real, *MADE] if not options.only or n in options.only]
    kept = options.rows is not None and options.rows.exists()
    rows: list[dict] = pd.read_csv(options.rows).to_dict("records") if kept else []
    done = {(row["table"], row["seed"]) for row in rows}
    for seed in range(options.seeds):
        for name in names:
            if (name, seed) in done:
                continue
            rows += judge(name, seed, options.labels)
            if options.rows:
                pd.DataFrame(rows).to_csv(options.rows, index=False)
    show(pd.DataFrame(rows), [name for name in real if name in names])


if __name__ == "__main__":
    main()
