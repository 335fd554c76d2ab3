"""Learners of scikit-learn that also take the smallest tables, and columns that say nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor


class _AtMostAllRows:
    """Mixin: ``fit`` lowers ``n_neighbors`` to the number of rows.

    scikit-learn refuses to predict where there are fewer rows than neighbours are asked for.
    """

    n_neighbors: int

    def fit(self, X: Any, y: Any) -> Any:
        """Fit on all rows there are."""
        self.n_neighbors = min(self.n_neighbors, len(X))
        return super().fit(X, y)  # type: ignore[misc]


class NeighboursClassifier(_AtMostAllRows, KNeighborsClassifier):
    """Nearest neighbours, of few rows all."""


class NeighboursRegressor(_AtMostAllRows, KNeighborsRegressor):
    """Nearest neighbours, of few rows all."""


class NormalBayes(GaussianNB):
    """Gaussian naive Bayes that answers with the classes' shares where no column varies.

    scikit-learn's smooths by a part of the largest variance; if that is zero, it divides by it.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NormalBayes:
        """Fit, with some variance in any case."""
        super().fit(X, y, sample_weight)
        if self.epsilon_ == 0:
            self.var_ = np.ones_like(self.theta_)
        return self
