"""Candidates, their cross-fit over the folds, and the weights that follow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer_names

from ..compat import Interval, StrOptions
from ..out_of_fold import out_of_fold
from ..out_of_fold.folds import Split, covered_rows
from ..out_of_fold.warning import warn_caller
from .choice import (
    check_candidates,
    count_rows,
    paired_difference,
    simplest_of_best,
    standard_errors,
)
from .combiner import BaseCombiner
from .default_candidates import default_candidates
from .folds import Folds
from .losses import row_shares
from .predictions import Predictions, weighted_mean

_CONSTANT = "constant"
_N_STEPS = 50
# Under a time limit, candidates in their order: what they cost shows with the first fold.
_QUICK = 0.05


class CrossFitted(BaseCombiner):
    """A combiner that cross-fits candidates and weighs them: what both blends share."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "candidates": [None, list],
        "how": [StrOptions({"blend", "best"})],
        "scoring": [None, StrOptions(set(get_scorer_names())), callable],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    _reads_table = True
    _selection: Callable[..., Any]

    candidates: list[tuple[str, BaseEstimator]] | None
    how: str
    scoring: Any
    time_limit: float | None
    n_jobs: int | None
    random_state: Any
    candidates_: dict[str, BaseEstimator]
    candidate_weights_: dict[str, float]
    losses_: dict[str, float]

    @abstractmethod
    def _constant(self) -> BaseEstimator:
        """Make the candidate that knows nothing."""

    @abstractmethod
    def _meta_learner(self, estimator: BaseEstimator) -> BaseCombiner:
        """Make a combiner of an estimator that is none."""

    @abstractmethod
    def _row_losses(self, found: Predictions, y: np.ndarray) -> np.ndarray:
        """Loss of each row and candidate, of shape (n_rows, n_candidates)."""

    @abstractmethod
    def _simplex_weights(self, found: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Weights of least loss."""

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        candidates = self._all_candidates()
        splits = self._usable(folds.splits(y), y)
        if not splits:
            raise ValueError(
                f"n_samples={len(y)} rows are too few to cross-fit candidates: two distinct rows "
                "of each class are needed, and folds that leave both sides a row. Use another "
                f"combiner, such as {type(candidates[:2][-1][1]).__name__}."
            )
        rows = covered_rows(splits, len(y))
        table, numbers = self._table(predictions), folds.numbers(y) if folds.given else None
        try:
            oof = out_of_fold(
                candidates,
                table,
                y,
                cv=splits,
                refit=True,
                fit_params=self._fit_params(candidates, numbers, sample_weight),
                time_limit=self.time_limit,
                costs={name: _QUICK for name, _ in candidates},
                n_jobs=self.n_jobs,
                random_state=self.random_state,
            )
        except TimeoutError:
            oof = None
        # A constant that alone was done in time says nothing against the others.
        if oof is None or (oof.names == [_CONSTANT] and len(candidates) > 1):
            self._use_first(candidates, table, y, sample_weight, numbers)
            return
        weight = None if sample_weight is None else sample_weight[rows]
        found, truth = Predictions(oof.matrix[rows], self._n_outputs), y[rows]
        losses = self._row_losses(found, truth)
        share, n_rows = row_shares(weight, len(rows)), count_rows(weight, len(rows))
        names = oof.names
        self.losses_ = dict(zip(names, (share @ losses).tolist(), strict=True))
        if self.scoring is not None:
            weights = self._selected(found, truth, weight)
            mixture = weighted_mean(found, weights)
        elif self.how == "best":
            weights = np.zeros(len(names))
            weights[simplest_of_best(losses, share, n_rows)] = 1.0
            mixture = weighted_mean(found, weights)
        else:
            held_out = [np.searchsorted(rows, test) for _, test in splits]
            weights, mixture = self._blend(found, truth, share, n_rows, losses, held_out)
        self.candidate_weights_ = dict(zip(names, weights.tolist(), strict=True))
        self.candidates_ = {
            name: oof.models[name] for name, w in zip(names, weights, strict=True) if w > 0
        }
        self._finish(mixture, truth, weight)

    def _use_first(
        self,
        candidates: list[tuple[str, BaseEstimator]],
        table: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        numbers: np.ndarray | None,
    ) -> None:
        """Fit the simplest candidate that learns, and no other: the time is over."""
        name, candidate = candidates[:2][-1]
        warn_caller(
            f"time_limit={self.time_limit} s ended before a candidate that learns was done: "
            f"{name!r} is used alone."
        )
        candidate.fit(table, y, sample_weight=sample_weight, folds=numbers)
        self.__dict__.pop("temperature_", None)
        self.losses_ = {}
        self.candidates_, self.candidate_weights_ = {name: candidate}, {name: 1.0}

    def _selected(
        self, found: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> np.ndarray:
        """Weigh the candidates by what the scorer says of their cross-fitted predictions.

        The first, a constant, stays out: to a scorer of ranks or labels it does no harm.
        """
        selection = self._selection(
            scoring=self.scoring,
            n_steps=1 if self.how == "best" else _N_STEPS,
            random_state=self.random_state,
        )
        matrix = found.view[:, 1:].reshape(found.n_rows, -1)
        return np.append(0.0, selection.fit(matrix, y, sample_weight=sample_weight).weights_)

    def _blend(
        self,
        found: Predictions,
        y: np.ndarray,
        share: np.ndarray,
        n_rows: float,
        losses: np.ndarray,
        held_out: list[np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weigh the candidates; also give the cross-fitted predictions of the blend.

        Simplex weights overfit where candidates are alike. Weights by the paired difference to
        the best, which are about equal there, do not: the less the former gain, cross-fitted,
        for the standard error of the gain, the more the latter count.
        """
        likely = np.exp(-0.5 * standard_errors(losses, share, n_rows) ** 2)
        likely /= likely.sum()
        steady = weighted_mean(found, likely)
        if len(held_out) == 1:  # nothing to cross-fit weights over
            return likely, steady
        mixture = steady.copy()
        for test in held_out:
            rest = np.setdiff1d(np.arange(len(y)), test)
            part = row_shares(share[rest], len(rest))
            weights = self._simplex_weights(found.part(rest), y[rest], part)
            mixture[test] = weighted_mean(found.part(test), weights)
        before = self._row_losses(Predictions(steady, self._n_outputs), y)
        after = self._row_losses(Predictions(mixture, self._n_outputs), y)
        gain, error = paired_difference(before, after, share, n_rows)
        trust = max(0.0, 1.0 - error[0] / gain[0]) if gain[0] > 0 else 0.0
        weights = self._simplex_weights(found, y, share) if trust else likely
        return (1 - trust) * likely + trust * weights, (1 - trust) * steady + trust * mixture

    def _finish(
        self, mixture: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        """Fit what is fitted to the blend's own cross-fitted predictions."""

    def _all_candidates(self) -> list[tuple[str, BaseEstimator]]:
        """List the candidates as combiners, simplest first."""
        given = self.candidates
        if given is None:
            given = default_candidates(classifies=self._probabilities)
        check_candidates(given)
        candidates = [(_CONSTANT, self._constant()), *given]
        if any(name == _CONSTANT for name, _ in given):
            candidates = list(given)
        prepared = []
        for name, candidate in candidates:
            if not isinstance(candidate, BaseCombiner):
                candidate = self._meta_learner(candidate)
            candidate = clone(candidate)
            if candidate.prediction_columns is None:
                candidate.set_params(prediction_columns=self.prediction_columns)
            prepared.append((name, candidate))
        return prepared

    def _usable(self, splits: list[Split], y: np.ndarray) -> list[Split]:
        """Leave out the folds that would train on a class less."""
        if not self._probabilities:
            return splits
        n_classes = y.max() + 1
        return [(train, test) for train, test in splits if len(np.unique(y[train])) == n_classes]

    def _table(self, predictions: Predictions) -> Any:
        if self.prediction_columns is None:
            return predictions.view.reshape(predictions.n_rows, -1)
        return predictions.table

    def _fit_params(
        self,
        candidates: list[tuple[str, BaseEstimator]],
        numbers: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> dict[str, Any]:
        params = {"folds": numbers, "sample_weight": sample_weight}
        return {
            f"{name}__{key}": value
            for name, _ in candidates
            for key, value in params.items()
            if value is not None
        }

    def _combine(self, predictions: Predictions) -> np.ndarray:
        table = self._table(predictions)
        total = np.zeros((predictions.n_rows, self._n_outputs))
        for name, candidate in self.candidates_.items():
            total += self.candidate_weights_[name] * self._answer(candidate, table)
        return total

    @abstractmethod
    def _answer(self, candidate: BaseEstimator, table: Any) -> np.ndarray:
        """Predict with one candidate, in the common form."""
