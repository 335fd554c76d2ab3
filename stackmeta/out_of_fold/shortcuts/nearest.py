"""Nearest training rows of each fold, from one search among all rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...compat import safe_indexing
from .job import DeclinedError
from .table import chunks

# More neighbours than this, for each that is wanted, cost more than asking again.
_MOST_ASKED = 4
# A first search that leaves a row too few neighbours is followed by one so much larger.
_FARTHER = 8
# Rounding of a squared distance that a matrix product computes, of the squared size of rows.
_NOISE = 1e-14
# Rounding of any other distance, of itself.
_ROUNDING = 1e-12
# Distances are told apart, and divided by, only beyond so many times the noise.
_APART, _CLOSE = 1e2, 1e8


class Nearest:
    """Neighbours of rows that folds hold out.

    Parameters
    ----------
    model : estimator
        Fitted on all rows.
    X : array-like of shape (n_rows, n_features)
    asked : ndarray of shape (n_asked,)
        Rows that any fold holds out.
    share : float
        Of all rows, the smallest that any fold trains on.

    Raises
    ------
    DeclinedError
        If that is so few that many more neighbours than wanted would have to be found.
    """

    def __init__(self, model: Any, X: Any, asked: np.ndarray, share: float) -> None:
        self._model, self._X = model, X
        self._n_rows, self._k = model.n_samples_fit_, model.n_neighbors
        self._noise = _NOISE if _multiplies(model) else 0.0
        wanted = self._k + 1
        # Itself, and what three standard deviations below the share leave.
        self._n_found = 1 + int(np.ceil((wanted + 3 * np.sqrt(wanted * (1 - share))) / share))
        if self._n_found > _MOST_ASKED * wanted + 10:
            raise DeclinedError("folds train on few rows")
        self._n_found = min(self._n_found, self._n_rows)
        self._position = np.full(self._n_rows, -1, dtype=np.intp)
        self._position[asked] = np.arange(len(asked))
        self._size = np.empty(len(asked))
        self._distances = np.empty((len(asked), self._n_found))
        self._neighbours = np.empty((len(asked), self._n_found), dtype=np.intp)
        for _, rows in chunks(X, asked):
            at, block = self._position[rows], safe_indexing(X, rows)
            self._size[at] = np.sqrt(np.square(np.asarray(block, dtype=float)).sum(axis=1))
            self._distances[at], self._neighbours[at] = model.kneighbors(block, self._n_found)

    def among(self, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Find the nearest training rows of held-out rows, in order.

        Returns
        -------
        distances, neighbours : ndarray of shape (n_held_out, n_neighbors)
            None if which they are, or what they weigh, is a matter of rounding.
        """
        trained = np.zeros(self._n_rows, dtype=bool)
        trained[train] = True
        if np.count_nonzero(trained) != len(train):
            raise DeclinedError("a split trains on a row twice")
        at = self._position[test]
        distances, neighbours, enough = self._first(
            self._distances[at], self._neighbours[at], trained
        )
        if not enough.all():
            n_found = min(_FARTHER * self._n_found, self._n_rows)
            again = safe_indexing(self._X, test[~enough])
            farther, others = self._model.kneighbors(again, n_found)
            farther, others, found = self._first(farther, others, trained)
            distances[~enough], neighbours[~enough] = farther, others
            if not found.all():
                return None
        if self._unsure(distances, self._size[at]):
            return None
        return distances[:, :-1], neighbours[:, :-1]

    def _first(
        self, distances: np.ndarray, neighbours: np.ndarray, trained: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Keep the nearest that are trained on, one more than wanted."""
        known = trained[neighbours]
        order = np.argsort(~known, axis=1, kind="stable")[:, : self._k + 1]
        return (
            np.take_along_axis(distances, order, axis=1),
            np.take_along_axis(neighbours, order, axis=1),
            known.sum(axis=1) > self._k,
        )

    def _unsure(self, distances: np.ndarray, size: np.ndarray) -> bool:
        last, following = distances[:, -2] ** 2, distances[:, -1] ** 2
        noise = self._noise * (size + distances[:, -1]) ** 2
        if (following - last <= np.maximum(_APART * noise, _ROUNDING * following)).any():
            return True
        weighs = self._model.weights == "distance"
        return weighs and bool((distances[:, 0] ** 2 < _CLOSE * noise).any())


def _multiplies(model: Any) -> bool:
    """Whether distances may come from a matrix product, whose rounding depends on its blocks."""
    euclidean = model.metric in ("euclidean", "l2") or (
        model.metric == "minkowski" and model.p == 2
    )
    return euclidean and model.algorithm in ("auto", "brute")
