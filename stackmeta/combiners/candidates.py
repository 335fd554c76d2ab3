"""Means of the picks so far and one learner more, and their losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer

from .predictions import Predictions


class Ensemble:
    """The learners picked so far, and the sum of their predictions.

    Parameters
    ----------
    predictions : Predictions
        Of all learners.

    Attributes
    ----------
    counts : ndarray of shape (n_learners,)
        How often each learner has been picked.
    size : int
        Number of picks.
    """

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self.counts = np.zeros(predictions.n_learners, dtype=np.intp)
        self.size = 0
        self._total = np.zeros((predictions.n_rows, predictions.n_outputs))
        # Picks that are not in the total yet: not every score asks for it.
        self._pending: list[int] = []

    @property
    def total(self) -> np.ndarray:
        """Sum of the picks' predictions, of shape (n_rows, n_outputs)."""
        for learner in self._pending:
            self._total += self._predictions.learner(learner)
        self._pending.clear()
        return self._total

    def add(self, learner: int) -> None:
        """Pick a learner once more."""
        self.counts[learner] += 1
        self.size += 1
        self._pending.append(learner)

    def mean_with(self, learner: int) -> np.ndarray:
        """Mean of the picks and one learner, of shape (n_rows, n_outputs)."""
        return (self.total + self._predictions.learner(learner)) / (self.size + 1)


class Candidates(ABC):
    """The losses of all means that the next pick can lead to."""

    @abstractmethod
    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Loss of the mean of the picks and one learner, for each of ``learners``.

        Infinite where another learner is better for certain.
        """


class Scored(Candidates):
    """Any scorer, called for each candidate.

    Parameters
    ----------
    scoring : str or callable
        Name of a scikit-learn scorer, or a scorer.
    learner : BaseEstimator
        Answers the scorer with the predictions that it is given as X.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Truth.
    sample_weight : ndarray of shape (n_rows,) or None
        Handed to the scorer where there are weights.
    """

    def __init__(
        self,
        scoring: str | Callable,
        learner: BaseEstimator,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        self._scoring, self._learner, self._y = scoring, learner, y
        self._params = {} if sample_weight is None else {"sample_weight": sample_weight}

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Minus the score of each mean.

        Raises
        ------
        ValueError
            If all are NaN.
        """
        scorer = get_scorer(self._scoring)
        scores = [
            scorer(self._learner, ensemble.mean_with(learner), self._y, **self._params)
            for learner in learners
        ]
        losses = -np.array(scores, dtype=np.float64)
        if np.isnan(losses).all():
            raise ValueError(
                f"scoring={self._scoring!r} gave NaN for every learner. Choose a scorer that is "
                "defined on this task."
            )
        return losses
