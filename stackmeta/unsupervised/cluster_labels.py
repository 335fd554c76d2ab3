"""A clustering as a learner of the engine: it predicts the cluster of a row."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ..compat import safe_indexing
from .sample import draw_rows


class ClusterLabels(RegressorMixin, BaseEstimator):
    """Learner that predicts a clustering's label of a row, new ones included.

    A clustering without ``predict`` gives a new row the label of the nearest row that it was
    fitted on and did not call noise.

    Parameters
    ----------
    clusterer : clusterer, or Pipeline that ends with one
        It is cloned.
    max_rows : int, default=None
        Of more rows so many are drawn at random, and fitted on; None: all are.
    random_state : int, RandomState instance or None, default=None
        Draws the rows.

    Attributes
    ----------
    clusterer_ : clusterer
        Fitted.

    Examples
    --------
    >>> from sklearn.cluster import AgglomerativeClustering
    >>> from stackmeta.unsupervised import ClusterLabels
    >>> learner = ClusterLabels(AgglomerativeClustering(2)).fit([[0.0], [1.0], [8.0], [9.0]])
    >>> a, b, c = learner.predict([[0.5], [2.0], [7.0]])
    >>> bool(a == b), bool(b == c)
    (True, False)
    """

    def __init__(
        self, clusterer: Any, *, max_rows: int | None = None, random_state: Any = None
    ) -> None:
        self.clusterer = clusterer
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> ClusterLabels:
        """Fit a clone of the clustering.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows, in whatever form the clustering takes.
        y : ignored

        Returns
        -------
        self : ClusterLabels
        """
        clusterer, self._before = clone(self.clusterer), None
        if isinstance(clusterer, Pipeline):
            self._before, clusterer = clusterer[:-1], clusterer.steps[-1][1]
            X = self._before.fit_transform(X)
        if self.max_rows is not None and len(X) > self.max_rows:
            X = safe_indexing(X, draw_rows(len(X), self.max_rows, self.random_state))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Graph is not fully connected")
            warnings.filterwarnings("ignore", "Number of distinct clusters")
            self.clusterer_ = clusterer.fit(X)
        self._nearest = None
        if not hasattr(clusterer, "predict"):
            labels = np.asarray(clusterer.labels_)
            known = np.flatnonzero(labels >= 0)
            if len(known):
                rows = np.asarray(safe_indexing(X, known))
                self._nearest = KNeighborsClassifier(1).fit(rows, labels[known])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Label rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_rows,)
            Whole numbers; -1 where all rows of ``fit`` were noise.
        """
        check_is_fitted(self)
        if self._before is not None:
            X = self._before.transform(X)
        if hasattr(self.clusterer_, "predict"):
            return np.asarray(self.clusterer_.predict(X), dtype=np.float64)
        if self._nearest is None:
            return np.full(len(X), -1.0)
        return self._nearest.predict(np.asarray(X)).astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.clusterer).input_tags
        tags.target_tags.required = False
        return tags
