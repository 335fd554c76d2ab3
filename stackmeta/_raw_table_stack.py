"""The stack inside a super learner: planned time, shared preparation, weights in pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._level0 import Prepared
from ._stack import BaseStack
from .out_of_fold.checks import Entry, where_it_goes
from .out_of_fold.response import respond
from .out_of_fold.result import OutOfFold
from .routing import Routed
from .stacking import StackingClassifier, StackingRegressor

# Of what is left of the time, for the candidates of the second level; the rest is for the blend.
_USED, _LEAST_SECONDS = 0.85, 0.5


class RawTableStack(BaseStack):
    """A stack whose learners prepare the table themselves, and whose time is planned.

    Weights go into pipelines, whether metadata routing is on or off.
    """

    final_estimator_: Any
    n_jobs: int | None
    _costs: Mapping[str, float] | None = None
    _end: float | None = None

    def fit_in_time(
        self,
        X: Any,
        y: Any,
        start: float,
        time_limit: float | None,
        costs: Mapping[str, float],
        **params: Any,
    ) -> Any:
        """Fit, with what is left of the time for the second level.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Raw table.
        y : array-like of shape (n_rows,)
            Target.
        start : float
            :func:`time.perf_counter` reading from which on time counts.
        time_limit : float or None
            Seconds of both levels.
        costs : dict of str to float
            Expected seconds of a fold of each learner.
        **params : dict
            As of ``fit``.

        Returns
        -------
        self : estimator
        """
        self._costs = costs
        self._end = None if time_limit is None else start + time_limit
        return self.fit(X, y, **params)

    def _options(self) -> dict[str, Any]:
        return {"costs": self._costs}

    def _fit_final(self, oof: OutOfFold, ready: Prepared) -> None:
        if self._end is not None and "time_limit" in self.final_estimator_.get_params():
            left = _USED * (self._end - perf_counter())
            self.final_estimator_.set_params(time_limit=max(left, _LEAST_SECONDS))
        super()._fit_final(oof, ready)

    def _blocks(self, X: Any) -> dict[str, np.ndarray]:
        """Predict with several learners at once, and prepare the table once for all of them."""
        from .learners.preparation import sharing

        check_is_fitted(self)
        named = list(self._models())
        with sharing(X):
            found = Parallel(n_jobs=self.n_jobs, require="sharedmem")(
                delayed(respond)(model, X, method, self._target)
                for (_, model), method in zip(named, self.stack_method_, strict=True)
            )
        return {name: block for (name, _), block in zip(named, found, strict=True)}

    def _route(self, entries: list[Entry], groups: Any, fit_params: Mapping[str, Any]) -> Routed:
        given = {} if groups is None else {"groups": groups}
        weights = fit_params.get("sample_weight")
        if weights is None:
            return Routed({name: {} for name, _, _ in entries}, given)
        learners = {name: _weigh(estimator, weights) for name, estimator, _ in entries}
        return Routed(learners, given, _weigh(self.final_estimator_, weights))


class ClassifierStack(RawTableStack, StackingClassifier):
    """The stack of a super learner for classes."""


class RegressorStack(RawTableStack, StackingRegressor):
    """The stack of a super learner for numbers."""


def _weigh(estimator: Any, weights: Any) -> dict[str, Any]:
    where = where_it_goes(estimator, "sample_weight")
    if where is None:
        raise TypeError(f"{estimator} does not support sample weights: leave it out.")
    return {where: weights}
