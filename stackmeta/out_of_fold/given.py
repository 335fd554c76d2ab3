"""Columns of X that already hold someone's predictions, as a learner."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator


class GivenPredictions(BaseEstimator):
    """A learner that fits nothing: its columns of X already are predictions.

    Written ``(name, "passthrough", columns)`` in a list of estimators.

    Parameters
    ----------
    n_columns : int, default=1
        How many columns the predictions must have.
    n_classes : int, default=0
        0 for numbers; 2 for a column P(class 1) an output; else a column a class.
    """

    def __init__(self, n_columns: int = 1, n_classes: int = 0) -> None:
        self.n_columns = n_columns
        self.n_classes = n_classes

    @property
    def probabilities(self) -> bool:
        """Whether the predictions are probabilities."""
        return self.n_classes > 0

    def fit(self, X: Any, y: Any = None) -> GivenPredictions:
        """Do nothing.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
        y : ignored

        Returns
        -------
        self : GivenPredictions
        """
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        """Return the columns.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        predictions : ndarray of shape (n_rows, n_columns)

        Raises
        ------
        ValueError
            If there are more or fewer columns, or no probabilities where they are wanted.
        """
        columns = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)
        columns = columns.reshape(len(columns), -1)
        if columns.shape[1] != self.n_columns:
            raise ValueError(
                f"Given predictions have {columns.shape[1]} columns; the target needs "
                f"{self.n_columns}."
            )
        if self.probabilities and ((columns < 0) | (columns > 1)).any():
            bad = columns[(columns < 0) | (columns > 1)][0]
            raise ValueError(f"Given predictions must be probabilities in [0, 1], got {bad}.")
        sums = columns.sum(axis=1)
        if self.probabilities and self.n_classes > 2 and (np.abs(sums - 1) > 1e-3).any():
            bad = sums[np.abs(sums - 1) > 1e-3][0]
            raise ValueError(f"Given probabilities of all classes must sum to 1, got {bad}.")
        return columns

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the columns as probabilities of all classes.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
        """
        columns = self.predict(X)
        return np.hstack([1 - columns, columns]) if self.n_columns == 1 else columns
