"""What each learner added to a prediction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from ..compat import is_pandas, safe_indexing
from .inspected import Inspected

if TYPE_CHECKING:
    import pandas as pd

BASELINE = "(baseline)"
# Orders that agree so closely, in units of the outputs' size, are the same.
_SAME = 1e-9
# Rows that the meta-learner is asked for in one call.
_MOST_ROWS = 20_000


def contributions(
    seen: Inspected, X: Any, *, n_orders: int = 20, random_state: Any = None
) -> pd.DataFrame:
    """Split predictions into what each learner added; see ``stack.contributions``.

    Learners speak up one after the other: each one's mean out-of-fold prediction is replaced by
    what it says of the row, and what that changes is its contribution. Where an order and its
    reverse give the same, the meta-learner is additive and one order says all. Otherwise the
    contributions are averaged over orders: Shapley values [1]_ of a game whose players are
    learners, against the mean prediction [2]_.

    References
    ----------
    .. [1] L. S. Shapley, "A value for n-person games", Contributions to the Theory of Games 2,
       1953.
    .. [2] M. Sundararajan and A. Najmi, "The many Shapley values for model explanation",
       International Conference on Machine Learning, 2020.
    """
    if n_orders < 2:
        raise ValueError(f"n_orders={n_orders}: at least 2, an order and its reverse.")
    import pandas as pd

    assert seen.parts is not None
    assert seen.combine is not None
    matrix, passed = seen.parts(X)
    used = [name for name in seen.read if name in seen.models]
    added, baseline, how = _average_added(seen, matrix, passed, used, n_orders, random_state)
    index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(matrix))
    outputs = _output_names(seen, baseline.shape[1])
    frames = {}
    for column, output in enumerate(outputs):
        table = pd.DataFrame(0.0, index=index, columns=seen.read)
        table[used] = added[:, :, column]
        table[BASELINE] = baseline[:, column]
        frames[output] = table
    found = frames[outputs[0]] if len(outputs) == 1 else pd.concat(frames, axis=1)
    found.attrs["how"] = how
    return found


def _output_names(seen: Inspected, width: int) -> list[Any]:
    target = seen.oof.target
    if target.kind == "classes" and width == target.n_classes:
        return list(target.classes)
    return list(range(width))


def _average_added(
    seen: Inspected,
    matrix: np.ndarray,
    passed: Any,
    used: list[str],
    n_orders: int,
    random_state: Any,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Find what each learner adds to each row and output, and the baseline; say how."""
    columns = _positions(seen)
    mean = matrix.copy()
    for name in used:
        mean[:, columns[name]] = np.nanmean(seen.oof.block(name), axis=0)
    baseline = seen.combine(mean, passed)  # type: ignore[misc]
    n = len(used)
    if n == 0:
        return np.zeros((len(matrix), 0, baseline.shape[1])), baseline, "exact"
    game = _Game(seen, matrix, mean, passed, [columns[name] for name in used], baseline)
    forth = game.added([np.arange(n)])
    back = game.added([np.arange(n)[::-1]]) if n > 1 else forth
    scale = max(float(np.abs(baseline).max(initial=0.0)), float(np.abs(forth).max(initial=0.0)))
    if np.abs(forth - back).max(initial=0.0) <= _SAME * max(scale, np.finfo(float).tiny):
        return forth, baseline, "exact"
    orders = _orders(n, n_orders, random_state)
    whole = "all" if len(orders) == factorial(min(n, 20)) else str(len(orders))
    return game.added(orders), baseline, f"Shapley values over {whole} orders"


@dataclass(frozen=True)
class _Game:
    """Learners that speak up one after the other, from what each says on average."""

    seen: Inspected
    matrix: np.ndarray
    mean: np.ndarray
    passed: Any
    columns: list[slice]
    baseline: np.ndarray

    def added(self, orders: list[np.ndarray]) -> np.ndarray:
        """Find what each learner adds, (n_rows, n_learners, n_outputs), averaged over orders.

        Many states are asked for in one call: what a call costs at least adds up.
        """
        n_rows, n = len(self.matrix), len(self.columns)
        total = np.zeros((n_rows, n, self.baseline.shape[1]))
        at_once = max(1, _MOST_ROWS // max(1, n_rows * n))
        for start in range(0, len(orders), at_once):
            part = orders[start : start + at_once]
            answers = self._ask([state for order in part for state in self._states(order)])
            for order, answer in zip(part, np.split(answers, len(part)), strict=True):
                steps = np.concatenate([self.baseline[None], answer])
                total[:, order] += np.diff(steps, axis=0).transpose(1, 0, 2)
        return total / len(orders)

    def _states(self, order: np.ndarray) -> Iterator[np.ndarray]:
        said = self.mean.copy()
        for learner in order:
            where = self.columns[learner]
            said[:, where] = self.matrix[:, where]
            yield said.copy()

    def _ask(self, states: list[np.ndarray]) -> np.ndarray:
        """Combine each state, (n_states, n_rows, n_outputs)."""
        passed, n_rows = self.passed, len(self.matrix)
        if passed is not None:
            passed = safe_indexing(passed, np.tile(np.arange(n_rows), len(states)))
            if is_pandas(passed):
                passed = passed.reset_index(drop=True)
        answers = self.seen.combine(np.concatenate(states), passed)  # type: ignore[misc]
        return answers.reshape(len(states), n_rows, -1)


def _positions(seen: Inspected) -> dict[str, slice]:
    """Columns of each learner in what the meta-learner reads."""
    positions, start = {}, 0
    for name in seen.read:
        columns = seen.oof.columns[name]
        width = columns.stop - columns.start
        positions[name] = slice(start, start + width)
        start += width
    return positions


def _orders(n: int, n_orders: int, random_state: Any) -> list[np.ndarray]:
    """All orders if there are no more than wanted; else random ones, each with its reverse."""
    if n <= 8 and factorial(n) <= n_orders:
        return [np.array(order) for order in permutations(range(n))]
    random = check_random_state(random_state)
    drawn = [random.permutation(n) for _ in range(-(-n_orders // 2))]
    return [order for one in drawn for order in (one, one[::-1])]
