"""StackingClassifier and StackingRegressor: the drop-in face."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import ensemble
from sklearn.base import is_regressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from ._intervals import IntervalStack
from ._level0 import METHOD_CONSTRAINT
from ._sets import SetStack
from ._stack import BaseStack, final_estimator_has
from .out_of_fold.checks import Entry
from .out_of_fold.losses import full_probabilities
from .out_of_fold.response import respond

__all__ = ["StackingClassifier", "StackingRegressor"]


class StackingClassifier(SetStack, ensemble.StackingClassifier):
    """Stack of learners with a meta-classifier: scikit-learn's, faster and more open.

    A drop-in replacement of :class:`sklearn.ensemble.StackingClassifier`: learners are
    fitted on folds, the meta-classifier on their out-of-fold predictions, and the learners
    once more on all rows. It takes any split, keeps the out-of-fold predictions, and drops
    learners that the meta-classifier gives no weight.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Learners. ``columns`` limits a learner to some columns of X. ``"drop"`` in place of an
        estimator leaves it out; ``(name, "passthrough", columns)`` takes columns of X that
        already hold someone's probabilities: P(class 1), or a column a class.
    final_estimator : estimator, default=None
        Meta-classifier; :class:`~sklearn.linear_model.LogisticRegression` by default.
    cv : int, splitter, iterable of (train, test) or "prefit", default=None
        Any splitter; None is 5 folds. The folds may cover the rows partly
        (:class:`~sklearn.model_selection.TimeSeriesSplit`: rows that no fold held out do not
        train the meta-learner) or repeatedly (predictions are averaged). An iterator is read
        once. The splitter itself is never changed. "prefit" takes the learners as they are.
    stack_method : str, list or dict, default="auto"
        Method that gives a learner's prediction: "predict_proba", "predict_log_proba",
        "decision_function", "predict", or "auto" for the first of those without the
        logarithm that exists. A list gives one for each learner, a dict one by name.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    passthrough : bool or list of columns, default=False
        Whether the meta-learner also sees X, or which columns of it. Columns of a DataFrame
        keep their dtypes.
    verbose : int, default=0
        1 prints a line a finished learner (loss and seconds), 2 also a line a fit.
    refit : bool, default=True
        Whether each learner that the meta-learner uses is fitted once more on all rows.
        False keeps the fold models and averages them: no more fits.
    shortcuts : {"exact", "approximate", False}, default="exact"
        "exact" lets learners such as ridge, naive Bayes or discriminant analysis answer for
        all folds at once where that equals refitting on each to 1e-8; "approximate" also
        forests out of bag or with fewer trees a fold, and smooth linear models by Newton
        steps; False refits plainly. ``oof_.paths`` says which way each
        learner went. No shortcut changes a parameter of a learner.
    on_error : {"raise", "drop"}, default="raise"
        "drop" lets a learner that raises leave the stack with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds. When they are over, the stack is made of the learners that are done.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit. A fit that was killed, or a stack with one
        learner more, repeats none of them; see :class:`OutOfFoldStore`.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or, from 0.0 to 1.0, a share of what
        is free when the fit begins. A fit that would not fit beside those that run waits.
    keep_oof : bool, default=True
        Whether ``oof_`` (out-of-fold predictions and y) is kept; False makes small pickles.
    random_state : int, RandomState or None, default=None
        Seeds the splitter and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of ndarray (multilabel)
        Class labels.
    estimators_ : list of estimators
        Fitted learners that predict; with ``refit=False`` each is the average of its fold
        models.
    named_estimators_ : :class:`~sklearn.utils.Bunch`
        Fitted learners by name; "drop" for those that were dropped, failed, or got weight 0
        from a meta-learner that can give it.
    final_estimator_ : estimator
        Fitted meta-learner.
    stack_method_ : list of str
        Method of each learner in ``estimators_``.
    oof_ : OutOfFold
        Out-of-fold predictions, splits, timings (``keep_oof=True``).
    learner_weights_ : dict of str -> float
        Weight of each learner, where the meta-learner has ``weights_``.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, if the learners have them.

    See Also
    --------
    StackingRegressor : The same for numbers.
    OutOfFoldTransformer : Out-of-fold predictions as a pipeline step.
    out_of_fold : Level 0 alone.

    Notes
    -----
    All fits, out-of-fold and refits, go through one joblib call, longest first. Names of
    constructor parameters (``cv``, ``refit``, …) cannot be names of learners. Where the stack
    differs from scikit-learn's is listed in the documentation, "Differences from
    scikit-learn".

    References
    ----------
    .. [1] Wolpert, D. H. (1992). Stacked generalization. Neural Networks 5(2), 241-259.
    .. [2] van der Laan, M. J., Polley, E. C., Hubbard, A. E. (2007). Super learner.
       Statistical Applications in Genetics and Molecular Biology 6(1).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from stackmeta import ConvexClassifier, StackingClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> learners = [
    ...     ("neighbours", make_pipeline(StandardScaler(), KNeighborsClassifier(15))),
    ...     ("forest", RandomForestClassifier(50, random_state=0)),
    ... ]
    >>> stack = StackingClassifier(learners, ConvexClassifier()).fit(X_train, y_train)
    >>> round(stack.score(X_test, y_test), 2)
    0.97
    >>> {name: round(weight, 1) for name, weight in stack.learner_weights_.items()}
    {'neighbours': 0.7, 'forest': 0.3}
    """

    _parameter_constraints: dict = {
        **BaseStack._parameter_constraints,
        "stack_method": METHOD_CONSTRAINT,
    }

    def __init__(
        self,
        estimators: list[tuple],
        final_estimator: Any = None,
        *,
        cv: Any = None,
        stack_method: Any = "auto",
        n_jobs: int | None = None,
        passthrough: Any = False,
        verbose: int = 0,
        refit: bool = True,
        shortcuts: str | bool = "exact",
        on_error: str = "raise",
        time_limit: float | None = None,
        store: Any = None,
        memory_limit: float | None = None,
        keep_oof: bool = True,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            estimators,
            final_estimator,
            cv=cv,
            stack_method=stack_method,
            n_jobs=n_jobs,
            passthrough=passthrough,
            verbose=verbose,
        )
        self.refit = refit
        self.shortcuts = shortcuts
        self.on_error = on_error
        self.time_limit = time_limit
        self.store = store
        self.memory_limit = memory_limit
        self.keep_oof = keep_oof
        self.random_state = random_state

    def _default_final(self) -> LogisticRegression:
        return LogisticRegression()

    def _methods(self) -> Any:
        return self.stack_method

    @property
    def classes_(self) -> Any:
        """Class labels: an array, or a list of arrays for a multilabel target."""
        if not hasattr(self, "_target"):
            raise AttributeError(f"{type(self).__name__} object has no attribute 'classes_'")
        return self._target.classes

    @available_if(final_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            For a multilabel target (n_samples, n_outputs), with P(class 1) of each output.
        """
        block = self._final_response(X, "predict_proba")
        return full_probabilities(block, "predict_proba", self._target)

    @available_if(final_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Decision values of the meta-learner.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        decisions : ndarray of shape (n_samples,) or (n_samples, n_decisions)
        """
        block = self._final_response(X, "decision_function")
        return block[:, 0] if block.shape[1] == 1 else block

    def _final_response(self, X: Any, method: str) -> np.ndarray:
        meta_features = self._meta_features(X)
        return respond(
            self.final_estimator_, meta_features, method, self._target, self._final_present
        )


class StackingRegressor(IntervalStack, ensemble.StackingRegressor):
    """Stack of learners with a meta-regressor: scikit-learn's, faster and more open.

    A drop-in replacement of :class:`sklearn.ensemble.StackingRegressor`, for one target or
    several: learners are fitted on folds, the meta-regressor on their out-of-fold
    predictions, and the learners once more on all rows. It takes any split, keeps the
    out-of-fold predictions, and drops learners that the meta-regressor gives no weight.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Learners. ``columns`` limits a learner to some columns of X. ``"drop"`` in place of an
        estimator leaves it out; ``(name, "passthrough", columns)`` takes columns of X that
        already hold someone's predictions, a column a target.
    final_estimator : estimator, default=None
        Meta-regressor; :class:`~sklearn.linear_model.RidgeCV` by default.
    cv : int, splitter, iterable of (train, test) or "prefit", default=None
        Any splitter; None is 5 folds. The folds may cover the rows partly
        (:class:`~sklearn.model_selection.TimeSeriesSplit`: rows that no fold held out do not
        train the meta-learner) or repeatedly (predictions are averaged). An iterator is read
        once. The splitter itself is never changed. "prefit" takes the learners as they are.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    passthrough : bool or list of columns, default=False
        Whether the meta-learner also sees X, or which columns of it. Columns of a DataFrame
        keep their dtypes.
    verbose : int, default=0
        1 prints a line a finished learner (loss and seconds), 2 also a line a fit.
    refit : bool, default=True
        Whether each learner that the meta-learner uses is fitted once more on all rows.
        False keeps the fold models and averages them: no more fits.
    shortcuts : {"exact", "approximate", False}, default="exact"
        "exact" lets learners such as ridge, naive Bayes or discriminant analysis answer for
        all folds at once where that equals refitting on each to 1e-8; "approximate" also
        forests out of bag or with fewer trees a fold, and smooth linear models by Newton
        steps; False refits plainly. ``oof_.paths`` says which way each
        learner went. No shortcut changes a parameter of a learner.
    on_error : {"raise", "drop"}, default="raise"
        "drop" lets a learner that raises leave the stack with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds. When they are over, the stack is made of the learners that are done.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit. A fit that was killed, or a stack with one
        learner more, repeats none of them; see :class:`OutOfFoldStore`.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or, from 0.0 to 1.0, a share of what
        is free when the fit begins. A fit that would not fit beside those that run waits.
    keep_oof : bool, default=True
        Whether ``oof_`` (out-of-fold predictions and y) is kept; False makes small pickles.
    random_state : int, RandomState or None, default=None
        Seeds the splitter and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    estimators_ : list of estimators
        Fitted learners that predict; with ``refit=False`` each is the average of its fold
        models.
    named_estimators_ : :class:`~sklearn.utils.Bunch`
        Fitted learners by name; "drop" for those that were dropped, failed, or got weight 0
        from a meta-learner that can give it.
    final_estimator_ : estimator
        Fitted meta-learner.
    stack_method_ : list of str
        Method of each learner in ``estimators_``.
    oof_ : OutOfFold
        Out-of-fold predictions, splits, timings (``keep_oof=True``).
    learner_weights_ : dict of str -> float
        Weight of each learner, where the meta-learner has ``weights_``.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, if the learners have them.

    See Also
    --------
    StackingClassifier : The same for classes.
    OutOfFoldTransformer : Out-of-fold predictions as a pipeline step.
    out_of_fold : Level 0 alone.

    Notes
    -----
    All fits, out-of-fold and refits, go through one joblib call, longest first. Names of
    constructor parameters (``cv``, ``refit``, …) cannot be names of learners. Where the stack
    differs from scikit-learn's is listed in the documentation, "Differences from
    scikit-learn".

    References
    ----------
    .. [1] Wolpert, D. H. (1992). Stacked generalization. Neural Networks 5(2), 241-259.
    .. [2] van der Laan, M. J., Polley, E. C., Hubbard, A. E. (2007). Super learner.
       Statistical Applications in Genetics and Molecular Biology 6(1).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.linear_model import RidgeCV
    >>> from stackmeta import StackingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", RidgeCV()), ("forest", RandomForestRegressor(50, random_state=0))]
    >>> stack = StackingRegressor(learners).fit(X, y)
    >>> {name: round(loss) for name, loss in stack.oof_.loss().items()}
    {'ridge': 55, 'forest': 57}
    """

    _parameter_constraints: dict = BaseStack._parameter_constraints

    def __init__(
        self,
        estimators: list[tuple],
        final_estimator: Any = None,
        *,
        cv: Any = None,
        n_jobs: int | None = None,
        passthrough: Any = False,
        verbose: int = 0,
        refit: bool = True,
        shortcuts: str | bool = "exact",
        on_error: str = "raise",
        time_limit: float | None = None,
        store: Any = None,
        memory_limit: float | None = None,
        keep_oof: bool = True,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            estimators,
            final_estimator,
            cv=cv,
            n_jobs=n_jobs,
            passthrough=passthrough,
            verbose=verbose,
        )
        self.refit = refit
        self.shortcuts = shortcuts
        self.on_error = on_error
        self.time_limit = time_limit
        self.store = store
        self.memory_limit = memory_limit
        self.keep_oof = keep_oof
        self.random_state = random_state

    def _default_final(self) -> RidgeCV:
        return RidgeCV()

    def _methods(self) -> str:
        return "predict"

    def _check_kinds(self, entries: list[Entry]) -> None:
        """Only regressors may be learners."""
        for _, estimator, _ in entries:
            if not isinstance(estimator, str) and not is_regressor(estimator):
                raise ValueError(
                    f"The estimator {type(estimator).__name__} should be a regressor."
                )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        learners = [e for _, e in self._pairs if not isinstance(e, str)]
        tags.target_tags.multi_output = all(
            get_tags(e).target_tags.multi_output for e in [*learners, self._final_or_default()]
        )
        return tags
