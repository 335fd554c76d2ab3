"""What both multi-target stacks do: checks before the first fit, and reading what was fitted."""

from __future__ import annotations

import os
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from ._learner_list import LearnerList
from ._target_stages import TargetStages, draw_orders
from .compat import BaseComposition, HasMethods, Interval, Options, StrOptions, fit_context
from .meta_features import check_real
from .out_of_fold import OutOfFold, OutOfFoldStore, out_of_fold
from .out_of_fold.checks import (
    as_table,
    check_names,
    check_table,
    check_weights,
    draw_seed,
    read_entries,
)
from .out_of_fold.folds import covered_rows, make_splits, resolve_cv
from .out_of_fold.shortcuts import LEVELS

if TYPE_CHECKING:
    import pandas as pd


class BaseMultiTargetStack(LearnerList, BaseComposition, BaseEstimator):
    """Stack of learners for several targets that know of each other."""

    _parameter_constraints: dict = {
        "estimators": [list],
        "final_estimator": [None, HasMethods("fit")],
        "method": [StrOptions({"stacked", "chains", "both"})],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "n_jobs": [None, Integral],
        "shortcuts": [StrOptions(set(LEVELS)), Options(bool, {False})],
        "store": [None, str, os.PathLike, OutOfFoldStore],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimators: list[tuple],
        final_estimator: Any = None,
        *,
        method: str = "stacked",
        n_chains: int = 10,
        cv: Any = None,
        n_jobs: int | None = None,
        shortcuts: str | bool = "exact",
        store: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.final_estimator = final_estimator
        self.method = method
        self.n_chains = n_chains
        self.cv = cv
        self.n_jobs = n_jobs
        self.shortcuts = shortcuts
        self.store = store
        self.random_state = random_state

    _one_axis: bool

    def _default_final(self) -> Any:
        raise NotImplementedError

    def _read_targets(self, y: Any) -> list[np.ndarray]:
        """Check y, and give its columns; set ``classes_`` of a classifier."""
        raise NotImplementedError

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None
    ) -> BaseMultiTargetStack:
        """Fit each target alone, then with the out-of-fold predictions of the others.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows.
        y : array-like or DataFrame of shape (n_samples, n_targets)
            Targets, a column each.
        sample_weight : array-like of shape (n_samples,), default=None
            For all learners, and for the combiners that take weights.
        groups : array-like of shape (n_samples,), default=None
            Passed to the splitter; with ``cv`` an int or None no group straddles two folds.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            Before the first fit, if names, targets, folds or columns do not fit together.
        TypeError
            If sample weights are given to a learner that takes none.
        """
        entries = self._check_entries()
        check_table(X, type(self).__name__)
        targets = self._read_targets(targets_as_table(y, type(self).__name__))
        self._one_axis = len((y if hasattr(y, "shape") else np.asarray(y)).shape) == 1
        self.target_names_ = _names_of(y, len(targets))
        X = self._read_table(X, reset=True)
        X, groups, *_ = indexable(X, groups, targets[0])
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        check_weights({"sample_weight": sample_weight}, len(targets[0]), "fit")
        seed = draw_seed(self.random_state)
        splits = self._splits(X, targets, groups, seed)
        final = self._final_or_default()
        reads_probabilities = getattr(get_tags(final), "reads_probabilities", False)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}

        def run(learners: Any, table: Any, target: np.ndarray) -> OutOfFold:
            return out_of_fold(
                learners,
                table,
                target,
                cv=splits,
                method=self._answers(reads_probabilities),
                refit=True,
                shortcuts=self.shortcuts,
                fit_params=weights,
                n_jobs=self.n_jobs,
                store=self.store,
                random_state=seed,
            )

        stages = TargetStages(entries, final, X, targets, run, sample_weight)
        if self.method != "chains" and len(targets) > 1:
            stages.stack()
        if self.method != "stacked" and len(targets) > 1:
            stages.chain(draw_orders(len(targets), self.n_chains, seed))
        self.final_estimators_ = stages.finish()
        self._stages = stages
        return self

    def _answers(self, reads_probabilities: bool) -> str:
        if not is_classifier(self):
            return "predict"
        return "predict_proba" if reads_probabilities else "auto"

    def _check_entries(self) -> list[tuple]:
        entries = read_entries(self.estimators)
        check_names(entries)
        self._validate_names([name for name, _, _ in entries])
        names = {name for name, _, _ in entries}
        for name in names:
            if any(name + suffix in names for suffix in ("_stacked", "_chain")):
                raise ValueError(
                    f"Learner {name!r} of a later stage would be named as another learner: "
                    "rename the one that ends in '_stacked' or '_chain'."
                )
        kind = "classifier" if is_classifier(self) else "regressor"
        kept = [entry for entry in entries if not isinstance(entry[1], str)]
        for name, estimator, _ in kept:
            if is_classifier(estimator) is not is_classifier(self):
                raise ValueError(f"Learner {name!r}, {estimator!r}, should be a {kind}.")
        if words := [e[0] for e in entries if isinstance(e[1], str) and e[1] != "drop"]:
            raise ValueError(
                f"Learners {words} are no estimators; several targets take estimators only."
            )
        final = self._final_or_default()
        if is_classifier(final) is not is_classifier(self):
            raise ValueError(f"'final_estimator' parameter should be a {kind}. Got {final}")
        return kept

    def _splits(self, X: Any, targets: list, groups: Any, seed: int | None) -> list:
        shape = np.empty((len(targets[0]), len(targets)))
        splitter = resolve_cv(self.cv, shape, classifier=False, groups=groups)
        given = {} if groups is None else {"groups": groups}
        splits = make_splits(splitter, X, shape, random_state=seed, **given)
        left = len(shape) - len(covered_rows(splits, len(shape)))
        if left:
            raise ValueError(
                f"cv={self.cv!r} holds out all rows but {left}. Later stages are trained on the "
                "predictions of all rows: take a splitter that covers them, such as KFold."
            )
        return splits

    def _final_or_default(self) -> Any:
        return self._default_final() if self.final_estimator is None else self.final_estimator

    def _for_finals(self, X: Any) -> list[np.ndarray]:
        check_is_fitted(self)
        check_table(X, f"{type(self).__name__}.predict")
        return self._stages.predict(self._read_table(X, reset=False))

    def _joined(self, answers: list[np.ndarray]) -> np.ndarray:
        """Put the targets' answers side by side, or give the only one as it is."""
        return answers[0] if self._one_axis else np.column_stack(answers)

    def _read_table(self, X: Any, *, reset: bool) -> Any:
        """Check the shape and the names of X; what is in it is for the learners to judge."""
        X = as_table(X, type(self).__name__)
        check_real(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    @property
    def learner_weights_(self) -> dict[Any, dict[str, float]]:
        """Weights of the learners of each target, where the combiners have ``weights_``."""
        check_is_fitted(self)
        return {
            name: dict(zip(self._stages.columns(j), map(float, final.weights_), strict=True))
            for j, (name, final) in enumerate(
                zip(self.target_names_, self.final_estimators_, strict=True)
            )
        }

    @property
    def oof_predictions_(self) -> list[np.ndarray]:
        """For each target the out-of-fold predictions that its combiner was fitted on."""
        check_is_fitted(self)
        return [self._stages.out_of_fold(j) for j in range(len(self.target_names_))]

    def leaderboard(self) -> pd.DataFrame:
        """List the learners of each target, best first.

        Returns
        -------
        table : DataFrame
            ``target``, ``learner``, ``stage`` ("alone", "stacked", "chain"), ``loss`` (out of
            fold; of the mean over chains), ``weight`` (NaN where the combiner has none) and
            ``fit_seconds``. ``attrs["loss"]`` names the loss.
        """
        import pandas as pd

        check_is_fitted(self)
        rows = []
        for j, name in enumerate(self.target_names_):
            final = self.final_estimators_[j]
            columns = self._stages.columns(j)
            weights = getattr(final, "weights_", np.full(len(columns), np.nan))
            weights = dict(zip(columns, weights, strict=True))
            for stage, oof, seconds in self._stages.losses(j):
                suffix = "" if stage == "alone" else f"_{stage}"
                rows += [
                    {
                        "target": name,
                        "learner": learner + suffix,
                        "stage": stage,
                        "loss": loss,
                        "weight": weights[learner + suffix],
                        "fit_seconds": seconds[learner],
                    }
                    for learner, loss in oof.loss().items()
                ]
        table = pd.DataFrame(rows)
        order = {name: j for j, name in enumerate(self.target_names_)}
        table = table.sort_values(
            ["target", "loss"],
            key=lambda c: c.map(order) if c.name == "target" else c,
            kind="stable",
            ignore_index=True,
        )
        table.attrs["loss"] = self._stages.first[0].oof.loss_name
        return table

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        learners = [get_tags(e) for _, e in self._pairs if not isinstance(e, str)]
        tags.input_tags.allow_nan = all(t.input_tags.allow_nan for t in learners)
        tags.input_tags.sparse = all(t.input_tags.sparse for t in learners)
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _names_of(y: Any, n_targets: int) -> list:
    """Names of a frame's columns, else 0, 1, …."""
    names = getattr(y, "columns", None)
    return list(range(n_targets)) if names is None else list(names)


def targets_as_table(y: Any, caller: str) -> Any:
    """Give y a column a target; one axis is one target.

    Raises
    ------
    ValueError
        If it is missing, or has more than two axes or no column.
    """
    if y is None:
        raise ValueError(f"{caller} requires y to be passed, but the target y is None.")
    y = y if hasattr(y, "shape") else np.asarray(y)
    if len(y.shape) == 1:
        y = np.asarray(y)
        return y[:, None]
    if len(y.shape) != 2 or y.shape[1] == 0:
        raise ValueError(
            f"{caller} needs y of shape (n_samples, n_targets), a column a target; got shape "
            f"{y.shape}."
        )
    return y
