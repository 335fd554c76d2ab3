"""Prediction sets and calibration of a classification stack, from its out-of-fold predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from ._held_out import HeldOutStack
from ._stack import final_estimator_has
from .evaluation.kinds import is_word, read_kinds
from .evaluation.prediction_sets import PredictionSets
from .out_of_fold.losses import full_probabilities
from .out_of_fold.response import respond

if TYPE_CHECKING:
    import pandas as pd


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
        by_class = is_word(by, "class")
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
