"""Rolling evaluation: fit on the past, predict the next rows, go on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring, log_loss, root_mean_squared_error, zero_one_loss
from sklearn.utils import indexable

from ..compat import safe_indexing

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class RollingEvaluation:
    """What :func:`rolling_evaluation` found.

    Attributes
    ----------
    table : DataFrame
        A row a window: ``train_start``, ``train_end``, ``test_start``, ``test_end`` (rows; the
        ends are excluded), ``what`` ("fit", "update" or "kept"), ``loss`` and ``seconds``.
        ``attrs["loss"]`` names the loss.
    predictions : ndarray of shape (n_rows,) or (n_rows, n_classes)
        Predictions (probabilities of the classes of y in their order, where there are some; 0 for
        those that a window did not know); NaN before the first window.
    weights : DataFrame
        ``learner_weights_`` in each window, where the estimator has them.
    estimator : estimator
        As it was in the last window.
    """

    table: pd.DataFrame
    predictions: np.ndarray
    weights: pd.DataFrame
    estimator: Any = field(repr=False)

    @property
    def loss(self) -> float:
        """Mean of the windows' losses, each counted by its rows."""
        rows = self.table["test_end"] - self.table["test_start"]
        return float(np.average(self.table["loss"], weights=rows))


def rolling_evaluation(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    initial: int,
    step: int,
    gap: int = 0,
    max_train_size: int | None = None,
    refit_every: int | None = 1,
    update: bool = False,
    scoring: Any = None,
) -> RollingEvaluation:
    """Predict window after window with what was known before it.

    Rows are in the order of time. Before the window of rows ``s`` to ``s + step`` the estimator
    may know the rows before ``s - gap``: the truth of the last ``gap`` is not known yet.

    Parameters
    ----------
    estimator : estimator
        Anything with ``fit`` and ``predict``; a clone is fitted.
    X : array-like, sparse matrix or DataFrame of shape (n_rows, n_features)
        Rows in the order of time.
    y : array-like of shape (n_rows,)
        Target.
    initial : int
        Rows before the first window, the gap among them.
    step : int
        Rows of a window; the last may have fewer.
    gap : int, default=0
        Rows between those that are known and those that are predicted.
    max_train_size : int, default=None
        Rows of a fit at most, the latest; None for all.
    refit_every : int, default=1
        Windows from one fit to the next; None fits once.
    update : bool, default=False
        Whether, in windows without a fit, ``partial_fit`` is given the rows that have become
        known since.
    scoring : str or callable, default=None
        A scikit-learn scorer; the loss is minus its score. By default root mean squared error,
        log loss where there are probabilities, else the error rate.

    Returns
    -------
    evaluation : RollingEvaluation

    Raises
    ------
    ValueError
        If a number is out of range, or no row is left to predict.
    TypeError
        If ``update`` asks for a ``partial_fit`` that the estimator lacks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from stackmeta import rolling_evaluation
    >>> X = np.arange(100.0)[:, None]
    >>> found = rolling_evaluation(Ridge(), X, 2 * X[:, 0], initial=40, step=20, gap=5)
    >>> found.table[["train_end", "test_start", "test_end", "what"]]
       train_end  test_start  test_end what
    0         35          40        60  fit
    1         55          60        80  fit
    2         75          80       100  fit
    """
    import pandas as pd

    X, y = indexable(X, y)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    _check(n_rows, initial, step, gap, max_train_size, refit_every)
    if update and not hasattr(estimator, "partial_fit"):
        raise TypeError(
            f"update=True needs partial_fit, which {type(estimator).__name__} has not. A stack "
            "has it with a final_estimator that has, such as OnlineWeightsRegressor."
        )
    rows, weights, parts = [], [], []
    model, known, first = clone(estimator), 0, 0
    for window, start in enumerate(range(initial, n_rows, step)):
        began, end = time.perf_counter(), start - gap
        fits = window == 0 or (refit_every is not None and window % refit_every == 0)
        if fits:
            first = 0 if max_train_size is None else max(0, end - max_train_size)
            model = clone(estimator).fit(*_rows(X, y, first, end))
        elif update:
            model.partial_fit(*_rows(X, y, known, end))
        known = end if fits or update else known
        what = "fit" if fits else "update" if update else "kept"
        stop = min(start + step, n_rows)
        new, truth = _rows(X, y, start, stop)
        answer, name = _answer(model, new)
        parts.append(_widened(answer, model, y))
        if scoring is None:
            loss = _loss(model, truth, answer)
        else:
            loss, name = -check_scoring(model, scoring=scoring)(model, new, truth), str(scoring)
        seconds = time.perf_counter() - began
        rows.append((first, known, start, stop, what, loss, seconds))
        weights.append(getattr(model, "learner_weights_", {}))
    columns = ["train_start", "train_end", "test_start", "test_end", "what", "loss", "seconds"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs["loss"] = name
    predictions = np.concatenate(parts)
    before = np.full((initial, *predictions.shape[1:]), np.nan)
    if predictions.dtype.kind not in "fiu":
        before = before.astype(object)
    predictions = np.concatenate([before, predictions])
    return RollingEvaluation(table, predictions, pd.DataFrame(weights), model)


def _check(n_rows: int, initial: int, step: int, gap: int, most: Any, every: Any) -> None:
    for name, value, least in (
        ("initial", initial, 1),
        ("step", step, 1),
        ("gap", gap, 0),
        ("max_train_size", most, 1),
        ("refit_every", every, 1),
    ):
        optional = name in ("max_train_size", "refit_every")
        if value is None and optional:
            continue
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name}={value!r} should be a whole number, {least} or more.")
    if initial <= gap:
        raise ValueError(
            f"initial={initial} rows, of which gap={gap} are not known yet, leave none to fit: "
            "take a larger initial."
        )
    if initial >= n_rows:
        raise ValueError(f"initial={initial} leaves none of {n_rows} rows to predict.")


def _rows(X: Any, y: Any, start: int, stop: int) -> tuple[Any, Any]:
    rows = np.arange(start, stop)
    return safe_indexing(X, rows), safe_indexing(y, rows)


def _answer(model: Any, X: Any) -> tuple[np.ndarray, str]:
    if is_classifier(model) and hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X)), "log loss"
    return np.asarray(model.predict(X)), "error rate" if is_classifier(model) else "RMSE"


def _widened(answer: np.ndarray, model: Any, y: Any) -> np.ndarray:
    """Bring probabilities to the classes of all y: early windows may know fewer."""
    if answer.ndim == 1 or not is_classifier(model):
        return answer
    classes = np.unique(np.asarray(y))
    full = np.zeros((len(answer), len(classes)))
    full[:, np.searchsorted(classes, model.classes_)] = answer
    return full


def _loss(model: Any, truth: Any, answer: np.ndarray) -> float:
    if not is_classifier(model):
        return float(root_mean_squared_error(truth, answer))
    if answer.ndim == 1:
        return float(zero_one_loss(truth, answer))
    # A class that was not known when the model was fitted has no probability.
    truth, classes = np.asarray(truth), np.asarray(model.classes_)
    known = np.isin(truth, classes)
    least = np.finfo(np.float64).eps
    p = np.full(len(truth), least)
    p[known] = answer[np.flatnonzero(known), np.searchsorted(classes, truth[known])]
    if known.all():
        return float(log_loss(truth, answer, labels=classes))
    return float(-np.log(np.maximum(p, least)).mean())
