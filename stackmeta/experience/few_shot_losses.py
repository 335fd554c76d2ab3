"""Log loss of an episode's queries for each learner with a learned metric, and its gradient.

Parameters of all are one vector, ``[theta, sharpness, the learner's own]``; the learner's own are
unbounded (logarithms of what the learners take).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from ..learners.few_shot.descriptors import COLUMN_DESCRIPTORS, TABLE_DESCRIPTORS
from ..learners.few_shot.metric import column_weights, positive
from .few_shot_episodes import Episode

N_THETA, N_TABLE = len(COLUMN_DESCRIPTORS), len(TABLE_DESCRIPTORS)
_LEAST = 1e-12

Loss = Callable[[np.ndarray, Episode], tuple[float, np.ndarray]]


def prototype_loss(parameters: np.ndarray, episode: Episode) -> tuple[float, np.ndarray]:
    """Loss of a PrototypeClassifier, by theta, sharpness and the logarithm of shrinkage."""
    grams = _Grams(parameters, episode)
    shrinkage = np.exp(parameters[-1])
    indicator, counts = grams.indicator, grams.counts
    kept = counts / (counts + shrinkage)
    means = indicator / counts
    cross = grams.queries @ means
    within = np.einsum("sk,st,tk->k", means, grams.labelled, means)
    scores = kept * cross - kept**2 * within / 2 + np.log(counts / counts.sum())
    loss, slope = _log_loss(scores, episode.truth)

    total = slope.sum(axis=0)
    by_kept = (slope * cross).sum(axis=0) - kept * within * total
    by_shrinkage = by_kept @ (-counts / (counts + shrinkage) ** 2) * shrinkage
    by_queries = (slope * kept) @ means.T
    by_labelled = -(means * (kept**2 * total / 2)) @ means.T
    return loss, np.append(grams.gradient(by_queries, by_labelled), by_shrinkage)


def neighbours_loss(parameters: np.ndarray, episode: Episode) -> tuple[float, np.ndarray]:
    """Loss of a SoftNeighboursClassifier, by theta, sharpness and the logarithm of prior_rows."""
    grams = _Grams(parameters, episode)
    prior_rows = np.exp(parameters[-1])
    truth = episode.truth
    attention = softmax(grams.queries - np.diag(grams.labelled) / 2, axis=1)
    same = grams.indicator[:, truth].T
    prior = (grams.counts / grams.counts.sum())[truth]
    n_votes = 1 / (attention**2).sum(axis=1)
    right = (attention * same).sum(axis=1)
    total = n_votes + prior_rows
    probability = (n_votes * right + prior_rows * prior) / total
    loss = -np.log(probability + _LEAST).mean()

    by_probability = -1 / (probability + _LEAST) / len(truth)
    by_prior_rows = by_probability @ ((prior - probability) / total) * prior_rows
    by_votes = by_probability * (right - probability) / total
    by_attention = (by_probability * n_votes / total)[:, None] * same
    by_attention -= (2 * by_votes * n_votes**2)[:, None] * attention
    by_scores = attention * (by_attention - (attention * by_attention).sum(axis=1, keepdims=True))
    by_labelled = np.diag(-by_scores.sum(axis=0) / 2)
    return loss, np.append(grams.gradient(by_scores, by_labelled), by_prior_rows)


def bayesian_loss(parameters: np.ndarray, episode: Episode) -> tuple[float, np.ndarray]:
    """Loss of a PriorFittedClassifier, by theta, sharpness, scale and the logarithm of caution."""
    grams = _Grams(parameters, episode)
    size = positive(parameters[N_THETA + N_TABLE : -1], episode.described)
    caution = np.exp(parameters[-1])
    prior = grams.counts / grams.counts.sum()
    residual = grams.indicator - prior
    factor = cho_factor(grams.labelled + np.eye(len(residual)))
    dual = cho_solve(factor, residual)
    reach = cho_solve(factor, grams.queries.T).T
    variance = np.maximum(grams.norms - (reach * grams.queries).sum(axis=1), 0.0)
    spread = 1 + caution * variance
    scale = size / np.sqrt(spread)
    linear = grams.queries @ dual
    loss, slope = _log_loss(scale[:, None] * linear + np.log(prior), episode.truth)

    by_scale = (slope * linear).sum(axis=1)
    by_size = by_scale @ scale
    by_spread = -by_scale * scale / spread / 2
    by_caution = by_spread @ variance * caution
    by_variance = by_spread * caution * (variance > 0)
    by_linear = scale[:, None] * slope
    by_queries = by_linear @ dual.T - 2 * by_variance[:, None] * reach
    by_dual = cho_solve(factor, grams.queries.T @ by_linear)
    by_labelled = -by_dual @ dual.T + reach.T @ (by_variance[:, None] * reach)
    return loss, np.concatenate(
        [
            grams.gradient(by_queries, by_labelled, by_variance),
            by_size * episode.described,
            [by_caution],
        ]
    )


class _Grams:
    """Inner products in the metric, and the way back from their slopes to the parameters."""

    def __init__(self, parameters: np.ndarray, episode: Episode) -> None:
        self.episode = episode
        theta, sharpness = parameters[:N_THETA], parameters[N_THETA : N_THETA + N_TABLE]
        self.weights = column_weights(episode.columns, theta)
        self.sharpness = positive(sharpness, episode.described)
        n_labelled = len(episode.codes)
        scaled = (self.sharpness * self.weights).astype(np.float32)
        products = np.tensordot(scaled, episode.products, axes=1).astype(np.float64)
        self.labelled, self.queries = products[:n_labelled], products[n_labelled:]
        self.norms = (scaled @ episode.norms).astype(np.float64)
        self.indicator = np.eye(episode.n_classes)[episode.codes]
        self.counts = self.indicator.sum(axis=0)

    def gradient(
        self, queries: np.ndarray, labelled: np.ndarray, norms: np.ndarray | None = None
    ) -> np.ndarray:
        """Slopes by theta and sharpness from those by inner products."""
        slopes = np.concatenate([labelled, queries]).astype(np.float32)
        products = self.episode.products
        by_weight = products.reshape(len(products), -1) @ slopes.ravel()
        if norms is not None:
            by_weight = by_weight + self.episode.norms @ norms.astype(np.float32)
        by_scaled = self.sharpness * self.weights * by_weight.astype(np.float64)
        total = by_scaled.sum()
        by_theta = self.episode.columns.T @ (by_scaled - self.weights * total)
        return np.concatenate([by_theta, total * self.episode.described])


def _log_loss(scores: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean log loss of the softmax, and its slopes by the scores."""
    rows = np.arange(len(truth))
    largest = scores.max(axis=1, keepdims=True)
    logs = scores - largest
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    slope = np.exp(logs)
    slope[rows, truth] -= 1
    return float(-logs[rows, truth].mean()), slope / len(truth)


#: By name: the loss, how many parameters of its own there are, and where they start.
LOSSES: dict[str, tuple[Loss, list[float]]] = {
    "prototype": (prototype_loss, [0.0]),
    "neighbours": (neighbours_loss, [0.0]),
    "bayesian": (bayesian_loss, [1.0, *[0.0] * (N_TABLE - 1), 0.0]),
}


def as_parameters(name: str, vector: np.ndarray) -> dict[str, Any]:
    """Give the vector as parameters of the learner."""
    theta, sharpness = vector[:N_THETA], vector[N_THETA : N_THETA + N_TABLE]
    found: dict[str, Any] = {"theta": theta.tolist(), "sharpness": sharpness.tolist()}
    if name == "prototype":
        return {**found, "shrinkage": float(np.exp(vector[-1]))}
    if name == "neighbours":
        return {**found, "prior_rows": float(np.exp(vector[-1]))}
    scale = vector[N_THETA + N_TABLE : -1].tolist()
    return {**found, "scale": scale, "caution": float(np.exp(vector[-1]))}
