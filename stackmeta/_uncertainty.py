"""Intervals and sets of a stack: its out-of-fold predictions, wired to conformal calibration."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from ._stack import BaseStack, final_estimator_has
from .compat import is_pandas, safe_indexing
from .evaluation.combined import check_rows_of_fit
from .evaluation.fold_combiners import FoldCombiners
from .evaluation.intervals import Intervals
from .evaluation.prediction_sets import PredictionSets
from .meta_features import select_passthrough
from .out_of_fold.fold_average import FoldAverage
from .out_of_fold.folds import restrict_splits
from .out_of_fold.learner import take_columns
from .out_of_fold.losses import full_probabilities
from .out_of_fold.response import respond

if TYPE_CHECKING:
    import pandas as pd

    from .evaluation.findings import Audit

_ROWS_AT_ONCE = 10_000
_METHODS = ("cv", "cv+")


@dataclass
class Kept:
    """What intervals or sets need of a fit, computed when first asked for.

    Attributes
    ----------
    conformal : Intervals or PredictionSets
        Scores of the rows that were held out.
    combiners : FoldCombiners or None
        The meta-learner of each fold; None where predictions are those of the whole stack.
    """

    conformal: Any
    combiners: FoldCombiners | None


class HeldOutStack(BaseStack):
    """Mixin: predictions that the models of the folds make, for rows of fit and new ones."""

    def audit(self, X: Any, y: Any = None) -> Audit:
        """Look for leaks in the table, the split and the learners of this fit.

        As :func:`stackmeta.audit`, over the folds of the fit, and for learners that predict
        held-out rows as well as those they were fitted on, and far better than all others.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            The table of ``fit``.
        y : array-like of shape (n_samples,), default=None
            The target of ``fit``, which is known: it is only compared.

        Returns
        -------
        audit : Audit
            A sequence of findings; empty where nothing was found.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        ValueError
            If X or y is not that of ``fit``, or it was fitted with ``cv="prefit"``.
        """
        from .evaluation.audit import audit_fit

        oof = self._kept_oof("audit()")
        if isinstance(self.cv, str):
            raise ValueError('cv="prefit": there are no folds to audit. Use stackmeta.audit.')
        if y is not None and not np.array_equal(np.asarray(y), oof.y):
            raise ValueError("y is not the target of fit: leave it out, or pass that one.")
        return audit_fit(X, oof, self._blocks)

    def _check_conformal(self, caller: str, coverage: float, method: str) -> None:
        """Refuse, before any work, what cannot be answered."""
        self._kept_oof(f"{caller}()")
        if not 0 < coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, such as 0.9; got {coverage!r}.")
        if method not in _METHODS:
            raise ValueError(f"method must be one of {_METHODS}; got {method!r}.")
        if method == "cv+" and not self._has_fold_models():
            raise ValueError(
                'method="cv+" asks the models of the folds, which were not kept: fit with '
                'refit=False, or use method="cv".'
            )

    def _has_fold_models(self) -> bool:
        return any(isinstance(model, FoldAverage) for _, model in self._models())

    def _kept(self, method: str, X_fit: Any) -> Kept:
        plus = method == "cv+"
        kept = self.__dict__.setdefault("_conformal", {})
        if plus not in kept:
            kept[plus] = self._calibrated(plus, X_fit)
        return kept[plus]

    def _calibrated(self, plus: bool, X_fit: Any) -> Kept:
        """Score the rows of fit."""
        combiners = None
        if plus and not hasattr(self.final_estimator_, "cross_fitted_"):
            combiners = self._fold_combiners(X_fit)
            block, method = combiners.block, combiners.method
        else:
            found = self._out_of_fold_stack(X_fit)
            block, method = found.block, found.method
        oof = self.oof_
        rows = np.flatnonzero(~np.isnan(block).any(axis=1))
        splits = restrict_splits(oof.splits, rows, len(block))
        groups = None if oof.groups is None else oof.groups[rows]
        conformal = self._conformal_of(block[rows], method, rows, splits, groups)
        return Kept(conformal, combiners)

    def _conformal_of(
        self, block: np.ndarray, method: str, rows: np.ndarray, splits: list, groups: Any
    ) -> Any:
        raise NotImplementedError

    def _fold_combiners(self, X_fit: Any) -> FoldCombiners:
        oof, passed = self.oof_.select(list(self._columns)), None
        if self.passthrough is not False:
            check_rows_of_fit(X_fit, len(oof.target.y), self.passthrough)
            passed = select_passthrough(X_fit, self.passthrough)
        task = self._final_task(oof, passed, self._final_params)
        return FoldCombiners(self.final_estimator_, task, oof.target, n_jobs=self.n_jobs)

    def _views(self, X: Any, kept: Kept, method: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Predictions of learners and stack for new rows: one pair, or one a fold."""
        n_rows = X.shape[0]
        parts = []
        for start in range(0, n_rows, _ROWS_AT_ONCE):
            part = X
            if n_rows > _ROWS_AT_ONCE:
                part = safe_indexing(X, np.arange(start, min(start + _ROWS_AT_ONCE, n_rows)))
            parts.append(self._views_of_part(part, kept, method))
        return [
            (np.concatenate([p[k][0] for p in parts]), np.concatenate([p[k][1] for p in parts]))
            for k in range(len(parts[0]))
        ]

    def _views_of_part(self, X: Any, kept: Kept, method: str) -> list:
        if method == "cv":
            blocks = self._blocks(X)
            return [(_side_by_side(blocks), self._answer(blocks, X, None, None))]
        return [
            (_side_by_side(blocks), self._answer(blocks, X, kept.combiners, fold))
            for fold, blocks in enumerate(self._fold_blocks(X))
        ]

    def _fold_blocks(self, X: Any) -> list[dict[str, np.ndarray]]:
        """Predictions of each fold's models; of a learner without them, always the same."""
        n_folds = len(self.oof_.splits)
        found: list[dict[str, np.ndarray]] = [{} for _ in range(n_folds)]
        with self._sharing(X):
            for (name, model), method in zip(self._models(), self.stack_method_, strict=True):
                if not isinstance(model, FoldAverage):
                    block = self._block(X, name, model, method)
                    for blocks in found:
                        blocks[name] = block
                    continue
                columns = take_columns(X, self._reads[name])
                pairs = zip(model.models, model.present, strict=True)
                for blocks, (one, present) in zip(found, pairs, strict=True):
                    blocks[name] = respond(one, columns, method, self._target, present)
        return found

    def _sharing(self, X: Any) -> Any:
        """Let learners share what they make of X; by default each makes its own."""
        return nullcontext()

    def _answer(
        self, blocks: dict[str, np.ndarray], X: Any, combiners: Any, fold: int | None
    ) -> np.ndarray:
        """Predict with the meta-learner, or with that of one fold."""
        raise NotImplementedError


class IntervalStack(HeldOutStack):
    """Mixin: prediction intervals of a regression stack."""

    def predict_interval(
        self,
        X: Any,
        coverage: float = 0.9,
        *,
        by: Any = None,
        X_fit: Any = None,
        method: str = "cv",
    ) -> np.ndarray:
        """Predict an interval that holds the target of so many new rows.

        Its width comes from the stack's residuals on the rows that the folds held out, the
        meta-learner cross-fitted over the same folds; no learner is fitted. Rows get wider
        intervals where out-of-fold residuals were larger for predictions like theirs: small
        boosted trees read the prediction and the disagreement of the learners.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_features)
            Rows to predict.
        coverage : float, default=0.9
            Share of new rows whose target is to be inside.
        by : "prediction", str or pair of array-like, default=None
            Coverage for each kind of row, and not on average alone. "prediction": five kinds,
            by how large the prediction is. The name of a column, that X and ``X_fit`` have. Or
            (values for the rows of fit, values for the rows of X). Numbers are kinds as they
            are: cut them first.
        X_fit : DataFrame or array-like of shape (n_samples, n_features), default=None
            The table of ``fit``: where ``by`` names a column, or a meta-learner that has not
            cross-fitted itself reads columns of X (``passthrough``).
        method : {"cv", "cv+"}, default="cv"
            "cv" puts the residuals of all held-out rows around the prediction of the stack.
            "cv+" [1]_ puts each around the prediction of the models that had not seen its row;
            it needs ``refit=False`` and asks the meta-learner once a fold.

        Returns
        -------
        intervals : ndarray of shape (n_rows, 2)
            Lower and upper ends; infinite where rows (or groups) of fit are too few.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        ValueError
            If it predicts several targets, was fitted with ``cv="prefit"``, or a parameter is
            not what it should be.

        Notes
        -----
        For rows drawn as those of ``fit``, "cv+" covers ``1 - 2 * (1 - coverage)`` at least,
        whatever the learners, and in practice a little more than ``coverage``: it takes single
        fold models for what their average is better than. (Up to a second-order path: the fold
        models behind the meta-learner's training rows have seen the row that it is scored on.
        A :class:`CrossFittedBlendRegressor` keeps no models of its folds; the one that was fitted
        on all rows stands in.) "cv" has no such bound. It takes the stack for about as good as it
        is out of fold, which holds for learners that a few rows more or less hardly change.

        With ``groups`` in ``fit``, each group counts once, and coverage is for a row of a new
        group; ``coverage / (1 - coverage)`` groups are the fewest. Splits in time are not
        exchangeable: there nothing is guaranteed.

        References
        ----------
        .. [1] R. F. Barber, E. J. Candès, A. Ramdas and R. J. Tibshirani, "Predictive inference
           with the jackknife+", Annals of Statistics 49, 2021.
        """
        self._check_conformal("predict_interval", coverage, method)
        if self._target.n_outputs > 1:
            raise ValueError(
                f"predict_interval is for one target; y has {self._target.n_outputs} columns. "
                "Fit a stack for each."
            )
        X = X if hasattr(X, "shape") else np.asarray(X)
        kinds = (
            None
            if by is None or _is(by, "prediction")
            else read_kinds(by, X, X_fit, len(self.oof_.target.y))
        )
        kept = self._kept(method, X_fit)
        views = self._views(X, kept, method)
        if _is(by, "prediction"):
            kinds = kept.conformal.kinds_by_prediction(np.mean([c for _, c in views], axis=0))
        elif kinds is not None:
            kinds = kinds[0][kept.conformal.rows], kinds[1]
        return kept.conformal.around(views, coverage, kinds)

    def _conformal_of(
        self, block: np.ndarray, method: str, rows: np.ndarray, splits: list, groups: Any
    ) -> Intervals:
        used = np.hstack([self.oof_.block(name)[rows] for name, _ in self._models()])
        found = Intervals(used, block[:, 0], self.oof_.target.y[rows], splits, groups)
        found.rows = rows
        return found

    def _answer(
        self, blocks: dict[str, np.ndarray], X: Any, combiners: Any, fold: int | None
    ) -> np.ndarray:
        table = self._meta_of_blocks(blocks, X)
        if combiners is None:
            return np.asarray(self.final_estimator_.predict(table), dtype=float).reshape(-1)
        return combiners.predict(table, fold)[:, 0]


class SetStack(HeldOutStack):
    """Mixin: prediction sets and calibration of a classification stack."""

    @available_if(final_estimator_has("predict_proba"))
    def predict_set(
        self,
        X: Any,
        coverage: float = 0.9,
        *,
        by: Any = None,
        X_fit: Any = None,
        method: str = "cv",
    ) -> np.ndarray:
        """Predict the set of classes that holds the true one for so many new rows.

        Adaptive prediction sets [1]_: classes from the most probable one down, until the
        probability passed over exceeds what it took to cover the rows that the folds held out.
        The most probable class is always in, so that no set is empty: where the stack is right
        more often than ``coverage``, sets of one class cover more. Nothing is drawn at random.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_features)
            Rows to predict.
        coverage : float, default=0.9
            Share of new rows whose class is to be inside.
        by : "class", str or pair of array-like, default=None
            Coverage for each kind of row, and not on average alone. "class": for the rows of
            each class. The name of a column, that X and ``X_fit`` have. Or (values for the rows
            of fit, values for the rows of X). Numbers are kinds as they are: cut them first.
        X_fit : DataFrame or array-like of shape (n_samples, n_features), default=None
            The table of ``fit``: where ``by`` names a column, or a meta-learner that has not
            cross-fitted itself reads columns of X (``passthrough``).
        method : {"cv", "cv+"}, default="cv"
            As of :meth:`StackingRegressor.predict_interval`.

        Returns
        -------
        sets : ndarray of bool of shape (n_rows, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        ValueError
            If it predicts several outputs, was fitted with ``cv="prefit"``, or a parameter is
            not what it should be.

        Notes
        -----
        What is guaranteed, and for whom, is as for :meth:`StackingRegressor.predict_interval`.

        References
        ----------
        .. [1] Y. Romano, M. Sesia and E. J. Candès, "Classification with valid and adaptive
           coverage", Advances in Neural Information Processing Systems 33, 2020.
        """
        self._check_conformal("predict_set", coverage, method)
        if self._target.kind == "multilabel":
            raise ValueError(
                f"predict_set is for one target; y has {self._target.n_outputs} outputs. Fit a "
                "stack for each."
            )
        X = X if hasattr(X, "shape") else np.asarray(X)
        by_class = _is(by, "class")
        kinds = (
            None if by is None or by_class else read_kinds(by, X, X_fit, len(self.oof_.target.y))
        )
        kept = self._kept(method, X_fit)
        views = [answer for _, answer in self._views(X, kept, method)]
        if kinds is not None:
            kinds = kinds[0][kept.conformal.rows], kinds[1]
        return kept.conformal.of(views, coverage, kinds, by_class=by_class)

    def _conformal_of(
        self, block: np.ndarray, method: str, rows: np.ndarray, splits: list, groups: Any
    ) -> PredictionSets:
        target = self.oof_.target
        probabilities = full_probabilities(block, method, target)
        found = PredictionSets(probabilities, target.y[rows], [t for _, t in splits], groups)
        found.rows = rows
        return found

    def _answer(
        self, blocks: dict[str, np.ndarray], X: Any, combiners: Any, fold: int | None
    ) -> np.ndarray:
        table = self._meta_of_blocks(blocks, X)
        if combiners is None:
            block = respond(
                self.final_estimator_, table, "predict_proba", self._target, self._final_present
            )
            return full_probabilities(block, "predict_proba", self._target)
        return full_probabilities(combiners.predict(table, fold), combiners.method, self._target)

    @available_if(final_estimator_has("predict_proba"))
    def calibration(self, *, X: Any = None, n_bins: int = 15) -> pd.DataFrame:
        """Compare predicted probabilities with what came true, for stack and learners.

        From out-of-fold predictions, the meta-learner cross-fitted over the same folds.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features), default=None
            The table of ``fit``; needed where a meta-learner that has not cross-fitted itself
            reads columns of it (``passthrough``).
        n_bins : int, default=15
            Bins of equal numbers of rows.

        Returns
        -------
        table : DataFrame
            A row for the stack and for each learner that gives probabilities: ``log_loss``,
            ``ece`` (expected calibration error, free of the bias that bins of few rows give
            it), ``ece_se`` and ``overconfidence`` (mean confidence above accuracy; negative
            where it is too modest). ``table.attrs["reliability"]`` maps each to its reliability
            table, as :func:`stackmeta.evaluation.reliability` gives it.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        ValueError
            If it predicts several outputs, or was fitted with ``cv="prefit"``.
        """
        from .evaluation.calibration import calibration_table

        oof = self._kept_oof("calibration()")
        return calibration_table(oof, self._out_of_fold_stack(X), n_bins=n_bins)


def _side_by_side(blocks: dict[str, np.ndarray]) -> np.ndarray:
    return np.hstack(list(blocks.values()))


def _is(by: Any, word: str) -> bool:
    return isinstance(by, str) and by == word


def read_kinds(by: Any, X: Any, X_fit: Any, n_fit: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the kinds of the rows of fit, and of new rows.

    Parameters
    ----------
    by : str or pair of array-like
    X : array-like of shape (n_rows, n_features)
        New rows.
    X_fit : array-like of shape (n_fit, n_features), or None
    n_fit : int

    Returns
    -------
    known, new : ndarray

    Raises
    ------
    ValueError
        If a column or rows are missing.
    """
    if isinstance(by, str):
        pair = []
        for name, table in (("X_fit", X_fit), ("X", X)):
            if not is_pandas(table) or by not in table.columns:
                raise ValueError(
                    f"by={by!r} names a column of X and of X_fit, the table of fit, but {name} "
                    "has no such column. Pass both as DataFrames, or by=(values for the rows of "
                    "fit, values for the rows of X)."
                )
            pair.append(table[by])
    elif isinstance(by, tuple) and len(by) == 2:
        pair = list(by)
    else:
        raise ValueError(
            "by is the name of a column or a pair (values for the rows of fit, values for the "
            f"rows of X); got {type(by).__name__}."
        )
    known, new = (_as_labels(values) for values in pair)
    for values, n_rows, what in ((known, n_fit, "fit"), (new, X.shape[0], "X")):
        if values.shape != (n_rows,):
            raise ValueError(
                f"by has values of shape {values.shape} for the {n_rows} rows of {what}."
            )
    return known, new


def _as_labels(values: Any) -> np.ndarray:
    """Labels that can be compared: text where they are no numbers, so that None is one, too."""
    values = np.asarray(values)
    return values if values.dtype.kind in "biu" else np.array([str(v) for v in values.ravel()])
