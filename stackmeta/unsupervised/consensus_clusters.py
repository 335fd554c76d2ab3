"""From many clusterings to one: consensus functions that never form a matrix of rows by rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.linalg import svds
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans

from .members import agreement, indicators

# Rows among which the co-association is computed in full.
_ANCHORS = 2000
# Of the greatest stability, for a larger number of clusters.
_AS_STABLE = 0.95

Tree = tuple[np.ndarray, np.ndarray]


def co_association_tree(codes: np.ndarray, weights: np.ndarray, seed: int) -> Tree:
    """Average linkage of some rows, the anchors, by the weight of the clusterings that part them.

    Evidence accumulation [1]_ on at most 2,000 rows.

    Returns
    -------
    anchors : ndarray of int of shape (n_anchors,)
        Positions of the rows.
    merges : ndarray of shape (n_anchors - 1, 4)
        As of :func:`scipy.cluster.hierarchy.linkage`.

    References
    ----------
    .. [1] A. L. N. Fred and A. K. Jain, "Combining multiple clusterings using evidence
       accumulation", IEEE Transactions on Pattern Analysis and Machine Intelligence 27, 2005.
    """
    anchors = np.arange(len(codes))
    if len(codes) > _ANCHORS:
        drawn = np.random.default_rng(seed).choice(len(codes), _ANCHORS, replace=False)
        anchors = np.sort(drawn)
    table = indicators(codes[anchors], weights)
    apart = np.maximum(weights.sum() - (table @ table.T).toarray(), 0.0)
    np.fill_diagonal(apart, 0.0)
    return anchors, linkage(squareform(apart, checks=False), method="average")


def number_of_clusters(codes: np.ndarray, stability: np.ndarray, tree: Tree, most: int) -> int:
    """Find how many clusters there are: the most that are about as stable as any.

    Numbers of clusters that members have are compared by the mean stability of these members
    [1]_. Where they have all the same number, or more than ``most``, it is that which holds
    over the longest range of distances in the tree [2]_.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows, n_members)
    stability : ndarray of shape (n_members,)
    tree : tuple
        Of :func:`co_association_tree`.
    most : int

    References
    ----------
    .. [1] R. Tibshirani and G. Walther, "Cluster validation by prediction strength", Journal of
       Computational and Graphical Statistics 14, 2005.
    .. [2] A. L. N. Fred and A. K. Jain, as of :func:`co_association_tree`.
    """
    sizes = codes.max(axis=0) + 1
    numbers = np.unique(sizes[(sizes >= 2) & (sizes <= most)])
    if len(numbers) < 2:
        heights = tree[1][::-1, 2]  # of the merges to 1, 2, … clusters
        lifetimes = heights[:-1] - heights[1:]
        return int(np.argmax(lifetimes[: most - 1])) + 2 if len(lifetimes) else 1
    by_number = np.array([stability[sizes == number].mean() for number in numbers])
    return int(numbers[by_number >= _AS_STABLE * by_number.max()].max())


def by_linkage(tree: Tree, codes: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
    """Cut the tree of the anchors; each row joins those that it is put together with most."""
    anchors, merges = tree
    cut = fcluster(merges, k, criterion="maxclust") - 1
    if len(anchors) == len(codes):
        return cut
    table = indicators(codes, weights)
    groups = sparse.csr_array((np.ones(len(cut)), (np.arange(len(cut)), cut)))
    sizes = np.bincount(cut)
    return np.asarray((table @ (table[anchors].T @ groups)).toarray() / sizes).argmax(axis=1)


def by_bipartite_cut(codes: np.ndarray, weights: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Cut the graph of rows and clusters, spectrally [1]_.

    References
    ----------
    .. [1] X. Z. Fern and C. E. Brodley, "Solving cluster ensemble problems by bipartite graph
       partitioning", ICML, 2004.
    """
    table = indicators(codes, weights)
    by_row = np.maximum(table.sum(axis=1), 1e-12)
    by_column = np.maximum(table.sum(axis=0), 1e-12)
    scaled = sparse.diags_array(by_row**-0.5) @ table @ sparse.diags_array(by_column**-0.5)
    n_vectors = min(k, min(scaled.shape) - 1)
    if n_vectors < 1:
        return np.zeros(len(codes), dtype=np.intp)
    start = np.random.default_rng(seed).uniform(size=min(scaled.shape))
    vectors = svds(scaled, n_vectors, v0=start)[0]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return KMeans(k, n_init=5, random_state=seed).fit_predict(vectors)


def by_meta_clusters(codes: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
    """Cluster the clusters; each row joins the group that holds most of its own [1]_.

    References
    ----------
    .. [1] A. Strehl and J. Ghosh, "Cluster ensembles: a knowledge reuse framework for combining
       multiple partitions", Journal of Machine Learning Research 3, 2002.
    """
    table = indicators(codes, np.ones(len(weights)))
    shared = (table.T @ table).toarray()
    sizes = shared.diagonal()
    union = np.maximum(sizes[:, None] + sizes[None, :] - shared, 1.0)
    apart = 1.0 - shared / union
    np.fill_diagonal(apart, 0.0)
    if len(apart) <= k:
        groups = np.arange(len(apart))
    else:
        merges = linkage(squareform(apart, checks=False), method="average")
        groups = fcluster(merges, k, criterion="maxclust") - 1
    of_member = np.repeat(np.arange(codes.shape[1]), codes.max(axis=0) + 1)
    joined = sparse.csr_array((weights[of_member], (np.arange(len(groups)), groups)))
    # A group with a cluster of each member would beat one that few members have found.
    held = np.asarray(joined.sum(axis=0)).ravel()
    return np.asarray((table @ joined).toarray() / np.maximum(held, 1e-12)).argmax(axis=1)


def by_k_means(codes: np.ndarray, weights: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k-means on the indicators of the clusters [1]_.

    References
    ----------
    .. [1] J. Wu, H. Liu, H. Xiong, J. Cao and J. Chen, "K-means-based consensus clustering: a
       unified view", IEEE Transactions on Knowledge and Data Engineering 27, 2015.
    """
    return KMeans(k, n_init=5, random_state=seed).fit_predict(indicators(codes, weights))


def supra_consensus(
    codes: np.ndarray,
    weights: np.ndarray,
    k: int,
    *,
    tree: Tree,
    names: tuple[str, ...],
    seed: int,
) -> tuple[str, np.ndarray, dict[str, float]]:
    """Take the consensus that agrees most with the members.

    Supra-consensus [1]_, but by the adjusted Rand index.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows, n_clusterings)
    weights : ndarray of shape (n_clusterings,)
    k : int
        Clusters.
    tree : tuple
        Of :func:`co_association_tree`.
    names : tuple of str
        Which functions to try.
    seed : int

    Returns
    -------
    name : str
    labels : ndarray of int of shape (n_rows,)
    agreements : dict of str to float
        Of each function that was tried.

    References
    ----------
    .. [1] A. Strehl and J. Ghosh, as of :func:`by_meta_clusters`.
    """
    ways: dict[str, Callable[[], np.ndarray]] = {
        "linkage": lambda: by_linkage(tree, codes, weights, k),
        "bipartite": lambda: by_bipartite_cut(codes, weights, k, seed),
        "meta": lambda: by_meta_clusters(codes, weights, k),
        "k_means": lambda: by_k_means(codes, weights, k, seed),
    }
    found = {name: ways[name]() for name in names}
    agreements = {name: agreement(labels, codes, weights) for name, labels in found.items()}
    best = max(agreements, key=agreements.__getitem__)
    return best, np.unique(found[best], return_inverse=True)[1], agreements
