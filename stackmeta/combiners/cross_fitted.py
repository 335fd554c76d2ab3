"""Candidates, their cross-fit over the folds, and the weights that follow."""

from __future__ import annotations

import os
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
from ..out_of_fold.store import OutOfFoldStore, as_store
from ..out_of_fold.warning import warn_caller
from .choice import check_candidates, paired_difference, simplest_of_best, standard_errors
from .combiner import BaseCombiner
from .default_candidates import default_candidates
from .folds import Folds
from .judged import Judged
from .losses import row_shares
from .predictions import Predictions

_CONSTANT, _BEST = "constant", "best_learner"
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
        "store": [None, str, os.PathLike, OutOfFoldStore],
        "random_state": ["random_state"],
    }

    _reads_table = True
    _selection: Callable[..., Any]
    _best: Callable[..., Any]

    candidates: list[tuple[str, BaseEstimator]] | None
    how: str
    scoring: Any
    time_limit: float | None
    n_jobs: int | None
    store: Any
    random_state: Any
    candidates_: dict[str, BaseEstimator]
    candidate_weights_: dict[str, float]
    losses_: dict[str, float]
    fell_back_: bool
    gain_: float
    gain_se_: float
    cross_fitted_: np.ndarray

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
                store=None if self.store is None else as_store(self.store).next_level(),
                random_state=self.random_state,
            )
        except TimeoutError:
            oof = None
        # A constant that alone was done in time says nothing against the others.
        if oof is None or (oof.names == [_CONSTANT] and len(candidates) > 1):
            self._use_first(candidates, table, y, sample_weight, numbers)
            return
        weight = None if sample_weight is None else sample_weight[rows]
        judged = Judged(
            Predictions(oof.matrix[rows], self._n_outputs),
            y[rows],
            weight,
            [np.searchsorted(rows, test) for _, test in splits],
        )
        losses = self._row_losses(judged.found, judged.y)
        self.losses_ = dict(zip(oof.names, (judged.share @ losses).tolist(), strict=True))
        weights, mixture = self._weigh(judged, losses)
        self.candidate_weights_ = dict(zip(oof.names, weights.tolist(), strict=True))
        self.candidates_ = {
            name: oof.models[name] for name, w in zip(oof.names, weights, strict=True) if w > 0
        }
        single = self._judge_gain(judged.of(predictions, rows), mixture)
        if self.fell_back_:
            mixture = single
            best = self._best(scoring=self.scoring, prediction_columns=self.prediction_columns)
            best.fit(table, y, sample_weight=sample_weight)
            self.candidates_ = {_BEST: best}
            self.candidate_weights_ = dict.fromkeys(oof.names, 0.0) | {_BEST: 1.0}
        self.cross_fitted_ = np.full((len(y), self._n_outputs), np.nan)
        self.cross_fitted_[rows] = mixture
        self._finish(mixture, judged.y, weight)

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
        for stale in ("temperature_", "cross_fitted_"):
            self.__dict__.pop(stale, None)
        self.losses_ = {}
        self.candidates_, self.candidate_weights_ = {name: candidate}, {name: 1.0}
        self.fell_back_, self.gain_, self.gain_se_ = False, np.nan, np.nan

    def _judge_gain(self, learners: Judged, mixture: np.ndarray) -> np.ndarray:
        """Measure the blend's gain over the best learner, chosen on the other folds' rows.

        A blend that loses more than that learner by over one standard error is not kept. To ask
        for a gain beyond doubt would cost: most blends with a small gain keep it on new rows.

        Returns
        -------
        single : ndarray of shape (n_rows, n_outputs)
            Predictions of the learner that is best on the other folds.
        """
        self.fell_back_, self.gain_, self.gain_se_ = False, np.nan, np.nan
        if not learners.all_can_judge(len(getattr(self, "classes_", ()))):
            return mixture
        best = self._best(scoring=self.scoring)

        def choose(part: Judged) -> np.ndarray:
            matrix = part.found.view.reshape(len(part.y), -1)
            return best.fit(matrix, part.y, sample_weight=part.weight).weights_

        single = learners.cross_fitted(choose)
        if self.scoring is None:
            before, after = (
                self._row_losses(Predictions(x, self._n_outputs), learners.y)
                for x in (single, mixture)
            )
            gain, error = paired_difference(before, after, learners.share, learners.n_rows)
            self.gain_, self.gain_se_ = float(gain[0]), float(error[0])
        else:
            self.gain_, self.gain_se_ = self._gain_of_score(single, mixture, learners)
        self.fell_back_ = bool(self.gain_ < -self.gain_se_)
        return single

    def _gain_of_score(
        self, single: np.ndarray, mixture: np.ndarray, learners: Judged
    ) -> tuple[float, float]:
        """Mean gain over the folds; its error is that of the mean."""
        judge, gains = self._best(scoring=self.scoring), []
        both = np.hstack([single, mixture])
        for test, _ in learners.folds():
            weight = None if learners.weight is None else learners.weight[test]
            try:
                judge.fit(both[test], learners.y[test], sample_weight=weight)
            except ValueError:  # a score that these few rows do not have
                return np.nan, np.nan
            gains.append(judge.losses_[0] - judge.losses_[1])
        return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))

    def _weigh(self, judged: Judged, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weigh the candidates; also give the predictions of the blend, its weights cross-fitted.

        The weights of a fold's rows are those that the other folds' rows lead to.
        """
        if self.scoring is None and self.how == "blend":
            return self._blend(judged, losses)
        choose = self._simplest if self.scoring is None else self._selected
        return choose(judged), judged.cross_fitted(choose)

    def _simplest(self, judged: Judged) -> np.ndarray:
        losses = self._row_losses(judged.found, judged.y)
        weights = np.zeros(judged.found.n_learners)
        weights[simplest_of_best(losses, judged.share, judged.n_rows)] = 1.0
        return weights

    def _selected(self, judged: Judged) -> np.ndarray:
        """Weigh the candidates by what the scorer says of their cross-fitted predictions.

        The first, a constant, stays out: to a scorer of ranks or labels it does no harm.
        """
        selection = self._selection(
            scoring=self.scoring,
            n_steps=1 if self.how == "best" else _N_STEPS,
            random_state=self.random_state,
        )
        found = judged.found
        matrix = found.view[:, 1:].reshape(found.n_rows, -1)
        fitted = selection.fit(matrix, judged.y, sample_weight=judged.weight)
        return np.append(0.0, fitted.weights_)

    def _blend(self, judged: Judged, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weigh the candidates by loss.

        Simplex weights overfit where candidates are alike. Weights by the paired difference to
        the best, which are about equal there, do not: the less the former gain, cross-fitted,
        for the standard error of the gain, the more the latter count.
        """

        def likely(part: Judged) -> np.ndarray:
            behind = standard_errors(self._row_losses(part.found, part.y), part.share, part.n_rows)
            found = np.exp(-0.5 * behind**2)
            return found / found.sum()

        def least(part: Judged) -> np.ndarray:
            return self._simplex_weights(part.found, part.y, part.share)

        steady, sharp = judged.cross_fitted(likely), judged.cross_fitted(least)
        before, after = (
            self._row_losses(Predictions(mixture, self._n_outputs), judged.y)
            for mixture in (steady, sharp)
        )

        def trust(rows: np.ndarray) -> float:
            share = row_shares(judged.share[rows], len(rows))
            gain, error = paired_difference(
                before[rows], after[rows], share, judged.part(rows).n_rows
            )
            return max(0.0, 1.0 - error[0] / gain[0]) if gain[0] > 0 else 0.0

        mixture = np.empty_like(steady)
        for test, rest in judged.folds():
            t = trust(rest) if len(rest) else 0.0
            mixture[test] = (1 - t) * steady[test] + t * sharp[test]
        if len(judged.held_out) == 1:  # nothing to cross-fit weights over
            return likely(judged), mixture
        t = trust(np.arange(len(judged.y)))
        weights = (1 - t) * likely(judged)
        return (weights + t * least(judged) if t else weights), mixture

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
