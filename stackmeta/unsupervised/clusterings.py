"""The clusterings that a stack is made of where none are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture

from .cluster_labels import ClusterLabels
from .preparation import on_numbers

# Rows that clusterings are fitted on where their time or memory grows with the square of them.
_FEW, _MANY = 2000, 20_000


def default_clusterings(
    n_clusters: int | None,
    *,
    n_rows: int,
    n_columns: int,
    random_state: int | None = None,
    columns_seed: int = 0,
) -> list[tuple[str, Any, Any]]:
    """List the default clusterings of a raw table.

    They differ in method, number of clusters, columns and rows. Each takes the table as it
    is.

    Parameters
    ----------
    n_clusters : int or None
        Clusters that are wanted. None: all numbers from 2 to 15.
    n_rows, n_columns : int
        Size of the table.
    random_state : int or None, default=None
        Seed of the clusterings. None: a stack seeds them.
    columns_seed : int, default=0
        Draws the columns of members that see a part of them.

    Returns
    -------
    clusterings : list of (str, estimator, columns)

    Examples
    --------
    >>> from stackmeta.unsupervised import default_clusterings
    >>> [name for name, _, _ in default_clusterings(3, n_rows=150, n_columns=4)][:3]
    ['k_means', 'k_means_more', 'k_means_many']
    """
    # Folds hold out a third of the rows.
    most = max(2, n_rows // 3)
    seeded: dict[str, Any] = {"random_state": random_state}
    k, more, many = (min(most, number) for number in _numbers(n_clusters))
    members: list[tuple[str, Any, int]] = [
        ("k_means", KMeans(k, n_init=3, **seeded), _MANY),
        ("k_means_more", KMeans(more, n_init=1, **seeded), _MANY),
        ("k_means_many", KMeans(many, n_init=1, **seeded), _MANY),
        ("gaussian_mixture", GaussianMixture(k, reg_covar=1e-3, **seeded), _MANY),
        (
            "diagonal_mixture",
            GaussianMixture(k, covariance_type="diag", reg_covar=1e-3, **seeded),
            _MANY,
        ),
        ("ward", AgglomerativeClustering(k), _FEW),
        ("ward_more", AgglomerativeClustering(more), _FEW),
        ("spectral", _spectral(k, most, seeded), _FEW),
        ("spectral_more", _spectral(more, most, seeded), _FEW),
        ("hdbscan", HDBSCAN(min_cluster_size=max(2, min(15, most // 10)), copy=True), _FEW),
    ]
    if n_clusters is None:
        # All numbers alike: the tree would find any that many members have.
        others = sorted(set(range(2, min(most, many) + 1)) - {k, more, many})
        members += [(f"k_means_{i}", KMeans(i, n_init=1, **seeded), _MANY) for i in others]
    listed = [(name, _learner(one, rows, random_state), None) for name, one, rows in members]
    random = np.random.default_rng(columns_seed)
    for number in range(3 if n_columns > 3 and n_clusters is not None else 0):
        columns = np.sort(random.permutation(n_columns)[: (2 * n_columns + 2) // 3])
        one = KMeans(k, n_init=1, **seeded)
        listed.append(
            (f"k_means_columns_{number}", _learner(one, _MANY, random_state), columns.tolist())
        )
    return listed


def _numbers(n_clusters: int | None) -> tuple[int, int, int]:
    """Give the members' numbers of clusters: as wanted, more, and many."""
    if n_clusters is None:
        return 3, 7, 15
    return n_clusters, 2 * n_clusters, 3 * n_clusters


def _spectral(k: int, most: int, seeded: dict[str, Any]) -> SpectralClustering:
    n_neighbors = min(10, most)
    return SpectralClustering(k, affinity="nearest_neighbors", n_neighbors=n_neighbors, **seeded)


def _learner(clusterer: Any, max_rows: int, random_state: int | None) -> ClusterLabels:
    return ClusterLabels(
        on_numbers(clusterer, scale_categories=False),
        max_rows=max_rows,
        random_state=random_state,
    )
