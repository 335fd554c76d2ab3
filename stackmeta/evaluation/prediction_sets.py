"""Prediction sets: the classes that a row may belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .conformal import FoldScores
from .mondrian import Kinds


def set_scores(probabilities: np.ndarray) -> np.ndarray:
    """Score the classes of each row: the probability of those that come before them.

    The most probable class scores 0 and is in every set; a set is the classes down to the one
    at which the probability passed over exceeds a bound (adaptive prediction sets [1]_). Since
    the class's own probability is left out, no random number is needed, and no set is empty.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)

    Returns
    -------
    scores : ndarray of shape (n_rows, n_classes)

    References
    ----------
    .. [1] Y. Romano, M. Sesia and E. J. Candès, "Classification with valid and adaptive
       coverage", Advances in Neural Information Processing Systems 33, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation.prediction_sets import set_scores
    >>> set_scores(np.array([[0.25, 0.5, 0.25]]))
    array([[0.5 , 0.  , 0.75]])
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked
    before[:, 0] = 0.0
    scores = np.empty_like(before)
    np.put_along_axis(scores, order, before, axis=1)
    return scores


class PredictionSets:
    """Sets of classes around a stack's probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Out-of-fold probabilities of the stack.
    codes : ndarray of shape (n_rows,)
        Class of each row.
    held_out : list of ndarray of int
        The rows of each fold.
    groups : array-like of shape (n_rows,), default=None
        What was drawn together: coverage is then for a row of a new group.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,)
        Which rows of a larger table they are.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation.prediction_sets import PredictionSets
    >>> sure, codes = np.tile([[0.9, 0.1], [0.6, 0.4]], (50, 1)), np.tile([0, 0, 0, 1], 25)
    >>> found = PredictionSets(sure, codes, [np.arange(50), np.arange(50, 100)])
    >>> found.of([sure[:2]], coverage=0.9)
    array([[ True, False],
           [ True,  True]])
    """

    def __init__(
        self,
        probabilities: np.ndarray,
        codes: np.ndarray,
        held_out: list[np.ndarray],
        groups: Any = None,
    ) -> None:
        self.scores = set_scores(probabilities)[np.arange(len(codes)), codes]
        self.rows = np.arange(len(codes))
        self.codes, self.held_out = codes, held_out
        self.groups = None if groups is None else np.asarray(groups)

    def of(
        self,
        views: Sequence[np.ndarray],
        coverage: float,
        kinds: tuple[Any, Any] | None = None,
        *,
        by_class: bool = False,
    ) -> np.ndarray:
        """Give the sets of new rows.

        Parameters
        ----------
        views : list of ndarray of shape (n_new, n_classes)
            The stack's probabilities: one array, or one a fold for CV+.
        coverage : float
        kinds : (array-like of shape (n_rows,), array-like of shape (n_new,)), default=None
            Kinds of the rows of fit and of the new ones: coverage is then for each of them.
        by_class : bool, default=False
            Whether it is for the rows of each class.

        Returns
        -------
        sets : ndarray of bool of shape (n_new, n_classes)
        """
        scores = [set_scores(view) for view in views]
        shape = scores[0].shape
        if by_class:
            known, new = self.codes, np.tile(np.arange(shape[1]), (shape[0], 1))
        else:
            known = np.zeros(len(self.codes)) if kinds is None else kinds[0]
            labels = np.zeros(shape[0]) if kinds is None else np.asarray(kinds[1])
            new = np.repeat(labels[:, None], shape[1], axis=1)
        compared = Kinds(known, self.groups, coverage)
        sets = np.empty(scores[0].size, dtype=bool)
        for here, rows in compared.parts(new.ravel()):
            flat = [part.ravel()[here] for part in scores]
            sets[here] = self._within(flat, rows, compared.weights(rows), coverage)
        return sets.reshape(shape)

    def _within(
        self, scores: list[np.ndarray], rows: np.ndarray, weights: np.ndarray, coverage: float
    ) -> np.ndarray:
        held_out = [np.arange(len(rows))]
        if len(scores) > 1:
            held_out = [np.flatnonzero(np.isin(rows, test)) for test in self.held_out]
        below = FoldScores(self.scores[rows], weights, held_out).weight_below(scores, side="left")
        return below < coverage - 1e-12
