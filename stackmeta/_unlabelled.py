"""What stacks without a target share: their parameters, folds, engine and display."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from ._default_folds import make_folds
from ._learner_list import LearnerList
from .compat import BaseComposition, Interval, StrOptions, VisualBlock
from .out_of_fold.checks import Entry, build_learners, check_names, read_entries
from .out_of_fold.cross_fit import CrossFit
from .out_of_fold.engine import set_up
from .out_of_fold.store import OutOfFoldStore
from .unsupervised.rows import no_target


class UnlabelledStack(LearnerList, BaseComposition):
    """Mixin for stacks of estimators that learn without y."""

    _parameter_constraints: dict[str, list[Any]] = {
        "estimators": [None, list],
        "cv": ["cv_object"],
        "n_jobs": [None, Integral],
        "on_error": [StrOptions({"raise", "drop"})],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "store": [None, str, os.PathLike, OutOfFoldStore],
        "memory_limit": [None, Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    cv: Any
    n_jobs: int | None
    on_error: str
    time_limit: float | None
    store: Any
    memory_limit: float | None

    def _default_pairs(self) -> list[tuple[str, Any]]:
        """List the estimators that serve where none are given."""
        raise NotImplementedError

    def _engine(
        self,
        given: list[tuple],
        as_learner: Callable[[str, Any], Any],
        X: Any,
        *,
        groups: Any,
        n_folds: int,
        seed: int | None,
    ) -> CrossFit:
        """Set up the engine for ``given``, made learners of regression by ``as_learner``."""
        entries = read_entries(given)
        check_names(entries)
        learners: list[Entry] = [
            (name, e if isinstance(e, (str, type)) else as_learner(name, e), columns)
            for name, e, columns in entries
        ]
        target, cv = no_target(X.shape[0]), self.cv
        if cv is None or isinstance(cv, (int, np.integer)):
            # Shuffled: in a sorted table a whole kind of rows would be held out together.
            cv = make_folds(
                target.y,
                groups,
                classifies=False,
                n_folds=n_folds if cv is None else int(cv),
                n_repeats=1,
                random_state=seed,
            )
        return set_up(
            build_learners(learners, X, target, "predict", {}),
            X,
            target,
            cv=cv,
            groups=groups,
            split_params={} if groups is None else {"groups": groups},
            classifier=False,
            seed=seed,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            time_limit=self.time_limit,
            store=self.store,
            memory_limit=self.memory_limit,
        )

    def _sk_visual_block_(self) -> Any:
        names, learners = zip(*(self._pairs or self._default_pairs()), strict=True)
        return VisualBlock("parallel", learners, names=names, dash_wrapped=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        known = [get_tags(e) for _, e in self._pairs or () if not isinstance(e, (str, type))]
        raw = self.estimators is None
        tags.input_tags.allow_nan = raw or all(t.input_tags.allow_nan for t in known)
        tags.input_tags.string = tags.input_tags.categorical = raw
        return tags
