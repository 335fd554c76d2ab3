"""Gaussian naive Bayes from the moments of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from ..target import Target
from .from_sums import FromSums
from .job import DeclinedError
from .moments import FARTHEST_MEAN, Moments, moments_of_classes
from .table import all_finite


@dataclass(frozen=True)
class GaussianSums:
    """What GaussianNB reads of the rows.

    Attributes
    ----------
    whole : Moments
        Unweighted, of all rows together: smoothing takes the largest variance.
    classes : Moments
        Weighted, of each class.
    """

    whole: Moments
    classes: Moments

    @classmethod
    def stack(cls, items: Sequence[GaussianSums]) -> GaussianSums:
        """Put the sums of several sets of rows side by side."""
        return cls(
            Moments.stack([item.whole for item in items]),
            Moments.stack([item.classes for item in items]),
        )

    def merged(self, times: np.ndarray | None = None) -> GaussianSums:
        """Add up along the leading axis, each set taken ``times`` times."""
        return GaussianSums(self.whole.merged(times), self.classes.merged(times))

    def standardized(self, centre: np.ndarray, scale: np.ndarray) -> GaussianSums:
        """Return the sums of ``(rows - centre) / scale``."""
        return GaussianSums(
            self.whole.standardized(centre, scale), self.classes.standardized(centre, scale)
        )


class GaussianFromMoments(FromSums):
    """GaussianNB: mean and variance of each column in each class."""

    follows_scaling = True
    classifies = True

    def accepts(self, estimator: Any) -> bool:
        """Whether it is a GaussianNB."""
        return type(estimator) is GaussianNB

    def n_numbers(self, n_columns: int, target: Target) -> int:
        """Count the numbers that the sums of one part hold."""
        return 2 * n_columns * (target.n_classes + 1)

    def sums(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, target: Target
    ) -> GaussianSums:
        """Moments of all rows, and of each class."""
        classes = moments_of_classes(X, y, weights, target.n_classes, full=False)
        whole = classes.merged() if weights is None else Moments.of(X, None, full=False)
        return GaussianSums(whole, classes)

    def fit(self, model: Any, sums: GaussianSums, first: Any, target: Target) -> None:
        """Set means, variances and priors."""
        self.prepare(model, first, target)
        classes = sums.classes
        if not all_finite(sums.whole.scatter) or not (classes.weight > 0).all():
            raise DeclinedError("NaN, infinity, or a class without weight")
        model.epsilon_ = model.var_smoothing * (sums.whole.scatter / sums.whole.weight).max()
        model.theta_ = classes.mean
        model.var_ = classes.scatter / classes.weight[:, np.newaxis] + model.epsilon_
        model.class_count_ = classes.weight
        model.class_prior_ = _priors(model.priors, classes.weight)
        spread = np.sqrt(model.var_)
        if (np.abs(model.theta_) > FARTHEST_MEAN * spread).any() or not (spread > 0).all():
            raise DeclinedError("a column hardly varies for its size")


def _priors(priors: Any, counts: np.ndarray) -> np.ndarray:
    if priors is None:
        return counts / counts.sum()
    priors = np.asarray(priors)
    if priors.shape != counts.shape or (priors < 0).any() or not np.isclose(priors.sum(), 1):
        raise DeclinedError("priors are none")
    return priors
