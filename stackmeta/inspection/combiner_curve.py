"""The learning curve of a meta-learner: its loss by the rows that it learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .inspected import Inspected
from .level_one import answer_method, combiner_or_error, cross_fit
from .row_losses import covered_by, overall, rowwise, standard_error

_SHARES = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
_LEAST_ROWS = 20
_REPEATS = 3


@dataclass(frozen=True)
class CombinerCurve:
    """Losses by number of rows.

    Attributes
    ----------
    n_rows : ndarray of shape (n_sizes,)
        Rows of out-of-fold predictions that the meta-learner was fitted on.
    losses, errors : ndarray of shape (n_sizes,)
        Cross-fitted loss (mean of three draws of the rows), and the standard error of its
        difference to the best learner's.
    best : tuple of (str, float)
        The learner of least loss, and that loss.
    loss_name : str
    which : str
        Which combiner was fitted.
    """

    n_rows: np.ndarray
    losses: np.ndarray
    errors: np.ndarray
    best: tuple[str, float]
    loss_name: str
    which: str


def combiner_curve(seen: Inspected) -> CombinerCurve:
    """Cross-fit the meta-learner on more and more rows.

    Where the curve still falls at its end, more rows, or a combiner with fewer parameters, would
    help; where it is above the best learner's line, that learner alone does better.

    Parameters
    ----------
    seen : Inspected

    Raises
    ------
    ValueError
        If no combination of the predictions alone can be fitted.
    """
    combiner, which = combiner_or_error(seen)
    oof, loss_name = seen.oof, seen.oof.loss_name
    method = answer_method(combiner, oof)
    most = max(len(np.intersect1d(train, oof.covered)) for train, _ in oof.splits)
    sizes = sorted({max(min(_LEAST_ROWS, most), round(share * most)) for share in _SHARES})
    single = {name: loss for name, loss in oof.loss().items() if name in seen.read}
    best = min(single, key=lambda name: single[name])
    alone = np.full(len(oof.target.y), np.nan)
    rows = covered_by(oof.block(best))
    alone[rows] = rowwise(oof.block(best)[rows], rows, oof.methods[best], oof.target, loss_name)
    losses, errors = [], []
    for size in sizes:
        found_losses = []
        for draw in range(1 if size == most else _REPEATS):
            block = cross_fit(combiner, oof, seen.read, n_train=size, random_state=draw)
            there = covered_by(block)
            each = rowwise(block[there], there, method, oof.target, loss_name)
            found_losses.append(overall(each, loss_name) if len(each) else np.nan)
        losses.append(float(np.mean(found_losses)))
        errors.append(standard_error(each - alone[there], losses[-1], loss_name))
    return CombinerCurve(
        np.array(sizes),
        np.array(losses),
        np.array(errors),
        (best, single[best]),
        loss_name,
        which,
    )
