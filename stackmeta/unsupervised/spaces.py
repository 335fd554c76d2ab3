"""Other views of prepared numbers, whose sizes follow from the table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, QuantileTransformer, StandardScaler

_QUANTILES = 200


class Ranks(TransformerMixin, BaseEstimator):
    """Replaces numbers by the share of rows below them.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.unsupervised.spaces import Ranks
    >>> Ranks().fit_transform(np.array([[1.0], [2.0], [900.0]])).ravel()
    array([0. , 0.5, 1. ])
    """

    def fit(self, X: np.ndarray, y: Any = None) -> Ranks:
        """Learn quantiles, no more than there are rows."""
        n_quantiles = min(_QUANTILES, len(X))
        self.quantiles_ = QuantileTransformer(n_quantiles=n_quantiles, random_state=0).fit(X)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Replace the numbers of rows."""
        return self.quantiles_.transform(X)


class FirstComponents(TransformerMixin, BaseEstimator):
    """The first principal components, or all where there are fewer.

    Parameters
    ----------
    n_components : int, default=8

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.unsupervised.spaces import FirstComponents
    >>> FirstComponents().fit_transform(np.eye(3)).shape
    (3, 3)
    """

    def __init__(self, n_components: int = 8) -> None:
        self.n_components = n_components

    def fit(self, X: np.ndarray, y: Any = None) -> FirstComponents:
        """Find the components."""
        n_components = min(self.n_components, *X.shape)
        self.components_ = PCA(n_components, svd_solver="covariance_eigh").fit(X)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Project rows."""
        return self.components_.transform(X)


def directions() -> Pipeline:
    """Make a transformer to unit vectors: in which direction of the mean a row lies."""
    return make_pipeline(StandardScaler(with_std=False), Normalizer())
