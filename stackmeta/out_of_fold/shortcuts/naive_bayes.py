"""Naive Bayes of counts: sums of the columns in each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

from ..target import Target
from .from_sums import FromSums
from .job import DeclinedError
from .table import all_finite

# scikit-learn refuses weights that are all zero; this one vanishes in any sum.
_NOTHING = np.array([1e-300])
_LEAST_SMOOTHING = 1e-10


def _check_smoothing(model: Any, classes: np.ndarray) -> None:
    if np.min(model.alpha) < _LEAST_SMOOTHING or not (classes > 0).all():
        raise DeclinedError("no smoothing, or a class without weight")


@dataclass(frozen=True)
class Counts:
    """Sums of the columns in each class, and the weight of each class.

    Attributes
    ----------
    features : ndarray of shape (..., n_classes, n_columns)
    classes : ndarray of shape (..., n_classes)
    """

    features: np.ndarray
    classes: np.ndarray

    @classmethod
    def stack(cls, items: Sequence[Counts]) -> Counts:
        """Put the counts of several sets of rows side by side."""
        return cls(
            np.stack([item.features for item in items]),
            np.stack([item.classes for item in items]),
        )

    def merged(self, times: np.ndarray | None = None) -> Counts:
        """Add up along the leading axis, each set taken ``times`` times."""
        times = np.ones(len(self.classes)) if times is None else times.astype(float)
        return Counts(
            np.tensordot(times, self.features, axes=1), np.tensordot(times, self.classes, axes=1)
        )


class DiscreteFromCounts(FromSums):
    """MultinomialNB, ComplementNB and BernoulliNB: sums of the columns in each class."""

    classifies = True
    accept_sparse = True

    def accepts(self, estimator: Any) -> bool:
        """Whether it is one of them."""
        if type(estimator) is BernoulliNB:
            return estimator.binarize is not None
        return type(estimator) in (MultinomialNB, ComplementNB)

    def n_numbers(self, n_columns: int, target: Target) -> int:
        """Count the numbers that the sums of one part hold."""
        return n_columns * target.n_classes

    def rows(self, X: Any, estimator: Any) -> Any:
        """Turn a block of rows into what is counted.

        Raises
        ------
        DeclinedError
            If plain fits would refuse it.
        """
        values = X.data if sparse.issparse(X) else X
        if not all_finite(values):
            raise DeclinedError("NaN or infinity")
        if type(estimator) is not BernoulliNB:
            if values.size and values.min() < 0:
                raise DeclinedError("negative counts")
            return X
        return (estimator.binarize < X).astype(float)

    def sums(self, X: Any, y: np.ndarray, weights: np.ndarray | None, target: Target) -> Counts:
        """Add up what :meth:`rows` made of the rows."""
        indicators = (y == np.arange(target.n_classes)[:, np.newaxis]).astype(float)
        if weights is not None:
            indicators *= weights
        return Counts(indicators @ X, indicators.sum(axis=1))

    def fit(self, model: Any, sums: Counts, first: Any, target: Target) -> None:
        """Put the counts in, between two calls that add nothing but let the model conclude."""
        _check_smoothing(model, sums.classes)
        codes = np.arange(target.n_classes)
        row = np.full((1, sums.features.shape[1]), getattr(model, "binarize", 0.0))
        model.partial_fit(row, codes[:1], classes=codes, sample_weight=_NOTHING)
        model.feature_count_, model.class_count_ = sums.features.copy(), sums.classes.copy()
        model.partial_fit(row, codes[:1], sample_weight=_NOTHING)
        self.prepare(model, first, target)


@dataclass(frozen=True)
class CategoryCounts:
    """How often each category occurs in each class.

    Attributes
    ----------
    weights : ndarray of shape (..., n_columns, n_classes, n_categories)
        Columns with fewer categories than others have zeros at the end.
    seen : ndarray of shape (..., n_columns, n_categories)
        The same without weights and classes.
    classes : ndarray of shape (..., n_classes)
    largest : ndarray of shape (..., n_columns)
        The largest category of each column, also of rows that are taken no times.
    """

    weights: np.ndarray
    seen: np.ndarray
    classes: np.ndarray
    largest: np.ndarray

    @classmethod
    def stack(cls, items: Sequence[CategoryCounts]) -> CategoryCounts:
        """Put the counts of several sets of rows side by side."""
        most = max(item.seen.shape[-1] for item in items)
        if len(items) * items[0].weights[..., 0].size * most > _MOST_COUNTS:
            raise DeclinedError("too many categories")
        return cls(
            np.stack([_padded(item.weights, most) for item in items]),
            np.stack([_padded(item.seen, most) for item in items]),
            np.stack([item.classes for item in items]),
            np.stack([item.largest for item in items]),
        )

    def merged(self, times: np.ndarray | None = None) -> CategoryCounts:
        """Add up along the leading axis, each set taken ``times`` times."""
        times = np.ones(len(self.classes)) if times is None else times.astype(float)
        return CategoryCounts(
            np.tensordot(times, self.weights, axes=1),
            np.tensordot(times, self.seen, axes=1),
            np.tensordot(times, self.classes, axes=1),
            self.largest.max(axis=0),
        )


_MOST_COUNTS = 2**24


def _padded(counts: np.ndarray, most: int) -> np.ndarray:
    widths = [(0, 0)] * (counts.ndim - 1) + [(0, most - counts.shape[-1])]
    return np.pad(counts, widths)


class CategoricalFromCounts(FromSums):
    """CategoricalNB: a table of categories for each column and class."""

    classifies = True

    def accepts(self, estimator: Any) -> bool:
        """Whether it is a CategoricalNB."""
        return type(estimator) is CategoricalNB

    def n_numbers(self, n_columns: int, target: Target) -> int:
        """Count the numbers that the sums of one part hold, at two categories a column."""
        return 2 * n_columns * (target.n_classes + 1)

    def sums(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, target: Target
    ) -> CategoryCounts:
        """Count categories."""
        if not all_finite(X) or X.min(initial=0) < 0 or X.max(initial=0) >= _MOST_CATEGORIES:
            raise DeclinedError("no categories")
        codes = X.astype(np.intp)
        most = int(codes.max()) + 1
        counts = [
            np.bincount(y * most + column, weights, target.n_classes * most) for column in codes.T
        ]
        return CategoryCounts(
            np.stack(counts).reshape(codes.shape[1], target.n_classes, most).astype(float),
            np.stack([np.bincount(column, minlength=most) for column in codes.T]).astype(float),
            np.bincount(y, weights, target.n_classes).astype(float),
            codes.max(axis=0),
        )

    def fit(self, model: Any, sums: CategoryCounts, first: Any, target: Target) -> None:
        """Put the counts in, between two calls that add nothing but let the model conclude."""
        _check_smoothing(model, sums.classes)
        there = sums.seen > 0
        largest = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
        codes = np.arange(target.n_classes)
        row = largest[np.newaxis]
        model.partial_fit(row, codes[:1], classes=codes, sample_weight=_NOTHING)
        if (model.n_categories_ <= sums.largest).any():
            raise DeclinedError("a category that the training rows lack")
        model.class_count_ = sums.classes.copy()
        model.category_count_ = [
            _padded(counts, max(n, counts.shape[1]))[:, :n].copy()
            for counts, n in zip(sums.weights, model.n_categories_, strict=True)
        ]
        model.partial_fit(row, codes[:1], sample_weight=_NOTHING)
        self.prepare(model, first, target)


_MOST_CATEGORIES = 10_000
