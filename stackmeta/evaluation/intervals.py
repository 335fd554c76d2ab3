"""Prediction intervals from out-of-fold residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..out_of_fold.folds import Split
from .conformal import FoldScores, quantile, row_weights
from .mondrian import Kinds, bins_of
from .scale import LocalScale

# How far the widths follow the local scale: 0 is one width for all rows.
_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)

View = tuple[np.ndarray, np.ndarray]


class Intervals:
    """Intervals around a stack's predictions.

    Scores are the stack's out-of-fold residuals over a local scale. A new row's interval takes
    the quantile of the scores times its own scale, around the stack's prediction; or, as in CV+
    [1]_, around the predictions of each fold's models, whose rows' scores it takes.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_learners)
        Out-of-fold predictions of the learners.
    centre : ndarray of shape (n_rows,)
        Out-of-fold predictions of the stack.
    y : ndarray of shape (n_rows,)
        Truth.
    splits : list of (train, test)
        Folds that made the predictions.
    groups : array-like of shape (n_rows,), default=None
        What was drawn together: coverage is then for a row of a new group.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,)
        Which rows of a larger table they are.

    References
    ----------
    .. [1] R. F. Barber, E. J. Candès, A. Ramdas and R. J. Tibshirani, "Predictive inference with
       the jackknife+", Annals of Statistics 49, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation.intervals import Intervals
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=400)
    >>> fold = np.arange(400) % 5
    >>> splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    >>> found = Intervals(np.zeros((400, 1)), np.zeros(400), y, splits)
    >>> low, high = found.around([(np.zeros((1, 1)), np.zeros(1))], 0.9)[0]
    >>> bool(-1.8 < low < -1.5 and 1.5 < high < 1.8)
    True
    """

    def __init__(
        self,
        matrix: np.ndarray,
        centre: np.ndarray,
        y: np.ndarray,
        splits: list[Split],
        groups: Any = None,
    ) -> None:
        self.rows = np.arange(len(y))
        self.centre = centre
        self.residual = np.abs(y - centre)
        self.held_out = [test for _, test in splits]
        self.groups = None if groups is None else np.asarray(groups)
        self.scale = LocalScale(matrix, centre, self.residual, splits)

    def around(
        self, views: Sequence[View], coverage: float, kinds: tuple[Any, Any] | None = None
    ) -> np.ndarray:
        """Intervals around new rows' predictions.

        Parameters
        ----------
        views : list of (matrix, centre)
            Predictions of learners and stack for the new rows: one pair, or one a fold for CV+.
        coverage : float
        kinds : (array-like of shape (n_rows,), array-like of shape (n_new,)), default=None
            Kinds of the rows of fit and of the new ones: coverage is then for each of them.

        Returns
        -------
        intervals : ndarray of shape (n_new, 2)
            Infinite where rows (or groups) are too few for the coverage.
        """
        centres = np.array([centre for _, centre in views])
        power = self._power(coverage)
        sizes = np.array([self._sizes(view, k, len(views)) for k, view in enumerate(views)])
        sizes **= power
        scores = self.residual / self.scale.held_out**power
        n_new = centres.shape[1]
        known, new = (np.zeros(len(scores)), np.zeros(n_new)) if kinds is None else kinds
        compared = Kinds(known, self.groups, coverage)
        ends = np.empty((n_new, 2))
        for here, rows in compared.parts(new):
            part = centres[:, here], sizes[:, here]
            ends[here] = self._ends(*part, scores, rows, compared.weights(rows), coverage)
        return ends

    def _ends(
        self,
        centres: np.ndarray,
        sizes: np.ndarray,
        scores: np.ndarray,
        rows: np.ndarray,
        weights: np.ndarray,
        coverage: float,
    ) -> np.ndarray:
        if len(centres) == 1:
            half = quantile(scores[rows], weights, coverage) * sizes[0]
            return np.column_stack([centres[0] - half, centres[0] + half])
        held_out = [np.flatnonzero(np.isin(rows, test)) for test in self.held_out]
        compared = FoldScores(scores[rows], weights, held_out)
        low, high = (compared.upper(side * centres, sizes, coverage) for side in (-1, 1))
        return np.column_stack([-low, high])

    def _sizes(self, view: View, fold: int, n_views: int) -> np.ndarray:
        return self.scale.predict(*view, fold=fold if n_views > 1 else None)

    def _power(self, coverage: float) -> float:
        """Follow the scale as far as it makes the mean width of held-out rows least."""
        weights = row_weights(len(self.residual), self.groups)

        def width(power: float) -> float:
            sizes = self.scale.held_out**power
            half = quantile(self.residual / sizes, weights, min(coverage, weights.sum()))
            return half * float(weights @ sizes)

        return min(_POWERS, key=width)

    def kinds_by_prediction(self, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Kinds by how large the prediction is: fifths of the rows of fit."""
        cut = bins_of(self.centre)
        return cut(self.centre), cut(centre)
