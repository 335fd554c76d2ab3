"""PriorFittedClassifier: a Bayesian linear model whose prior was learned over earlier tables."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy.special import softmax

from ...compat import Interval
from .base import MetricClassifier
from .descriptors import TABLE_DESCRIPTORS
from .metric import positive


class PriorFittedClassifier(MetricClassifier):
    """Linear scores with a normal prior, whose variances follow from what columns look like.

    The scores of the classes are linear in the features. Their coefficients have a normal prior
    with a variance a column, ``exp(theta @ descriptors)``, learned by empirical Bayes over
    earlier tables; given the labelled rows' indicators of classes, the posterior has a closed
    form (as the ridge solver of [1]_). Where a row is unlike the labelled ones, the posterior
    variance of its scores is large, and its probabilities come nearer to the shares of the classes
    [2]_.

    Parameters
    ----------
    theta : array-like of shape (n_column_descriptors,), default=None
        The prior variance of a column's coefficients is proportional to
        ``exp(theta @ descriptors)``. None: as learned. Zeros: ridge regression.
    sharpness : array-like of shape (n_table_descriptors,), default=None
        All prior variances are multiplied by ``exp(sharpness @ descriptors)`` of the labelled
        table. None: as learned.
    scale : array-like of shape (n_table_descriptors,), default=None
        Scores are multiplied by ``exp(scale @ descriptors)`` before they become log
        probabilities. None: as learned.
    caution : float, default=None
        Scores are divided by ``sqrt(1 + caution * variance)``. None: as learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes among the labelled rows.
    column_weights_ : ndarray of shape (n_metric_columns,)
        Prior variances of the columns that vary (with those that were made of dates and of
        missing values), with sum one.
    column_descriptors_ : ndarray of shape (n_metric_columns, n_column_descriptors)
        What they were made from.
    sharpness_ : float
        By what the prior variances are multiplied.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    PrototypeClassifier : Distances to means of classes.

    References
    ----------
    .. [1] L. Bertinetto, J. F. Henriques, P. H. S. Torr and A. Vedaldi, "Meta-learning with
       differentiable closed-form solvers", International Conference on Learning Representations,
       2019.
    .. [2] D. J. C. MacKay, "The evidence framework applied to classification networks", Neural
       Computation 4, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.learners.few_shot import PriorFittedClassifier
    >>> X, y = np.array([[0.0, 5], [0.1, 3], [0.9, 4], [1.0, 4]]), [0, 0, 1, 1]
    >>> PriorFittedClassifier().fit(X, y).predict([[0.2, 4], [0.8, 4]])
    array([0, 1])
    """

    _name = "bayesian"
    _parameter_constraints: dict = {
        **MetricClassifier._parameter_constraints,
        "scale": ["array-like", None],
        "caution": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        theta: Any = None,
        sharpness: Any = None,
        scale: Any = None,
        caution: float | None = None,
    ) -> None:
        self.theta = theta
        self.sharpness = sharpness
        self.scale = scale
        self.caution = caution

    def _fit_scaled(self, features: np.ndarray, codes: np.ndarray) -> None:
        residual = np.eye(len(self.classes_))[codes] - self.class_prior_
        scale = self._values("scale", self.scale, TABLE_DESCRIPTORS)
        self._score_scale = positive(scale, self._described)
        self._caution = self._number("caution", self.caution)
        left, sizes, directions = np.linalg.svd(features, full_matrices=False)
        self._directions = directions.T
        self._explained = sizes**2 / (1 + sizes**2)
        self.coef_ = self._directions @ ((sizes / (1 + sizes**2))[:, None] * (left.T @ residual))

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        prior_variance = (features**2).sum(axis=1)
        variance = prior_variance - (features @ self._directions) ** 2 @ self._explained
        scale = self._score_scale / np.sqrt(1 + self._caution * np.maximum(variance, 0.0))
        return softmax(
            scale[:, None] * (features @ self.coef_) + np.log(self.class_prior_), axis=1
        )
