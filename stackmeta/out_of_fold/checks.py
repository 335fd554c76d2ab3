"""From what a user passes to what the engine runs: every check before the first fit."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from ..compat import check_sample_weight
from .folds import Split
from .given import GivenPredictions
from .learner import (
    Learner,
    methods_of,
    resolve_columns,
    response_method,
    take_columns,
)
from .target import Target, plain
from .warning import warn_caller

#: (name, estimator, columns of X that it reads or None)
Entry = tuple[str, Any, Any]


def read_entries(estimators: Any) -> list[Entry]:
    """Read ``(name, estimator)`` and ``(name, estimator, columns)`` tuples.

    Raises
    ------
    ValueError
        If it is no such list, or nothing is left when dropped learners are taken out.
    """
    well_formed = isinstance(estimators, Sequence) and all(
        isinstance(entry, (tuple, list)) and len(entry) in (2, 3) and isinstance(entry[0], str)
        for entry in estimators
    )
    if not well_formed or len(estimators) == 0:
        raise ValueError(
            "Invalid 'estimators' attribute, 'estimators' should be a non-empty list of "
            f"(string, estimator) or (string, estimator, columns) tuples. Got {estimators!r}."
        )
    entries = [(entry[0], entry[1], entry[2] if len(entry) == 3 else None) for entry in estimators]
    if all(_is_word(estimator, "drop") for _, estimator, _ in entries):
        raise ValueError(
            "All estimators are dropped. At least one is required to be an estimator."
        )
    return entries


def check_names(entries: Iterable[Entry]) -> None:
    """Raise ValueError for names that stand twice or contain two underscores."""
    names = [name for name, _, _ in entries]
    if len(set(names)) < len(names):
        raise ValueError(f"Names provided are not unique: {names!r}")
    if wrong := [name for name in names if "__" in name]:
        raise ValueError(f"Estimator names must not contain __: got {wrong!r}")


def _is_word(estimator: Any, word: str) -> bool:
    return isinstance(estimator, str) and estimator == word


def build_learners(
    entries: Iterable[Entry],
    X: Any,
    target: Target,
    method: str | Sequence[str] | Mapping[str, str],
    fit_params: Mapping[str, Mapping[str, Any]],
) -> list[Learner]:
    """Make a Learner of each entry that is not dropped; find out how each answers.

    Raises
    ------
    ValueError
        If something is no estimator, a learner lacks its method, columns are missing from X,
        or given predictions do not fit the target.
    """
    entries = list(entries)
    methods = methods_of(method, [name for name, _, _ in entries])
    learners = []
    for name, estimator, columns in entries:
        if _is_word(estimator, "drop"):
            continue
        word = _is_word(estimator, "passthrough")
        if isinstance(estimator, type) or not (word or hasattr(estimator, "fit")):
            raise ValueError(
                f"Learner {name!r} should be an instance of an estimator, 'drop' or "
                f"'passthrough'. Got {estimator!r}."
            )
        columns = resolve_columns(columns, X, name)
        if word:
            learners.append(_given(name, columns, X, target))
            continue
        learners.append(
            Learner(
                name,
                estimator,
                response_method(name, estimator, methods[name]),
                columns,
                dict(fit_params.get(name, {})),
            )
        )
    return learners


def _given(name: str, columns: Any, X: Any, target: Target) -> Learner:
    """Make a learner whose predictions are columns of X, and check them on the spot."""
    if columns is None:
        raise ValueError(
            f"Learner {name!r} is 'passthrough' but names no columns; write "
            f"({name!r}, 'passthrough', columns) with the columns of X that hold its predictions."
        )
    n_classes = 0 if target.kind == "numbers" else target.n_classes
    given = GivenPredictions(target.n_columns("predict_proba"), n_classes)
    try:
        given.predict(take_columns(X, columns))
    except ValueError as error:
        raise ValueError(f"Learner {name!r}, columns {columns!r} of X: {error}") from error
    method = "predict_proba" if given.probabilities else "predict"
    return Learner(name, given, method, columns)


def check_table(X: Any, caller: str) -> None:
    """Refuse what holds no rows; what is in the rows is for the learners to judge.

    Raises
    ------
    ValueError
        If X is None, or a text.
    """
    if X is None or isinstance(X, (str, bytes)):
        raise ValueError(
            f"{caller} requires X, an array or a DataFrame with a row a sample; got {X!r:.60}."
        )


def as_table(X: Any, caller: str) -> Any:
    """Take anything with rows and columns, as an array if it has no shape.

    Raises
    ------
    ValueError
        If it has another number of axes, or no column.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    if len(X.shape) != 2:
        raise ValueError(
            f"Expected 2D array, got an array of shape {X.shape} instead. Reshape your data: "
            "X has a row a sample and a column a feature."
        )
    if X.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required "
            f"by {caller}."
        )
    return X


def check_plain_keys(keys: Iterable[str], names: Iterable[str], caller: str) -> None:
    """Raise ValueError for fit parameters that only metadata routing could place."""
    known = set(names)
    foreign = [
        key
        for key in keys
        if key != "sample_weight"
        and not (key.partition("__")[2] and key.partition("__")[0] in known)
    ]
    if foreign:
        raise ValueError(
            f"{foreign} are passed to {caller} but are not supported: metadata other than "
            "sample_weight, groups and <learner name>__<parameter> is only supported if "
            "enable_metadata_routing=True, which you can set using "
            "`sklearn.set_config(enable_metadata_routing=True)`."
        )


def plain_fit_params(
    entries: Iterable[Entry], fit_params: Mapping[str, Any], groups: Any
) -> dict[str, dict[str, Any]]:
    """Share out fit parameters while metadata routing is off.

    ``sample_weight`` goes to every learner, ``name__parameter`` to one, and ``groups`` to
    those whose ``fit`` names it (a stack inside the stack).

    Raises
    ------
    TypeError
        If sample weights are given to a learner that takes none.
    """
    weights = fit_params.get("sample_weight")
    params: dict[str, dict[str, Any]] = {}
    for name, estimator, _ in entries:
        if isinstance(estimator, str):
            continue
        own = {
            key.partition("__")[2]: value
            for key, value in fit_params.items()
            if key.startswith(f"{name}__")
        }
        if "sample_weight" in own:
            check_takes_weights(estimator)
        params[name] = {**weights_and_groups(estimator, weights, groups), **own}
    return params


def weights_and_groups(estimator: Any, sample_weight: Any, groups: Any) -> dict[str, Any]:
    """Choose what of both ``estimator.fit`` is given: weights if any, groups if it names them.

    Raises
    ------
    TypeError
        If there are weights and the estimator takes none.
    """
    params = {}
    if sample_weight is not None:
        check_takes_weights(estimator)
        params["sample_weight"] = sample_weight
    if groups is not None:
        where = where_it_goes(estimator, "groups")
        if where is not None:
            params[where] = groups
        elif _holds_groups_consumer(estimator):
            warn_caller(
                f"{type(estimator).__name__} holds a stack that cannot be given groups: its own "
                "folds may split them. Turn metadata routing on, with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
    return params


def where_it_goes(estimator: Any, name: str) -> str | None:
    """Find the parameter of ``fit`` that brings metadata to an estimator, or a pipeline's last."""
    if has_fit_parameter(estimator, name):
        return name
    if isinstance(estimator, Pipeline) and hasattr(estimator.steps[-1][1], "fit"):
        inner = where_it_goes(estimator.steps[-1][1], name)
        return None if inner is None else f"{estimator.steps[-1][0]}__{inner}"
    return None


def _holds_groups_consumer(estimator: Any) -> bool:
    parts = estimator.get_params(deep=True).values()
    return any(hasattr(p, "fit") and has_fit_parameter(p, "groups") for p in parts)


def check_takes_weights(estimator: Any) -> None:
    """Check that ``fit`` takes ``sample_weight``, or arbitrary keywords.

    Raises
    ------
    TypeError
        If it takes neither.
    ValueError
        If the estimator is a pipeline, whose steps take weights.
    """
    if isinstance(estimator, Pipeline):
        step = estimator.steps[-1][0]
        raise ValueError(
            "Pipeline.fit does not accept the sample_weight parameter. Pass it to one learner's "
            f"step, <learner name>__{step}__sample_weight, or turn metadata routing on."
        )
    parameters = inspect.signature(estimator.fit).parameters.values()
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    if not takes_any and not has_fit_parameter(estimator, "sample_weight"):
        raise TypeError(
            f"Underlying estimator {type(estimator).__name__} does not support sample weights."
        )


def check_weights(params: Mapping[str, Any], n_rows: int, receiver: str) -> None:
    """Check the length, shape and finiteness of a ``sample_weight`` before anything is fitted.

    Raises
    ------
    ValueError
        If it has not one finite number a row.
    """
    if params.get("sample_weight") is None:
        return
    try:
        check_sample_weight(params["sample_weight"], np.empty((n_rows, 1)))
    except ValueError as error:
        raise ValueError(f"sample_weight of {receiver}: {error}") from error


def warn_missing_classes(target: Target, splits: list[Split], learners: list[Learner]) -> None:
    """Warn once where a class has no training row in some fold."""
    if target.kind != "classes":
        return
    lacking: dict[int, list[int]] = {}
    for fold, (train, _) in enumerate(splits):
        counts = np.bincount(target.y[train], minlength=target.n_classes)
        for code in np.flatnonzero(counts == 0):
            lacking.setdefault(int(code), []).append(fold)
    if not lacking:
        return
    which = "; ".join(
        f"class {plain(target.classes[c])!r} in fold {folds}" for c, folds in lacking.items()
    )
    warn_caller(
        f"Too few rows of a class: {which} has no training row. There the learners "
        f"{[learner.name for learner in learners if learner.renumber]} are fitted without it and "
        "their probability of it is its share of y."
    )


def draw_seed(random_state: Any) -> int | None:
    """Turn ``random_state`` into an int seed, or None."""
    if random_state is None or isinstance(random_state, (int, np.integer)):
        return None if random_state is None else int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
