"""SuperLearnerClassifier and SuperLearnerRegressor: a raw table in, a strong stack out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ._raw_table_stack import ClassifierStack, RegressorStack
from ._super_learner import BaseSuperLearner
from .combiners import CrossFittedBlendClassifier, CrossFittedBlendRegressor
from .out_of_fold.target import as_column, encode_target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SuperLearnerClassifier", "SuperLearnerRegressor"]


class SuperLearnerClassifier(ClassifierMixin, BaseSuperLearner):
    """A strong stack on a raw table: boosters, forests, networks and more, and what combines them.

    The super learner [1]_: a portfolio of learners that prepare the table themselves, fitted over
    folds; a second level of combiners and learners that read the table and the first level's
    predictions, cross-fitted over the same folds; and a blend of those.

    Parameters
    ----------
    estimators : {"default", "default+"} or list, default="default"
        Learners. In a list, "default" stands for those of ``preset``, other strings for learners
        of the portfolio by name, and (name, estimator) for your own, which must read the table
        as it is.
    final_estimator : "auto" or classifier, default="auto"
        What combines the learners. "auto": :class:`CrossFittedBlendClassifier`.
    preset : {"fast", "balanced", "best"}, default="balanced"
        How many learners "default" has.
    levels : {"auto", 1, 2}, default="auto"
        Levels of learners. "auto": two; the blend gives the second what the cross-fit says it is
        worth.
    scoring : str or callable, default=None
        Any scikit-learn scorer, which the blend is then chosen by; a ``final_estimator`` of your
        own has its own. None: log loss.
    cv : int, splitter or iterable of (train, test), default=None
        Folds. None: 8 (5 from 50,000 rows on), shuffled and stratified, that keep groups together.
    time_limit : float, default=None
        Seconds of the fit. What learners should cost decides on folds, repeats, and how far
        down the portfolio they go; the second level gets its share.
    max_predict_seconds : float, default=None
        Seconds that the prediction of 1,000 rows may take on this machine. Learners of little
        worth leave the stack until it takes no longer.
    device : {"cpu", "cuda"}, default="cpu"
        Where boosters compute, those whose library can: their fits queue for the device while the
        others fill the cores. Without a device, there is a warning and everything stays on the
        CPU.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    verbose : int, default=0
        1 prints a line a finished learner, 2 also a line a fit.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit. A fit that was killed, or a stack with one
        learner more, repeats none of them; see :class:`OutOfFoldStore`.
    experience : TaskMemory, str or Path, default=None
        What earlier tasks taught, and where this one is recorded: a
        :class:`~stackmeta.experience.TaskMemory` or its file; "shipped" for what the package has
        learned, which is only read. None: neither read nor written.
    order : {"listed", "advised"}, default="listed"
        In which order learners are fitted, which counts where the time does not last for all:
        that of ``estimators``, or what the ``experience`` advises, made again whenever a learner
        is done.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or, from 0.0 to 1.0, a share of what
        is free when the fit begins. A fit that would not fit beside those that run waits.
    keep_oof : bool, default=True
        Whether to keep out-of-fold predictions and y.
    random_state : int, RandomState instance or None, default=None
        Seeds folds and learners.

    Attributes
    ----------
    stack_ : StackingClassifier
        The fitted stack.
    oof_ : OutOfFold
        Out-of-fold predictions of the first level.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    StackingClassifier : Learners of your own choice.
    stackmeta.learners.portfolio : The learners, to edit.

    References
    ----------
    .. [1] M. J. van der Laan, E. C. Polley and A. E. Hubbard, "Super learner", Statistical
       Applications in Genetics and Molecular Biology 6, 2007.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta import SuperLearnerClassifier
    >>> X = pd.DataFrame({"colour": ["red", "blue", None] * 40, "size": range(120)})
    >>> y = ["yes" if colour == "red" else "no" for colour in X["colour"]]
    >>> learner = SuperLearnerClassifier(["linear", "extra_trees"], levels=1, random_state=0)
    >>> learner.fit(X, y).score(X, y)
    1.0
    """

    _task = "classification"
    _blend = CrossFittedBlendClassifier
    _make_stack = ClassifierStack

    def _check_target(self, y: Any) -> np.ndarray:
        y = None if y is None else as_column(y)
        self.classes_ = encode_target(y, classifier=True, caller=type(self).__name__).classes
        return y

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows of a table like that of ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
        """
        return self._in_parts("predict_proba", X)

    def predict_set(
        self, X: Any, coverage: float = 0.9, *, by: Any = None, X_fit: Any = None
    ) -> np.ndarray:
        """Predict the set of classes that holds the true one for so many new rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows of a table like that of ``fit``.
        coverage : float, default=0.9
            Share of new rows whose class is to be inside.
        by : "class", str or pair of array-like, default=None
            Coverage for each kind of row, as for :meth:`StackingClassifier.predict_set`.
        X_fit : DataFrame, default=None
            The table of ``fit``, where ``by`` names a column.

        Returns
        -------
        sets : ndarray of bool of shape (n_rows, n_classes)
            Columns in the order of ``classes_``; none is empty.
        """
        check_is_fitted(self)
        return self.stack_.predict_set(self._read(X), coverage, by=by, X_fit=X_fit)

    def calibration(self, *, X: Any = None, n_bins: int = 15) -> pd.DataFrame:
        """Compare predicted probabilities with what came true, for stack and learners.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns), default=None
            The table of ``fit``; needed with a ``final_estimator`` of your own that reads it.
        n_bins : int, default=15
            Bins of equal numbers of rows.

        Returns
        -------
        table : DataFrame
            As :meth:`StackingClassifier.calibration`.
        """
        check_is_fitted(self)
        return self.stack_.calibration(X=X, n_bins=n_bins)


class SuperLearnerRegressor(RegressorMixin, BaseSuperLearner):
    """A strong stack on a raw table: boosters, forests, networks and more, and what combines them.

    The super learner [1]_: a portfolio of learners that prepare the table themselves, fitted over
    folds; a second level of combiners and learners that read the table and the first level's
    predictions, cross-fitted over the same folds; and a blend of those.

    Parameters
    ----------
    estimators : {"default", "default+"} or list, default="default"
        Learners. In a list, "default" stands for those of ``preset``, other strings for learners
        of the portfolio by name, and (name, estimator) for your own, which must read the table
        as it is.
    final_estimator : "auto" or regressor, default="auto"
        What combines the learners. "auto": :class:`CrossFittedBlendRegressor`.
    preset : {"fast", "balanced", "best"}, default="balanced"
        How many learners "default" has.
    levels : {"auto", 1, 2}, default="auto"
        Levels of learners. "auto": two; the blend gives the second what the cross-fit says it is
        worth.
    scoring : str or callable, default=None
        Any scikit-learn scorer, which the blend is then chosen by; a ``final_estimator`` of your
        own has its own. None: squared error.
    cv : int, splitter or iterable of (train, test), default=None
        Folds. None: 8 (5 from 50,000 rows on), shuffled, that keep groups together.
    time_limit : float, default=None
        Seconds of the fit. What learners should cost decides on folds, repeats, and how far
        down the portfolio they go; the second level gets its share.
    max_predict_seconds : float, default=None
        Seconds that the prediction of 1,000 rows may take on this machine. Learners of little
        worth leave the stack until it takes no longer.
    device : {"cpu", "cuda"}, default="cpu"
        Where boosters compute, those whose library can: their fits queue for the device while the
        others fill the cores. Without a device, there is a warning and everything stays on the
        CPU.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    verbose : int, default=0
        1 prints a line a finished learner, 2 also a line a fit.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit. A fit that was killed, or a stack with one
        learner more, repeats none of them; see :class:`OutOfFoldStore`.
    experience : TaskMemory, str or Path, default=None
        What earlier tasks taught, and where this one is recorded: a
        :class:`~stackmeta.experience.TaskMemory` or its file; "shipped" for what the package has
        learned, which is only read. None: neither read nor written.
    order : {"listed", "advised"}, default="listed"
        In which order learners are fitted, which counts where the time does not last for all:
        that of ``estimators``, or what the ``experience`` advises, made again whenever a learner
        is done.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or, from 0.0 to 1.0, a share of what
        is free when the fit begins. A fit that would not fit beside those that run waits.
    keep_oof : bool, default=True
        Whether to keep out-of-fold predictions and y.
    random_state : int, RandomState instance or None, default=None
        Seeds folds and learners.

    Attributes
    ----------
    stack_ : StackingRegressor
        The fitted stack.
    oof_ : OutOfFold
        Out-of-fold predictions of the first level.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    StackingRegressor : Learners of your own choice.
    stackmeta.learners.portfolio : The learners, to edit.

    References
    ----------
    .. [1] M. J. van der Laan, E. C. Polley and A. E. Hubbard, "Super learner", Statistical
       Applications in Genetics and Molecular Biology 6, 2007.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta import SuperLearnerRegressor
    >>> X = pd.DataFrame({"colour": ["red", "blue", None] * 40, "size": range(120)})
    >>> y = X["size"] + 50 * (X["colour"] == "red")
    >>> learner = SuperLearnerRegressor(["linear", "extra_trees"], levels=1, random_state=0)
    >>> learner.fit(X, y).score(X, y) > 0.99
    True
    """

    _task = "regression"
    _blend = CrossFittedBlendRegressor
    _make_stack = RegressorStack

    def _check_target(self, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = as_column(y)
        target = encode_target(y, classifier=False, caller=type(self).__name__)
        return target.y.astype(np.float64, copy=False)

    def predict_interval(
        self, X: Any, coverage: float = 0.9, *, by: Any = None, X_fit: Any = None
    ) -> np.ndarray:
        """Predict an interval that holds the target of so many new rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows of a table like that of ``fit``.
        coverage : float, default=0.9
            Share of new rows whose target is to be inside.
        by : "prediction", str or pair of array-like, default=None
            Coverage for each kind of row, as for :meth:`StackingRegressor.predict_interval`.
        X_fit : DataFrame, default=None
            The table of ``fit``, where ``by`` names a column.

        Returns
        -------
        intervals : ndarray of shape (n_rows, 2)
            Lower and upper ends; infinite where rows (or groups) of fit are too few.
        """
        check_is_fitted(self)
        return self.stack_.predict_interval(self._read(X), coverage, by=by, X_fit=X_fit)
