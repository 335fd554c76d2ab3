"""A list of named learners as a parameter: read, set and replaced by name."""

from __future__ import annotations

from typing import Any

from sklearn.utils import Bunch


class LearnerList:
    """Mixin for compositions whose ``estimators`` are named, with or without columns."""

    estimators: Any

    @property
    def _pairs(self) -> Any:
        try:
            return [(name, estimator) for name, estimator, *_ in self.estimators]
        except (TypeError, ValueError):
            return self.estimators

    @_pairs.setter
    def _pairs(self, pairs: list[tuple[str, Any]]) -> None:
        self.estimators = [
            (*pair, *entry[2:]) for pair, entry in zip(pairs, self.estimators, strict=True)
        ]

    @property
    def named_estimators(self) -> Bunch:
        """Unfitted learners by name."""
        return Bunch(**dict(self._pairs or ()))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of the estimator and, by name, of its learners.

        Parameters
        ----------
        deep : bool, default=True
            Whether the learners' parameters come along as ``name__parameter``.

        Returns
        -------
        params : dict of str -> object
        """
        return self._get_params("_pairs", deep=deep)  # type: ignore[attr-defined]

    def set_params(self, **params: Any) -> Any:
        """Set parameters of the estimator, of learners, or replace learners by name.

        Parameters
        ----------
        **params : dict
            ``parameter=value``, ``learner__parameter=value``, or ``learner=estimator``
            (``learner="drop"`` takes it out).

        Returns
        -------
        self : estimator
        """
        if "estimators" in params:
            self.estimators = params.pop("estimators")
        self._set_params("_pairs", **params)  # type: ignore[attr-defined]
        return self
