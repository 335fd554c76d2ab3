"""What everything with a list of learners does: parameters, checks before the first fit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import Bunch, indexable

from ._learner_list import LearnerList
from ._meta import MetaFeatures
from .compat import (
    CallbackSupportMixin,
    Interval,
    Options,
    StrOptions,
    VisualBlock,
    root_callback_context,
)
from .meta_features import check_passthrough
from .out_of_fold.checks import (
    Entry,
    build_learners,
    check_table,
    check_weights,
    draw_seed,
    read_entries,
)
from .out_of_fold.cross_fit import CrossFit
from .out_of_fold.engine import set_up
from .out_of_fold.learner import Learner
from .out_of_fold.progress import Progress
from .out_of_fold.result import OutOfFold
from .out_of_fold.shortcuts import LEVELS
from .out_of_fold.store import OutOfFoldStore
from .out_of_fold.target import Target, encode_target
from .routing import LearnerRouting, Routed

METHOD_CONSTRAINT = [
    StrOptions({"auto", "predict_proba", "predict_log_proba", "decision_function", "predict"}),
    list,
    dict,
]


@dataclass
class Prepared:
    """A checked call of ``fit``, ready to run."""

    entries: list[Entry]
    X: Any
    groups: Any
    target: Target
    learners: list[Learner]
    routed: Routed
    seed: int | None
    progress: Progress


class Level0(LearnerList, LearnerRouting, MetaFeatures, CallbackSupportMixin):
    """Mixin for estimators that fit a list of learners out of fold."""

    _has_meta_learner = False

    _parameter_constraints: dict = {
        "estimators": [list],
        "cv": ["cv_object"],
        "n_jobs": [None, Integral],
        "passthrough": ["boolean", "array-like"],
        "verbose": ["verbose"],
        "refit": ["boolean"],
        "shortcuts": [StrOptions(set(LEVELS)), Options(bool, {False})],
        "on_error": [StrOptions({"raise", "drop"})],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "store": [None, str, os.PathLike, OutOfFoldStore],
        "memory_limit": [None, Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def _classifies(self) -> bool:
        return is_classifier(self)

    def _prepare(self, X: Any, y: Any, groups: Any, fit_params: Mapping[str, Any]) -> Prepared:
        """Do every check that needs no fit."""
        self._check_fit_params(fit_params)
        entries = read_entries(self.estimators)
        self._validate_names([name for name, _, _ in entries])
        self._check_kinds(entries)
        seed = draw_seed(self.random_state)
        check_table(X, type(self).__name__)
        X, groups = indexable(X, groups)
        target = encode_target(y, classifier=self._classifies(), caller=type(self).__name__)
        self._clone_final(seed)
        X, *_ = indexable(X, target.y)
        check_passthrough(X, self.passthrough)
        routed = self._route(entries, groups, fit_params)
        for name, params in [*routed.learners.items(), ("final_estimator", routed.final)]:
            check_weights(params, len(target.y), name)
        learners = build_learners(entries, X, target, self._methods(), routed.learners)
        n_parts = len(learners) + self._has_meta_learner
        context = root_callback_context(self, max_subtasks=n_parts)
        progress = Progress(self.verbose, context, self)
        return Prepared(entries, X, groups, target, learners, routed, seed, progress)

    def _check_kinds(self, entries: list[Entry]) -> None:
        """Refuse learners of the wrong kind; by default there is none."""

    def _clone_final(self, seed: int | None) -> None:
        """Make the meta-learner; by default there is none."""

    def _cross_fit(self, ready: Prepared) -> CrossFit:
        """Compute the splits and set up the engine."""
        return set_up(
            ready.learners,
            ready.X,
            ready.target,
            cv=self.cv,
            groups=ready.groups,
            split_params=ready.routed.split,
            classifier=self._classifies(),
            seed=ready.seed,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            time_limit=self.time_limit,
            keep_fold_models=not self.refit,
            shortcuts=self.shortcuts,
            store=self.store,
            memory_limit=self.memory_limit,
            progress=ready.progress,
            **self._options(),
        )

    def _options(self) -> dict[str, Any]:
        """Give further parameters of the engine; by default there are none."""
        return {}

    def _keep(self, oof: OutOfFold, used: list[str], ready: Prepared) -> None:
        """Set the fitted attributes."""
        self._columns = oof.columns
        self._reads = {name: oof.learner_columns[name] for name in oof.names}
        self._target = oof.target.without_y()
        self.estimators_ = [oof.models[name] for name in used]
        self.stack_method_ = [oof.methods[name] for name in used]
        models = dict(zip(used, self.estimators_, strict=True))
        self.named_estimators_ = Bunch(
            **{name: models.get(name, "drop") for name, _, _ in ready.entries}
        )
        self.__dict__.pop("feature_names_in_", None)
        for name, model in models.items():
            if self._reads[name] is None and hasattr(model, "feature_names_in_"):
                self.feature_names_in_ = model.feature_names_in_
        if any(self._reads[name] is not None for name in used):
            self._n_features_in = ready.X.shape[1]
            names = list(getattr(ready.X, "columns", []))
            if names and all(isinstance(name, str) for name in names):
                self.feature_names_in_ = np.asarray(names, dtype=object)

    def _sk_visual_block_(self) -> Any:
        """Diagram of the learners for notebooks."""
        names, estimators = zip(*self._pairs, strict=True)
        labels = [f"{name}{self._label_of(name)}" for name in names]
        return VisualBlock("parallel", estimators, names=labels, dash_wrapped=False)

    def _label_of(self, name: str) -> str:
        """Say beside a learner's name in the diagram what the fit made of it."""
        return ""
