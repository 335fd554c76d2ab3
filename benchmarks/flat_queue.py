"""One flat queue against scikit-learn's two barriers: wall time of the same stack.

    python benchmarks/flat_queue.py [--rows 15000] [--n-jobs 2] [--repeats 3]

Both stacks get the same learners and data in one process, workers are warmed first, the
order alternates, and the median counts. "work" is the sum of all fits' own seconds divided by
``n_jobs``: what no schedule can beat. Then the recorded seconds are scheduled on 16 and 64
cores, by the same queue and by scikit-learn's barriers.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from functools import partial
from time import perf_counter

import numpy as np
import sklearn
from joblib import Parallel, delayed
from lightgbm import LGBMClassifier
from schedule import barriers, flat_queue, lower_bound
from sklearn import ensemble
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

import stackmeta


def balanced() -> list[tuple]:
    """Eight usual learners."""
    return [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression())),
        ("forest", RandomForestClassifier(200, random_state=0)),
        ("extra_trees", ExtraTreesClassifier(200, random_state=0)),
        ("hist", HistGradientBoostingClassifier(random_state=0)),
        ("lightgbm", LGBMClassifier(n_estimators=300, n_jobs=1, random_state=0, verbose=-1)),
        ("xgboost", XGBClassifier(n_estimators=300, n_jobs=1, random_state=0)),
        ("neighbours", make_pipeline(StandardScaler(), KNeighborsClassifier(30))),
        ("bayes", GaussianNB()),
    ]


def skewed() -> list[tuple]:
    """List the quick ones and, named last, a forest with about 60 % of the work."""
    quick = [entry for entry in balanced() if entry[0] not in ("forest", "extra_trees")]
    return [*quick, ("big_forest", RandomForestClassifier(100, random_state=0))]


def timed(stack: object, X: np.ndarray, y: np.ndarray) -> float:
    start = perf_counter()
    stack.fit(X, y)
    return perf_counter() - start


def compare(name: str, learners: list[tuple], data: tuple, n_jobs: int, repeats: int) -> str:
    """Fit both stacks ``repeats`` times; return their row of the table and print schedules."""
    X, X_test, y, _ = data
    makers = {
        "stackmeta": partial(stackmeta.StackingClassifier, learners, n_jobs=n_jobs),
        "scikit-learn": partial(ensemble.StackingClassifier, learners, n_jobs=n_jobs),
    }
    Parallel(n_jobs=n_jobs)(
        delayed(timed)(LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1), X[:500], y[:500])
        for _ in range(2 * n_jobs)
    )
    seconds: dict[str, list[float]] = {key: [] for key in makers}
    predictions, work = {}, []
    for repeat in range(repeats):
        for key in list(makers)[:: 1 if repeat % 2 == 0 else -1]:
            stack = makers[key]()
            seconds[key].append(timed(stack, X, y))
            predictions[key] = stack.predict_proba(X_test)
            if key == "stackmeta":
                work.append(sum(r.seconds for r in stack.oof_.records) / n_jobs)
                records = stack.oof_.records
    largest = np.abs(predictions["stackmeta"] - predictions["scikit-learn"]).max()
    ours, theirs = (statistics.median(seconds[key]) for key in makers)
    limit = statistics.median(work)
    share = max(sum(r.seconds for r in records if r.name == n) for n, _ in learners) / sum(
        r.seconds for r in records
    )
    schedules[name] = records
    return (
        f"| {name} ({share:.0%} in one learner) | {ours:.1f} | {theirs:.1f} | "
        f"{theirs / ours:.2f} × | {ours / limit:.2f} × | {largest:.0e} |"
    )


schedules: dict[str, list] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=15_000)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    X, y = make_classification(
        options.rows + 5_000, 30, n_informative=15, flip_y=0.05, random_state=0
    )
    data = train_test_split(X, y, test_size=5_000, random_state=0)
    print(
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}, "
        f"{options.rows} × 30 rows, 5 folds, n_jobs={options.n_jobs}, "
        f"median of {options.repeats}\n"
    )
    print("| learners | stackmeta s | scikit-learn s | faster | of work limit | largest diff |")
    print("|---|---|---|---|---|---|")
    for name, learners in {"balanced": balanced(), "skewed": skewed()}.items():
        print(compare(name, learners, data, options.n_jobs, options.repeats), flush=True)
    print("\nThe recorded seconds, scheduled (× max(total / cores, longest fit)):\n")
    print("| learners | cores | bound s | one queue | barriers, folds in turn | folds at once |")
    print("|---|---|---|---|---|---|")
    sizes = [options.rows * 4 // 5] * 5
    for name, records in schedules.items():
        for cores in (options.n_jobs, 16, 64):
            bound = lower_bound(records, cores)
            times = [
                flat_queue(records, sizes, options.rows, cores),
                barriers(records, cores, folds_at_once=False),
                barriers(records, cores, folds_at_once=True),
            ]
            cells = " | ".join(f"{t / bound:.2f} ×" for t in times)
            print(f"| {name} | {cores} | {bound:.2f} | {cells} |")


if __name__ == "__main__":
    main()
