"""The area under the ROC curve of all means that the next pick can lead to."""

from __future__ import annotations

import numpy as np

from .candidates import Candidates, Ensemble
from .losses import is_uniform
from .predictions import Predictions

# Bins are 2 to this power at most: about two a row, and a table of counts that stays in the
# cache.
_MOST_BITS = 15
# The least highest score that bins are spread over: there, a probability that rounding has made
# negative (-1e-6 at most) is still in the first bin.
_LEAST_RANGE = 1 / 16
# A line of the cache holds this many numbers of a row; the rows' lines stay in the cache.
_COLUMNS_AT_ONCE = 8
_ROWS_AT_ONCE = 1 << 12
_ROUNDING = 1e-12


class Auc(Candidates):
    """Area under the ROC curve; for several classes the mean of each against the rest.

    Pairs of rows in different bins of the score are in known order, which bounds the area
    from both sides. Only candidates whose upper bound reaches the best area have their
    scores sorted.

    Parameters
    ----------
    predictions : Predictions
        Of all learners.
    codes : ndarray of shape (n_rows,)
        Position of each row's class; each class has a row.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    """

    def __init__(self, predictions: Predictions, codes: np.ndarray, share: np.ndarray) -> None:
        self._predictions = predictions
        classes = [1] if predictions.n_outputs == 1 else range(predictions.n_outputs)
        self._is_class = [codes == code for code in classes]
        self._rows = [np.flatnonzero(is_class) for is_class in self._is_class]
        self._share = None if is_uniform(share) else share
        self._n_bins = 1 << min(len(share).bit_length() + 1, _MOST_BITS)
        count = np.ones(len(share)) if self._share is None else share
        # Pairs of a row of the class and a row of another.
        self._pairs = [float(count[one].sum() * count[~one].sum()) for one in self._is_class]
        self._greatest = max(float(predictions.block(rows).max()) for rows in predictions.slices())

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Minus the area of each mean, infinite for those that cannot be best."""
        losses = np.full(len(learners), np.inf)
        highest = self._upper_bounds(ensemble, learners)
        for position in np.argsort(-highest, kind="stable"):
            if highest[position] < -losses.min() - _ROUNDING:
                break
            mean = ensemble.mean_with(learners[position])
            areas = [self._area(mean[:, output], output) for output in range(mean.shape[1])]
            losses[position] = -np.mean(areas)
        return losses

    def _upper_bounds(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        n_outputs = self._predictions.n_outputs
        bounds = np.zeros(len(learners))
        if len(learners) == 1:
            return bounds
        size = ensemble.size + 1
        highest = (ensemble.total.max() + self._greatest) / size
        # A power of two, so that the bins cut between scores as the means have them.
        scale = 2.0 ** np.floor(np.log2(self._n_bins / max(highest, _LEAST_RANGE)))
        step = max(1, _COLUMNS_AT_ONCE // n_outputs)
        total = np.ascontiguousarray(ensemble.total.T)
        for first in range(0, len(learners), step):
            bins = self._bins(total, learners[first : first + step], size / scale)
            for position, of_learner in enumerate(bins, start=first):
                areas = [self._upper_bound(*each) for each in enumerate(of_learner)]
                bounds[position] = np.mean(areas)
        return bounds

    def _bins(self, total: np.ndarray, learners: np.ndarray, width: float) -> np.ndarray:
        """Bin the means of the picks and each learner: (n_learners, n_outputs, n_rows)."""
        bins = np.empty((len(learners), *total.shape), dtype=np.intp)
        for start in range(0, total.shape[1], _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            block = self._predictions.block(rows, learners).transpose(1, 2, 0)
            scores = np.add(block, total[:, rows], order="C")
            scores /= width
            bins[:, :, rows] = scores
        return bins

    def _upper_bound(self, output: int, bins: np.ndarray) -> float:
        of_class = self._count(bins, self._rows[output])
        others = self._count(bins, slice(None)) - of_class
        return float(of_class @ np.cumsum(others)) / self._pairs[output]

    def _count(self, bins: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
        weight = None if self._share is None else self._share[rows]
        return np.bincount(bins[rows], weight, minlength=self._n_bins + 1)

    def _area(self, score: np.ndarray, output: int) -> float:
        """Share of pairs in the right order, ties counted half."""
        is_class = self._is_class[output]
        of_class, others = score[is_class], score[~is_class]
        if self._share is None:
            others, weight = np.sort(others), 1.0
            mass = np.arange(len(others) + 1)
            of_class = np.sort(of_class)
        else:
            order = np.argsort(others, kind="stable")
            others, weight = others[order], self._share[is_class]
            mass = np.concatenate([[0.0], np.cumsum(self._share[~is_class][order])])
        below, not_above = (np.searchsorted(others, of_class, side) for side in ("left", "right"))
        return float(np.sum(weight * (mass[below] + mass[not_above]))) / 2.0 / self._pairs[output]
