"""KernelFeatures: the features of a Gaussian process whose kernel was learned from some rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ..compat import Interval, fit_context

# Eigenvalues below this share of the largest are noise of the kernel's rounding.
_LEAST = 1e-6


class KernelFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features in which a ridge or logistic regression is nearly a Gaussian process.

    A Matérn kernel (ν = 3/2) with a length scale a column is learned by marginal likelihood from a
    few rows: columns that say nothing get long scales [1]_. Its Nyström features [2]_ at some
    landmark rows are what :meth:`transform` gives. Cost grows linearly with the rows, and the
    model keeps the landmarks only.

    Parameters
    ----------
    n_components : int, default=600
        Landmarks: at most so many features.
    n_tuned : int, default=400
        Rows that the kernel is learned from.
    max_scales : int, default=40
        With more columns, all share one length scale.
    n_steps : int, default=20
        At most so many steps of L-BFGS.
    classifies : bool, default=False
        Whether y holds classes.
    random_state : int, RandomState instance or None, default=None
        Draws the rows.

    Attributes
    ----------
    kernel_ : Kernel
        Of scikit-learn, with the scales that were learned.
    landmarks_ : ndarray of shape (n_landmarks, n_features)
        Rows at which the kernel is evaluated.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
       Press, 2006, chapters 5 and 8.
    .. [2] C. K. I. Williams and M. Seeger, "Using the Nyström method to speed up kernel
       machines", Advances in Neural Information Processing Systems 13, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from stackmeta.learners import KernelFeatures
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
    >>> process = make_pipeline(KernelFeatures(random_state=0), RidgeCV(np.logspace(-4, 2, 7)))
    >>> process.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.98
    True
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_tuned": [Interval(Integral, 2, None, closed="left")],
        "max_scales": [Interval(Integral, 0, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "classifies": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 600,
        *,
        n_tuned: int = 400,
        max_scales: int = 40,
        n_steps: int = 20,
        classifies: bool = False,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.n_tuned = n_tuned
        self.max_scales = max_scales
        self.n_steps = n_steps
        self.classifies = classifies
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> KernelFeatures:
        """Learn the kernel and choose the landmarks.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Training rows: numbers of about the same size, without gaps.
        y : array-like of shape (n_rows,)
            Target.

        Returns
        -------
        self : KernelFeatures
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=not self.classifies)
        y = column_or_1d(y)
        draw = check_random_state(self.random_state)
        rows = draw.permutation(len(X))
        tuned = rows[: self.n_tuned]
        self.kernel_ = self._learn(X[tuned], _standardized(y[tuned], self.classifies))
        self.landmarks_ = X[draw.permutation(rows)[: self.n_components]]
        values, vectors = np.linalg.eigh(self._to_landmarks(self.landmarks_))
        kept = values > _LEAST * values[-1]
        self._whitening = vectors[:, kept] / np.sqrt(values[kept])
        return self

    def _learn(self, X: np.ndarray, targets: np.ndarray) -> Any:
        n_columns = X.shape[1]
        n_scales = n_columns if n_columns <= self.max_scales else 1
        scales = np.full(n_scales, np.sqrt(n_columns))
        matern = Matern(scales if n_scales > 1 else scales[0], (0.1, 1e3), nu=1.5)
        process = GaussianProcessRegressor(
            ConstantKernel(1.0) * matern + WhiteKernel(0.1),
            optimizer=partial(_few_steps, n_steps=self.n_steps),
            alpha=1e-8,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a scale at its bound is welcome
            return process.fit(X, targets).kernel_.k1

    def transform(self, X: Any) -> np.ndarray:
        """Evaluate the kernel at the landmarks.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows.

        Returns
        -------
        features : ndarray of shape (n_rows, n_components)
            Fewer columns where landmarks are nearly equal.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self._to_landmarks(X) @ self._whitening

    def _to_landmarks(self, X: np.ndarray) -> np.ndarray:
        """Evaluate the kernel as products of matrices, quicker than ``kernel_`` itself."""
        variance, matern = self.kernel_.k1.constant_value, self.kernel_.k2
        scales = matern.length_scale
        distance = np.sqrt(3.0) * euclidean_distances(X / scales, self.landmarks_ / scales)
        return variance * (1.0 + distance) * np.exp(-distance)

    @property
    def _n_features_out(self) -> int:
        return self._whitening.shape[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _few_steps(
    objective: Callable, start: np.ndarray, bounds: np.ndarray, *, n_steps: int
) -> tuple[np.ndarray, float]:
    found = minimize(
        objective, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": n_steps}
    )
    return found.x, found.fun


def _standardized(y: np.ndarray, classifies: bool) -> np.ndarray:
    """Targets of mean 0 and size 1; of classes, one for each but the first."""
    if classifies:
        classes = np.unique(y)
        y = (y[:, None] == classes[1:] if len(classes) > 1 else y[:, None] == classes).astype(
            float
        )
    return (y - y.mean(axis=0)) / np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)
