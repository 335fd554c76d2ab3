"""The area under the ROC curve of all means that the next pick can lead to."""

from __future__ import annotations

import numpy as np

from .candidates import Candidates, Ensemble
from .losses import is_uniform
from .predictions import Predictions

# Predictions have levels of 15 bits; so have bins, which leaves one of 16 bits for the class.
_BITS = 15
# More levels than rounding, of a prediction and of the picks' sum, can move a sum by.
_SLACK = 3
# The least range that is divided into levels: rounding errors are far below a level's height.
_LEAST_RANGE = 1e-5
# Blocks of so many columns and rows are turned round in the cache.
_COLUMNS_AT_ONCE = 64
_ROWS_AT_ONCE = 1 << 9
_KEPT_BYTES = 1 << 24
_ROUNDING = 1e-12
_TINY = 1e-290


class Auc(Candidates):
    """Area under the ROC curve; for several classes the mean of each against the rest.

    Pairs of rows in different bins of the score are in known order, which bounds the area
    from above. Only candidates whose bound reaches the best area have their scores sorted.
    The bins are sums of whole numbers: predictions are kept in 16 bits, learner by learner.

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
        self._is_class = np.array([codes == code for code in classes])
        self._share = None if is_uniform(share) else share
        count = np.ones(len(share)) if self._share is None else share
        # Pairs of a row of the class and a row of another.
        self._pairs = [float(count[one].sum() * count[~one].sum()) for one in self._is_class]
        # Finer bins than two a row are of little use.
        self._few_bits = max(0, _BITS - 1 - len(share).bit_length())
        # glibc keeps freed memory up to twice the largest block freed so far, instead of getting
        # new pages for the few arrays of each candidate: half of the time of sorting.
        np.empty(_KEPT_BYTES, dtype=np.uint8)
        self._levels = self._read()

    def _read(self) -> np.ndarray:
        """Levels of all predictions: (n_learners, n_outputs, n_rows)."""
        predictions = self._predictions
        blocks = map(predictions.block, predictions.slices())
        ends = np.array([(block.min(), block.max()) for block in blocks])
        self._least = float(ends.min())
        reach = max(float(ends.max()) - self._least, _LEAST_RANGE)
        self._per_score = ((1 << _BITS) - _SLACK - 1) / reach
        levels = np.empty(predictions.view.shape[1:] + (predictions.n_rows,), dtype=np.uint16)
        step = max(1, _COLUMNS_AT_ONCE // predictions.n_outputs)
        for first in range(0, predictions.n_learners, step):
            learners = np.arange(first, min(first + step, predictions.n_learners))
            for start in range(0, predictions.n_rows, _ROWS_AT_ONCE):
                rows = slice(start, start + _ROWS_AT_ONCE)
                block = predictions.block(rows, learners).transpose(1, 2, 0)
                level = np.subtract(block, self._least, order="C")
                level *= self._per_score
                levels[learners, :, rows] = level
        return levels

    def losses(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Minus the area of each mean, infinite for those that cannot be best."""
        losses = np.full(len(learners), np.inf)
        bounds = self._upper_bounds(ensemble, learners)
        for position in np.argsort(-bounds.mean(axis=1), kind="stable"):
            areas, best = bounds[position], -losses.min() - _ROUNDING
            if areas.mean() < best:
                break
            losses[position] = self._loss(ensemble.mean_with(learners[position]), areas, best)
        return losses

    def _loss(self, mean: np.ndarray, areas: np.ndarray, best: float) -> float:
        """Put areas in the place of their bounds, unless they cannot reach the best any more."""
        for output, score in enumerate(mean.T):
            if areas.mean() < best:
                return np.inf
            areas[output] = self._area(score, output)
        return -float(areas.mean())

    def _upper_bounds(self, ensemble: Ensemble, learners: np.ndarray) -> np.ndarray:
        """Bound the areas of each class: in a bin, its rows may be above all others."""
        bounds = np.ones((len(learners), len(self._pairs)))
        # Sums of levels are below (size + 1) << _BITS; without these last bits, below n_bins.
        bits = ensemble.size.bit_length() + self._few_bits
        if len(learners) == 1 or bits > _BITS:
            return bounds
        n_bins = -(-(ensemble.size + 1 << _BITS) >> bits)
        total = (ensemble.total.T - ensemble.size * self._least) * self._per_score
        # The slack is in favour of the class, whose rows have bins of their own.
        sums = total.astype(np.intp) + _SLACK * self._is_class
        last_bits = (sums & (1 << bits) - 1).astype(np.uint16)
        first_bits = ((sums >> bits) + n_bins * self._is_class).astype(np.uint16)
        for position, learner in enumerate(learners):
            for output, levels in enumerate(self._levels[learner]):
                bins = levels + last_bits[output]
                bins >>= np.uint16(bits)
                bins += first_bits[output]
                count = np.bincount(bins, self._share, minlength=2 * n_bins)
                pairs = count[n_bins:] @ np.cumsum(count[:n_bins])
                bounds[position, output] = pairs / self._pairs[output]
        return bounds

    def _area(self, score: np.ndarray, output: int) -> float:
        """Share of pairs in the right order, ties counted half."""
        order = _argsort(score)
        score, is_class = score[order], self._is_class[output][order]
        last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
        if self._share is None:
            mass, of_class = last + 1, np.cumsum(is_class)[last]
        else:
            share = self._share[order]
            mass, of_class = np.cumsum(share)[last], np.cumsum(share * is_class)[last]
        others = mass - of_class
        others[1:] += others[:-1].copy()
        return float(np.diff(of_class, prepend=0) @ others) / 2.0 / self._pairs[output]


def _argsort(values: np.ndarray) -> np.ndarray:
    """Sort by 16 bits, twice; what is nearly sorted then takes little time to sort in full."""
    values = np.ascontiguousarray(values)
    reach = max(float(np.ptp(values)), _TINY)
    bits = ((values - values.min()) * (np.iinfo(np.uint32).max / reach)).astype(np.uint32)
    order = np.argsort(bits.astype(np.uint16), kind="stable")
    order = order[np.argsort((bits >> 16).astype(np.uint16)[order], kind="stable")]
    return order[np.argsort(values[order], kind="stable")]
