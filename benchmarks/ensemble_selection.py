"""Ensemble selection against the textbook loop around scikit-learn's metrics.

    python benchmarks/ensemble_selection.py [--rows 100000] [--steps 25] [--checked 3]

The textbook loop calls the metric for each learner at each step. At ``--checked`` steps, spread
from the first to the last, it runs on all rows and learners, starting from our picks so far;
its seconds for the whole path are those of these steps, times ``--steps`` over ``--checked``,
and "same picks" compares its picks there with ours. ``--checked 25`` runs it in full. Ours is
the whole ``fit``; its peak memory, beyond the matrix, is that of a second one.
"""

from __future__ import annotations

import argparse
import platform
import tracemalloc
from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np
import sklearn
from scipy.special import expit, softmax
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    mean_squared_error,
    roc_auc_score,
)

from stackmeta import EnsembleSelectionClassifier, EnsembleSelectionRegressor

LOSSES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "neg_log_loss": log_loss,
    "neg_brier_score": brier_score_loss,
    "neg_mean_squared_error": mean_squared_error,
    "accuracy": lambda y, mean: (
        -accuracy_score(y, mean > 0.5 if mean.ndim == 1 else mean.argmax(axis=1))
    ),
    "roc_auc": lambda y, mean: -roc_auc_score(y, mean),
    "roc_auc_ovr": lambda y, mean: -roc_auc_score(y, mean, multi_class="ovr"),
}


def binary(n_rows: int, n_learners: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of class 1 by learners of many qualities, and labels."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=n_rows)
    y = (rng.uniform(size=n_rows) < expit(2.0 * signal)).astype(int)
    logits = rng.standard_normal((n_rows, n_learners)) * rng.uniform(0.5, 2.0, n_learners)
    logits += 2.0 * signal[:, None]
    return expit(logits, out=logits), y


def multiclass(n_rows: int, n_learners: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of ten classes, learner by learner, and labels."""
    rng = np.random.default_rng(0)
    signal = 1.5 * rng.normal(size=(n_rows, 10))
    y = (signal + rng.gumbel(size=signal.shape)).argmax(axis=1)
    logits = rng.standard_normal((n_rows, n_learners, 10))
    logits *= rng.uniform(0.5, 2.0, n_learners)[:, None]
    logits += signal[:, None]
    return softmax(logits, axis=2).reshape(n_rows, -1), y


def regression(n_rows: int, n_learners: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions by learners of many qualities, and the truth."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=n_rows)
    errors = rng.standard_normal((n_rows, n_learners)) * rng.uniform(0.5, 2.0, n_learners)
    return errors + y[:, None], y


def tasks(n_rows: int) -> Iterator[tuple[str, type, np.ndarray, np.ndarray, list[str]]]:
    """Yield what is fitted, one matrix in memory at a time."""
    scores = ["neg_log_loss", "neg_brier_score", "accuracy"]
    name = "two classes, 200 learners"
    yield name, EnsembleSelectionClassifier, *binary(n_rows, 200), [*scores, "roc_auc"]
    name = "ten classes, 50 learners"
    yield name, EnsembleSelectionClassifier, *multiclass(n_rows, 50), [*scores, "roc_auc_ovr"]
    name = "regression, 200 learners"
    yield name, EnsembleSelectionRegressor, *regression(n_rows, 200), ["neg_mean_squared_error"]


def textbook_step(scoring: str, columns: np.ndarray, y: np.ndarray, picks: np.ndarray) -> int:
    """Find the next pick by a call of the metric for each learner."""
    total = sum((columns[:, pick] for pick in picks), np.zeros(columns[:, 0].shape))
    losses = [
        LOSSES[scoring](y, (total + columns[:, learner]) / (len(picks) + 1))
        for learner in range(columns.shape[1])
    ]
    return int(np.argmin(losses))


def peak_bytes(fit: Callable[[], object]) -> int:
    """Peak of what NumPy and Python allocate during a call."""
    tracemalloc.start()
    fit()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def compare(name: str, combiner: object, P: np.ndarray, y: np.ndarray, checked: int) -> str:
    """Fit ours, walk the textbook loop; return their row of the table."""
    start = perf_counter()
    picks = combiner.fit(P, y).picks_
    ours = perf_counter() - start
    n_learners = len(combiner.weights_)
    columns = P if P.shape[1] == n_learners else P.reshape(len(P), n_learners, -1)
    steps = np.linspace(0, len(picks) - 1, checked).round().astype(int)
    start = perf_counter()
    found = [textbook_step(combiner.scoring, columns, y, picks[:step]) for step in steps]
    theirs = (perf_counter() - start) * len(picks) / checked
    same = "yes" if np.array_equal(found, picks[steps]) else "no"
    memory = peak_bytes(lambda: combiner.fit(P, y)) / P.nbytes
    return (
        f"| {name} | {combiner.scoring} | {theirs:.1f} | {ours:.2f} | {theirs / ours:.0f} × | "
        f"{same} | {memory:.2f} × |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--checked", type=int, default=3)
    options = parser.parse_args()
    print(
        f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}, {options.rows} rows, {options.steps} steps\n"
    )
    part = f"from {options.checked} of {options.steps} steps"
    print(
        f"| task | score | textbook s ({part}) | ours s | faster | same picks ({part}) | "
        "peak memory over the matrix |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, kind, P, y, scores in tasks(options.rows):
        for scoring in scores:
            combiner = kind(n_steps=options.steps, scoring=scoring)
            print(compare(name, combiner, P, y, options.checked), flush=True)


if __name__ == "__main__":
    main()
