"""A convex mixture whose weights are corrected row by row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from .combiner import BaseCombiner
from .folds import Folds
from .losses import row_shares
from .predictions import Predictions
from .row_losses import Loss
from .row_weights import RowWeights, fold_groups, principal_axes
from .rowwise import RowwiseCombiner


class CorrectedMixture(RowwiseCombiner):
    """A convex mixture of the learners, and its correction where the row matters.

    A leaf says what the scores are that are corrected, and how learners are compared in them.
    """

    coef_: np.ndarray
    intercept_: np.ndarray
    ridge_: float
    row_features_: list[str]
    _centre: np.ndarray

    @abstractmethod
    def _convex(self) -> BaseCombiner:
        """Make the combiner that finds the base weights."""

    @abstractmethod
    def _to_scores(self, mixture: np.ndarray) -> np.ndarray:
        """Scores of a mixture, which are corrected."""

    @abstractmethod
    def _to_outputs(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores back into predictions."""

    @abstractmethod
    def _compare(self, block: np.ndarray, mixture: np.ndarray) -> np.ndarray:
        """Give the learners' differences to the mixture, (n_rows, n_outputs, n_learners)."""

    @abstractmethod
    def _loss(self, y: np.ndarray, scores: np.ndarray, share: np.ndarray) -> Loss | None:
        """Make the loss of corrected scores; None where there is nothing to correct."""

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        convex = self._convex()
        convex._n_outputs = self._n_outputs
        convex._fit_combiner(predictions, y, sample_weight)
        self.weights_ = convex.weights_

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        self._fit_combiner(predictions, y, sample_weight)
        reader = getattr(self, "_row_reader", None)
        self.row_features_ = [] if reader is None else list(reader.names)
        features = predictions.others
        if features is None:
            features = np.empty((predictions.n_rows, 0))
        share = row_shares(sample_weight, predictions.n_rows)
        self.ridge_, self._centre = np.inf, share @ features
        self.coef_ = np.zeros((predictions.n_learners, features.shape[1]))
        self.intercept_ = np.zeros(predictions.n_outputs)
        if self.coef_.size == 0 or predictions.n_learners == 1:
            return
        groups, n_held_out = fold_groups(folds, y)
        if n_held_out < 2:
            return
        differences, offset = self._read(predictions)
        loss = self._loss(y, offset, share)
        if loss is None:
            return
        features = features - self._centre
        axes = principal_axes(features, share, predictions.n_learners)
        model = RowWeights(differences, features @ axes, offset, loss, share, groups)
        self.ridge_ = model.choose_ridge(n_held_out)
        if np.isfinite(self.ridge_):
            coef, self.intercept_ = model.fit(self.ridge_)
            self.coef_ = coef @ axes.T

    def _read(self, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
        """Differences of the learners to the convex mixture, and its scores."""
        shape = predictions.n_rows, predictions.n_outputs
        differences, scores = np.empty((*shape, predictions.n_learners)), np.empty(shape)
        for rows, block in self._blocks(predictions):
            mixture = np.einsum("rlo,l->ro", block, self.weights_)
            differences[rows], scores[rows] = (
                self._compare(block, mixture),
                self._to_scores(mixture),
            )
        return differences, scores

    def _blocks(self, predictions: Predictions) -> Iterator[tuple[slice, np.ndarray]]:
        """Walk over checked blocks; the mean of the learners that cover a row fills its holes."""
        learners = np.arange(predictions.n_learners)
        predictions.check_range(learners, probabilities=self._probabilities)
        for rows in predictions.slices():
            block = predictions.take(rows, learners)
            missing = np.isnan(block).any(axis=2, keepdims=True)
            if missing.any():
                predictions.check_cover(missing[:, :, 0], rows, learners)
                known = np.where(missing, 0.0, block).sum(axis=1, keepdims=True)
                block = np.where(missing, known / (~missing).sum(axis=1, keepdims=True), block)
            if self._probabilities:
                predictions.check_sums(block, rows)
                block = block.clip(0.0, 1.0)
            yield rows, block

    def _combine(self, predictions: Predictions) -> np.ndarray:
        outputs = np.empty((predictions.n_rows, predictions.n_outputs))
        corrects = self.coef_.any()
        for rows, block in self._blocks(predictions):
            outputs[rows] = mixture = np.einsum("rlo,l->ro", block, self.weights_)
            if corrects:
                assert predictions.others is not None
                slopes = (predictions.others[rows] - self._centre) @ self.coef_.T
                correction = np.einsum("rol,rl->ro", self._compare(block, mixture), slopes)
                scores = self._to_scores(mixture) + correction + self.intercept_
                outputs[rows] = self._to_outputs(scores)
        return outputs
