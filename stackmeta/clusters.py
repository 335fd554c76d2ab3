"""StackingClusterer: a stack of clusterings."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.utils import Bunch, indexable
from sklearn.utils.validation import check_is_fitted

from ._unlabelled import UnlabelledStack
from .compat import Interval, StrOptions, fit_context
from .out_of_fold.checks import draw_seed
from .out_of_fold.result import OutOfFold
from .unsupervised.cluster_labels import ClusterLabels
from .unsupervised.members import FUNCTIONS, Codes, Votes, member_weights, row_stability, stability
from .unsupervised.rows import read_table

if TYPE_CHECKING:
    import pandas as pd


class StackingClusterer(ClusterMixin, UnlabelledStack):
    """A stack of clusterings: their consensus, how stable it is, and where new rows belong.

    Each member is fitted on all rows, and on the other folds of every row. How well the latter
    foretell the former is a member's stability, which its weight follows. Of several functions
    that combine the members' labels, that is taken which agrees most with the members.

    Parameters
    ----------
    estimators : list of (str, clusterer) or (str, clusterer, columns), default=None
        Clusterings of scikit-learn's interface; those without ``predict`` give new rows the
        label of the nearest training row. ``columns`` limits one to some columns of X. None:
        :func:`stackmeta.unsupervised.default_clusterings`, which take a raw table.
    n_clusters : int or "auto", default="auto"
        Clusters of the consensus. "auto": the largest number whose members are about as stable as
        the most stable; where all members have the same number, or more than ``max_clusters``, the
        number that holds over the longest range of distances in the tree of co-associations.
    consensus : {"auto", "linkage", "bipartite", "meta", "k_means"}, default="auto"
        "linkage": average linkage by the weight of the members that part two rows (evidence
        accumulation), among at most 2,000 rows. "bipartite": spectral cut of the graph of rows
        and clusters. "meta": clusters of clusters. "k_means": k-means on indicators of the
        clusters. "auto": that of them which agrees most with the members.
    max_clusters : int, default=15
        Most clusters that ``n_clusters="auto"`` finds.
    cv : int, splitter or iterable of (train, test), default=None
        None or an int: so many (3) shuffled folds.
    n_jobs : int, default=None
        Jobs that joblib runs at once.
    on_error : {"raise", "drop"}, default="raise"
        Whether a member that raises ends the fit, or is left out with a warning.
    time_limit : float, default=None
        Seconds after which no fit of a member starts.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit.
    memory_limit : float, default=None
        Bytes, or a share of what is free, that fits may take together.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, and whatever has no seed of its own.

    Attributes
    ----------
    labels_ : ndarray of int of shape (n_rows,)
        Cluster of each row, from 0 on.
    stability_ : ndarray of shape (n_rows,)
        From 0 to 1, how surely members that never saw a row put it together with its cluster;
        NaN for rows that no fold held out.
    n_clusters_ : int
        Number of clusters.
    consensus_ : str
        Consensus function that was taken.
    agreements_ : dict of str to float
        Of each function that was tried, its weighted mean adjusted Rand index with the members.
    oof_ : OutOfFold
        Labels of each member for rows that it was not fitted on. Numbers of clusters differ from
        fold to fold.
    estimators_ : list of clusterers
        Fitted on all rows.
    named_estimators_ : Bunch
        The same by name.
    learner_weights_ : dict of str to float
        Weight of each member.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    stackmeta.unsupervised.default_clusterings : The members, to edit.

    Notes
    -----
    No matrix of rows by rows is formed: the members' labels are kept as a sparse table of rows
    by clusters, and only "linkage" compares rows, at most 2,000 of them.

    References
    ----------
    .. [1] A. Strehl and J. Ghosh, "Cluster ensembles: a knowledge reuse framework for combining
       multiple partitions", Journal of Machine Learning Research 3, 2002.
    .. [2] R. Tibshirani and G. Walther, "Cluster validation by prediction strength", Journal of
       Computational and Graphical Statistics 14, 2005.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from stackmeta import StackingClusterer
    >>> X, _ = make_blobs(150, centers=[[0, 0], [9, 9], [0, 9]], random_state=0)
    >>> clusterer = StackingClusterer(random_state=0).fit(X)
    >>> clusterer.n_clusters_
    3
    >>> a, b, c = clusterer.predict([[0, 0], [1, 0], [9, 8]])
    >>> bool(a == b), bool(b == c)
    (True, False)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **UnlabelledStack._parameter_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "consensus": [StrOptions({"auto", *FUNCTIONS})],
        "max_clusters": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        estimators: list[tuple] | None = None,
        n_clusters: int | str = "auto",
        *,
        consensus: str = "auto",
        max_clusters: int = 15,
        cv: Any = None,
        n_jobs: int | None = None,
        on_error: str = "raise",
        time_limit: float | None = None,
        store: Any = None,
        memory_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.n_clusters = n_clusters
        self.consensus = consensus
        self.max_clusters = max_clusters
        self.cv = cv
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.time_limit = time_limit
        self.store = store
        self.memory_limit = memory_limit
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> StackingClusterer:
        """Fit the members on folds and on all rows, and find their consensus.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows; with the default members a raw table of numbers, texts, categories, dates and
            missing values.
        y : ignored
        groups : array-like of shape (n_rows,), default=None
            Group of each row, such as a person: no group straddles two folds.

        Returns
        -------
        self : StackingClusterer

        Raises
        ------
        ValueError
            Before the first fit, if something does not fit together; or if every member failed.
        TypeError
            If X is sparse.
        TimeoutError
            If ``time_limit`` ended before one member was done.
        """
        X = read_table(self, X, reset=True)
        X, groups = indexable(X, groups)
        n_rows = X.shape[0]
        if self.n_clusters != "auto" and self.n_clusters > n_rows:
            raise ValueError(f"n_clusters={self.n_clusters} is more than X has rows, {n_rows}.")
        seed = draw_seed(self.random_state)
        oof = self._cross_fit(X, groups, seed)
        fitted, held_out = oof.predict_matrix(X), np.nan_to_num(oof.matrix, nan=-1.0)
        self._codes = Codes(fitted)
        codes = self._codes(fitted)
        members = stability(held_out, codes, oof.splits)
        self._weights = member_weights(members, codes)
        self._combine(codes, members, 0 if seed is None else seed)
        self.stability_ = row_stability(held_out, self.labels_, self._weights, oof.splits)
        self._set_fitted(oof, members)
        return self

    def _cross_fit(self, X: Any, groups: Any, seed: int | None) -> OutOfFold:
        engine = self._engine(
            self._members(X, seed), _labels_of, X, groups=groups, n_folds=3, seed=seed
        )
        held_out = np.concatenate([test for _, test in engine.splits])
        if len(np.unique(held_out)) < len(held_out):
            raise ValueError(
                f"cv={self.cv!r} holds out rows several times, but numbers of clusters cannot be "
                "averaged: use a splitter without repeats."
            )
        return engine.run(refit=True)

    def _members(self, X: Any, seed: int | None) -> list[tuple]:
        from .unsupervised.clusterings import default_clusterings

        if self.estimators is not None:
            return self.estimators
        wanted = None if self.n_clusters == "auto" else max(int(self.n_clusters), 2)
        rows, columns = X.shape
        return default_clusterings(wanted, n_rows=rows, n_columns=columns, columns_seed=seed or 0)

    def _combine(self, codes: np.ndarray, members: np.ndarray, seed: int) -> None:
        """Set the consensus of the members' labels."""
        from .unsupervised.consensus_clusters import (
            co_association_tree,
            number_of_clusters,
            supra_consensus,
        )

        tree = co_association_tree(codes, self._weights, seed)
        k = self.n_clusters
        if k == "auto":
            k = number_of_clusters(codes, members, tree, self.max_clusters)
        names = FUNCTIONS if self.consensus == "auto" else (self.consensus,)
        self.consensus_, labels, self.agreements_ = supra_consensus(
            codes, self._weights, int(k), tree=tree, names=names, seed=seed
        )
        self._votes = Votes(codes, labels, self._weights)
        voted = self._votes(codes).argmax(axis=1)
        # Rows of fit and new rows are told apart alike, unless that empties a cluster.
        if len(np.unique(voted)) == len(np.unique(labels)):
            labels = voted
        self.labels_ = labels
        self.n_clusters_ = int(labels.max()) + 1

    def _set_fitted(self, oof: OutOfFold, members: np.ndarray) -> None:
        self.oof_ = oof
        models = {name: getattr(oof.models[name], "clusterer_", None) for name in oof.names}
        self.estimators_ = list(models.values())
        self.named_estimators_ = Bunch(**models)
        self._losses = dict(zip(oof.names, 1.0 - members, strict=True))

    def predict(self, X: Any) -> np.ndarray:
        """Say to which clusters rows belong.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        labels : ndarray of int of shape (n_rows,)
        """
        from .learners.preparation import sharing

        check_is_fitted(self)
        X = read_table(self, X, reset=False)
        with sharing(X):
            labels = self.oof_.predict_matrix(X)
        return self._votes(self._codes(labels)).argmax(axis=1)

    @property
    def learner_weights_(self) -> dict[str, float]:
        """Weight of each member by name."""
        check_is_fitted(self)
        return {n: float(w) for n, w in zip(self.oof_.names, self._weights, strict=True)}

    def leaderboard(self) -> pd.DataFrame:
        """List the members, most stable first.

        Returns
        -------
        table : DataFrame
            ``learner``, ``loss`` (one minus its stability), ``weight``, ``fit_seconds`` and
            ``path``. ``attrs["loss"]`` is "instability".
        """
        from .inspection import leaderboard

        check_is_fitted(self)
        return leaderboard(
            self.oof_, self.learner_weights_, losses=self._losses, loss_name="instability"
        )

    def _default_pairs(self) -> list[tuple[str, Any]]:
        from .unsupervised.clusterings import default_clusterings

        wanted = None if self.n_clusters == "auto" else int(self.n_clusters)
        return [(n, e) for n, e, _ in default_clusterings(wanted, n_rows=100, n_columns=4)]


def _labels_of(name: str, clusterer: Any) -> ClusterLabels:
    return clusterer if isinstance(clusterer, ClusterLabels) else ClusterLabels(clusterer)
