"""``out_of_fold``: level 0 as a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import indexable

from .checks import (
    build_learners,
    check_names,
    check_plain_keys,
    check_table,
    check_weights,
    draw_seed,
    plain_fit_params,
    read_entries,
    warn_missing_classes,
)
from .cross_fit import CrossFit
from .folds import is_exchangeable, make_splits, resolve_cv
from .learner import Learner
from .progress import Progress
from .result import OutOfFold
from .shortcuts import check_level
from .target import Target, encode_target


def out_of_fold(
    estimators: Sequence[tuple],
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    groups: Any = None,
    method: str | Sequence[str] | Mapping[str, str] = "auto",
    refit: bool = False,
    keep_models: bool = False,
    shortcuts: str | bool = "exact",
    fit_params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    on_error: str = "raise",
    time_limit: float | None = None,
    costs: Mapping[str, float] | None = None,
    store: Any = None,
    memory_limit: float | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> OutOfFold:
    """Predict every row with models that never saw it.

    Parameters
    ----------
    estimators : list of (str, estimator) or (str, estimator, columns)
        Learners. ``columns`` limits a learner to some columns of X;
        ``(name, "passthrough", columns)`` takes columns that already are predictions.
    X : array-like, sparse matrix or DataFrame of shape (n_rows, n_features)
        Training rows.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Target. It holds classes if any learner is a classifier, else numbers.
    cv : int, splitter or iterable of (train, test), default=None
        As in :func:`sklearn.model_selection.check_cv`; 5 folds by default. Rows that no
        fold holds out get NaN, rows held out several times the average.
    groups : array-like of shape (n_rows,), default=None
        Passed to the splitter; with an int or None as ``cv``, no group straddles two folds.
    method : str, list or dict, default="auto"
        Which method answers, for all learners or each: the first that exists of
        ``predict_proba``, ``decision_function`` and ``predict``; or the named one, which
        may also be ``predict_log_proba``.
    refit : bool, default=False
        Whether each learner is fitted once more on all rows, to predict new ones.
    keep_models : bool, default=False
        Whether the fold models are kept; their average predicts new rows.
    shortcuts : {"exact", "approximate", False}, default="exact"
        "exact" lets learners answer for all folds at once where that equals refitting on
        each; "approximate" also out of bag, with fewer trees a fold and by Newton steps; False
        refits plainly. ``paths`` of the result says which way each learner went.
    fit_params : dict, default=None
        ``sample_weight`` for all learners, ``name__parameter`` for one.
    n_jobs : int, default=None
        Jobs that joblib runs at once.
    on_error : {"raise", "drop"}, default="raise"
        Whether a learner that raises ends the call, or is left out with a
        :class:`~sklearn.exceptions.FitFailedWarning`.
    time_limit : float, default=None
        Seconds after which no fit starts; learners that are not done are left out.
    costs : dict of str to float, default=None
        Expected seconds of a fold of each learner. They are then completed in their order; under a
        time limit, those left out that are not expected to end. None: the longest first; under a
        time limit learners are tried with one fold, cheap kinds first, and those completed that
        are expected to lower the loss of a blend most for their seconds.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit: called again, nothing that it has is fitted.
    memory_limit : int or float, default=None
        Bytes that the fits of all workers may take together, or, from 0.0 to 1.0, a share of what
        is free when the fit begins (control groups included). A fit that would not fit beside
        those that run waits; alone, any may run.
    random_state : int, RandomState or None, default=None
        Seeds the splitter and those learners whose own ``random_state`` is None.
    verbose : int, default=0
        1 prints a line a finished learner, 2 also a line a fit.

    Returns
    -------
    oof : OutOfFold

    Raises
    ------
    ValueError
        If the input is bad (before the first fit), or every learner failed.
    TimeoutError
        If no learner was done in time.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from stackmeta import out_of_fold
    >>> X, y = load_iris(return_X_y=True)
    >>> learners = [("lr", LogisticRegression(max_iter=1000)), ("nb", GaussianNB())]
    >>> oof = out_of_fold(learners, X, y)
    >>> oof.matrix.shape
    (150, 6)
    >>> {name: round(loss, 2) for name, loss in oof.loss().items()}
    {'lr': 0.14, 'nb': 0.14}
    """
    if on_error not in ("raise", "drop"):
        raise ValueError(f"on_error must be 'raise' or 'drop', got {on_error!r}.")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be above 0 seconds or None, got {time_limit!r}.")
    if memory_limit is not None and not memory_limit > 0:
        raise ValueError(
            f"memory_limit must be above 0 (bytes, or a share of what is free) or None, got "
            f"{memory_limit!r}."
        )
    check_level(shortcuts)
    if costs is not None and (missing := [x for x, *_ in estimators if x not in costs]):
        raise ValueError(f"costs has no seconds for the learners {missing}; give some for each.")
    if isinstance(cv, str):
        raise ValueError(
            f"cv={cv!r} is no splitter. For fitted learners, wrap them in "
            "sklearn.frozen.FrozenEstimator."
        )
    entries = read_entries(estimators)
    check_names(entries)
    check_table(X, "out_of_fold")
    X, groups = indexable(X, groups)
    classifier = any(is_classifier(e) for _, e, _ in entries if not isinstance(e, str))
    target = encode_target(y, classifier=classifier, caller="out_of_fold")
    X, _ = indexable(X, target.y)
    fit_params = fit_params or {}
    check_plain_keys(fit_params, [name for name, _, _ in entries], "out_of_fold")
    params = plain_fit_params(entries, fit_params, groups)
    for name, own in params.items():
        check_weights(own, len(target.y), name)
    learners = build_learners(entries, X, target, method, params)
    oof = set_up(
        learners,
        X,
        target,
        cv=cv,
        groups=groups,
        split_params={} if groups is None else {"groups": groups},
        classifier=classifier,
        seed=draw_seed(random_state),
        n_jobs=n_jobs,
        on_error=on_error,
        time_limit=time_limit,
        costs=costs,
        store=store,
        memory_limit=memory_limit,
        keep_fold_models=keep_models and not refit,
        shortcuts=shortcuts,
        progress=Progress(verbose),
    ).run(refit=refit)
    oof.groups = None if groups is None else np.asarray(groups)
    return oof


def set_up(
    learners: list[Learner],
    X: Any,
    target: Target,
    *,
    cv: Any,
    groups: Any,
    split_params: Mapping[str, Any],
    classifier: bool,
    seed: int | None,
    **options: Any,
) -> CrossFit:
    """Compute the splits, and set up the engine that runs checked learners on them.

    Parameters
    ----------
    learners : list of Learner
    X : array-like of shape (n_rows, n_features)
    target : Target
    cv : int, splitter or iterable of (train, test)
    groups : array-like of shape (n_rows,), default=None
    split_params : dict
        Passed to ``split``.
    classifier : bool
        Whether folds are stratified where ``cv`` leaves it open.
    seed : int or None
        Seeds splitter and learners.
    **options : dict
        Further parameters of :class:`CrossFit`.
    """
    splitter = resolve_cv(cv, target.y, classifier=classifier, groups=groups)
    splits = make_splits(splitter, X, target.y, random_state=seed, **split_params)
    warn_missing_classes(target, splits, learners)
    exchangeable = is_exchangeable(splitter, groups)
    return CrossFit(learners, X, target, splits, seed=seed, exchangeable=exchangeable, **options)
