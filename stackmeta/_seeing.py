"""What both kinds of stacks show of themselves; all of it is computed in ``inspection``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ._predict_cost import seconds_of_models

if TYPE_CHECKING:
    import pandas as pd

    from .inspection.diversity import Diversity
    from .inspection.inspected import Inspected


class Seeing:
    """Mixin: leaderboard, contributions, diversity, importance, report."""

    def _inspected(self, method: str) -> Inspected:
        """Hand over what the inspection room reads; ``method`` asks."""
        raise NotImplementedError

    def leaderboard(
        self, by: Any = None, *, gain: bool | str = "auto", X: Any = None
    ) -> pd.DataFrame:
        """List the learners, best first; or the loss of each on each slice of the rows.

        Parameters
        ----------
        by : str or array-like of shape (n_samples,), default=None
            A value for each row of ``fit``, or the name of a column of ``X``, then the table of
            ``fit``; numbers of many values are cut at their quartiles.
        gain : bool or "auto", default="auto"
            Whether to compute how far the stack's loss rises without each learner: the
            meta-learner is cross-fitted again over the same folds, once with all and once
            without each. "auto": a convex combination stands in for a meta-learner that has
            neither weights nor coefficients (a blend of several, say), which would be slow; True:
            it does so only where the meta-learner reads columns of X, which are not kept;
            False: no gains.
        X : array-like or DataFrame of shape (n_rows, n_features), default=None
            Rows on which to measure ``predict_seconds``; with ``by``, the table of ``fit``.

        Returns
        -------
        table : DataFrame
            ``learner``; ``loss`` (out of fold; its name is in ``attrs["loss"]``) and its
            standard error ``loss_se``; ``weight`` (NaN where the meta-learner has none);
            ``gain`` and its standard error ``gain_se`` (``attrs["gain"]`` says which combination
            was refitted; NaN for learners that it does not read); ``fit_seconds`` of all fits;
            ``predict_seconds`` for 1,000 rows (NaN without ``X``, and for learners that do not
            predict); ``path``: how the predictions came about, or why they are missing. With
            ``by``, a row a learner (and the stack) and slice, as
            :func:`stackmeta.evaluation.loss_by` gives it.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        """
        from .inspection.gains import gains
        from .inspection.leaderboard import leaderboard

        if gain not in (True, False, "auto"):
            raise ValueError(f"gain={gain!r}: it is 'auto', True or False.")
        if by is not None:
            return self._loss_by(by, X)
        seen = self._inspected("leaderboard()")
        oof = seen.oof
        gained = gains(seen, oof.loss_name, cheap=gain == "auto") if gain else None
        seconds = None
        if X is not None:
            seconds = seconds_of_models(seen.models, oof.methods, oof.learner_columns, X)
        return leaderboard(oof, seen.weights, gained=gained, predict_seconds=seconds)

    def _loss_by(self, by: Any, X: Any) -> pd.DataFrame:
        raise NotImplementedError

    def contributions(
        self, X: Any, *, n_orders: int = 20, random_state: Any = None
    ) -> pd.DataFrame:
        """Say what each learner added to the prediction of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Rows to explain.
        n_orders : int, default=20
            Orders in which the learners speak up, where the meta-learner is not additive: what
            a learner adds then depends on who spoke before it, and is averaged over so many
            orders (half of them the others reversed).
        random_state : int, RandomState instance or None, default=None
            Draws the orders.

        Returns
        -------
        table : DataFrame
            A row a row of X. A column a learner, and "(baseline)": the stack's prediction where
            each learner says what it says on average out of fold. A row's sum is its prediction:
            the number, P(``classes_[1]``), or the decision value. With several
            classes or targets, columns have two levels, the output before the learner.
            ``attrs["how"]`` is "exact" where the meta-learner is additive in its learners
            (weights, coefficients), else "Shapley values over N orders".

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        """
        from .inspection.contributions import contributions

        seen = self._inspected("contributions()")
        return contributions(seen, X, n_orders=n_orders, random_state=random_state)

    def diversity(self, *, copies_above: float = 0.99) -> Diversity:
        """Say how far the learners' out-of-fold errors differ, pair by pair.

        Parameters
        ----------
        copies_above : float, default=0.99
            Learners whose errors correlate above this are listed as copies of each other.

        Returns
        -------
        diversity : Diversity
            ``correlation`` of errors; for classes also ``q_statistic``, ``double_fault`` and
            ``disagreement``, all DataFrames (n_learners, n_learners); ``copies``, groups of names.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        """
        from .inspection.diversity import diversity

        return diversity(self._inspected("diversity()").oof, copies_above=copies_above)

    def importance(
        self,
        X: Any,
        y: Any = None,
        *,
        method: str = "permutation",
        scoring: Any = None,
        n_repeats: int = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Say how much each column matters to the whole stack.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Rows, best ones that the stack was not fitted on: where it was, columns that it has
            learnt by heart look important.
        y : array-like of shape (n_rows,), default=None
            Their target, which "permutation" needs.
        method : {"permutation", "shap"}, default="permutation"
            "permutation": how far the loss rises when a column is shuffled, by
            :func:`sklearn.inspection.permutation_importance`. "shap": mean absolute SHAP value;
            see :func:`stackmeta.inspection.shap_values`, which needs
            ``pip install "stackmeta[explain]"``.
        scoring : str or callable, default=None
            A scikit-learn scorer for "permutation"; None: log loss (accuracy where the stack
            gives no probabilities), or root mean squared error.
        n_repeats : int, default=5
            Shuffles of a column.
        n_jobs : int, default=None
            Columns at once.
        random_state : int, RandomState instance or None, default=None
            Shuffles, or draws the background rows.

        Returns
        -------
        table : DataFrame
            ``column``, ``importance`` and ``se`` (of the mean over shuffles, or over rows), most
            important first. ``attrs["scoring"]`` names the score.
        """
        from .inspection.importance import importance

        return importance(
            self,
            X,
            y,
            method=method,
            scoring=scoring,
            n_repeats=n_repeats,
            n_jobs=n_jobs,
            random_state=random_state,
        )

    def report(
        self,
        path: str | os.PathLike = "report.html",
        X: Any = None,
        y: Any = None,
        *,
        title: str | None = None,
    ) -> str:
        """Write one page that says how good the stack is, what it is made of, and where it fails.

        The page is a file of its own: no network, no other file. It reads well in a browser, on
        a phone, printed, by keyboard and by a screen reader.

        Parameters
        ----------
        path : str or Path, default="report.html"
            File to write.
        X : DataFrame or array-like of shape (n_rows, n_features), default=None
            Rows to judge the stack on: rows that it was not fitted on, or the very rows of
            ``fit``, which are then judged by their out-of-fold predictions. They add the
            errors, the worst slices and the seconds of predictions.
        y : array-like of shape (n_rows,), default=None
            Their target.
        title : str, default=None
            Heading.

        Returns
        -------
        path : str
            The file's absolute path.

        Raises
        ------
        AttributeError
            If the stack was fitted with ``keep_oof=False``.
        """
        from .inspection.report import write_report

        return write_report(self, path, X, y, title=title)
