"""The clusterings that a stack is made of where none are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture

from .cluster_labels import ClusterLabels
from .preparation import on_numbers
from .spaces import FirstComponents, directions

# Rows that clusterings are fitted on where their time or memory grows with the square of them.
_FEW, _MANY = 2000, 20_000
# Of fewer, a fold leaves too few for two clusters of each method.
_LEAST = 5

Member = tuple[str, Any, Any]


def default_clusterings(
    n_clusters: int | None,
    *,
    n_rows: int,
    n_columns: int,
    random_state: int | None = None,
    columns_seed: int = 0,
) -> list[tuple[str, Any, Any]]:
    """List the default clusterings of a raw table.

    They differ in method, in what they are given (numbers, their ranks, principal components,
    directions, half of the columns), and in number of clusters. Each takes the table as it is.

    Parameters
    ----------
    n_clusters : int or None
        Clusters that are wanted. None: all numbers from 2 to 15.
    n_rows, n_columns : int
        Size of the table.
    random_state : int or None, default=None
        Seed of the clusterings. None: a stack seeds them.
    columns_seed : int, default=0
        Draws the columns of members that see half of them.

    Returns
    -------
    clusterings : list of (str, estimator, columns)

    Raises
    ------
    ValueError
        If there are fewer than five rows.

    Examples
    --------
    >>> from stackmeta.unsupervised import default_clusterings
    >>> [name for name, _, _ in default_clusterings(3, n_rows=150, n_columns=4)][:3]
    ['k_means', 'k_means_many', 'k_means_of_ranks']
    """
    if n_rows < _LEAST:
        raise ValueError(
            f"X has {n_rows} rows, and the default clusterings need at least {_LEAST}: pass "
            "estimators=[(name, clusterer), ...] that do with fewer."
        )
    # Folds hold out a third of the rows.
    most = max(2, n_rows // 3)
    seeded: dict[str, Any] = {"random_state": random_state}
    if n_clusters is None:
        return _of_all_numbers(most, seeded)
    members = _of_one_number(min(most, n_clusters), most, seeded)
    return members + _on_some_columns(min(most, n_clusters), n_columns, columns_seed, seeded)


def _of_one_number(k: int, most: int, seeded: dict[str, Any]) -> list[Member]:
    k_means = KMeans(k, n_init=3, **seeded)
    return [
        _member("k_means", k_means, seeded),
        # Clusters of any shape are made of small ones.
        _member("k_means_many", KMeans(min(most, 3 * k), n_init=1, **seeded), seeded),
        _member("k_means_of_ranks", k_means, seeded, by_rank=True),
        _member("k_means_of_directions", k_means, seeded, before=(directions(),)),
        _member("gaussian_mixture", _mixture(k, "full", seeded), seeded),
        _member("diagonal_mixture", _mixture(k, "diag", seeded), seeded),
        _member(
            "mixture_of_components",
            _mixture(k, "full", seeded),
            seeded,
            before=(FirstComponents(),),
        ),
        _member("ward", AgglomerativeClustering(k), seeded),
        _member("spectral", _spectral(k, most, seeded), seeded),
    ]


def _on_some_columns(k: int, n_columns: int, seed: int, seeded: dict[str, Any]) -> list[Member]:
    random, members = np.random.default_rng(seed), []
    for number in range(4 if n_columns > 2 else 0):
        columns = np.sort(random.permutation(n_columns)[: max(2, n_columns // 2)])
        one = KMeans(k, n_init=1, **seeded)
        members.append(
            _member(
                f"k_means_columns_{number}",
                one,
                seeded,
                columns=columns.tolist(),
                by_rank=number % 2 == 1,
            )
        )
    return members


def _of_all_numbers(most: int, seeded: dict[str, Any]) -> list[Member]:
    few, more, many = (min(most, number) for number in (3, 7, 15))
    methods = {
        "gaussian_mixture": _mixture(few, "full", seeded),
        "diagonal_mixture": _mixture(few, "diag", seeded),
        "ward": AgglomerativeClustering(few),
        "ward_more": AgglomerativeClustering(more),
        "spectral": _spectral(few, most, seeded),
        "spectral_more": _spectral(more, most, seeded),
        "hdbscan": HDBSCAN(min_cluster_size=max(2, min(15, most // 10)), copy=True),
    }
    # All numbers alike: the tree would find any that many members have.
    numbers = {f"k_means_{i}": KMeans(i, n_init=1, **seeded) for i in range(2, many + 1)}
    return [_member(name, one, seeded) for name, one in (numbers | methods).items()]


def _mixture(k: int, covariance_type: str, seeded: dict[str, Any]) -> GaussianMixture:
    return GaussianMixture(k, covariance_type=covariance_type, reg_covar=1e-3, **seeded)


def _spectral(k: int, most: int, seeded: dict[str, Any]) -> SpectralClustering:
    n_neighbors = min(10, most)
    return SpectralClustering(k, affinity="nearest_neighbors", n_neighbors=n_neighbors, **seeded)


def _member(
    name: str,
    clusterer: Any,
    seeded: dict[str, Any],
    *,
    before: tuple[Any, ...] = (),
    columns: list[int] | None = None,
    by_rank: bool = False,
) -> Member:
    learner = ClusterLabels(
        on_numbers(*before, clusterer, scale_categories=False, by_rank=by_rank),
        max_rows=_MANY if hasattr(clusterer, "predict") else _FEW,
        **seeded,
    )
    return name, learner, columns
