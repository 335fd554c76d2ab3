"""Few labelled rows: learners that know other tables, alone or beside a super learner's portfolio.

    python benchmarks/few_shot_place.py [--seconds 10] [--rows 2 5 10 20] [--tables …] [--out FILE]
    python benchmarks/few_shot_place.py --read FILE …

K labelled rows of each class are drawn from a classification table, and as many test rows of each
class from the rest, some 400 in all. "alone" is the few-shot stack, "beside" a super learner of
its learners and the portfolio; both are given as the change of the log loss of the super learner
without (the logarithm of the ratio). All have one job. The few-shot learners' metric is the one
that ships: it was learned on tables of which these are some. Groups (storms) are not kept apart,
for none of the ways.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import corpus
import numpy as np
import pandas as pd
import tables
from sklearn.metrics import log_loss

from stackmeta import SuperLearnerClassifier
from stackmeta._few_shot import few_shot_stack, joining_learners

TEST, LEAST_ROWS = 400, 60
BINS = [0, 5, 15, 25, 50, 120, 1_000]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rows", nargs="*", type=int, default=[2, 5, 10, 20])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", nargs="*", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.read:
        show(pd.concat([pd.read_csv(path) for path in options.read]))
        return
    found: list[dict] = []
    for entry in tables.supervised():
        if entry["task"] == "regression" or entry["name"] not in (
            options.tables or [entry["name"]]
        ):
            continue
        for seed in options.seeds:
            for n_rows in options.rows:
                losses = measure(entry, n_rows, seed, options.seconds)
                found.append({"table": entry["name"], "rows": n_rows, "seed": seed} | losses)
                print(found[-1], flush=True)
                if options.out:
                    pd.DataFrame(found).to_csv(options.out, index=False)
    show(pd.DataFrame(found))


def measure(entry: dict, n_rows: int, seed: int, seconds: float) -> dict[str, float]:
    """Log losses of the ways with so many rows of each class."""
    X, y, _ = corpus.read(entry)
    y = np.asarray(y)
    rng = np.random.default_rng(seed)
    classes = np.flatnonzero(np.bincount(y) >= LEAST_ROWS)
    rows = [rng.permutation(np.flatnonzero(y == each)) for each in classes]
    train = np.concatenate([of_class[-n_rows:] for of_class in rows])
    test = np.concatenate([of_class[: max(TEST // len(classes), 10)] for of_class in rows])
    ways = {
        "plain": SuperLearnerClassifier(time_limit=seconds, random_state=seed),
        "alone": few_shot_stack(random_state=seed),
        "beside": SuperLearnerClassifier(
            [*joining_learners(seed, ["linear", "extra_trees"]), "default"],
            time_limit=seconds,
            random_state=seed,
        ),
    }
    losses = {"total": len(train)}
    for way, model in ways.items():
        model.fit(X.iloc[train].reset_index(drop=True), y[train])
        losses[way] = log_loss(y[test], model.predict_proba(X.iloc[test]), labels=classes)
    return losses


def show(found: pd.DataFrame) -> None:
    """Print mean, median, worst and best cell of each way by rows in all."""
    print("| rows in all | cells | way | mean | median | worst | best |")
    print("|---|---|---|---|---|---|---|")
    found = found.assign(
        **{way: np.log(found[way] / found["plain"]) for way in ("alone", "beside")},
        cell=found["table"] + ", " + found["rows"].astype(str),
    ).set_index("cell")
    for total, some in found.groupby(pd.cut(found["total"], BINS), observed=True):
        for way in ("alone", "beside"):
            change = some[way]
            print(
                f"| {total.left + 1} to {total.right} | {len(change)} | {way} "
                f"| {change.mean():+.1%} | {change.median():+.1%} "
                f"| {change.max():+.1%} ({change.idxmax()}) "
                f"| {change.min():+.1%} ({change.idxmin()}) |"
            )


if __name__ == "__main__":
    main()
