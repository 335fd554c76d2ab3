"""A table of cluster labels, a column a clustering: stability, agreement, votes."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

#: Names of the consensus functions.
FUNCTIONS = ("linkage", "bipartite", "meta", "k_means")

Split = tuple[np.ndarray, np.ndarray]


class Codes:
    """Numbers the clusters of each member 0, 1, …; noise, and what is unknown, is -1.

    Parameters
    ----------
    labels : ndarray of shape (n_rows, n_members)
        Whole numbers; below 0 for noise, or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.unsupervised.members import Codes
    >>> codes = Codes(np.array([[3.0], [-1.0], [7.0]]))
    >>> codes(np.array([[7.0], [3.0], [5.0], [-1.0]])).ravel()
    array([ 1,  0, -1, -1])
    """

    def __init__(self, labels: np.ndarray) -> None:
        self._known = [np.unique(own[own >= 0]) for own in labels.T]

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """Translate the labels of rows, of shape (n_rows, n_members)."""
        codes = np.full(labels.shape, -1, dtype=np.intp)
        for j, (known, own) in enumerate(zip(self._known, labels.T, strict=True)):
            if len(known):
                place = np.minimum(np.searchsorted(known, own), len(known) - 1)
                codes[:, j] = np.where(known[place] == own, place, -1)
        return codes


def member_weights(stability: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Weights of the members: stability times agreement with the others; sum one.

    Agreement is the mean adjusted Rand index with the others, not below 0: mutual information
    would favour those of many clusters.

    Parameters
    ----------
    stability : ndarray of shape (n_members,)
    codes : ndarray of int of shape (n_rows, n_members)

    Returns
    -------
    weights : ndarray of shape (n_members,)
        The same for all where no member is stable.
    """
    n = len(stability)
    shared = np.eye(n)
    for i in range(n):
        for j in range(i):
            shared[i, j] = shared[j, i] = adjusted_rand_score(codes[:, i], codes[:, j])
    others = (shared.sum(axis=1) - 1.0) / max(n - 1, 1) if n > 1 else np.ones(1)
    worth = stability * np.maximum(others, 0.0)
    # A member of one cluster agrees with nothing; all of them may.
    return worth / worth.sum() if worth.sum() > 0 else np.full(n, 1.0 / n)


def indicators(codes: np.ndarray, weights: np.ndarray) -> sparse.csr_array:
    """One column a cluster, 1 where a row is in it, times the root of the clustering's weight.

    The product with its transpose is the co-association of rows: the weight of the clusterings
    that put two of them together. It is never formed.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows, n_clusterings)
        -1 for rows that are in no cluster.
    weights : ndarray of shape (n_clusterings,)

    Returns
    -------
    table : csr_array of shape (n_rows, n_clusters of all clusterings)
    """
    sizes = codes.max(axis=0) + 1
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rows, members = np.nonzero(codes >= 0)
    values = np.sqrt(weights)[members]
    # KMeans takes no wider indices.
    columns = (codes + starts)[rows, members].astype(np.int32)
    shape = (len(codes), int(sizes.sum()))
    return sparse.csr_array((values, (rows.astype(np.int32), columns)), shape=shape)


def stability(held_out: np.ndarray, fitted: np.ndarray, splits: list[Split]) -> np.ndarray:
    """How well each clustering of other rows foretells a clustering of all [1]_.

    Parameters
    ----------
    held_out : ndarray of shape (n_rows, n_clusterings)
        Labels by models that were fitted on the other folds.
    fitted : ndarray of shape (n_rows, n_clusterings)
        Labels by models that were fitted on all rows.
    splits : list of (train, test)

    Returns
    -------
    stability : ndarray of shape (n_clusterings,)
        Mean over folds of the adjusted Rand index of both, not below 0; 0 for a clustering of
        one cluster.

    References
    ----------
    .. [1] R. Tibshirani and G. Walther, "Cluster validation by prediction strength", Journal of
       Computational and Graphical Statistics 14, 2005.
    """
    found = np.zeros(fitted.shape[1])
    for j in range(fitted.shape[1]):
        if len(np.unique(fitted[:, j])) < 2:
            continue
        agree = [adjusted_rand_score(fitted[test, j], held_out[test, j]) for _, test in splits]
        found[j] = max(0.0, float(np.mean(agree)))
    return found


def agreement(labels: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean of the adjusted Rand index of ``labels`` with each clustering."""
    shared = [adjusted_rand_score(own, labels) for own in codes.T]
    return float(np.average(shared, weights=weights))


class Votes:
    """Which consensus cluster the members put a row together with.

    A cluster's support is the mean co-association of the row with the cluster's rows.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows, n_clusterings)
        The members' labels of the rows of ``fit``.
    labels : ndarray of int of shape (n_rows,)
        The consensus.
    weights : ndarray of shape (n_clusterings,)
    """

    def __init__(self, codes: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
        self._n, self._weights = int(labels.max()) + 1, weights
        self._tables = [_shares(own, labels, self._n) for own in codes.T]

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Support of each consensus cluster, of shape (n_rows, n_clusters)."""
        support = np.zeros((len(codes), self._n))
        for own, table, weight in zip(codes.T, self._tables, self._weights, strict=True):
            known = (own >= 0) & (own < len(table))
            support[known] += weight * table[own[known]]
        return support


def _shares(own: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    """Share of each consensus cluster's rows, by column, that a member's clusters hold."""
    counts = np.zeros((max(int(own.max()) + 1, 1), n))
    known = own >= 0
    np.add.at(counts, (own[known], labels[known]), 1.0)
    return counts / np.bincount(labels, minlength=n)


def row_stability(
    held_out: np.ndarray, labels: np.ndarray, weights: np.ndarray, splits: list[Split]
) -> np.ndarray:
    """How surely models that never saw a row put it where the consensus has it.

    Parameters
    ----------
    held_out : ndarray of int of shape (n_rows, n_clusterings)
        Labels by models that were fitted on the other folds.
    labels : ndarray of int of shape (n_rows,)
        The consensus.
    weights : ndarray of shape (n_clusterings,)
        With sum one.
    splits : list of (train, test)

    Returns
    -------
    stability : ndarray of shape (n_rows,)
        From 0 to 1: the weighted share, among the other held-out rows that a member puts
        together with this one, of rows in the same consensus cluster. NaN for rows that no fold
        held out.
    """
    found = np.full(len(labels), np.nan)
    for _, test in splits:
        together = np.zeros(len(test))
        for own, weight in zip(held_out[test].T, weights, strict=True):
            if weight == 0:
                continue
            table = contingency_matrix(own, labels[test])
            row = np.unique(own, return_inverse=True)[1]
            column = np.unique(labels[test], return_inverse=True)[1]
            same, size = table[row, column] - 1, table.sum(axis=1)[row] - 1
            share = np.divide(same, size, out=np.zeros(len(test)), where=size > 0)
            together += weight * np.where(own >= 0, share, 0.0)
        found[test] = together
    return found
