"""What both super learners do: portfolio, folds and time, put into a stack."""

from __future__ import annotations

import os
from numbers import Integral, Real
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from ._default_folds import make_folds
from ._honest import Honest
from ._raw_table_stack import Limits
from ._seeing import Seeing
from ._versions import versions, warn_of_versions
from .compat import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    VisualBlock,
    check_sample_weight,
    fit_context,
    safe_indexing,
)
from .meta_features import check_real, check_unique_names
from .out_of_fold.checks import as_table, check_table, check_weights, draw_seed, where_it_goes
from .out_of_fold.store import OutOfFoldStore

if TYPE_CHECKING:
    from .evaluation.findings import Audit
    from .experience.lessons import Lessons
    from .inspection.inspected import Inspected
    from .learners.time_plan import TimePlan

_ROWS_AT_ONCE = 10_000
# Under a time limit learners come as long as there is time for them.
_IN_TIME = {"fast": "fast", "balanced": "best", "best": "best"}
_DEFAULTS = ("default", "default+")


class BaseSuperLearner(Honest, Seeing, BaseEstimator):
    """What both tasks share: the portfolio, the folds, and the stack that they make."""

    _parameter_constraints: dict = {
        "estimators": [StrOptions(set(_DEFAULTS)), list],
        "final_estimator": [StrOptions({"auto"}), HasMethods(["fit", "predict"])],
        "preset": [StrOptions({"fast", "balanced", "best"})],
        "levels": [StrOptions({"auto"}), Options(Integral, {1, 2})],
        "scoring": [None, StrOptions(set(get_scorer_names())), callable],
        "cv": ["cv_object"],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "max_predict_seconds": [None, Interval(Real, 0, None, closed="neither")],
        "device": [StrOptions({"cpu", "cuda"})],
        "n_jobs": [None, Integral],
        "store": [None, str, os.PathLike, OutOfFoldStore],
        "experience": [None, str, os.PathLike, HasMethods(["records", "add"])],
        "order": [StrOptions({"listed", "advised"})],
        "memory_limit": [None, Interval(Real, 0, None, closed="neither")],
        "verbose": ["verbose"],
        "keep_oof": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimators: Any = "default",
        final_estimator: Any = "auto",
        *,
        preset: str = "balanced",
        levels: Any = "auto",
        scoring: Any = None,
        cv: Any = None,
        time_limit: float | None = None,
        max_predict_seconds: float | None = None,
        device: str = "cpu",
        n_jobs: int | None = None,
        store: Any = None,
        experience: Any = None,
        order: str = "listed",
        memory_limit: float | None = None,
        verbose: int = 0,
        keep_oof: bool = True,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.final_estimator = final_estimator
        self.preset = preset
        self.levels = levels
        self.scoring = scoring
        self.cv = cv
        self.time_limit = time_limit
        self.max_predict_seconds = max_predict_seconds
        self.device = device
        self.n_jobs = n_jobs
        self.store = store
        self.experience = experience
        self.order = order
        self.memory_limit = memory_limit
        self.verbose = verbose
        self.keep_oof = keep_oof
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> Any:
        """Fit the portfolio out of fold, the second level on the same folds, and their blend.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Raw table: numbers, texts, categories, dates, missing values.
        y : array-like of shape (n_rows,)
            Target.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows. "default" leaves out the learners that take none.
        groups : array-like of shape (n_rows,), default=None
            Group of each row; none straddles two folds.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If y or a parameter is not what it should be.
        TimeoutError
            If ``time_limit`` ended before one learner was done.
        """
        from .learners.device import usable_device

        start = perf_counter()
        X = self._read(X, reset=True)
        y = self._check_target(y)
        check_consistent_length(X, y)
        seed = draw_seed(self.random_state)
        lessons = self._lessons(X, y)
        plain = sample_weight is None and groups is None
        few_shot = self._few_shot(y, lessons) if plain else None
        plan = self._plan(X, y, seed, lessons, few_shot)
        learners = self._learners(
            y,
            seed,
            few_shot=few_shot,
            pace=plan.pace,
            device=usable_device(self.device),
            weighted=sample_weight is not None,
        )
        if lessons is not None:
            lessons.take(learners, plan.costs, plan.seconds_of_a_fold)
        params = {}
        if sample_weight is not None:
            check_weights({"sample_weight": sample_weight}, len(y), type(self).__name__)
            params["sample_weight"] = check_sample_weight(sample_weight, X)
        final, cv, advise = self._final(seed), self.cv, None
        costs: dict[str, float] | None = plan.costs
        few = few_shot == "alone"
        if few:
            from ._few_shot import few_shot_parts

            learners, final, cv = few_shot_parts(seed)
            costs = None
        elif lessons is not None and self.order == "advised":
            learners, advise = lessons.in_order(), lessons.advise
        self.stack_ = self._make_stack(
            learners,
            final,
            cv=self._folds(y, groups, plan, seed) if cv is None else cv,
            refit=few,
            shortcuts="approximate",
            passthrough=self._n_levels() > 1 and not few,
            on_error="drop" if len(learners) > 1 else "raise",
            time_limit=plan.first_seconds,
            n_jobs=self.n_jobs,
            store=self.store,
            memory_limit=self.memory_limit,
            verbose=self.verbose,
            keep_oof=self.keep_oof,
            random_state=seed,
        )
        end = None if self.time_limit is None else start + self.time_limit
        limits = Limits(
            costs,
            end,
            self.max_predict_seconds,
            self._keeps_only_weighty() and not few,
            lessons=lessons,
            advise=advise,
        )
        self.stack_.fit_within(X, y, limits, groups=groups, **params)
        return self

    def _few_shot(self, y: np.ndarray, lessons: Lessons | None) -> str | None:
        """Whether few rows want learners whose metric was learned, "alone" or "beside" others."""
        given = (self.estimators, self.final_estimator)
        default = self.cv is None and given == ("default", "auto")
        if lessons is None or self._task != "classification" or not default:
            return None
        from ._few_shot import place_of_few_shot

        return place_of_few_shot(y)

    def _lessons(self, X: Any, y: np.ndarray) -> Lessons | None:
        """Ask the memory what earlier tasks say about this one."""
        if self.experience is None and self.order == "advised":
            raise ValueError(
                "order='advised' needs something that advises: set experience= to a TaskMemory, "
                "its file, or 'shipped'; or use order='listed'."
            )
        if self.experience is None:
            return None
        from .experience.lessons import Lessons

        return Lessons.of(self.experience, X, y, classifies=self._task == "classification")

    def _folds(self, y: np.ndarray, groups: Any, plan: TimePlan, seed: int | None) -> Any:
        return make_folds(
            y,
            groups,
            classifies=self._task == "classification",
            n_folds=plan.n_folds,
            n_repeats=plan.n_repeats,
            random_state=seed,
        )

    def _plan(
        self,
        X: Any,
        y: np.ndarray,
        seed: int | None,
        lessons: Lessons | None,
        few_shot: str | None,
    ) -> TimePlan:
        from .learners.time_plan import plan_time

        classifies = self._task == "classification"
        learners = self._learners(y, seed, few_shot=few_shot)
        return plan_time(
            [name for name, *_ in learners],
            self.time_limit,
            slowness={} if lessons is None else lessons.slowness,
            n_rows=len(y),
            n_columns=X.shape[1],
            n_classes=len(np.unique(y)) if classifies else 1,
            n_workers=effective_n_jobs(self.n_jobs),
            n_levels=self._n_levels(),
        )

    def _keeps_only_weighty(self) -> bool:
        """Whether learners go that earn no weight; a meta-learner of one's own reads all."""
        return self.preset != "best" and isinstance(self.final_estimator, str)

    def _n_levels(self) -> int:
        return 2 if self.levels == "auto" else self.levels

    def _learners(
        self,
        y: np.ndarray,
        seed: int | None,
        *,
        pace: float = 1.0,
        device: str = "cpu",
        weighted: bool = False,
        few_shot: str | None = None,
    ) -> list[Any]:
        """Spell out ``estimators``; with weights, "default" has those that take some."""
        n_classes = len(np.unique(y)) if self._task == "classification" else 1

        # Imported where used, for the sake of `import stackmeta`.
        from .learners.portfolio import PRESETS, portfolio

        def listed(preset: str) -> list[tuple[str, Any]]:
            return portfolio(
                self._task,
                preset=preset,
                n_rows=len(y),
                n_classes=n_classes,
                pace=pace,
                device=device,
                random_state=seed,
            )

        preset = self.preset if self.time_limit is None else _IN_TIME[self.preset]
        wanted = [self.estimators] if isinstance(self.estimators, str) else self.estimators
        known, found = dict(listed(PRESETS[-1])), []
        for entry in wanted:
            if isinstance(entry, str) and entry in _DEFAULTS:
                found += [
                    (name, learner)
                    for name, learner in listed(preset)
                    if not weighted or where_it_goes(learner, "sample_weight")
                ]
            elif isinstance(entry, str) and entry in known:
                found.append((entry, known[entry]))
            elif isinstance(entry, str):
                raise ValueError(
                    f"estimators: {entry!r} is no learner of the portfolio for this table: "
                    f"{[*known]}. Use one of these names, 'default', or (name, estimator)."
                )
            else:
                found.append(entry)
        if few_shot == "beside":
            from ._few_shot import joining_learners

            found = [*joining_learners(seed, [name for name, *_ in found]), *found]
        return found

    def _final(self, seed: int | None) -> Any:
        if not isinstance(self.final_estimator, str):
            return self.final_estimator
        candidates = None
        if self._n_levels() > 1:
            from .learners.second_level import second_level

            candidates = second_level(classifies=self._task == "classification", random_state=seed)
        return self._blend(
            candidates,
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            store=self.store,
            random_state=seed,
        )

    @property
    def oof_(self) -> Any:
        """The first level's out-of-fold predictions (an ``OutOfFold``)."""
        check_is_fitted(self)
        return self.stack_.oof_

    def _judged_stack(self) -> Any:
        check_is_fitted(self)
        return self.stack_

    def _inspected(self, method: str) -> Inspected:
        """Hand over the stack's first level, and the second as what combines it."""
        check_is_fitted(self)
        return self.stack_._inspected(method)

    def _sk_visual_block_(self) -> Any:
        """Diagram for notebooks: the learners that were fitted, and what combines them."""
        if not hasattr(self, "stack_"):
            name = type(self).__name__
            return VisualBlock("single", self, names=name, name_details=str(self))
        return self.stack_._sk_visual_block_()

    def audit(self, X: Any, y: Any = None) -> Audit:
        """Look for leaks in the table, the split and the learners of this fit.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The table of ``fit``.
        y : array-like of shape (n_rows,), default=None
            The target of ``fit``, which is known: it is only compared.

        Returns
        -------
        audit : Audit
            As :meth:`StackingClassifier.audit`.
        """
        check_is_fitted(self)
        return self.stack_.audit(self._read(X), y)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows of a table like that of ``fit``.

        Returns
        -------
        y_pred : ndarray of shape (n_rows,)
        """
        return self._in_parts("predict", X)

    def _in_parts(self, method: str, X: Any) -> np.ndarray:
        """Ask the stack a part of the rows at a time: what is prepared takes memory."""
        check_is_fitted(self)
        X, answer = self._read(X), getattr(self.stack_, method)
        if X.shape[0] <= _ROWS_AT_ONCE:
            return answer(X)
        starts = range(0, X.shape[0], _ROWS_AT_ONCE)
        rows = [np.arange(start, min(start + _ROWS_AT_ONCE, X.shape[0])) for start in starts]
        return np.concatenate([answer(safe_indexing(X, part)) for part in rows])

    def _read(self, X: Any, *, reset: bool = False) -> Any:
        """Check the shape of a table and the names of its columns."""
        if issparse(X):
            raise TypeError(
                "Sparse data was passed, but the super learner reads dense tables: use "
                "X.toarray(), or a StackingClassifier or StackingRegressor of learners for it."
            )
        check_table(X, type(self).__name__)
        X = as_table(X, type(self).__name__)
        check_unique_names(X)
        check_real(X)
        validate_data(self, X=X, reset=reset, skip_check_array=True)
        return X

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_versions": versions()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        warn_of_versions(type(self).__name__, state.pop("_versions", {}))
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
