"""The stack inside a super learner: planned time, shared preparation, weights in pipelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._level0 import Prepared
from ._predict_cost import most_worth, seconds_of_each
from ._stack import BaseStack
from ._weight_start import has_convex_candidates, start_from
from ._worth import NoMoreGain, that_earn_weight, worth_of_each
from .out_of_fold.checks import Entry, where_it_goes
from .out_of_fold.cross_fit import CrossFit
from .out_of_fold.result import OutOfFold
from .out_of_fold.seconds import seconds_of
from .out_of_fold.warning import warn_caller
from .routing import Routed
from .stacking import StackingClassifier, StackingRegressor

if TYPE_CHECKING:
    from .experience.lessons import Lessons

# Of what is left of the time, for the candidates of the second level; the rest is for the blend.
_USED, _LEAST_SECONDS = 0.85, 0.5
# The start of workers, which may have been ended, would take most of so little time.
_SHORT = 6.0
# Of the seconds that a prediction may take, for the first level: less if the second takes more.
_SHARES = (0.7, 0.4, 0.15, 0.0)


@dataclass(frozen=True)
class Limits:
    """What a super learner may cost.

    Attributes
    ----------
    costs : dict of str to float, or None
        Expected seconds of a fold of each learner.
    end : float or None
        :func:`time.perf_counter` reading at which the fit should be over.
    predict_seconds : float or None
        For the prediction of 1,000 rows.
    only_weighty : bool
        Whether learners without a weight of note leave the stack and, without a time limit, the
        fit ends when more of them no longer help.
    lessons : Lessons or None
        What earlier tasks teach, and what is told of this one.
    advise : callable or None
        Says which learners should come next, as :class:`CrossFit` asks it.
    """

    costs: Mapping[str, float] | None = None
    end: float | None = None
    predict_seconds: float | None = None
    only_weighty: bool = False
    lessons: Lessons | None = None
    advise: Callable[[OutOfFold, float | None], Sequence[str]] | None = None


class RawTableStack(BaseStack):
    """A stack whose learners prepare the table themselves, and whose time is planned.

    Weights go into pipelines, whether metadata routing is on or off.
    """

    final_estimator_: Any
    n_jobs: int | None
    _limits = Limits()

    def fit_within(self, X: Any, y: Any, limits: Limits, **params: Any) -> Any:
        """Fit, with what is left of the time for the second level.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Raw table.
        y : array-like of shape (n_rows,)
            Target.
        limits : Limits
            What fit and predictions may cost.
        **params : dict
            As of ``fit``.

        Returns
        -------
        self : estimator
        """
        self._limits = limits
        try:
            return self.fit(X, y, **params)
        finally:
            del self._limits

    def _options(self) -> dict[str, Any]:
        stops = self._limits.only_weighty and self._limits.end is None
        return {
            "costs": self._limits.costs,
            "advise": self._limits.advise,
            "enough": NoMoreGain() if stops else None,
        }

    def _fit_levels(self, engine: CrossFit, ready: Prepared) -> tuple[OutOfFold, OutOfFold]:
        """Fit both levels; the second reads the learners that the stack keeps."""
        lessons = self._limits.lessons
        if self.refit:
            oof, read = super()._fit_levels(engine, ready)
            if lessons is not None:
                lessons.record(oof)
            return oof, read
        oof = engine.run(refit=False)
        if lessons is not None:
            lessons.record(oof)
        read = oof.select(that_earn_weight(oof)) if self._limits.only_weighty else oof
        bound = self._limits.predict_seconds
        if bound is None:
            self._fit_final(read, ready)
        else:
            read = self._fit_bounded(read, ready, bound)
        paths = oof.paths | dict.fromkeys(set(oof.names).difference(read.names), "no weight")
        return replace(oof, models=read.models, paths=paths), read

    def _fit_bounded(self, oof: OutOfFold, ready: Prepared, bound: float) -> OutOfFold:
        """Let learners leave until predictions take no longer than they may."""
        seconds = seconds_of_each(oof, ready.X)
        worth = worth_of_each(oof)
        names: list[str] = []
        for share in _SHARES:
            before, names = names, most_worth(seconds, worth, share * bound)
            if names == before:
                continue
            chosen = oof.select(names)
            self._fit_final(chosen, ready)
            self._keep(chosen, chosen.names, ready)
            taken = seconds_of(self.predict, ready.X)
            if taken <= bound:
                return chosen
        warn_caller(
            f"max_predict_seconds={bound} cannot be kept: with {names} alone, 1,000 rows take "
            f"{taken:.2g} s here. Use fewer folds (cv=), or quicker learners (estimators=)."
        )
        return chosen

    def _fit_final(self, oof: OutOfFold, ready: Prepared) -> None:
        lessons = self._limits.lessons
        if lessons is not None and has_convex_candidates(self.final_estimator_):
            start_from(self.final_estimator_, lessons.prior(oof.names))
        end = self._limits.end
        if end is not None and "time_limit" in self.final_estimator_.get_params():
            left = _USED * (end - perf_counter())
            self.final_estimator_.set_params(time_limit=max(left, _LEAST_SECONDS))
            if left < _SHORT and "n_jobs" in self.final_estimator_.get_params():
                self.final_estimator_.set_params(n_jobs=1)
        super()._fit_final(oof, ready)

    def _sharing(self, X: Any) -> Any:
        """Prepare a table once for all learners."""
        from .learners.preparation import sharing

        return sharing(X)

    def _blocks(self, X: Any) -> dict[str, np.ndarray]:
        """Predict with several learners at once, and prepare the table once for all of them."""
        check_is_fitted(self)
        named = list(self._models())
        with self._sharing(X):
            found = Parallel(n_jobs=self.n_jobs, require="sharedmem")(
                delayed(self._block)(X, name, model, method)
                for (name, model), method in zip(named, self.stack_method_, strict=True)
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
