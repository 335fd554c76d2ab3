"""StackingClassifier, StackingRegressor, OutOfFoldTransformer: the drop-in face."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import ensemble
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from ._level0 import Level0
from ._stack import BaseStack, final_estimator_has
from .compat import BaseComposition, StrOptions, fit_context, with_callbacks
from .out_of_fold.checks import Entry
from .out_of_fold.losses import full_probabilities
from .out_of_fold.response import respond

__all__ = ["OutOfFoldTransformer", "StackingClassifier", "StackingRegressor"]


METHOD_CONSTRAINT = [
    StrOptions({"auto", "predict_proba", "predict_log_proba", "decision_function", "predict"}),
    list,
    dict,
]


class StackingClassifier(BaseStack, ensemble.StackingClassifier):
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
    on_error : {"raise", "drop"}, default="raise"
        "drop" lets a learner that raises leave the stack with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds. When they are over, the stack is made of the learners that are done.
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
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from stackmeta import ConvexClassifier, StackingClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> learners = [
    ...     ("logistic", make_pipeline(StandardScaler(), LogisticRegression())),
    ...     ("forest", RandomForestClassifier(50, random_state=0)),
    ... ]
    >>> stack = StackingClassifier(learners, ConvexClassifier()).fit(X_train, y_train)
    >>> round(stack.score(X_test, y_test), 2)
    0.97
    >>> {name: round(weight, 1) for name, weight in stack.learner_weights_.items()}
    {'logistic': 0.9, 'forest': 0.1}
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
        on_error: str = "raise",
        time_limit: float | None = None,
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
        self.on_error = on_error
        self.time_limit = time_limit
        self.keep_oof = keep_oof
        self.random_state = random_state

    def _default_final(self) -> LogisticRegression:
        return LogisticRegression()

    def _methods(self) -> Any:
        return self.stack_method

    def _check_kinds(self, entries: list[Entry]) -> None:
        """Any estimator may be a learner: regressors serve for ordered classes."""

    @property
    def classes_(self) -> Any:
        """Class labels: an array, or a list of arrays for a multilabel target."""
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
        decisions : ndarray of shape (n_samples,), (n_samples, n_classes), or \\
                (n_samples, n_classes * (n_classes - 1) / 2)
        """
        block = self._final_response(X, "decision_function")
        return block[:, 0] if block.shape[1] == 1 else block

    def _final_response(self, X: Any, method: str) -> np.ndarray:
        meta_features = self._meta_features(X)
        return respond(
            self.final_estimator_, meta_features, method, self._target, self._final_present
        )


class StackingRegressor(BaseStack, ensemble.StackingRegressor):
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
    on_error : {"raise", "drop"}, default="raise"
        "drop" lets a learner that raises leave the stack with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds. When they are over, the stack is made of the learners that are done.
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
        on_error: str = "raise",
        time_limit: float | None = None,
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
        self.on_error = on_error
        self.time_limit = time_limit
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


class OutOfFoldTransformer(Level0, BaseComposition):
    """Out-of-fold predictions as a pipeline step.

    ``fit_transform`` gives, for each row, predictions of learners that never saw the row;
    ``transform`` gives those of the refitted learners (or averaged fold models) for new
    rows. What follows in the pipeline is therefore trained on honest meta-features.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Learners, as in :class:`StackingClassifier`. The target holds classes if any of them
        is a classifier.
    cv : int, splitter, iterable of (train, test)=None
        Any splitter; None is 5 folds. The folds may cover the rows partly
        (:class:`~sklearn.model_selection.TimeSeriesSplit`: rows that no fold held out do not
        train the meta-learner) or repeatedly (predictions are averaged). An iterator is read
        once. The splitter itself is never changed.
    stack_method : str, list or dict, default="auto"
        Method that gives a learner's prediction, as in :class:`StackingClassifier`.
    n_jobs : int, default=None
        Fits that joblib runs at once; -1 uses all processors.
    passthrough : bool or list of columns, default=False
        Whether X, or which columns of it, follow the predictions.
    verbose : int, default=0
        1 prints a line a finished learner (loss and seconds), 2 also a line a fit.
    refit : bool, default=True
        Whether ``transform`` uses each learner fitted once more on all rows; False averages
        the fold models.
    on_error : {"raise", "drop"}, default="raise"
        "drop" leaves out a learner that raises, with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds. When they are over, the learners that are done remain.
    random_state : int, RandomState or None, default=None
        Seeds the splitter and those learners whose own ``random_state`` is None.

    Attributes
    ----------
    estimators_ : list of estimators
        Fitted learners.
    named_estimators_ : :class:`~sklearn.utils.Bunch`
        Fitted learners by name; "drop" for those that were dropped or failed.
    stack_method_ : list of str
        Method of each learner in ``estimators_``.
    oof_ : OutOfFold
        Out-of-fold predictions, splits, timings.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, if the learners have them.

    See Also
    --------
    StackingClassifier : Learners and meta-learner in one estimator.
    out_of_fold : The same as a function.

    Notes
    -----
    ``fit(X, y).transform(X)`` differs from ``fit_transform(X, y)``, as it must: the first is
    in-sample. Rows that no fold held out are NaN in ``fit_transform``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from stackmeta import OutOfFoldTransformer
    >>> X, y = load_iris(return_X_y=True)
    >>> learners = [("nb", GaussianNB()), ("tree", DecisionTreeClassifier(random_state=0))]
    >>> stack = make_pipeline(OutOfFoldTransformer(learners), LogisticRegression())
    >>> round(stack.fit(X, y).score(X, y), 2)
    1.0
    """

    _parameter_constraints: dict = {
        **Level0._parameter_constraints,
        "stack_method": METHOD_CONSTRAINT,
    }

    def __init__(
        self,
        estimators: list[tuple],
        *,
        cv: Any = None,
        stack_method: Any = "auto",
        n_jobs: int | None = None,
        passthrough: Any = False,
        verbose: int = 0,
        refit: bool = True,
        on_error: str = "raise",
        time_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.cv = cv
        self.stack_method = stack_method
        self.n_jobs = n_jobs
        self.passthrough = passthrough
        self.verbose = verbose
        self.refit = refit
        self.on_error = on_error
        self.time_limit = time_limit
        self.random_state = random_state

    def _methods(self) -> Any:
        return self.stack_method

    def _classifies(self) -> bool:
        return any(is_classifier(e) for _, e in self._pairs if not isinstance(e, str))

    def fit(self, X: Any, y: Any, *, groups: Any = None, **fit_params: Any) -> Any:
        """Fit the learners on all folds and on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        groups : array-like of shape (n_samples,), default=None
            Passed to the splitter; with ``cv`` an int or None no group straddles two folds.
        **fit_params : dict
            As in :meth:`StackingClassifier.fit`.

        Returns
        -------
        self : OutOfFoldTransformer
        """
        self._fit(X, y, groups, fit_params)
        return self

    def fit_transform(self, X: Any, y: Any, *, groups: Any = None, **fit_params: Any) -> Any:
        """Fit, and return out-of-fold meta-features of the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        groups : array-like of shape (n_samples,), default=None
            Passed to the splitter; with ``cv`` an int or None no group straddles two folds.
        **fit_params : dict
            As in :meth:`StackingClassifier.fit`.

        Returns
        -------
        meta_features : ndarray, sparse matrix or DataFrame of shape \\
                (n_samples, n_meta_features)
            NaN in rows that no fold held out.
        """
        X = self._fit(X, y, groups, fit_params)
        return self._joined(self.oof_.matrix, self.oof_.columns, X)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def _fit(self, X: Any, y: Any, groups: Any, fit_params: dict[str, Any]) -> Any:
        ready = self._prepare(X, y, groups, fit_params)
        self.oof_ = self._cross_fit(ready).run(refit=self.refit)
        self._keep(self.oof_, self.oof_.names, ready)
        ready.progress.close()
        return ready.X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        learners = [get_tags(e) for _, e in self._pairs if not isinstance(e, str)]
        tags.input_tags.allow_nan = all(t.input_tags.allow_nan for t in learners)
        tags.input_tags.sparse = all(t.input_tags.sparse for t in learners)
        tags.target_tags.required = True
        return tags
