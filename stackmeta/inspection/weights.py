"""How much say each learner has, whatever the meta-learner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .inspected import Inspected
from .level_one import fit_on, some_rows, stand_in

_MOST_ROWS = 20_000


@dataclass(frozen=True)
class LearnerWeights:
    """Weights with what they mean.

    Attributes
    ----------
    values : dict of str -> float
    meaning : str
        "weight" of the meta-learner, "coefficient" of a linear one, or "weight in a convex
        combination" that stands in for one that has neither.
    """

    values: dict[str, float]
    meaning: str

    @property
    def are_own(self) -> bool:
        """Whether the stack itself has these weights."""
        return self.meaning != STANDING_IN


WEIGHT, COEFFICIENT = "weight", "coefficient"
STANDING_IN = "weight in a convex combination"


def say_of_each(seen: Inspected) -> LearnerWeights | None:
    """Weigh the learners that a meta-learner reads.

    Parameters
    ----------
    seen : Inspected

    Returns
    -------
    weights : LearnerWeights or None
        The meta-learner's own weights; its coefficients, where it has one a learner; or those of
        a convex combination of the out-of-fold predictions, which says how much of each learner
        a simple mean wants, not what the stack does with it. None where there is none of these.
    """
    if (own := seen.weights) is not None:
        return LearnerWeights(own, WEIGHT)
    coefficients = np.ravel(getattr(seen.final, "coef_", ()))
    if len(coefficients) == len(seen.read) == seen.oof.matrix.shape[1] and not seen.reads_table:
        values = dict(zip(seen.read, coefficients.tolist(), strict=True))
        return LearnerWeights(values, COEFFICIENT)
    found = stand_in(seen.oof)
    if found is None:
        return None
    rows = some_rows(seen.oof, _MOST_ROWS)
    fitted, _ = fit_on(found[0], seen.oof, seen.read, rows)
    return LearnerWeights(dict(zip(seen.read, fitted.weights_.tolist(), strict=True)), STANDING_IN)
