"""What both kinds of stacks say of how good they are; all of it is computed in ``evaluation``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from .evaluation import ExpectedLoss


class Honest:
    """Mixin: expected loss, slices, worst slices."""

    def _judged_stack(self) -> Any:
        """Give the stack that is judged, fitted."""
        raise NotImplementedError

    def expected_loss(
        self,
        scoring: Any = None,
        by: Any = None,
        *,
        X: Any = None,
        groups: Any = None,
        level: float = 0.95,
    ) -> ExpectedLoss:
        """Expect the loss on new rows, of the stack and of each learner, with intervals.

        It comes from the predictions that ``fit`` kept, with the meta-learner cross-fitted over
        the same folds; no learner is fitted.

        Parameters
        ----------
        scoring : str or callable, default=None
            Any scikit-learn scorer: the loss is minus its score. None: root mean squared error,
            log loss, or the error rate where some learner gives no probabilities.
        by : str or array-like of shape (n_samples,), default=None
            A value for each row of ``fit``, or the name of a column of ``X``: ``.by`` then
            tells the loss, calibration and rates on each slice.
        X : array-like or DataFrame of shape (n_samples, n_features), default=None
            The table of ``fit``. Needed where ``by`` names a column of it, or a meta-learner
            that is no :class:`CrossFittedBlendClassifier` or
            :class:`CrossFittedBlendRegressor` reads columns of it (``passthrough``).
        groups : array-like of shape (n_samples,), default=None
            What was drawn together; None: the ``groups`` of ``fit``.
        level : float, default=0.95
            Confidence level of the intervals.

        Returns
        -------
        expected : ExpectedLoss
            ``.mean``, ``.se``, ``.low``, ``.high``, ``.learners`` (a table), ``.by``.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        ValueError
            If it was fitted with ``cv="prefit"``: nobody knows which rows its learners saw.
        """
        from .evaluation import check_level, expected_loss, known_groups, loss_by

        judged = self._judged_stack()
        oof = judged._kept_oof("expected_loss()")
        check_level(level)
        groups = known_groups(groups, oof)
        stack = judged._out_of_fold_stack(X)
        found = expected_loss(
            oof,
            stack,
            read=list(judged._columns),
            scoring=scoring,
            groups=groups,
            level=level,
            fell_back=getattr(judged.final_estimator_, "fell_back_", False),
        )
        if by is None:
            return found
        table = loss_by(
            oof, by, X=X, stack=stack, scoring=scoring, groups=groups, level=level, learners=[]
        )
        return replace(found, by=table.drop(columns="learner"))

    def worst_slices(self, X: Any, **params: Any) -> pd.DataFrame:
        """Find the rows that the stack predicts worst, described by columns of X.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The table of ``fit``, or other columns about the same rows.
        **params : dict
            Parameters of :func:`stackmeta.evaluation.worst_slices`.

        Returns
        -------
        table : DataFrame
            As :func:`stackmeta.evaluation.worst_slices`.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        """
        from .evaluation import worst_slices

        judged = self._judged_stack()
        oof = judged._kept_oof("worst_slices()")
        params = {"groups": oof.groups, **params}
        return worst_slices(oof, judged._out_of_fold_stack(X), X, **params)

    def _loss_by(self, by: Any, X: Any) -> pd.DataFrame:
        """Give the loss of the stack and of each learner on each slice."""
        from .evaluation import loss_by

        judged = self._judged_stack()
        oof = judged._kept_oof("leaderboard()")
        return loss_by(oof, by, X=X, stack=judged._out_of_fold_stack(X), groups=oof.groups)
