"""What combiners share whose weights are drawn: three methods, and what predictions may be."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..compat import Interval, StrOptions
from .base import BaseCombiner
from .choice import count_rows
from .losses import row_shares
from .predictions import Predictions
from .predictive_scores import pseudo_bma_weights, stacking_weights
from .tags import CombinerTags

# Draws of the mixture are made for so many numbers at a time.
_BLOCK_NUMBERS = 1 << 20
# No table has more: such weights are whole for want of digits, and count relative to each other.
_MOST_ROWS = 1e12


class Bayesian(BaseCombiner):
    """Weights of which a posterior or a bootstrap gives draws, or the best log score."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "method": [StrOptions({"posterior", "stacking", "pseudo_bma"})],
        "concentration": [Interval(Real, 0, np.inf, closed="neither")],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    weights_std_: np.ndarray
    weight_samples_: np.ndarray

    def __init__(
        self,
        *,
        method: str = "posterior",
        concentration: float = 1.0,
        n_samples: int = 1000,
        random_state: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.method = method
        self.concentration = concentration
        self.n_samples = n_samples
        self.random_state = random_state

    @abstractmethod
    def _draw_posterior(
        self, predictions: Predictions, y: np.ndarray, counts: np.ndarray, random: Any
    ) -> np.ndarray:
        """Weights of shape (n_samples, n_learners)."""

    @abstractmethod
    def _scores(self, predictions: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Log density of each learner at the truth, of shape (n_rows, n_learners)."""

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        for name in ("weights_std_", "weight_samples_"):
            self.__dict__.pop(name, None)
        share = row_shares(sample_weight, len(y))
        if self.method == "stacking":
            self.weights_ = stacking_weights(self._scores(predictions, y, share), share)
            return
        n_rows = count_rows(sample_weight, len(y))
        counts = share * (n_rows if n_rows < _MOST_ROWS else len(y))
        random = check_random_state(self.random_state)
        if self.method == "posterior":
            samples = self._draw_posterior(predictions, y, counts, random)
        else:
            scores = self._scores(predictions, y, share)
            samples = pseudo_bma_weights(scores, counts, self.n_samples, random)
        self.weight_samples_ = samples
        self.weights_, self.weights_std_ = samples.mean(axis=0), samples.std(axis=0)

    def _possible(
        self, predictions: Predictions
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Give rows, outputs that are possible, and how likely each is.

        With "posterior", it is the mixture of each draw; else the prediction of each learner.

        Yields
        ------
        rows : slice
            Some rows.
        outputs : ndarray of shape (n, n_possible, n_outputs)
            What may be.
        shares : ndarray of shape (n, n_possible) or (1, n_possible)
            Their probabilities, with sum one.
        """
        drawn = self.method == "posterior"
        used = np.flatnonzero(self.weights_)
        width = len(self.weight_samples_) if drawn else len(used)
        size = max(1, _BLOCK_NUMBERS // (width * self._n_outputs))
        for start in range(0, predictions.n_rows, size):
            rows = slice(start, min(start + size, predictions.n_rows))
            block = predictions.take(rows, used)
            missing = np.isnan(block).any(axis=2)
            block = np.where(missing[:, :, None], 0.0, block)
            if drawn:
                samples = self.weight_samples_[:, used].T
                outputs = (block.transpose(0, 2, 1) @ samples).transpose(0, 2, 1)
                if missing.any():
                    outputs /= (~missing @ samples)[:, :, None]
                yield rows, outputs, np.full((1, width), 1.0 / width)
            else:
                shares = np.where(missing, 0.0, self.weights_[used])
                yield rows, block, shares / shares.sum(axis=1, keepdims=True)

    def _checked(self, X: Any) -> Predictions:
        check_is_fitted(self)
        predictions = self._as_predictions(self._read_matrix(X, reset=False))
        self._combine(predictions)
        return predictions

    def __sklearn_tags__(self) -> CombinerTags:
        tags = super().__sklearn_tags__()
        tags.zero_weights = self.method == "stacking"
        return tags


def variance(outputs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Variance over possible outputs, as ``_possible`` gives them, of shape (n, n_outputs)."""
    mean = np.einsum("rso,rs->ro", outputs, np.broadcast_to(shares, outputs.shape[:2]))
    away = outputs - mean[:, None, :]
    away *= away
    return np.einsum("rso,rs->ro", away, np.broadcast_to(shares, outputs.shape[:2]))
