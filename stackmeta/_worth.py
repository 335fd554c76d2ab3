"""What learners add to a stack: which of them earn weight, and when more no longer help."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import log_loss, root_mean_squared_error

from .combiners import (
    ConvexClassifier,
    ConvexRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)
from .meta_features import restrict_to_classes
from .out_of_fold.result import OutOfFold

# A learner below this weight is not worth its predictions.
_LEAST_WEIGHT = 0.01
# With weights of either sign more of them help: so many stay in any case.
_N_KEPT = 8
# More would say the same.
_MOST_ROWS = 20_000
# When so many learners in a row lower the loss by less than this part of it, that is enough.
_PATIENCE, _LEAST_GAIN = 5, 0.001


def worth_of_each(oof: OutOfFold) -> dict[str, float]:
    """Say what each learner is worth: its weight in a convex combination.

    Parameters
    ----------
    oof : OutOfFold
    """
    return dict(zip(oof.names, _convex(oof)[0].weights_.tolist(), strict=True))


def that_earn_weight(oof: OutOfFold) -> list[str]:
    """Name the learners that a convex combination gives weight and, up to eight in all, others.

    These others are those with the largest weights where weights may be negative, too.

    Parameters
    ----------
    oof : OutOfFold

    Returns
    -------
    names : list of str
        In the order of ``oof.names``.
    """
    if len(oof.names) <= _N_KEPT:
        return oof.names
    kept = {name for name, worth in worth_of_each(oof).items() if worth >= _LEAST_WEIGHT}
    if len(kept) < _N_KEPT:
        kinds = SignedWeightsRegressor, SignedWeightsClassifier
        sizes = np.abs(_fit(kinds, oof)[0].weights_)
        by_size = [oof.names[i] for i in np.argsort(-sizes, kind="stable")]
        others = [name for name in by_size if name not in kept]
        kept.update(others[: _N_KEPT - len(kept)])
    return [name for name in oof.names if name in kept]


class NoMoreGain:
    """Notice that the last few learners have hardly lowered the loss of a convex combination.

    To be called with the predictions of all learners that are done, whenever one more is.
    """

    def __init__(self) -> None:
        self._losses: list[float] = []

    def __call__(self, oof: OutOfFold) -> bool:
        self._losses.append(_loss(oof))
        if len(self._losses) <= _PATIENCE:
            return False
        before, now = self._losses[-1 - _PATIENCE], self._losses[-1]
        return before - now < _LEAST_GAIN * before


def _convex(oof: OutOfFold) -> tuple[Any, np.ndarray, np.ndarray]:
    # A little towards equal weights: of copies of one learner, none is worthless.
    return _fit((ConvexRegressor, ConvexClassifier), oof, ridge=1e-3)


def _fit(
    kinds: tuple[type, type], oof: OutOfFold, **params: Any
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Fit a combiner; give it with the rows that it was fitted on, and their target."""
    matrix, y = _read(oof)
    return kinds[oof.target.kind != "numbers"](**params).fit(matrix, y), matrix, y


def _read(oof: OutOfFold) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and target of some rows, among them all classes that are predicted at all."""
    rows, target = oof.covered, oof.target
    if len(rows) > _MOST_ROWS:
        some = rows[:: -(-len(rows) // _MOST_ROWS)]
        if target.kind == "classes":
            some = np.union1d(some, rows[np.unique(target.y[rows], return_index=True)[1]])
        rows = some
    matrix, y = oof.matrix[rows], target.y[rows]
    if target.kind != "classes":
        return matrix, y
    present, y = np.unique(y, return_inverse=True)
    if len(present) < target.n_classes:
        matrix = restrict_to_classes(matrix, target.n_classes, present)
    return matrix, y


def _loss(oof: OutOfFold) -> float:
    """Loss of the convex combination on the rows that its weights were chosen on."""
    convex, matrix, y = _convex(oof)
    if oof.target.kind == "numbers":
        return float(root_mean_squared_error(y, convex.predict(matrix)))
    return float(log_loss(y, convex.predict_proba(matrix), labels=np.unique(y)))
