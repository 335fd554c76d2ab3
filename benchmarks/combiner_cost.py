"""What combiners cost: EnsembleSelection and Convex against what one would write by hand.

    python benchmarks/combiner_cost.py [--rows 100000] [--steps 25] [--checked 3] [--only TEXT]

EnsembleSelection: the textbook loop calls scikit-learn's metric for each learner at each step.
At ``--checked`` steps, spread from the first to the last, it runs on all rows and learners,
starting from our picks so far; its seconds for the whole path are those of these steps, times
``--steps`` over ``--checked``, and its picks there are compared with ours. ``--checked 25`` runs
it in full.

Convex: SciPy's SLSQP from equal weights, with the loss and its gradient from two products with
the matrix as it stands (of ten classes, with the column of the true class, taken out once) or,
for squared error, also from the products of the columns, taken once, as ours. Its tolerance is
tightened until the duality gap is ours, or 1e-8 if ours is less; only the last run's seconds
count.

Ours is the median of three whole fits. Its peak memory is beyond the matrix. ``--only`` runs
the rows of the table whose task or score contains a text.
"""

from __future__ import annotations

import argparse
import platform
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize
from scipy.special import expit, softmax
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    mean_squared_error,
    roc_auc_score,
)

from stackmeta import (
    ConvexClassifier,
    ConvexRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
)

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
TOLERANCES = [1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-16]
TARGET_GAP = 1e-8


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


def textbook_step(scoring: str, columns: np.ndarray, y: np.ndarray, picks: np.ndarray) -> int:
    """Find the next pick by a call of the metric for each learner."""
    total = sum((columns[:, pick] for pick in picks), np.zeros(columns[:, 0].shape))
    losses = [
        LOSSES[scoring](y, (total + columns[:, learner]) / (len(picks) + 1))
        for learner in range(columns.shape[1])
    ]
    return int(np.argmin(losses))


def textbook(combiner: Any, P: np.ndarray, y: np.ndarray, checked: int) -> tuple[float, str]:
    """Seconds of the textbook loop, and whether its picks are those of the fitted combiner."""
    picks, n_learners = combiner.picks_, len(combiner.weights_)
    columns = P if P.shape[1] == n_learners else P.reshape(len(P), n_learners, -1)
    steps = np.linspace(0, len(picks) - 1, checked).round().astype(int)
    start = perf_counter()
    found = [textbook_step(combiner.scoring, columns, y, picks[:step]) for step in steps]
    seconds = (perf_counter() - start) * len(picks) / checked
    return seconds, f"{np.sum(found == picks[steps])} of {checked} picks"


class LogLoss:
    """Log loss of weights, its gradient, and the duality gap."""

    def __init__(self, P: np.ndarray, y: np.ndarray, n_learners: int) -> None:
        self.sign, self.below = 1.0, np.zeros(len(y))
        self.matrix = P
        if P.shape[1] == n_learners:
            # The truth's probability is P or 1 - P: no matrix of its own is needed.
            self.sign, self.below = np.where(y == 1, 1.0, -1.0), (y == 0) * 1.0
        else:
            each = np.arange(len(y))
            self.matrix = P.reshape(len(P), n_learners, -1)[each, :, y]

    def __call__(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient."""
        truth = self.sign * (self.matrix @ weights) + self.below * weights.sum()
        ratio = 1.0 / (np.maximum(truth, 1e-300) * len(truth))
        gradient = -((self.sign * ratio) @ self.matrix) - self.below @ ratio
        return -float(np.log(np.maximum(truth, 1e-300)).mean()), gradient

    def gap(self, weights: np.ndarray) -> float:
        """How far the loss can be above the least."""
        gradient = self(weights)[1]
        return float(weights @ gradient - gradient.min())


class SquaredError:
    """Squared error of weights as a share of the variance, its gradient, and the gap."""

    def __init__(self, P: np.ndarray, y: np.ndarray, n_learners: int) -> None:
        self.matrix, self.y, self.scale = P, y, len(y) * y.var()

    def __call__(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient."""
        error = self.matrix @ weights - self.y
        return float(error @ error) / self.scale, 2.0 * (error @ self.matrix) / self.scale

    gap = LogLoss.gap


class SquaredErrorFromProducts:
    """The same from the products of the columns, taken once."""

    def __init__(self, P: np.ndarray, y: np.ndarray, n_learners: int) -> None:
        scale = len(y) * y.var()
        self.hessian, self.linear = (P.T @ P) / scale, (y @ P) / scale
        self.constant = float(y @ y) / scale

    def __call__(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient."""
        half = self.hessian @ weights - self.linear
        return float(weights @ (half - self.linear)) + self.constant, 2.0 * half

    gap = LogLoss.gap


def slsqp(combiner: Any, P: np.ndarray, y: np.ndarray, kind: type) -> tuple[float, str]:
    """Seconds in which SLSQP reaches our gap, and both gaps."""
    m, ours = len(combiner.weights_), combiner.duality_gap_
    best_gap, seconds = np.inf, np.nan
    for tolerance in TOLERANCES:
        start = perf_counter()
        loss = kind(P, y, m)
        found = minimize(
            loss,
            np.full(m, 1.0 / m),
            jac=True,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * m,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
            options={"ftol": tolerance, "maxiter": 1000},
        )
        spent = perf_counter() - start
        weights = found.x.clip(0.0)
        gap = loss.gap(weights / weights.sum())
        if gap < best_gap:
            best_gap, seconds = gap, spent
        if gap <= max(ours, TARGET_GAP):
            break
    reached = "" if best_gap <= max(ours, TARGET_GAP) else ", never ours"
    return seconds, f"gap {max(ours, 1e-16):.0e}, theirs {best_gap:.0e}{reached}"


class Task(NamedTuple):
    """Predictions, their truth, and what combiners are fitted to."""

    name: str
    make: Callable[[int], tuple[np.ndarray, np.ndarray]]
    selection: type
    scores: list[str]
    convex: Any
    convex_losses: dict[str, type]


TASKS = [
    Task(
        "two classes, 200 learners",
        partial(binary, n_learners=200),
        EnsembleSelectionClassifier,
        ["neg_log_loss", "neg_brier_score", "accuracy", "roc_auc"],
        ConvexClassifier(),
        {"log loss": LogLoss},
    ),
    Task(
        "ten classes, 50 learners",
        partial(multiclass, n_learners=50),
        EnsembleSelectionClassifier,
        ["neg_log_loss", "neg_brier_score", "accuracy", "roc_auc_ovr"],
        ConvexClassifier(),
        {"log loss": LogLoss},
    ),
    Task(
        "regression, 200 learners",
        partial(regression, n_learners=200),
        EnsembleSelectionRegressor,
        ["neg_mean_squared_error"],
        ConvexRegressor(),
        {
            "squared error": SquaredError,
            "squared error, theirs from products": SquaredErrorFromProducts,
        },
    ),
]


def peak_bytes(fit: Callable[[], object]) -> int:
    """Peak of what NumPy and Python allocate during a call."""
    tracemalloc.start()
    fit()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def compare(combiner: Any, P: np.ndarray, y: np.ndarray, rival: Callable) -> str:
    """Fit ours, run the rival; return the end of a row of the table."""
    seconds = []
    for _ in range(3):
        start = perf_counter()
        combiner.fit(P, y)
        seconds.append(perf_counter() - start)
    ours = median(seconds)
    theirs, same = rival(combiner, P, y)
    memory = peak_bytes(lambda: combiner.fit(P, y)) / P.nbytes
    return f"{ours:.2f} | {theirs:.1f} | {theirs / ours:.1f} × | {same} | {memory:.0%} |"


def rivalries(task: Task, steps: int, checked: int) -> Iterator[tuple[str, Any, Callable]]:
    """Yield what is measured of a task: its name, a combiner of ours and the rival."""
    for scoring in task.scores:
        combiner = task.selection(n_steps=steps, scoring=scoring)
        yield f"EnsembleSelection, {scoring}", combiner, partial(textbook, checked=checked)
    for name, kind in task.convex_losses.items():
        yield f"Convex, {name}", task.convex, partial(slsqp, kind=kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--checked", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print(
        f"scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy "
        f"{np.__version__}, Python {platform.python_version()}, {options.rows} rows, "
        f"{options.steps} steps, of which {options.checked} checked\n"
    )
    print("| task | what | ours, s | theirs, s | faster | the same? | memory, share of matrix |")
    print("|---|---|---|---|---|---|---|")
    for task in TASKS:
        wanted = [
            (row, *rest)
            for what, *rest in rivalries(task, options.steps, options.checked)
            if options.only in (row := f"{task.name} | {what}")
        ]
        P, y = task.make(options.rows) if wanted else (None, None)
        for row, combiner, rival in wanted:
            print(f"| {row} | {compare(combiner, P, y, rival)}", flush=True)


if __name__ == "__main__":
    main()
