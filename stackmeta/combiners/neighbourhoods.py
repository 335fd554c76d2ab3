"""The training rows around a row: where rows lie, which are alike, and which are near."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from .folds import Folds
from .predictions import Predictions

# So many neighbours are looked at together: some tens of megabytes.
_NEIGHBOURS_AT_ONCE = 1 << 20
# Sums of weights that are closer than this are the same.
_ROUNDING = 1e-9


class Coordinates:
    """Where rows lie: their other columns or, where there are none, their predictions.

    Parameters
    ----------
    predictions : Predictions
        Of the training rows, checked.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    probabilities : bool
        Whether the predictions are probabilities, which need no scaling.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.neighbourhoods import Coordinates
    >>> from stackmeta.combiners.predictions import Predictions
    >>> predictions = Predictions(np.array([[1.0, 4.0], [3.0, np.nan], [2.0, 5.0]]), n_outputs=1)
    >>> predictions.check(probabilities=False)
    >>> Coordinates(predictions, np.ones(3) / 3, probabilities=False).of(predictions).round(2)
    array([[-1.22,  0.  ],
           [ 1.22, -1.22],
           [ 0.  ,  1.22]])
    """

    def __init__(self, predictions: Predictions, share: np.ndarray, *, probabilities: bool):
        self._centre: Any = 0.0
        self._scale: Any = 1.0
        if predictions.others is not None or probabilities:
            return
        known = _profiles(predictions, slice(None))
        self._centre = share @ known
        scale = np.sqrt(share @ (known - self._centre) ** 2)
        self._scale = np.where(np.ptp(known, axis=0) > 0, scale, 1.0)

    def of(self, predictions: Predictions, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Give the coordinates of some rows, of shape (n, n_coordinates)."""
        if predictions.others is not None:
            return predictions.others[rows]
        return (_profiles(predictions, rows) - self._centre) / self._scale


def _profiles(predictions: Predictions, rows: slice | np.ndarray) -> np.ndarray:
    """All learners' predictions; the mean of the others stands in for one that is missing."""
    block = predictions.block(rows)
    return block.reshape(len(block), -1)


def distinct_rows(
    predictions: Predictions, y: np.ndarray, weight: np.ndarray | None, folds: Folds
) -> tuple[np.ndarray, np.ndarray]:
    """Merge rows that are alike in everything, so that a copy is the same as a weight.

    Parameters
    ----------
    predictions : Predictions
        With the columns beside them.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        Truth.
    weight : ndarray of shape (n_rows,), or None
        Weights of the rows.
    folds : Folds
        Rows that given folds hold out apart are not alike.

    Returns
    -------
    rows : ndarray of int
        One of each, in an order that does not depend on the order of the table.
    weight : ndarray of shape (len(rows),)
        Sums, in units of their median.
    """
    import pandas as pd  # takes long to load

    parts = [predictions.view.reshape(len(y), -1), y.reshape(len(y), -1)]
    if predictions.others is not None:
        parts.append(predictions.others)
    if folds.given:
        parts.append(folds.numbers(y)[:, None])
    # Adding 0 makes one of the two zeros, which are equal but not alike.
    table = pd.DataFrame(np.hstack([part + 0.0 for part in parts]))
    key = pd.util.hash_pandas_object(table, index=False).to_numpy()
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    # Huge weights are divided first: their sums may overflow.
    sums = np.bincount(group, None if weight is None else weight / weight.max())
    order = np.lexsort((key[first], table[0].to_numpy()[first], parts[1][first, 0]))
    return first[order], sums[order] / np.median(sums)


class Neighbourhoods:
    """The nearest training rows, until their weights sum to a given size.

    Parameters
    ----------
    points : ndarray of shape (n_rows, n_coordinates)
        Coordinates of the training rows.
    weight : ndarray of shape (n_rows,)
        Their weights.
    size : float
        Total weight of a neighbourhood; at most that of all rows. The last row counts with
        the part of its weight that is needed.

    Attributes
    ----------
    size : float
        Total weight of a neighbourhood.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.neighbourhoods import Neighbourhoods
    >>> points = np.array([[0.0], [1.0], [2.0], [4.0]])
    >>> found = Neighbourhoods(points, np.array([1.0, 2.0, 1.0, 1.0]), 2).of(np.array([[3.1]]))
    >>> found.rows, found.weight
    (array([[3, 2]]), array([[1., 1.]]))
    """

    def __init__(self, points: np.ndarray, weight: np.ndarray, size: float) -> None:
        self._weight = weight
        self.size = min(float(size), float(weight.sum()))
        self._count = min(int(np.ceil(size)), len(points))
        self._search = NearestNeighbors().fit(points)

    @property
    def rows_at_once(self) -> int:
        """For how many rows neighbours should be sought in one call."""
        return max(1, _NEIGHBOURS_AT_ONCE // self._count)

    def of(self, points: np.ndarray) -> Neighbours:
        """Find the neighbours of some points."""
        count = self._count
        while True:
            rows = self._search.kneighbors(points, count, return_distance=False)
            weight = self._weight[rows]
            reached = weight.cumsum(axis=1)
            missing = self.size * (1 - _ROUNDING) - reached[:, -1].min()
            if missing <= 0 or count == len(self._weight):
                needed = np.clip(self.size - (reached - weight), 0.0, weight)
                return Neighbours(rows, needed, len(self._weight))
            count = min(2 * count, len(self._weight))


class Neighbours:
    """Training rows near some rows, nearest first.

    Parameters
    ----------
    rows : ndarray of int of shape (n, n_neighbors)
        Positions of the training rows.
    weight : ndarray of shape (n, n_neighbors)
        Their weights; 0 beyond the neighbourhood.
    n_known : int
        Number of training rows.
    """

    def __init__(self, rows: np.ndarray, weight: np.ndarray, n_known: int) -> None:
        self.rows, self.weight = rows, weight
        ends = np.arange(0, rows.size + 1, rows.shape[1])
        shape = len(rows), n_known
        self._matrix = sparse.csr_array((weight.ravel(), rows.ravel(), ends), shape=shape)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Average ``values`` (n_known, m) over the neighbours where they are no NaN.

        Returns
        -------
        mean : ndarray of shape (n, m)
            NaN where all are.
        """
        missing = np.isnan(values)
        if not missing.any():
            return (self._matrix @ values) / self.weight.sum(axis=1, keepdims=True)
        total = self._matrix @ (~missing).astype(np.float64)
        with np.errstate(invalid="ignore"):
            return (self._matrix @ np.where(missing, 0.0, values)) / total

    def first(self, events: np.ndarray) -> np.ndarray:
        """Say at which neighbour the first of ``events`` (n_known, m) is; n_neighbors if none.

        Returns
        -------
        position : ndarray of int of shape (n, m)
        """
        inside = self.weight > 0
        position = np.empty((len(self.rows), events.shape[1]), dtype=np.intp)
        for column in range(events.shape[1]):
            found = events[:, column][self.rows] & inside
            position[:, column] = np.where(
                found.any(axis=1), found.argmax(axis=1), self.rows.shape[1]
            )
        return position
