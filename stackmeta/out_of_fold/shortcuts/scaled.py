"""A pipeline of StandardScaler and a learner that follows shifts and scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data

from ...compat import is_constant_feature, validate_params
from ..target import Target
from .from_sums import FromSums
from .job import WEIGHT, DeclinedError, Job
from .moments import FARTHEST_MEAN, ROUNDING, Moments
from .table import all_finite


@dataclass(frozen=True)
class ScaledSums:
    """What the scaler and the learner behind it read of the rows.

    Attributes
    ----------
    columns : Moments
        Unweighted, for the scaler.
    inner : Sums
        Of the raw columns, for the learner.
    """

    columns: Moments
    inner: Any

    @classmethod
    def stack(cls, items: Sequence[ScaledSums]) -> ScaledSums:
        """Put the sums of several sets of rows side by side."""
        inner = [item.inner for item in items]
        return cls(Moments.stack([x.columns for x in items]), type(inner[0]).stack(inner))

    def merged(self, times: np.ndarray | None = None) -> ScaledSums:
        """Add up along the leading axis, each set taken ``times`` times."""
        return ScaledSums(self.columns.merged(times), self.inner.merged(times))


class Scaled(FromSums):
    """``make_pipeline(StandardScaler(), learner)``: each fold's scaling in closed form.

    Parameters
    ----------
    family : FromSums
        The shortcut of the learner, which follows shifts and scales.
    """

    def __init__(self, family: FromSums) -> None:
        self._family = family
        self.classifies = family.classifies

    def accepts(self, estimator: Any) -> bool:
        """Whether it is such a pipeline."""
        return (
            type(estimator) is Pipeline
            and len(estimator.steps) == 2
            and estimator.memory is None
            and type(estimator.steps[0][1]) is StandardScaler
            and self._family.accepts(estimator.steps[1][1])
        )

    def check(self, job: Job, estimator: Any) -> None:
        """Decline what the learner's sums do not cover, and weights for the scaler.

        Raises
        ------
        DeclinedError
            As the learner's shortcut.
        """
        (_, scaler), (name, final) = estimator.steps
        if set(job.learner.fit_params) - {f"{name}__{WEIGHT}"}:
            raise DeclinedError("fit parameters for other steps")
        validate_params(scaler)
        self._family.check(job, final)

    def n_numbers(self, n_columns: int, target: Target) -> int:
        """Count the numbers that the sums of one part hold."""
        return self._family.n_numbers(n_columns, target)

    def sums(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, target: Target
    ) -> ScaledSums:
        """Moments of each column, and the learner's sums."""
        columns = Moments.of(X, None, full=False)
        return ScaledSums(columns, self._family.sums(X, y, weights, target))

    def fit(self, model: Any, sums: ScaledSums, first: Any, target: Target) -> None:
        """Fit the scaler, then the learner on scaled sums."""
        scaler, final = (step for _, step in model.steps)
        validate_data(scaler, first, skip_check_array=True)
        constant = set_scale(scaler, sums.columns)
        centre = scaler.mean_ if scaler.with_mean else np.zeros_like(sums.columns.mean)
        scale = scaler.scale_ if scaler.with_std else np.ones_like(centre)
        if scaler.with_mean:  # what is left of a constant is rounding alone
            scale = np.where(constant, np.inf, scale)
        inner = sums.inner.standardized(centre, scale)
        self._family.fit(final, inner, scaler.transform(first), target)


def set_scale(scaler: StandardScaler, columns: Moments) -> np.ndarray:
    """Set what ``scaler.fit`` sets; return which columns are constant."""
    if not all_finite(columns.scatter):
        raise DeclinedError("NaN or infinity")
    variance = columns.scatter / columns.weight
    constant = is_constant_feature(variance, columns.mean, columns.weight)
    spread, size = np.sqrt(variance), np.abs(columns.mean)
    if np.where(constant, spread > ROUNDING * size, FARTHEST_MEAN * spread < size).any():
        raise DeclinedError("a column hardly varies for its size")
    scaler.n_samples_seen_ = np.int64(columns.weight)
    scaler.mean_ = columns.mean if scaler.with_mean or scaler.with_std else None
    scaler.var_ = variance if scaler.with_std else None
    scaler.scale_ = np.where(constant, 1.0, spread) if scaler.with_std else None
    return constant
