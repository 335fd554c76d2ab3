"""Intervals of a regression stack: its out-of-fold predictions, wired to conformal calibration."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._held_out import HeldOutStack
from .evaluation.intervals import Intervals
from .evaluation.kinds import is_word, read_kinds


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
            if by is None or is_word(by, "prediction")
            else read_kinds(by, X, X_fit, len(self.oof_.target.y))
        )
        kept = self._kept(method, X_fit)
        views = self._views(X, kept, method)
        if is_word(by, "prediction"):
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
