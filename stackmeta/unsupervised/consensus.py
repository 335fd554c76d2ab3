"""Combining comparable scores without labels: each row's weights of the detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors


class Consensus(ABC):
    """A weighted mean of scores, with weights that may depend on the row.

    Parameters
    ----------
    reference : ndarray of shape (n_rows, n_detectors)
        Comparable out-of-fold scores of training rows.

    Attributes
    ----------
    weights : ndarray of shape (n_detectors,)
        Mean over the reference rows of each detector's weight.
    """

    def __init__(self, reference: np.ndarray) -> None:
        self.n_detectors = reference.shape[1]
        self._learn(reference)
        self.weights = np.mean(self.row_weights(reference), axis=0)

    def _learn(self, reference: np.ndarray) -> None:  # noqa: B027
        """Learn from the reference; by default there is nothing to learn."""

    @abstractmethod
    def row_weights(self, scores: np.ndarray) -> np.ndarray:
        """Weights of shape (n_rows, n_detectors), or (1, n_detectors) for all rows; sum one."""

    def combine(self, scores: np.ndarray) -> np.ndarray:
        """Combine comparable scores of shape (n_rows, n_detectors) to one a row."""
        return (self.row_weights(scores) * scores).sum(axis=1)


class Mean(Consensus):
    """The same weight for all."""

    def row_weights(self, scores: np.ndarray) -> np.ndarray:
        """Weigh all alike."""
        return np.full((1, self.n_detectors), 1.0 / self.n_detectors)


class TrimmedMean(Consensus):
    """The mean without a row's lowest and highest scores, a fifth of them on each side."""

    def row_weights(self, scores: np.ndarray) -> np.ndarray:
        """Weigh what lies in the middle."""
        n_cut = self.n_detectors // 5 if self.n_detectors >= 5 else (self.n_detectors - 1) // 2
        place = rankdata(scores, method="ordinal", axis=1) - 1
        kept = (place >= n_cut) & (place < self.n_detectors - n_cut)
        return kept / kept.sum(axis=1, keepdims=True)


class AverageOfMaxima(Consensus):
    """The mean over groups of detectors of each group's highest score [1]_.

    Instead of drawing groups it takes the expectation over all ways to draw a third of the
    detectors, which depends on no seed.

    References
    ----------
    .. [1] C. C. Aggarwal and S. Sathe, "Theoretical foundations and algorithms for outlier
       ensembles", SIGKDD Explorations 17, 2015.
    """

    def row_weights(self, scores: np.ndarray) -> np.ndarray:
        """Weigh a detector by how often it would be its group's highest."""
        n, size = self.n_detectors, max(1, round(self.n_detectors / 3))
        # The k-th lowest is the highest of a group if all others come from the k below it.
        highest = np.ones(n)
        for i in range(1, size):
            highest *= np.maximum(np.arange(n) - i + 1, 0)
        place = rankdata(scores, method="ordinal", axis=1) - 1
        return (highest / highest.sum())[place]


class Agreement(Consensus):
    """Weights by how well a detector agrees with the others' consensus [1]_.

    Agreement is the rank correlation with the weighted mean of the other detectors, not below
    0. Weights and consensus follow each other until they settle.

    References
    ----------
    .. [1] S. Rayana and L. Akoglu, "Less is more: building selective anomaly ensembles", ACM
       Transactions on Knowledge Discovery from Data 10, 2016.
    """

    def _learn(self, reference: np.ndarray) -> None:
        self._weights = agreement_weights(rankdata(reference, axis=0))[None]

    def row_weights(self, scores: np.ndarray) -> np.ndarray:
        """Weigh by agreement, alike for all rows."""
        return self._weights


class LocalAgreement(Consensus):
    """Weights by agreement with the consensus among similar rows.

    Locally selective combination [1]_ with weights instead of a selection. Similar are rows
    whose scores are: the columns of the table may be of any kind.

    References
    ----------
    .. [1] Y. Zhao, Z. Nasrullah, M. K. Hryniewicki and Z. Li, "LSCP: locally selective combination
       in parallel outlier ensembles", SIAM International Conference on Data Mining, 2019.
    """

    def _learn(self, reference: np.ndarray) -> None:
        self._reference = reference
        overall = agreement_weights(rankdata(reference, axis=0))
        self._overall, self._consensus = overall, reference @ overall
        n_neighbors = min(len(reference), max(30, len(reference) // 50))
        self._search = NearestNeighbors(n_neighbors=min(n_neighbors, 200)).fit(reference)

    def row_weights(self, scores: np.ndarray) -> np.ndarray:
        """Weigh by agreement among the nearest reference rows."""
        weights = np.empty_like(scores)
        for start in range(0, len(scores), 5000):
            some = slice(start, start + 5000)
            near = self._search.kneighbors(scores[some], return_distance=False)
            agrees = np.maximum(_correlation(self._reference[near], self._consensus[near]), 0.0)
            agrees *= self._overall
            total = agrees.sum(axis=1, keepdims=True)
            weights[some] = np.where(total > 0, agrees / np.maximum(total, 1e-300), self._overall)
        return weights


def agreement_weights(ranks: np.ndarray, n_rounds: int = 50) -> np.ndarray:
    """Weights that are proportional to the correlation with the other columns' weighted mean.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.unsupervised.consensus import agreement_weights
    >>> up, other = np.arange(6.0), np.array([3.0, 0.0, 5.0, 2.0, 4.0, 1.0])
    >>> agreement_weights(np.column_stack([up, up, other])).round(2)
    array([0.5, 0.5, 0. ])
    """
    n = ranks.shape[1]
    weights = np.full(n, 1.0 / n)
    spread = ranks.std(axis=0)
    if n == 1 or not (spread > 0).any():
        return weights
    scaled = (ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    covariance = scaled.T @ scaled / len(scaled)
    for _ in range(n_rounds):
        with_others = covariance @ weights - np.diag(covariance) * weights
        variance = weights @ covariance @ weights - 2 * weights * (covariance @ weights)
        variance += weights**2 * np.diag(covariance)
        agrees = np.maximum(with_others, 0.0) / np.sqrt(np.maximum(variance, 1e-12))
        if not agrees.sum() > 0:
            return np.full(n, 1.0 / n)
        new = agrees / agrees.sum()
        if np.abs(new - weights).max() < 1e-9:
            break
        weights = (new + weights) / 2
    return weights


def _correlation(scores: np.ndarray, consensus: np.ndarray) -> np.ndarray:
    """Correlate (n, k, n_detectors) with (n, k) over k; 0 where something is constant."""
    scores = scores - scores.mean(axis=1, keepdims=True)
    consensus = (consensus - consensus.mean(axis=1, keepdims=True))[:, :, None]
    norm = np.sqrt((scores**2).sum(axis=1) * (consensus**2).sum(axis=1))
    return np.where(norm > 1e-12, (scores * consensus).sum(axis=1) / np.maximum(norm, 1e-12), 0.0)


CONSENSUS: dict[str, type[Consensus]] = {
    "mean": Mean,
    "trimmed": TrimmedMean,
    "maxima": AverageOfMaxima,
    "agreement": Agreement,
    "local": LocalAgreement,
}
