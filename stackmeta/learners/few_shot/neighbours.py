"""SoftNeighboursClassifier: attention over the labelled rows, in a learned metric."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy.special import softmax

from ...compat import Interval
from .base import MetricClassifier


class SoftNeighboursClassifier(MetricClassifier):
    """Every labelled row votes for its class, the nearer the more [1]_.

    Weights of rows fall exponentially with the squared distance, in a metric that was learned over
    earlier tables (see :class:`PrototypeClassifier`). The votes are then drawn to the shares of
    the classes: the more, the fewer rows the votes come from.

    Parameters
    ----------
    theta : array-like of shape (n_column_descriptors,), default=None
        The weight of a column is proportional to ``exp(theta @ descriptors)``. None: as learned.
        Zeros: standardised Euclidean distance.
    sharpness : array-like of shape (n_table_descriptors,), default=None
        Squared distances are multiplied by ``exp(sharpness @ descriptors)`` of the labelled
        table. None: as learned.
    prior_rows : float, default=None
        How many votes the shares of the classes count for. None: as learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes among the labelled rows.
    column_weights_ : ndarray of shape (n_metric_columns,)
        Weights of the columns that vary (with those that were made of dates and of missing
        values), with sum one.
    column_descriptors_ : ndarray of shape (n_metric_columns, n_column_descriptors)
        What they were made from.
    sharpness_ : float
        By what squared distances are multiplied.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    PrototypeClassifier : Means of classes in place of single rows.

    References
    ----------
    .. [1] O. Vinyals, C. Blundell, T. Lillicrap, K. Kavukcuoglu and D. Wierstra, "Matching
       networks for one shot learning", Advances in Neural Information Processing Systems 29, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.learners.few_shot import SoftNeighboursClassifier
    >>> X, y = np.array([[0.0], [0.1], [0.9], [1.0]]), [0, 0, 1, 1]
    >>> SoftNeighboursClassifier().fit(X, y).predict([[0.2], [0.8]])
    array([0, 1])
    """

    _name = "neighbours"
    _parameter_constraints: dict = {
        **MetricClassifier._parameter_constraints,
        "prior_rows": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self, *, theta: Any = None, sharpness: Any = None, prior_rows: float | None = None
    ) -> None:
        self.theta = theta
        self.sharpness = sharpness
        self.prior_rows = prior_rows

    def _fit_scaled(self, features: np.ndarray, codes: np.ndarray) -> None:
        self._rows = features
        self._indicator = np.eye(len(self.classes_))[codes]

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        attention = softmax(features @ self._rows.T - (self._rows**2).sum(axis=1) / 2, axis=1)
        n_votes = 1 / (attention**2).sum(axis=1, keepdims=True)
        prior_rows = self._number("prior_rows", self.prior_rows)
        votes = n_votes * (attention @ self._indicator) + prior_rows * self.class_prior_
        return votes / votes.sum(axis=1, keepdims=True)
