"""The fold models of a learner as one model: the average of their answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.metaestimators import available_if

from .response import OneClass, respond
from .target import Target


def _models_have(method: str) -> Any:
    def check(average: FoldAverage) -> bool:
        getattr(average.example, method)
        return True

    return check


def vote(answers: np.ndarray) -> np.ndarray:
    """Take the most frequent code along the first axis, the smallest of equals; NaN for none."""
    codes = np.unique(answers[~np.isnan(answers)])
    votes = np.stack([(answers == code).sum(axis=0) for code in codes])
    return np.where(votes.any(axis=0), codes[votes.argmax(axis=0)], np.nan)


class FoldAverage(BaseEstimator):
    """Average of a learner's fold models (``refit=False``): no further fit.

    It is made fitted and stands in ``estimators_`` where a refitted learner would.

    Parameters
    ----------
    models : list of estimators
        Fitted on all but one fold each.
    present : list of (ndarray or None)
        Class codes that each model knows; None for all of them.
    target : Target
        What the stack predicts; y itself is left out.
    """

    def __init__(self, models: list, present: list, target: Target) -> None:
        self.models = models
        self.present = present
        self.target = target

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _blocks(self, X: Any, method: str) -> list[np.ndarray]:
        return [
            respond(model, X, method, self.target, present)
            for model, present in zip(self.models, self.present, strict=True)
        ]

    @available_if(_models_have("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Average the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
            For a multilabel target (n_rows, n_outputs), with P(class 1) of each output.
        """
        mean = np.mean(self._blocks(X, "predict_proba"), axis=0)
        one_column = self.target.kind == "classes" and self.target.n_classes == 2
        return np.hstack([1 - mean, mean]) if one_column else mean

    @available_if(_models_have("predict_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of the averaged probabilities.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        log_probabilities : ndarray of the shape of ``predict_proba``
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_models_have("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Average the decision values.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        scores : ndarray of shape (n_rows,) or (n_rows, n_classes)
        """
        mean = np.mean(self._blocks(X, "decision_function"), axis=0)
        return mean[:, 0] if mean.shape[1] == 1 else mean

    def predict(self, X: Any) -> np.ndarray:
        """Average numbers; let the models vote on class codes.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        """
        blocks = np.stack(self._blocks(X, "predict"))
        if self.target.kind == "numbers" or not is_classifier(self.example):
            predictions = blocks.mean(axis=0)
        else:
            predictions = vote(blocks).astype(np.intp)
        return predictions[:, 0] if predictions.shape[1] == 1 else predictions

    @property
    def example(self) -> Any:
        """A model that was fitted: not the stand-in of a fold with one class."""
        fitted = (model for model in self.models if not isinstance(model, OneClass))
        return next(fitted, self.models[0])

    @property
    def n_features_in_(self) -> int:
        """Number of features of the fold models."""
        return self.example.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Feature names of the fold models."""
        return self.example.feature_names_in_
