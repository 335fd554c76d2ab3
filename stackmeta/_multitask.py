"""What both multi-task stacks do: learners of three scopes, their combiner, further rows."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import get_tags, indexable
from sklearn.utils.validation import check_is_fitted

from ._learner_list import LearnerList
from ._stand_in import StandIn
from ._task_table import SCOPES, TaskTable
from ._task_weights import TaskWeights
from .combiners.task_ids import TaskIds
from .compat import (
    BaseComposition,
    Interval,
    Options,
    StrOptions,
    fit_context,
    safe_indexing,
)
from .learners.per_task import (
    split_tasks,
    tasks_with_enough,
)
from .meta_features import append
from .out_of_fold import OutOfFold, OutOfFoldStore, out_of_fold
from .out_of_fold.checks import (
    check_table,
    check_weights,
    draw_seed,
)
from .out_of_fold.folds import (
    covered_rows,
    make_splits,
    repeat_of_each_split,
    resolve_cv,
    restrict_splits,
)
from .out_of_fold.learner import rows_of_params
from .out_of_fold.shortcuts import LEVELS
from .out_of_fold.target import Target

_ADAPT_FOLDS = 5


class BaseMultiTaskStack(TaskTable, TaskWeights, LearnerList, BaseComposition, BaseEstimator):
    """Stack of learners for rows that belong to tasks."""

    _parameter_constraints: dict = {
        "estimators": [list],
        "task": [None, str, Integral],
        "scopes": [list, tuple],
        "pooling": [StrOptions({"auto"}), Interval(Real, 0, None, closed="both")],
        "min_task_rows": [Interval(Integral, 2, None, closed="left")],
        "cv": ["cv_object"],
        "n_jobs": [None, Integral],
        "shortcuts": [StrOptions(set(LEVELS)), Options(bool, {False})],
        "store": [None, str, os.PathLike, OutOfFoldStore],
        "random_state": ["random_state"],
    }

    oof_: OutOfFold
    combiner_: Any
    _ids: TaskIds
    _stand_in: StandIn

    def __init__(
        self,
        estimators: list[tuple],
        *,
        task: Any = None,
        scopes: Any = SCOPES,
        pooling: Any = "auto",
        min_task_rows: int = 10,
        cv: Any = None,
        n_jobs: int | None = None,
        shortcuts: str | bool = "exact",
        store: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.task = task
        self.scopes = scopes
        self.pooling = pooling
        self.min_task_rows = min_task_rows
        self.cv = cv
        self.n_jobs = n_jobs
        self.shortcuts = shortcuts
        self.store = store
        self.random_state = random_state

    def _read_y(self, y: Any) -> Target:
        raise NotImplementedError

    def _combiner(self) -> Any:
        raise NotImplementedError

    def _stand_in_combiner(self) -> Any:
        """Make the combiner of the learners that know all tasks."""
        raise NotImplementedError

    def _further_y(self, y: Any) -> np.ndarray:
        """Read y of ``adapt`` as what the learners were fitted on."""
        raise NotImplementedError

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, *, task: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> BaseMultiTaskStack:
        """Fit the learners of each scope out of fold, the weights of each task, and refit.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Target.
        task : array-like of shape (n_samples,), default=None
            Task of each row, where no column of X says it.
        sample_weight : array-like of shape (n_samples,), default=None
            For all learners, and for the weights.
        groups : array-like of shape (n_samples,), default=None
            Passed to the splitter; with ``cv`` an int or None no group straddles two folds.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            Before the first fit, if names, tasks, target, folds or columns do not fit together.
        TypeError
            If sample weights are given to a learner that takes none.
        """
        entries = self._check_entries(sample_weight)
        check_table(X, type(self).__name__)
        target = self._read_y(y)
        X = self._read_table(X, reset=True)
        X, groups, task, *_ = indexable(X, groups, task, target.y)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        check_weights({"sample_weight": sample_weight}, len(target.y), "fit")
        seed = draw_seed(self.random_state)
        columns, values = self._part(X, task)
        self._ids = TaskIds()
        codes = self._ids.add(values)
        learners = self._learners(entries, X)
        table = _with_codes(columns, codes)
        splits = self._splits(table, target, codes, groups, seed)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        oof = out_of_fold(
            learners,
            table,
            target.y,
            cv=splits,
            method="predict_proba" if is_classifier(self) else "predict",
            refit=True,
            shortcuts=self.shortcuts,
            fit_params=weights,
            n_jobs=self.n_jobs,
            store=self.store,
            random_state=seed,
        )
        self._codes_of_fit = codes
        rows = oof.covered
        if target.kind == "classes" and len(np.unique(target.y[rows])) < target.n_classes:
            raise ValueError(
                f"cv={self.cv!r} holds out no row of some class: the weights need rows of each."
            )
        params = rows_of_params(weights, rows, len(codes))
        self.oof_ = self._backed_up(oof, codes, params)
        self.oof_.target = target
        self.combiner_ = self._combiner().fit(
            np.column_stack([self.oof_.matrix, codes])[rows],
            target.y[rows],
            folds=restrict_splits(splits, rows, len(codes)),
            **params,
        )
        self.weights_ = self.combiner_.weights_
        return self

    def _splits(
        self, table: Any, target: Target, codes: np.ndarray, groups: Any, seed: int | None
    ) -> list:
        """Deal the rows of each task, and of each class in it, to the folds; or as ``cv`` says."""
        if groups is None and (self.cv is None or isinstance(self.cv, Integral)):
            n_folds = 5 if self.cv is None else int(self.cv)
            n_folds = min(n_folds, len(codes)) if self.cv is None else n_folds
            if not 2 <= n_folds <= len(codes):
                raise ValueError(
                    f"cv={self.cv!r} asks for {n_folds} folds of n_samples={len(codes)}: take "
                    "between 2 and as many as there are rows."
                )
            rng = np.random.default_rng(0 if seed is None else seed)
            label = target.y if target.kind == "classes" else np.zeros(len(codes))
            fold = np.empty(len(codes), dtype=int)
            order = np.lexsort([rng.uniform(size=len(codes)), label, codes])
            fold[order] = np.arange(len(codes)) % n_folds
            splitter: Any = [
                (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)
            ]
        else:
            splitter = self.cv
        splitter = resolve_cv(splitter, target.y, classifier=is_classifier(self), groups=groups)
        given = {} if groups is None else {"groups": groups}
        splits = make_splits(splitter, table, target.y, random_state=seed, **given)
        if len(covered_rows(splits, len(codes))) < 2:
            raise ValueError(f"cv={self.cv!r} holds out fewer than two rows.")
        return splits

    def _backed_up(self, oof: OutOfFold, codes: np.ndarray, params: dict) -> OutOfFold:
        """Where a task had too few rows for its own learner, what the other scopes say stands in.

        A task can be that small in one fold and not in the next, so that it goes by fold.
        """
        if "own" not in self.scopes:
            return oof
        matrix, rows = oof.by_repeat.copy(), oof.covered
        y, repeats = oof.target.y, repeat_of_each_split(oof.splits, len(codes))
        self._stand_in = StandIn(self._stand_in_combiner(), oof.columns)
        self._stand_in.fit(oof.matrix[rows], y[rows], **params)
        for repeat, (train, test) in zip(repeats, oof.splits, strict=True):
            enough = self._tasks_with_own(codes[train], y[train])
            self._stand_in.fill(matrix[repeat], test[~np.isin(codes[test], enough)])
        return replace(oof, by_repeat=matrix)

    def _tasks_with_own(self, codes: np.ndarray, y: np.ndarray) -> list[int]:
        return tasks_with_enough(codes, y, self.min_task_rows, is_classifier(self))

    def _matrix(self, X: Any, task: Any) -> tuple[np.ndarray, np.ndarray, Any]:
        """Predictions of all learners for new rows, their tasks' numbers, and the table."""
        check_is_fitted(self)
        check_table(X, f"{type(self).__name__}.predict")
        X = self._read_table(X, reset=False)
        columns, values = self._part(X, task)
        codes = self._ids.find(values)
        table = _with_codes(columns, codes)
        return self._answers(table), codes, table

    def _answers(self, table: Any) -> np.ndarray:
        matrix = self.oof_.predict_matrix(table)
        _, codes = split_tasks(table)
        for name in self.oof_.names:
            if name.endswith("_own"):
                known = list(self.oof_.models[name].models_)
                self._stand_in.fill(matrix, np.flatnonzero(~np.isin(codes, known)))
                break
        return matrix

    def adapt(self, X: Any, y: Any, task: Any = None) -> BaseMultiTaskStack:
        """Let tasks, known or new, follow further rows: their weights, and their mean of y.

        The learners stay as they are, and so do the population's weights. A new task starts
        from those, and is the more its own the more rows it has shown.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Further rows.
        y : array-like of shape (n_samples,)
            Their target.
        task : array-like of shape (n_samples,) or scalar, default=None
            Their tasks, or the one that all belong to, where no column of X says it.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If y holds classes that ``fit`` has not seen, or X does not fit.
        """
        check_is_fitted(self)
        X = self._read_table(X, reset=False)
        if task is not None and np.ndim(task) == 0:
            task = np.repeat(np.asarray(task, dtype=object), X.shape[0])
        y = self._further_y(y)
        if len(y) != X.shape[0]:
            raise ValueError(f"X has {X.shape[0]} rows and y {len(y)}: give each row its target.")
        columns, values = self._part(X, task)
        ids = copy(self._ids)
        ids._number = dict(self._ids._number)
        codes = ids.add(values)
        table = _with_codes(columns, codes)
        matrix = self._answers_without_own_y(table, codes, y)
        self.combiner_.adapt(np.column_stack([matrix, codes]), y)
        self._ids = ids
        for model in self._pooled_models():
            model.adapt(codes, y)
        return self

    def _pooled_models(self) -> list[Any]:
        models = self.oof_.models
        return [models[name] for name in self.oof_.names if name.endswith("_pooled")]

    def _answers_without_own_y(self, table: Any, codes: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Predict rows of ``adapt`` with means of their tasks that leave out their own fold."""
        models = self._pooled_models()
        if not models:
            return self._answers(table)
        kept = [model.means_ for model in models]
        n_folds = min(_ADAPT_FOLDS, len(y))
        fold = np.arange(len(y)) % n_folds
        parts = []
        try:
            for k in range(n_folds):
                rest = np.flatnonzero(fold != k)
                for model, means in zip(models, kept, strict=True):
                    model.means_ = means.copy()
                    if len(rest):
                        model.adapt(codes[rest], y[rest])
                parts.append(self._answers(safe_indexing(table, np.flatnonzero(fold == k))))
        finally:
            for model, means in zip(models, kept, strict=True):
                model.means_ = means
        matrix = np.empty((len(y), parts[0].shape[1]))
        for k, part in enumerate(parts):
            matrix[fold == k] = part
        return matrix

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        learners = [get_tags(e) for _, e in self._pairs if not isinstance(e, str)]
        tags.input_tags.allow_nan = all(t.input_tags.allow_nan for t in learners)
        tags.input_tags.sparse = all(t.input_tags.sparse for t in learners)
        tags.target_tags.required = True
        return tags


def _with_codes(columns: Any, codes: np.ndarray) -> Any:
    return append(columns, codes[:, None].astype(np.float64), ["task_number"])
