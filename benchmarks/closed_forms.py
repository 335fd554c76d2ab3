"""Out-of-fold predictions and a model on all rows, against fitting and predicting once.

    python benchmarks/closed_forms.py [--repeats 5]

10 shuffled folds, one thread, one job; medians. "once" fits each learner on all rows and
predicts them; "closed form" is ``out_of_fold(refit=True)``; "refits" the same with
``shortcuts=False``. Differences are the largest between both, over the largest prediction.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.model_selection import KFold, RepeatedKFold
from sklearn.naive_bayes import (
    BernoulliNB,
    CategoricalNB,
    ComplementNB,
    GaussianNB,
    MultinomialNB,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import out_of_fold

TEN = KFold(10, shuffle=True, random_state=0)
KERNEL = RBF(5.0) + WhiteKernel(0.1)
#: learner, its table, splits
CASES: list[tuple[Any, str, Any]] = [
    (LinearRegression(), "numbers", TEN),
    (Ridge(), "numbers", TEN),
    (make_pipeline(StandardScaler(), Ridge()), "numbers", TEN),
    (RidgeClassifier(), "classes", TEN),
    (LinearDiscriminantAnalysis(), "classes", TEN),
    (LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1), "classes", TEN),
    (QuadraticDiscriminantAnalysis(), "classes", TEN),
    (GaussianNB(), "classes", TEN),
    (make_pipeline(StandardScaler(), GaussianNB()), "classes", TEN),
    (MultinomialNB(), "counts", TEN),
    (ComplementNB(), "counts", TEN),
    (BernoulliNB(), "classes", TEN),
    (CategoricalNB(), "counts", TEN),
    (DummyClassifier(), "classes", TEN),
    (DummyRegressor(), "numbers", TEN),
    (KernelRidge(0.1, kernel="rbf", gamma=0.02), "few", TEN),
    (GaussianProcessRegressor(KERNEL, optimizer=None), "few", TEN),
    (KNeighborsClassifier(15), "few classes", RepeatedKFold(n_repeats=10, random_state=0)),
]


def tables() -> dict[str, tuple]:
    """50,000 × 30 rows of each kind, 3,000 × 10 for what is cubic in the rows."""
    X, y = make_classification(
        50_000, 30, n_informative=12, n_redundant=0, n_classes=3, random_state=0
    )
    few = X[:3000, :10]
    signal = X @ np.linspace(-1, 1, 30) + np.random.RandomState(0).normal(size=len(X))
    counts = np.random.RandomState(0).poisson(2, size=X.shape)
    counts[:, 0] += y
    return {
        "numbers": (X, signal),
        "classes": (X, y),
        "counts": (np.minimum(counts, 9), y),
        "few": (few, np.sin(few[:, 0]) + 0.1 * signal[:3000]),
        "few classes": (few, y[:3000]),
    }


def seconds(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median of the seconds of a call, and what it returned."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        result = call()
        times.append(perf_counter() - start)
    return statistics.median(times), result


def once(learner: Any, X: np.ndarray, y: np.ndarray) -> None:
    model = clone(learner).fit(X, y)
    getattr(model, "predict_proba" if hasattr(model, "predict_proba") else "predict")(X)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    data = tables()
    print("| learner | path | once s | closed form | refits | difference |")
    print("|---|---|---|---|---|---|")
    totals = np.zeros(3)
    for learner, table, cv in CASES:
        X, y = data[table]
        a, _ = seconds(lambda le=learner, X=X, y=y: once(le, X, y), repeats)
        options = {"cv": cv, "refit": True}
        run = lambda short, le=learner, X=X, y=y, o=options: out_of_fold(  # noqa: E731
            [("learner", le)], X, y, shortcuts=short, **o
        )
        b, short = seconds(lambda run=run: run("exact"), repeats)
        c, plain = seconds(lambda run=run: run(False), max(1, repeats // 2))
        known = ~np.isnan(plain.matrix)
        away = np.abs(short.matrix - plain.matrix)[known].max() / np.abs(plain.matrix[known]).max()
        if not isinstance(cv, RepeatedKFold):
            totals += a, b, c
        name = str(learner).replace("\n", "").replace("  ", "")
        print(
            f"| {name}{'' if cv is TEN else ', 10 repeats of 5 folds'} | {short.paths['learner']} "
            f"| {a:.3f} | {b / a:.2f} × | {c / a:.1f} × | {away:.0e} |",
            flush=True,
        )
    print(
        f"| **all with 10 folds** | | {totals[0]:.3f} | **{totals[1] / totals[0]:.2f} ×** "
        f"| {totals[2] / totals[0]:.1f} × | |"
    )


if __name__ == "__main__":
    main()
