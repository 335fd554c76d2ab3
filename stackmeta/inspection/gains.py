"""What a stack gains from each learner: its loss with all, against its loss with one fewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..combiners import ConvexClassifier, ConvexRegressor
from ..out_of_fold import OutOfFold
from .inspected import Inspected
from .level_one import answer_method, combiner_of, cross_fit, fit_on, some_rows
from .row_losses import covered_by, overall, rowwise, standard_error

#: More rows say the same.
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Gains:
    """Gains of a stack from its learners.

    Attributes
    ----------
    gain, error : dict of str -> float
        How far the loss rises without each learner, and the standard error of that.
    loss : float
        Cross-fitted loss with all of them.
    which : str
        Which combiner was refitted.
    """

    gain: dict[str, float]
    error: dict[str, float]
    loss: float
    which: str


def gains(seen: Inspected, loss_name: str, *, cheap: bool) -> Gains | None:
    """Leave out one learner at a time and cross-fit the combiner over the same folds.

    Parameters
    ----------
    seen : Inspected
    loss_name : str
    cheap : bool
        Whether a convex combination stands in for a meta-learner that is slow to refit.

    Returns
    -------
    gains : Gains or None
        None where the meta-learner reads the table and nothing can stand in for it.
    """
    found = combiner_of(seen, cheap=cheap)
    if found is None:
        return None
    combiner, which = found
    oof, rows = seen.oof, some_rows(seen.oof, MOST_ROWS)
    method = answer_method(combiner, oof)
    whole = cross_fit(combiner, oof, seen.read, rows=rows)
    there = covered_by(whole)
    if len(there) == 0:
        return None
    before = rowwise(whole[there], there, method, oof.target, loss_name)
    loss = overall(before, loss_name)
    gain = dict.fromkeys(seen.read, 0.0)
    error = dict.fromkeys(seen.read, 0.0)
    for name in _that_matter(combiner, oof, seen.read, rows):
        others = [other for other in seen.read if other != name]
        if not others:
            gain[name] = error[name] = np.nan
            continue
        block = cross_fit(combiner, oof, others, rows=rows)[there]
        after = rowwise(block, there, method, oof.target, loss_name)
        gain[name] = overall(after, loss_name) - loss
        error[name] = standard_error(after - before, loss, loss_name)
    return Gains(gain, error, loss, which)


def _that_matter(combiner: Any, oof: OutOfFold, names: list[str], rows: np.ndarray) -> list[str]:
    """Learners without which the combination is another.

    Convex weights of least loss are the same without a learner that they give none: in most
    stacks of many learners few refits are needed.
    """
    if not isinstance(combiner, (ConvexClassifier, ConvexRegressor)):
        return names
    used = np.zeros(len(names), dtype=bool)
    kept = np.zeros(len(oof.target.y), dtype=bool)
    kept[rows] = True
    for train, _ in oof.splits:
        train = train[kept[train]]
        if len(train) < 2 or (oof.target.kind == "classes" and len(set(oof.target.y[train])) < 2):
            continue
        used |= fit_on(combiner, oof, names, train)[0].weights_ > 0
    return [name for name, matters in zip(names, used, strict=True) if matters]
