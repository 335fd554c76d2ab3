"""A learner as the engine sees it: an estimator, the columns it reads, how it answers."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ..compat import safe_indexing
from .given import GivenPredictions

# How LightGBM, XGBoost, CatBoost and estimators on torch are told to compute on a GPU.
_DEVICE_PARAMS, _GPUS = ("device", "device_type", "task_type"), ("cuda", "gpu")
AUTO_METHODS = ("predict_proba", "decision_function", "predict")
METHODS = ("predict_proba", "predict_log_proba", "decision_function", "predict")


@dataclass
class Learner:
    """One base learner.

    Attributes
    ----------
    name : str
    estimator : estimator
        Unfitted; the engine clones it.
    method : str
        The method whose answer is the out-of-fold prediction.
    columns : object, default=None
        Columns of X that the learner sees; None for all of them.
    fit_params : dict
        Keyword arguments of ``fit``; arrays with a value a row are cut to the fold.
    """

    name: str
    estimator: Any
    method: str
    columns: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)

    @property
    def renumber(self) -> bool:
        """Whether labels are renumbered in a fold that lacks a class (not for regressors)."""
        refits = not isinstance(self.estimator, (GivenPredictions, FrozenEstimator))
        return refits and is_classifier(self.estimator)

    @property
    def watches(self) -> bool:
        """Whether it stops early, and can be fitted while held-out rows are watched."""
        return hasattr(self.estimator, "fit_watching")

    @property
    def on_gpu(self) -> bool:
        """Whether a parameter of the estimator, or of one inside it, says that it uses a GPU."""
        if not hasattr(self.estimator, "get_params"):
            return False
        return any(
            name.rpartition("__")[2] in _DEVICE_PARAMS and str(value).lower().startswith(_GPUS)
            for name, value in self.estimator.get_params().items()
        )

    @property
    def answers_labels(self) -> bool:
        """Whether the predictions are class labels, which cannot be averaged."""
        return self.method == "predict" and is_classifier(self.estimator)

    @property
    def given(self) -> bool:
        """Whether the predictions were there before: columns of X."""
        return isinstance(self.estimator, GivenPredictions)


def take_columns(X: Any, columns: Any) -> Any:
    """Columns of ``X``; all of them for None."""
    return X if columns is None else safe_indexing(X, columns, axis=1)


def resolve_columns(columns: Any, X: Any, name: str) -> Any:
    """Call a column selector, and check early that the columns are there.

    Raises
    ------
    ValueError
        If X lacks the columns.
    """
    if isinstance(columns, Callable):  # type: ignore[arg-type]
        columns = columns(X)
    if isinstance(columns, (str, int, np.integer)):
        columns = [columns]
    if columns is None:
        return None
    try:
        taken = take_columns(safe_indexing(X, [0]), columns)
        if np.shape(taken)[1] == 0:
            raise ValueError("they select none")
    except Exception as error:
        raise ValueError(f"Learner {name!r} asks for columns {columns!r}: {error}") from error
    # By name where there are names: new rows may come with their columns in another order.
    names = list(getattr(taken, "columns", [0]))
    return names if all(isinstance(n, str) for n in names) else columns


def response_method(name: str, estimator: Any, method: str | Sequence[str]) -> str:
    """Name of the method that answers for a learner, found before anything is fitted.

    Raises
    ------
    ValueError
        If the learner has none of them.
    """
    wanted = AUTO_METHODS if method == "auto" else (method,)
    for candidate in wanted:
        if hasattr(estimator, str(candidate)):
            return str(candidate)
    listed = " or ".join(map(str, wanted))
    raise ValueError(
        f"Underlying estimator {name} does not implement the method {listed}. Give "
        f"stack_method={{{name!r}: ...}} a method that {type(estimator).__name__} has."
    )


def methods_of(
    method: str | Sequence[str] | Mapping[str, str], names: Sequence[str]
) -> dict[str, str]:
    """Spell out ``stack_method`` as a method for each learner name.

    Raises
    ------
    ValueError
        If a list has another length than the learners, a dict names an unknown learner, or
        a method is unknown.
    """
    if isinstance(method, str):
        methods = dict.fromkeys(names, method)
    elif isinstance(method, Mapping):
        if unknown := sorted(set(method) - set(names)):
            raise ValueError(f"stack_method names unknown learners {unknown}; known: {[*names]}.")
        methods = {name: method.get(name, "auto") for name in names}
    else:
        if len(method) != len(names):
            raise ValueError(
                f"stack_method has {len(method)} entries for {len(names)} estimators: give one "
                "for each, or a dict of learner names."
            )
        methods = dict(zip(names, method, strict=True))
    for name, value in methods.items():
        if value not in ("auto", *METHODS):
            raise ValueError(
                f"stack_method for {name!r} is {value!r}; use 'auto' or one of {[*METHODS]}."
            )
    return methods


def clone_seeded(learner: Learner, seed: int | None, fold: int) -> Any:
    """Clone a learner; give each ``random_state`` that is None a seed of this fold's own."""
    estimator = clone(learner.estimator)
    if seed is None:
        return estimator
    unset = [
        name
        for name, value in sorted(estimator.get_params(deep=True).items())
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    ]
    if unset:
        entropy = [seed, zlib.crc32(learner.name.encode()), fold + 1]
        states = np.random.SeedSequence(entropy).generate_state(len(unset)) >> 1
        estimator.set_params(**{n: int(s) for n, s in zip(unset, states, strict=True)})
    return estimator


def renumber_class_weights(estimator: Any, present: np.ndarray | None) -> None:
    """Let ``class_weight`` dicts follow where labels were renumbered."""
    if present is None:
        return
    new_codes = {int(code): new for new, code in enumerate(present)}
    for name, value in estimator.get_params(deep=True).items():
        if name.rpartition("__")[2] == "class_weight" and isinstance(value, Mapping):
            kept = {new_codes[code]: w for code, w in value.items() if code in new_codes}
            estimator.set_params(**{name: kept})


def check_all_fitted(learners: Iterable[Learner]) -> None:
    """Raise NotFittedError for the first learner that is not fitted."""
    for learner in learners:
        try:
            check_is_fitted(learner.estimator)
        except NotFittedError as error:
            raise NotFittedError(f"Learner {learner.name!r} of cv='prefit': {error}") from error


def rows_of_params(params: Mapping[str, Any], rows: np.ndarray | None, n_rows: int) -> dict:
    """Cut fit parameters that have a value a row to ``rows``; leave the others as they are."""
    if rows is None:
        return dict(params)
    return {
        name: safe_indexing(value, rows) if _has_value_a_row(value, n_rows) else value
        for name, value in params.items()
    }


def _has_value_a_row(value: Any, n_rows: int) -> bool:
    if isinstance(value, (str, bytes, Mapping)):
        return False
    shape = getattr(value, "shape", None)
    if shape is not None:
        return len(shape) > 0 and shape[0] == n_rows
    return isinstance(value, Sequence) and len(value) == n_rows
