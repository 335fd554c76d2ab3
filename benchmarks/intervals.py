"""Coverage and width of prediction intervals and sets on real tables, beside MAPIE's.

    python benchmarks/intervals.py [--tables concrete ...] [--seeds 0 1] [--rows 1500]

The learners and the meta-learner are the same everywhere. Ours: a stack with refitted learners
("refit") and one that averages its fold models ("folds", and the same with method="cv+"). MAPIE's
split conformal fits the stack on four fifths of the rows and calibrates on the last fifth. No
group straddles training, calibration and test rows.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import corpus
import numpy as np
import pandas as pd
import tables
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

from stackmeta import ConvexClassifier, ConvexRegressor, StackingClassifier, StackingRegressor
from stackmeta.learners.pipelines import on_categories, on_codes, on_numbers

COVERAGE, FOLDS, TEST = 0.9, 8, 4_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", nargs="*", help="names; all by default")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--rows", type=int, default=1_500, help="most training rows")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    entries = [e for e in tables.supervised() if e["name"] in (options.tables or [e["name"]])]
    found = {"regression": [], "classification": []}
    for entry in sorted(entries, key=lambda entry: entry["rows"]):
        for seed in options.seeds:
            kind = "regression" if entry["task"] == "regression" else "classification"
            rows = (intervals if kind == "regression" else sets)(entry, seed, options.rows)
            found[kind].append(rows)
            print(rows, flush=True)
    for kind, rows in found.items():
        if rows:
            table = pd.DataFrame(rows).groupby("table", sort=False).mean()
            print(f"\n{kind}\n{table.round(3).to_string()}")
            print(f"mean\n{table.mean().round(3).to_string()}\nleast\n{table.min().round(3)}")


def intervals(entry: dict, seed: int, most: int) -> dict[str, Any]:
    """Coverage of ours and MAPIE's; width of ours relative to MAPIE's."""
    from mapie.regression import SplitConformalRegressor

    X, y, groups, train, test = draw(entry, seed, most)

    def fit(rows: np.ndarray, **options: Any) -> StackingRegressor:
        own = None if groups is None else groups[rows]
        folds = corpus.splitter(False, own, FOLDS, seed)
        stack = StackingRegressor(regressors(seed), ConvexRegressor(), cv=folds, **options)
        return stack.fit(X.iloc[rows], y[rows], groups=own)

    inner, calibration = part(train, groups, seed)
    mapie = SplitConformalRegressor(fit(inner), confidence_level=COVERAGE, prefit=True)
    mapie.conformalize(X.iloc[calibration], y[calibration])
    ends = {"MAPIE": mapie.predict_interval(X.iloc[test])[1][:, :, 0]}
    for name, refit in (("refit", True), ("folds", False)):
        stack = fit(train, refit=refit)
        ends[name] = stack.predict_interval(X.iloc[test], COVERAGE)
    ends["folds, CV+"] = stack.predict_interval(X.iloc[test], COVERAGE, method="cv+")
    inside = {n: ((y[test] >= e[:, 0]) & (y[test] <= e[:, 1])).mean() for n, e in ends.items()}
    wide = {n: float(np.mean(e[:, 1] - e[:, 0])) for n, e in ends.items()}
    return {
        "table": entry["name"],
        **{f"covered, {name}": inside[name] for name in ends},
        **{f"width, {name}": wide[name] / wide["MAPIE"] for name in ends if name != "MAPIE"},
    }


def sets(entry: dict, seed: int, most: int) -> dict[str, Any]:
    """Coverage and mean size of ours and MAPIE's, and the accuracy beside them."""
    from mapie.classification import SplitConformalClassifier

    X, y, groups, train, test = draw(entry, seed, most)

    def fit(rows: np.ndarray, **options: Any) -> StackingClassifier:
        own = None if groups is None else groups[rows]
        folds = corpus.splitter(True, own, FOLDS, seed)
        stack = StackingClassifier(classifiers(seed), ConvexClassifier(), cv=folds, **options)
        return stack.fit(X.iloc[rows], y[rows], groups=own)

    inner, calibration = part(train, groups, seed)
    score = "lac" if entry["task"] == "binary" else "aps"  # the only one that it has for two
    mapie = SplitConformalClassifier(
        fit(inner), confidence_level=COVERAGE, conformity_score=score, prefit=True, random_state=0
    )
    mapie.conformalize(X.iloc[calibration], y[calibration])
    found = {"MAPIE": mapie.predict_set(X.iloc[test])[1][:, :, 0]}
    stack, folds = (fit(train, refit=refit) for refit in (True, False))
    found["refit"] = stack.predict_set(X.iloc[test], COVERAGE)
    found["folds"] = folds.predict_set(X.iloc[test], COVERAGE)
    found["folds, CV+"] = folds.predict_set(X.iloc[test], COVERAGE, method="cv+")
    at = np.arange(len(test)), y[test]
    return {
        "table": entry["name"],
        "accuracy": stack.score(X.iloc[test], y[test]),
        **{f"covered, {name}": inside[at].mean() for name, inside in found.items()},
        **{f"size, {name}": inside.sum(axis=1).mean() for name, inside in found.items()},
    }


def draw(entry: dict, seed: int, most: int) -> tuple:
    X, y, groups = corpus.read(entry)
    classifies = entry["task"] != "regression"
    train, test = corpus.draw(y, groups, classifies, seed, (most, TEST))
    return X, y, groups, train, test


def part(rows: np.ndarray, groups: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four fifths of the rows, or of their groups, and the last fifth."""
    own = None if groups is None else groups[rows]
    kind = ShuffleSplit if groups is None else GroupShuffleSplit
    inner, last = next(kind(1, test_size=0.2, random_state=seed).split(rows, groups=own))
    return rows[inner], rows[last]


def regressors(seed: int) -> list[tuple[str, Any]]:
    boosted = LGBMRegressor(
        n_estimators=120, learning_rate=0.08, num_leaves=15, n_jobs=1, verbosity=-1
    )
    trees = ExtraTreesRegressor(60, min_samples_leaf=2, max_features=0.7, random_state=seed)
    return [
        ("linear", on_numbers(RidgeCV())),
        ("extra_trees", on_codes(trees)),
        ("lightgbm", on_categories(boosted)),
    ]


def classifiers(seed: int) -> list[tuple[str, Any]]:
    boosted = LGBMClassifier(
        n_estimators=50, learning_rate=0.08, num_leaves=15, reg_lambda=5.0, n_jobs=1, verbosity=-1
    )
    trees = ExtraTreesClassifier(60, min_samples_leaf=2, random_state=seed)
    return [
        ("linear", on_numbers(LogisticRegression(max_iter=300))),
        ("extra_trees", on_codes(trees)),
        ("lightgbm", on_categories(boosted)),
    ]


if __name__ == "__main__":
    main()
