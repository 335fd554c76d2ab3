"""Log loss and expected calibration error of combiners and learners on stored predictions.

    python benchmarks/calibration.py [--folder FOLDER] [--seeds 0 1 2] [--tables ...]

The best calibrated learner: of all learners, each with a temperature fitted out of fold, the one
with the least out-of-fold error; its error is that on test rows, as the combiners' is. "Least":
the one with the least error on test rows, which is in part luck. A combiner is worse than it
where the difference exceeds two standard errors (jackknife over blocks of test rows).
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import corpus_files
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from stackmeta import ConvexClassifier, CrossFittedBlendClassifier
from stackmeta.combiners.temperature import fit_temperature, temper
from stackmeta.evaluation import expected_calibration_error

_BLOCKS = 30


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=corpus_files.FOLDER)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--tables", nargs="*", help="names; all by default")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for stored in corpus_files.load(options.folder):
        if options.tables and stored.table not in options.tables:
            continue
        if stored.task != "regression" and stored.seed in options.seeds:
            rows += compare(stored)
            print(pd.DataFrame(rows[-3:]).round(4).to_string(header=len(rows) == 3), flush=True)
    table = pd.DataFrame(rows).drop(columns=["table", "seed"])
    print(table.groupby("combiner", sort=False).mean().round(4).T.to_string())


def compare(stored: corpus_files.Stored) -> list[dict]:
    k, labels = stored.n_outputs, np.arange(stored.n_classes)
    columns = [slice(i * k, i * k + k) for i in range(len(stored.names))]
    out, test = ([_full(P[:, c]) for c in columns] for P in (stored.train, stored.test))
    temperatures = [fit_temperature(P, stored.y, None) for P in out]
    out = [temper(P, t) for P, t in zip(out, temperatures, strict=True)]
    cooled = [temper(P, t) for P, t in zip(test, temperatures, strict=True)]
    chosen = cooled[int(np.argmin([expected_calibration_error(P, stored.y) for P in out]))]
    least = min(cooled, key=lambda P: expected_calibration_error(P, stored.y_test))
    best = min(log_loss(stored.y_test, P, labels=labels) for P in test)
    found = []
    for name, combiner in (
        ("convex, temperature", ConvexClassifier(calibrate=True)),
        ("blend", CrossFittedBlendClassifier(random_state=0)),
        ("blend, temperature", CrossFittedBlendClassifier(calibrate=True, random_state=0)),
    ):
        P = combiner.fit(stored.train, stored.y, folds=stored.fold).predict_proba(stored.test)
        loss = log_loss(stored.y_test, P, labels=labels)
        found.append(
            {
                "table": stored.table,
                "seed": stored.seed,
                "combiner": name,
                "log loss over the best learner's": loss / best - 1,
                "below it": loss < best,
                "ece": expected_calibration_error(P, stored.y_test),
                "ece, best calibrated learner": expected_calibration_error(chosen, stored.y_test),
                "no worse": _no_worse(P, chosen, stored.y_test),
                "ece, least": expected_calibration_error(least, stored.y_test),
                "no worse than least": _no_worse(P, least, stored.y_test),
            }
        )
    return found


def _full(P: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - P, P]) if P.shape[1] == 1 else P / P.sum(axis=1, keepdims=True)


def _no_worse(P: np.ndarray, other: np.ndarray, y: np.ndarray) -> bool:
    block = np.random.default_rng(0).permutation(len(y)) % _BLOCKS

    def difference(rows: np.ndarray) -> float:
        ours, theirs = (expected_calibration_error(Q[rows], y[rows]) for Q in (P, other))
        return ours - theirs

    value = difference(np.ones(len(y), dtype=bool))
    without = np.array([difference(block != b) for b in range(_BLOCKS)])
    error = np.sqrt((_BLOCKS - 1) / _BLOCKS * ((without - without.mean()) ** 2).sum())
    return bool(value <= 2 * error)


if __name__ == "__main__":
    main()
