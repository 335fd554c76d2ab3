"""The loss of a stack as learners join it one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .gains import MOST_ROWS
from .inspected import Inspected
from .level_one import answer_method, combiner_or_error, cross_fit, some_rows, stand_in
from .row_losses import covered_by, overall, rowwise, standard_error

# With more learners than this, not every length of the path is tried.
_ALL_UP_TO = 12


@dataclass(frozen=True)
class SelectionPath:
    """Losses along a path of learners.

    Attributes
    ----------
    names : list of str
        Learners in the order in which they join.
    n_learners : ndarray of shape (n_steps,)
        How many are in at each step.
    losses, errors : ndarray of shape (n_steps,)
        Cross-fitted loss of the stack of the first so many, and the standard error of its
        difference to the least of them.
    loss_name : str
    which : str
        Which combiner was refitted.
    """

    names: list[str]
    n_learners: np.ndarray
    losses: np.ndarray
    errors: np.ndarray
    loss_name: str
    which: str


def selection_path(seen: Inspected) -> SelectionPath:
    """Let learners join, each time the one that lowers the loss of a plain mean most.

    The combination of the first k is then cross-fitted over the folds. The order was chosen on
    all rows, so that the path is a little optimistic where learners are many and rows few.

    Parameters
    ----------
    seen : Inspected

    Raises
    ------
    ValueError
        If no combination of the predictions alone can be fitted.
    """
    combiner, which = combiner_or_error(seen)
    oof, rows, loss_name = seen.oof, some_rows(seen.oof, MOST_ROWS), seen.oof.loss_name
    names = _greedy_order(seen, rows)
    method = answer_method(combiner, oof)
    lengths, each = _lengths(len(names)), []
    for k in lengths:
        block = cross_fit(combiner, oof, names[:k], rows=rows)
        there = covered_by(block)
        each.append(rowwise(block[there], there, method, oof.target, loss_name))
    losses = np.array([overall(found, loss_name) for found in each])
    best = int(losses.argmin())
    errors = [standard_error(found - each[best], losses[best], loss_name) for found in each]
    return SelectionPath(names, np.array(lengths), losses, np.array(errors), loss_name, which)


def _lengths(n: int) -> list[int]:
    """Every length of a short path, and fewer and fewer of a long one."""
    if n <= _ALL_UP_TO:
        return list(range(1, n + 1))
    later = np.geomspace(_ALL_UP_TO, n, 9).round().astype(int)[1:]
    return [*range(1, _ALL_UP_TO + 1), *np.unique(later[later > _ALL_UP_TO]).tolist()]


def _greedy_order(seen: Inspected, rows: np.ndarray) -> list[str]:
    """Order learners: each next one makes the mean of those so far best."""
    oof, left = seen.oof, list(seen.read)
    if stand_in(oof) is None:  # no probabilities, of which a mean could be judged
        losses = oof.loss()
        return sorted(left, key=lambda name: losses[name])
    order: list[str] = []
    total = np.zeros((len(rows), oof.matrix.shape[1] // len(oof.names)))
    blocks = {name: np.nan_to_num(oof.block(name)[rows]) for name in left}
    while left:
        losses = {
            name: rowwise(
                (total + blocks[name]) / (len(order) + 1),
                rows,
                oof.methods[name],
                oof.target,
                oof.loss_name,
            ).mean()
            for name in left
        }
        best = min(left, key=lambda name: losses[name])
        order.append(best)
        left.remove(best)
        total += blocks[best]
    return order
