"""One learner's predictions, as the estimator that a scorer asks for."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class ClassifierColumn(ClassifierMixin, BaseEstimator):
    """Answers a scorer with the probabilities that it is given as X.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels; of two, X has the second one's probability only.
    """

    def __init__(self, classes: np.ndarray) -> None:
        self.classes = classes
        self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of all classes."""
        return np.hstack([1.0 - X, X]) if X.shape[1] == 1 else X

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class RegressorColumn(RegressorMixin, BaseEstimator):
    """Answers a scorer with the predictions that it is given as X."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions as they are."""
        return X[:, 0] if X.shape[1] == 1 else X
