"""What dynamic selection and weighting share, whatever is predicted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..compat import Interval, StrOptions
from ..out_of_fold.folds import Split
from .competence import eliminate, exceed, lean, relative_losses, shares, unite
from .folds import Folds
from .losses import row_shares
from .neighbourhoods import Coordinates, Neighbourhoods, distinct_rows
from .predictions import Predictions
from .rowwise import RowwiseCombiner

# How much of a neighbourhood's evidence counts; without any, weights are the same everywhere.
_STRENGTHS = (0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
# So many rows, held out, are enough to choose among a few strengths.
_MOST_JUDGED = 20_000


class LocalCompetence(RowwiseCombiner):
    """What both share: neighbourhoods, the four methods, and the choice of the strength."""

    _parameter_constraints: dict[str, list[Any]] = {
        **RowwiseCombiner._parameter_constraints,
        "method": [StrOptions({"smooth", "knora_e", "knora_u", "des_p"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    method: str
    n_neighbors: int
    strength_: float
    losses_: np.ndarray
    # Set by fit: where rows lie, the training rows there, and how learners did on them.
    _coordinates: Coordinates
    _neighbourhoods: Neighbourhoods
    _known: np.ndarray

    @abstractmethod
    def _global_weights(
        self, predictions: Predictions, y: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Weights of least loss that are the same for all rows."""

    @abstractmethod
    def _right(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        """1.0 where a learner is right on a row, else 0.0; NaN where it does not cover it."""

    @abstractmethod
    def _chance(self) -> float | None:
        """How often a guess is right; None: as often as the mean of the learners."""

    @abstractmethod
    def _losses(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        """Loss of each learner on each row; NaN where it does not cover it."""

    @abstractmethod
    def _losses_of(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Loss of the combined prediction of each row."""

    @abstractmethod
    def _nats(self, loss: float) -> float:
        """How many nats a unit of loss is, where the combination has ``loss`` on average."""

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        folds = Folds(None, None, len(y), classifies=self._probabilities)
        self._fit_over(folds, predictions, y, sample_weight)

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        predictions.table = None  # never read, so that parts need no copy of it
        for name in ("weights_", "strength_", "losses_"):
            self.__dict__.pop(name, None)
        rows, weight = distinct_rows(predictions, y, sample_weight, folds)
        splits = folds.part(rows, len(y)).splits(y[rows])
        predictions, y = predictions.part(rows), y[rows]
        self._coordinates = Coordinates(
            predictions, row_shares(weight, len(y)), probabilities=self._probabilities
        )
        points = self._coordinates.of(predictions)
        if self.method == "smooth":
            self._choose_strength(splits, points, predictions, y, weight)
            self.weights_, self._known = self._learn(predictions, y, weight)
        else:
            self._known = self._right(predictions, y)
        self._neighbourhoods = Neighbourhoods(points, weight, self.n_neighbors)

    def _learn(
        self, predictions: Predictions, y: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find global weights, and the learners' relative losses in nats."""
        prior = self._global_weights(predictions, y, weight)
        covers = covers_of(predictions.view)
        combined = _mean(predictions.view, shares(np.broadcast_to(prior, covers.shape), covers))
        typical = np.average(self._losses_of(combined, y), weights=weight)
        losses = self._losses(predictions, y)
        return prior, relative_losses(losses) * self._nats(float(typical))

    def _choose_strength(
        self,
        splits: list[Split],
        points: np.ndarray,
        predictions: Predictions,
        y: np.ndarray,
        weight: np.ndarray,
    ) -> None:
        """Choose the least strength within a standard error of the best on rows held out."""
        total, times = np.zeros((len(y), len(_STRENGTHS))), np.zeros(len(y))
        step = -(-sum(len(test) for _, test in splits) // _MOST_JUDGED)
        for train, test in splits:
            test = test[::step]
            prior, known = self._learn(predictions.part(train), y[train], weight[train])
            neighbourhoods = Neighbourhoods(points[train], weight[train], self.n_neighbors)
            for rows in _blocks(len(test), neighbourhoods.rows_at_once):
                judged = predictions.part(test[rows])
                relative = neighbourhoods.of(points[test[rows]]).mean(known)
                for column, strength in enumerate(_STRENGTHS):
                    evidence = strength * neighbourhoods.size
                    weights = lean(relative, prior, covers_of(judged.view), evidence)
                    outputs = _mean(judged.view, weights)
                    total[test[rows], column] += self._losses_of(outputs, y[test[rows]])
            times[test] += 1
        seen = times > 0
        self.losses_, self.strength_ = np.full(len(_STRENGTHS), np.nan), 0.0
        if seen.any():
            self.losses_, chosen = _weakest(total[seen] / times[seen, None], weight[seen])
            self.strength_ = _STRENGTHS[chosen]

    def _weigh(self, predictions: Predictions, rows: slice, covers: np.ndarray) -> np.ndarray:
        """Weights of the learners for some rows."""
        if self.method == "smooth" and self.strength_ == 0:
            return shares(np.broadcast_to(self.weights_, covers.shape), covers)
        near = self._neighbourhoods.of(self._coordinates.of(predictions, rows))
        if self.method == "knora_e":
            return eliminate(near, self._known, covers)
        if self.method == "knora_u":
            return unite(near, self._known, covers)
        if self.method == "des_p":
            return exceed(near, self._known, covers, self._chance())
        evidence = self.strength_ * self._neighbourhoods.size
        return lean(near.mean(self._known), self.weights_, covers, evidence)

    def _weighed(self, predictions: Predictions) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Walk over checked rows: which, their predictions, and the learners' weights."""
        predictions.check_rows(probabilities=self._probabilities)
        for rows in _blocks(predictions.n_rows, self._neighbourhoods.rows_at_once):
            block = predictions.view[rows]
            yield rows, block, self._weigh(predictions, rows, covers_of(block))

    def _combine(self, predictions: Predictions) -> np.ndarray:
        outputs = np.empty((predictions.n_rows, predictions.n_outputs))
        for rows, block, weights in self._weighed(predictions):
            outputs[rows] = _mean(block, weights)
        return outputs

    def local_weights(self, X: Any) -> np.ndarray:
        """Say which learners are trusted on each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions, and the columns beside them, as in ``fit``.

        Returns
        -------
        weights : ndarray of shape (n_rows, n_learners)
            Rows sum to one; 0 where a learner does not cover the row.
        """
        check_is_fitted(self)
        predictions = self._as_predictions(self._read_matrix(X, reset=False))
        predictions.others = self._read_others(X, reset=False)
        return np.concatenate([weights for _, _, weights in self._weighed(predictions)])


def covers_of(view: np.ndarray) -> np.ndarray:
    """Which learners have all their outputs, of shape (n_rows, n_learners)."""
    return ~np.isnan(view).any(axis=2)


def _mean(view: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the learners (n_rows, n_outputs), whose weights depend on the row."""
    used = (weights > 0)[:, :, None]
    return np.einsum("rlo,rl->ro", np.where(used, view, 0.0), weights)


def _blocks(n_rows: int, size: int) -> Iterator[slice]:
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def _weakest(losses: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, int]:
    """Mean of each column, and the first from which the least differs by luck at most."""
    share = row_shares(weight, len(weight))
    means = share @ losses
    excess = losses - losses[:, [means.argmin()]]
    errors = np.sqrt(share**2 @ (excess - share @ excess) ** 2)
    return means, int(np.argmax(share @ excess <= errors))
