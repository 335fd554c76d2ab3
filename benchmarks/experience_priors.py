"""What priors over the weights, learned over other tables, are worth at few rows.

    python benchmarks/experience_priors.py [--corpus FOLDER | --draws FOLDER] [--subsets 5]

Stored predictions of many learners (``corpus.py``, or ``experience_draws.py``) stand for tasks.
Each table in turn is left out; the others of its kind teach the priors; convex weights are fitted
to so many of its rows, and judged on its test rows, against the weights that all its rows give
without a prior.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import corpus_files
import experience_draws
import numpy as np

from stackmeta.combiners import ConvexRegressor, WeightPrior
from stackmeta.combiners.log_loss import minimise_log_loss
from stackmeta.experience.priors import METHODS, weight_prior
from stackmeta.experience.record import TaskRecord

ROWS = (30, 50, 100, 300, 1_000)
RIDGES = (0.01, 0.1)
STRENGTHS = (30, 100, 300)


@dataclass(frozen=True, eq=False)
class Draw:
    """Predictions of one table's learners, of shape (n_rows, n_learners, n_outputs)."""

    table: str
    classifies: bool
    names: list[str]
    train: np.ndarray
    y: np.ndarray
    test: np.ndarray
    y_test: np.ndarray

    def record(self) -> TaskRecord:
        """Give what a memory would hold of it."""
        truth = np.eye(int(self.y.max()) + 1)[self.y] if self.classifies else self.y[:, None]
        errors = (self.train - truth[:, None]).transpose(1, 0, 2).reshape(len(self.names), -1)
        gram = errors @ errors.T / ((truth - truth.mean(axis=0)) ** 2).sum()
        ones = np.ones(len(gram))
        return TaskRecord(
            self.table,
            "classification" if self.classifies else "regression",
            {"n_rows": float(len(self.y))},
            tuple(self.names),
            np.sqrt(gram.diagonal()),
            gram,
            ones,
            ones / len(ones),
        )

    def weights(self, rows: np.ndarray, **settings) -> np.ndarray:
        """Fit convex weights to some rows."""
        if not self.classifies:
            combiner = ConvexRegressor(**settings)
            return combiner.fit(self.train[rows, :, 0], self.y[rows]).weights_
        # What ConvexClassifier does; few rows may lack classes, of which it would know nothing.
        truth = self.train[rows, :, self.y[rows]]
        share = np.full(len(rows), 1 / len(rows))
        return minimise_log_loss(truth.__getitem__, share, len(self.names), **settings)[0]

    def loss(self, weights: np.ndarray) -> float:
        """Give the log loss, or root mean squared error, on the test rows."""
        mixed = np.einsum("rlo,l->ro", self.test, weights)
        if not self.classifies:
            return float(np.sqrt(((mixed[:, 0] - self.y_test) ** 2).mean()))
        return float(-np.log(mixed[np.arange(len(mixed)), self.y_test].clip(1e-7)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=corpus_files.FOLDER)
    parser.add_argument("--draws", type=Path, help="in place of the corpus")
    parser.add_argument("--seed", type=int, default=0, help="which draw of each table")
    parser.add_argument("--subsets", type=int, default=5)
    parser.add_argument("--methods", nargs="*", default=METHODS)
    parser.add_argument("--tables", action="store_true", help="a line a table, too")
    options = parser.parse_args()
    source = from_draws(options.draws) if options.draws else from_corpus(options.corpus)
    draws = [draw for seed, draw in source if seed == options.seed]
    for classifies in (True, False):
        group = [draw for draw in draws if draw.classifies == classifies]
        if len({draw.table for draw in group}) < 3:
            continue
        print(f"\n{'Classification' if classifies else 'Regression'}, {len(group)} tables")
        report(compare(group, options.subsets, options.methods), options.tables)


def from_corpus(folder: Path) -> Iterator[tuple[int, Draw]]:
    for stored in corpus_files.load(folder):
        classifies = stored.task != "regression"
        names = [str(name) for name in stored.names]
        yield (
            stored.seed,
            _draw(
                stored.table,
                classifies,
                names,
                *(m.reshape(len(m), len(names), -1) for m in (stored.train, stored.test)),
                stored.y,
                stored.y_test,
            ),
        )


def from_draws(folder: Path) -> Iterator[tuple[int, Draw]]:
    """Give the largest draw of each table and seed."""
    largest: dict[tuple[str, int], dict] = {}
    for found in experience_draws.load(folder):
        key = found["table"], found["seed"]
        if key not in largest or found["size"] > largest[key]["size"]:
            largest[key] = found
    for found in largest.values():
        columns = found["columns"]
        blocks = [[found[part][:, c] for c in columns.values()] for part in ("oof", "test")]
        yield (
            found["seed"],
            _draw(
                found["table"],
                found["classifies"],
                list(columns),
                *(np.stack(b, axis=1) for b in blocks),
                found["y"],
                found["y_test"],
            ),
        )


def _draw(table, classifies, names, train, test, y, y_test) -> Draw:
    train, test = (np.asarray(block, float) for block in (train, test))
    if classifies:
        y, y_test = y.astype(int), y_test.astype(int)
        if train.shape[2] == 1:
            train, test = (np.concatenate([1 - b, b], axis=2) for b in (train, test))
    kept = [
        i
        for i in range(len(names))
        if np.isfinite(train[:, i]).all() and np.isfinite(test[:, i]).all()
    ]
    return Draw(
        table, classifies, [names[i] for i in kept], train[:, kept], y, test[:, kept], y_test
    )


def compare(
    draws: list[Draw], n_subsets: int, methods: list[str]
) -> dict[str, dict[int, dict[str, float]]]:
    """Give method → rows → table → mean log excess loss."""
    excess: dict[str, dict[int, dict[str, float]]] = {}
    for draw in draws:
        records = [other.record() for other in draws if other.table != draw.table]
        fits = _fits(draw, records, methods)
        full = np.log(draw.loss(draw.weights(np.arange(len(draw.y)))))
        for n in ROWS:
            if n > len(draw.y):
                continue
            rng = np.random.default_rng(n)
            subsets = [rng.choice(len(draw.y), n, replace=False) for _ in range(n_subsets)]
            for name, fit in fits.items():
                losses = [np.log(draw.loss(fit(rows))) - full for rows in subsets]
                excess.setdefault(name, {}).setdefault(n, {})[draw.table] = float(np.mean(losses))
    return excess


def _fits(
    draw: Draw, records: list[TaskRecord], methods: list[str]
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Give what is compared, as functions of the rows."""
    equal = np.full(len(draw.names), 1 / len(draw.names))

    def with_prior(prior: WeightPrior) -> Callable[[np.ndarray], np.ndarray]:
        return lambda rows: draw.weights(rows, prior=prior)

    def with_ridge(ridge: float) -> Callable[[np.ndarray], np.ndarray]:
        return lambda rows: draw.weights(rows, ridge=ridge)

    fits: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "plain": draw.weights,
        "equal weights": lambda rows: equal,
        **{f"ridge {ridge}": with_ridge(ridge) for ridge in RIDGES},
    }
    for method in methods:
        prior = weight_prior(records, draw.names, method=method)
        print(f"  {draw.table}: {method} prior is worth {prior.n_rows:.0f} rows", flush=True)
        alone = prior.weights
        fits[f"{method}, alone"] = lambda rows, alone=alone: alone
        fits[method] = with_prior(prior)
        if method == "hierarchical":
            for strength in STRENGTHS:
                fixed = replace(prior, n_rows=strength)
                fits[f"{method}, {strength} rows"] = with_prior(fixed)
            fits[f"{method}, not yielding"] = with_prior(replace(prior, yields=False))
    return fits


def report(excess: dict[str, dict[int, dict[str, float]]], by_table: bool) -> None:
    rows = list(excess["plain"])
    tables = {n: list(excess["plain"][n]) for n in rows}
    print("\nexcess test loss in %, mean / median over the tables; in brackets, the rows that the")
    print("plain combiner needs for this mean and median\n")
    print("| combiner | " + " | ".join(f"{n} rows ({len(tables[n])} tables)" for n in rows) + " |")
    print("| --- |" + " --- |" * len(rows))
    for name, found in excess.items():
        cells = []
        for n in rows:
            values = 100 * np.array(list(found[n].values()))
            needed = [_needed(excess["plain"], n, found[n], f) for f in (np.mean, np.median)]
            cells.append(
                f"{values.mean():.2f} / {np.median(values):.2f} ({needed[0]} / {needed[1]})"
            )
        print(f"| {name} | " + " | ".join(cells) + " |")
    if not by_table:
        return
    for n in rows:
        print(f"\n{n} rows\n\n| table | " + " | ".join(excess) + " |")
        print("| --- |" + " --- |" * len(excess))
        for table in tables[n]:
            cells = " | ".join(f"{100 * found[n][table]:.2f}" for found in excess.values())
            print(f"| {table} | {cells} |")


def _needed(
    plain: dict[int, dict[str, float]], n: int, found: dict[str, float], average: Callable
) -> str:
    """Rows with which the plain combiner is as good, on the tables that have n rows."""
    level = average(list(found.values()))
    tables = list(found)
    rows = [k for k in plain if all(table in plain[k] for table in tables)]
    curve = np.minimum.accumulate([average([plain[k][t] for t in tables]) for k in rows])
    if level >= curve[0]:
        return "same" if level == curve[0] and n == rows[0] else f"< {rows[0]}"
    if level < curve[-1]:
        return f"> {rows[-1]}"
    falling = np.concatenate([[True], np.diff(curve) < 0])
    return f"{np.exp(np.interp(-level, -curve[falling], np.log(np.array(rows)[falling]))):.0f}"


if __name__ == "__main__":
    main()
