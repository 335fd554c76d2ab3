"""OutOfFoldTransformer: out-of-fold predictions as a pipeline step."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier
from sklearn.utils import get_tags

from ._level0 import METHOD_CONSTRAINT, Level0
from .compat import BaseComposition, fit_context, with_callbacks


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
    cv : int, splitter or iterable of (train, test), default=None
        Any splitter; None is 5 folds. Predictions of rows that are held out several times are
        averaged; rows that no fold held out
        (:class:`~sklearn.model_selection.TimeSeriesSplit`) are NaN, which what follows must
        take. An iterator is read once. The splitter itself is never changed.
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
    shortcuts : {"exact", "approximate", False}, default="exact"
        "exact" lets learners such as ridge, naive Bayes or discriminant analysis answer for
        all folds at once where that equals refitting on each to 1e-8; "approximate" also
        forests out of bag or with fewer trees a fold, and smooth linear models by Newton
        steps; False refits plainly. ``oof_.paths`` says which way each
        learner went. No shortcut changes a parameter of a learner.
    on_error : {"raise", "drop"}, default="raise"
        "drop" leaves out a learner that raises, with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds. When they are over, the learners that are done remain.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit. A fit that was killed, or one with one learner
        more, repeats none of them; see :class:`OutOfFoldStore`.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or, from 0.0 to 1.0, a share of what
        is free when the fit begins. A fit that would not fit beside those that run waits.
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
    0.99
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
        shortcuts: str | bool = "exact",
        on_error: str = "raise",
        time_limit: float | None = None,
        store: Any = None,
        memory_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.cv = cv
        self.stack_method = stack_method
        self.n_jobs = n_jobs
        self.passthrough = passthrough
        self.verbose = verbose
        self.refit = refit
        self.shortcuts = shortcuts
        self.on_error = on_error
        self.time_limit = time_limit
        self.store = store
        self.memory_limit = memory_limit
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

        Raises
        ------
        ValueError, TypeError, TimeoutError
            As :meth:`StackingClassifier.fit`.
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
        meta_features : {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_meta_features)
            NaN in rows that no fold held out.

        Raises
        ------
        ValueError, TypeError, TimeoutError
            As :meth:`StackingClassifier.fit`.
        """
        X = self._fit(X, y, groups, fit_params)
        return self._joined(self.oof_.matrix, self.oof_.columns, X)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def _fit(self, X: Any, y: Any, groups: Any, fit_params: dict[str, Any]) -> Any:
        ready = self._prepare(X, y, groups, fit_params)
        self.oof_ = self._cross_fit(ready).run(refit=self.refit)
        self._keep(self.oof_, self.oof_.names, ready)
        ready.progress.close(meta_learner=False)
        return ready.X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        learners = [get_tags(e) for _, e in self._pairs if not isinstance(e, str)]
        tags.input_tags.allow_nan = all(t.input_tags.allow_nan for t in learners)
        tags.input_tags.sparse = all(t.input_tags.sparse for t in learners)
        tags.target_tags.required = True
        return tags
