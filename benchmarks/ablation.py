"""What each part of the super learner is worth: test loss without it, on real tables.

    python benchmarks/ablation.py --seconds 60 [--tables …] [--seed 0]

The first level is fitted once a table (all learners that end in the seconds, two jobs); then
learners or candidates are left out, and what stands on them is fitted again. Draws of at most
4,000 training rows.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import accuracy
import corpus
import numpy as np
import pandas as pd
import tables

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    OutOfFold,
    SuperLearnerClassifier,
    SuperLearnerRegressor,
)
from stackmeta._worth import that_earn_weight
from stackmeta.learners.second_level import second_level
from stackmeta.meta_features import join

TRAIN, TEST = 4_000, 4_000
FAMILIES = {
    "boosters": ("lightgbm", "xgboost", "hist"),
    "crosses": ("lightgbm_crosses",),
    "indicators": ("xgboost_indicators",),
    "networks": ("network",),
    "kernels, splines": ("kernel", "gaussian_process", "splines"),
    "forests": ("forest", "extra_trees"),
    "linear, neighbours": ("linear", "neighbours", "elastic_net", "naive_bayes"),
}


class Table:
    """A draw of a table, and its first level."""

    def __init__(self, entry: dict, seconds: float, seed: int) -> None:
        X, y, groups = corpus.read(entry)
        self.classifies, self.seed = entry["task"] != "regression", seed
        train, test = corpus.draw(y, groups, self.classifies, seed, most=(TRAIN, TEST))
        self.X, self.X_new = (X.iloc[rows].reset_index(drop=True) for rows in (train, test))
        self.y, self.y_new = y[train], y[test]
        kind = SuperLearnerClassifier if self.classifies else SuperLearnerRegressor
        convex = ConvexClassifier if self.classifies else ConvexRegressor
        model = kind(
            "default",
            convex(),
            preset="best",
            levels=1,
            time_limit=seconds,
            n_jobs=2,
            random_state=seed,
        )
        model.fit(self.X, self.y, groups=None if groups is None else groups[train])
        self.oof: OutOfFold = model.oof_
        self.new = self.oof.predict_matrix(self.X_new)
        self.folds = np.empty(len(self.y), dtype=int)
        for number, (_, held_out) in enumerate(self.oof.splits):
            self.folds[held_out] = number

    def loss(self, names: list[str], candidates: Any = "all") -> float:
        """Test loss of what stands on some learners: "all", "combiners" or "convex"."""
        columns = np.concatenate([np.r_[self.oof.columns[name]] for name in names])
        train, new = self.oof.matrix[:, columns], self.new[:, columns]
        if candidates == "convex":
            model: Any = (ConvexClassifier if self.classifies else ConvexRegressor)()
        else:
            blend = CrossFittedBlendClassifier if self.classifies else CrossFittedBlendRegressor
            both = candidates == "all"
            listed = second_level(classifies=self.classifies, random_state=self.seed)
            model = blend(
                listed if both else None,
                n_jobs=2,
                random_state=self.seed,
                prediction_columns=len(columns) if both else None,
            )
            if both:
                labels = [f"prediction_{i}" for i in range(len(columns))]
                train, new = join(train, labels, self.X), join(new, labels, self.X_new)
        params = {} if candidates == "convex" else {"folds": self.folds}
        model.fit(train, self.y, **params)
        answer = model.predict_proba(new) if self.classifies else model.predict(new)
        return accuracy.loss(answer, self.y_new, self.classifies)


def variants(table: Table) -> dict[str, Callable[[], float]]:
    """Name what is left out, and say how to measure the loss without it."""
    names = table.oof.names
    found = {
        "nothing": lambda: table.loss(names),
        "learners without weight": lambda: table.loss(that_earn_weight(table.oof)),
        "learners on columns, second level": lambda: table.loss(names, "combiners"),
        "all but convex weights": lambda: table.loss(names, "convex"),
    }
    for family, starts in FAMILIES.items():
        rest = [name for name in names if not name.startswith(starts)]
        if len(rest) < len(names):
            found[family] = lambda rest=rest: table.loss(rest)
    return found


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    changes: dict[str, dict[str, float]] = {}
    for entry in tables.supervised():
        if options.tables and entry["name"] not in options.tables:
            continue
        table = Table(entry, options.seconds, options.seed)
        losses = {name: measure() for name, measure in variants(table).items()}
        changes[entry["name"]] = {x: loss / losses["nothing"] - 1 for x, loss in losses.items()}
        print(entry["name"], len(table.oof.names), "learners", losses, flush=True)
    report(changes)


def report(changes: dict[str, dict[str, float]]) -> None:
    """Print the change of the loss without each part."""
    frame = pd.DataFrame(changes)
    print(f"\n{frame.shape[1]} tables\n\n| without | mean | median | worst | worse on |")
    print("|---|---|---|---|---|")
    for name, row in frame.drop(index="nothing").iterrows():
        known = row.dropna()
        print(
            f"| {name} | {known.mean():+.2%} | {known.median():+.2%} | {known.max():+.2%} "
            f"({known.idxmax()}) | {(known > 0).sum()} of {len(known)} |"
        )


if __name__ == "__main__":
    main()
