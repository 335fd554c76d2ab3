"""Cross-fitted predictions beside the truth, and weights of them that are cross-fitted, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .choice import count_rows
from .losses import row_shares
from .predictions import Predictions, weighted_mean


class Judged:
    """Predictions of candidates for rows that they were not fitted to.

    Parameters
    ----------
    found : Predictions
        Of each candidate.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        Truth, class codes where classes are predicted.
    weight : ndarray of shape (n_rows,), or None
        Weights of the rows.
    held_out : list of ndarray of int
        The rows of each fold.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.judged import Judged
    >>> from stackmeta.combiners.predictions import Predictions
    >>> found = Predictions(np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), 1)
    >>> judged = Judged(found, np.zeros(4), None, [np.array([0, 1]), np.array([2, 3])])
    >>> judged.cross_fitted(lambda part: np.array([1.0, 0.0])).ravel()
    array([0., 0., 0., 0.])
    """

    def __init__(
        self,
        found: Predictions,
        y: np.ndarray,
        weight: np.ndarray | None,
        held_out: list[np.ndarray],
    ) -> None:
        self.found, self.y, self.weight, self.held_out = found, y, weight, held_out
        self.share = row_shares(weight, len(y))
        self.n_rows = count_rows(weight, len(y))

    def part(self, rows: np.ndarray) -> Judged:
        """Keep some rows; the folds are left out."""
        weight = None if self.weight is None else self.weight[rows]
        return Judged(self.found.part(rows), self.y[rows], weight, [])

    def of(self, predictions: Predictions, rows: np.ndarray) -> Judged:
        """Put others' predictions, of which ``rows`` are these rows, in the candidates' place."""
        matrix = predictions.filled()[rows]
        found = Predictions(matrix, predictions.n_outputs)
        return Judged(found, self.y, self.weight, self.held_out)

    def folds(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of each fold, and those of the others."""
        for test in self.held_out:
            yield test, np.setdiff1d(np.arange(len(self.y)), test)

    def all_can_judge(self, n_classes: int) -> bool:
        """Whether each fold leaves the others rows of all classes to choose on."""
        return len(self.held_out) > 1 and all(
            len(rest) and (not n_classes or len(np.unique(self.y[rest])) == n_classes)
            for _, rest in self.folds()
        )

    def cross_fitted(self, choose: Callable[[Judged], np.ndarray]) -> np.ndarray:
        """Weigh each fold's predictions as the other folds' rows have it.

        Parameters
        ----------
        choose : callable
            From what is judged to weights of the candidates. Where the other folds are empty
            or lack a class, all rows have a say.

        Returns
        -------
        mixture : ndarray of shape (n_rows, n_outputs)
        """
        mixture = np.empty((len(self.y), self.found.n_outputs))
        n_classes = len(np.unique(self.y)) if self.y.dtype.kind in "iu" else 0
        for test, rest in self.folds():
            enough = len(rest) and (not n_classes or len(np.unique(self.y[rest])) == n_classes)
            weights = choose(self.part(rest) if enough else self)
            mixture[test] = weighted_mean(self.found.part(test), weights)
        return mixture
