"""PrototypeClassifier: the nearest class mean, in a metric learned over earlier tables."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy.special import softmax

from ...compat import Interval
from .base import MetricClassifier


class PrototypeClassifier(MetricClassifier):
    """Classes as prototypes: their means, drawn to the mean of all rows [1]_.

    The probability of a class falls with the squared distance to its prototype. Columns count in
    the distance by what the labelled rows say about them (how they go with y, of what kind they
    are, …); what to make of that was learned over earlier tables. Meant for 1 to 20 labelled rows
    a class.

    Parameters
    ----------
    theta : array-like of shape (n_column_descriptors,), default=None
        The weight of a column is proportional to ``exp(theta @ descriptors)``. None: as learned.
        Zeros: standardised Euclidean distance.
    sharpness : array-like of shape (n_table_descriptors,), default=None
        Squared distances are multiplied by ``exp(sharpness @ descriptors)`` of the labelled
        table. None: as learned.
    shrinkage : float, default=None
        A prototype is ``n / (n + shrinkage)`` of the way from the mean of all rows to the mean
        of the class's n rows. None: as learned.

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
    SoftNeighboursClassifier : Single rows in place of prototypes.
    PriorFittedClassifier : A linear model whose prior was learned.

    References
    ----------
    .. [1] J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot learning",
       Advances in Neural Information Processing Systems 30, 2017.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta.learners.few_shot import PrototypeClassifier
    >>> X = pd.DataFrame({"size": [1.0, 1.2, 3.0, None], "colour": ["red", "red", "blue", "blue"]})
    >>> learner = PrototypeClassifier().fit(X, ["small", "small", "large", "large"])
    >>> learner.predict(pd.DataFrame({"size": [2.9, 1.1], "colour": ["blue", "red"]}))
    array(['large', 'small'], dtype='<U5')
    """

    _name = "prototype"
    _parameter_constraints: dict = {
        **MetricClassifier._parameter_constraints,
        "shrinkage": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self, *, theta: Any = None, sharpness: Any = None, shrinkage: float | None = None
    ) -> None:
        self.theta = theta
        self.sharpness = sharpness
        self.shrinkage = shrinkage

    def _fit_scaled(self, features: np.ndarray, codes: np.ndarray) -> None:
        counts = np.bincount(codes).astype(float)
        means = (np.eye(len(counts))[codes].T @ features) / counts[:, None]
        shrinkage = self._number("shrinkage", self.shrinkage)
        # The mean of all rows is 0.
        self._prototypes = means * (counts / (counts + shrinkage))[:, None]

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        norms = (self._prototypes**2).sum(axis=1)
        scores = features @ self._prototypes.T - norms / 2
        return softmax(scores + np.log(self.class_prior_), axis=1)
