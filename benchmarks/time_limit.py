"""Seconds that fits take under a time limit, and what they have got done by then.

    python benchmarks/time_limit.py [--tables …] [--limits 10 30 120] [--systems stack super]

On all rows of each table, two jobs, each fit in a process of its own:

- "stack": a stack of eleven learners of very different costs, one of which hangs; nobody has
  said what they cost.
- "super": the super learner on the raw table.

A fit should end within 1.1 x the limit + 2 s, with a stack that predicts. "late" is what it took
beyond the limit; "done" the learners that were completed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from typing import Any

import corpus
import numpy as np
import tables
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    StackingClassifier,
    StackingRegressor,
    SuperLearnerClassifier,
    SuperLearnerRegressor,
)

TABLES = [
    "titanic",
    "german_credit",
    "wine_quality",
    "parkinsons_updrs",
    "letter",
    "california_housing",
    "bike_sharing_hour",
    "bank_marketing",
    "adult",
    "diamonds",
]
TEST = 1_000


class HangsClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that never ends."""

    def fit(self, X: Any, y: Any) -> HangsClassifier:
        """Sleep."""
        while True:
            time.sleep(60)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Never to be called."""
        raise NotImplementedError


class HangsRegressor(RegressorMixin, BaseEstimator):
    """A regressor that never ends."""

    def fit(self, X: Any, y: Any) -> HangsRegressor:
        """Sleep."""
        while True:
            time.sleep(60)

    def predict(self, X: Any) -> np.ndarray:
        """Never to be called."""
        raise NotImplementedError


def scaled(estimator: Any) -> Any:
    return make_pipeline(StandardScaler(), estimator)


def classifiers() -> dict[str, Any]:
    return {
        "forest": RandomForestClassifier(500),
        "hangs": HangsClassifier(),
        "svm": scaled(CalibratedClassifierCV(SVC(), ensemble=False)),
        "boosting": GradientBoostingClassifier(n_estimators=300),
        "network": scaled(MLPClassifier((200, 200))),
        "line": scaled(LogisticRegression(max_iter=1000)),
        "neighbours": scaled(KNeighborsClassifier(20)),
        "extra": ExtraTreesClassifier(500),
        "hist": HistGradientBoostingClassifier(),
        "tree": DecisionTreeClassifier(min_samples_leaf=20),
        "bayes": GaussianNB(),
    }


def regressors() -> dict[str, Any]:
    return {
        "forest": RandomForestRegressor(500),
        "hangs": HangsRegressor(),
        "svm": scaled(SVR()),
        "boosting": GradientBoostingRegressor(n_estimators=300),
        "network": scaled(MLPRegressor((200, 200))),
        "line": scaled(RidgeCV()),
        "neighbours": scaled(KNeighborsRegressor(20)),
        "extra": ExtraTreesRegressor(500),
        "hist": HistGradientBoostingRegressor(),
        "tree": DecisionTreeRegressor(min_samples_leaf=20),
        "linear svm": scaled(LinearSVR()),
    }


def measure(name: str, limit: float, system: str) -> dict[str, Any]:
    """Fit under a limit; say how long it took and what became of the learners."""
    (entry,) = [e for e in tables.supervised() if e["name"] == name]
    classifies = entry["task"] != "regression"
    options: dict[str, Any] = {"time_limit": limit, "n_jobs": 2, "random_state": 0}
    if system == "super":
        X, y, groups = corpus.read(entry)
        model: Any = (SuperLearnerClassifier if classifies else SuperLearnerRegressor)(**options)
        first = X.iloc[:TEST]
        params = {"groups": groups}
    else:
        X, y = tables.load(name)
        first, params = X[:TEST], {}
        options["on_error"] = "drop"
        if classifies:
            model = StackingClassifier([*classifiers().items()], ConvexClassifier(), **options)
        else:
            model = StackingRegressor([*regressors().items()], ConvexRegressor(), **options)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y, **params)
        except TimeoutError:
            return {"rows": len(y), "seconds": time.perf_counter() - start, "done": 0, "all": 0}
        seconds = time.perf_counter() - start
        assert np.isfinite(
            model.predict_proba(first) if classifies else model.predict(first)
        ).all()
    paths = model.leaderboard()["path"]
    late = paths.isin(["time limit", "failed"])
    return {"rows": len(y), "seconds": seconds, "done": int((~late).sum()), "all": len(paths)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--limits", nargs="*", type=float, default=(10.0, 30.0, 120.0))
    parser.add_argument("--systems", nargs="*", default=("stack", "super"))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, limit, system = options.one
        print(json.dumps(measure(name, float(limit), system)))
        return
    print(
        "| system | limit | table | rows | seconds | late | done |\n|---|---|---|---|---|---|---|"
    )
    worst = {}
    for system in options.systems:
        for limit in options.limits:
            for name in options.tables:
                command = [sys.executable, __file__, "--one", name, str(limit), system]
                found = json.loads(subprocess.check_output(command).splitlines()[-1])
                late = found["seconds"] - limit
                worst[limit] = max(worst.get(limit, -np.inf), late)
                print(
                    f"| {system} | {limit:g} s | {name} | {found['rows']:,} "
                    f"| {found['seconds']:.1f} | {late:+.1f} | {found['done']}/{found['all']} |",
                    flush=True,
                )
    for limit, late in worst.items():
        print(f"{limit:g} s: at most {late:+.1f} s (allowed {0.1 * limit + 2:+.1f} s)")


if __name__ == "__main__":
    main()
