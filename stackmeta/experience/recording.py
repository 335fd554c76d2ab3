"""What a finished fit has to tell: its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ..combiners.simplex import minimise_quadratic
from ..out_of_fold.losses import full_probabilities
from ..out_of_fold.response import PROBABILITIES
from ..out_of_fold.result import OutOfFold
from ..out_of_fold.store.data_print import digest, fingerprint_data
from ..out_of_fold.target import Target
from .record import TaskRecord

# The least loss that a relative one can be: nobody is infinitely better than a constant.
_LEAST = 1e-9
_NO_SETTINGS = {"random_state", "n_jobs", "verbose", "verbosity", "device", "device_type"}


def fingerprint_table(X: Any, y: Any) -> str:
    """Name a table by its content."""
    return digest([fingerprint_data(X), fingerprint_data(np.asarray(y))])


def record_of(
    oof: OutOfFold,
    description: Mapping[str, float],
    *,
    table: str,
    learners: Iterable[tuple] = (),
    seconds: Mapping[str, float] | None = None,
    columns: Iterable[str] = (),
) -> TaskRecord:
    """Make the record of a fit.

    Parameters
    ----------
    oof : OutOfFold
        Of learners that predict probabilities, or numbers.
    description : dict of str to float
        As :func:`describe_table` gives it.
    table : str
        Which table it was.
    learners : iterable of (str, estimator), default=()
        Whose settings are recorded.
    seconds : dict of str to float, default=None
        Of a fold of each learner. None: as ``oof`` measured them.
    columns : iterable of str, default=()
        Names of the table's columns, if they may be known.

    Returns
    -------
    record : TaskRecord

    Raises
    ------
    ValueError
        If there is no learner that can be compared with a constant.
    """
    found = relative_losses(oof)
    if not found:
        raise ValueError("only probabilities of the classes of one target, or numbers, compare.")
    names, rows = list(found), oof.covered
    gram = gram_of(oof, oof.matrix[rows], oof.target.y[rows], names)
    equal = np.full(len(names), 1 / len(names))
    if seconds is None:
        seconds = {name: total / len(oof.splits) for name, total in oof.fit_seconds.items()}
    return TaskRecord(
        table=table,
        task="regression" if oof.target.kind == "numbers" else "classification",
        description=dict(description),
        names=tuple(names),
        losses=np.array([*found.values()]),
        gram=gram,
        seconds=np.array([seconds[n] for n in names]),
        weights=minimise_quadratic(2 * gram, np.zeros(len(names)), equal)[0],
        settings={name: settings_of(learner) for name, learner, *_ in learners if name in names},
        columns=tuple(map(str, columns)),
    )


def relative_losses(oof: OutOfFold) -> dict[str, float]:
    """Give the out-of-fold losses of learners as shares of that of a constant prediction.

    Parameters
    ----------
    oof : OutOfFold

    Returns
    -------
    losses : dict of str to float
        Of learners that predict probabilities, or numbers.
    """
    target, rows = oof.target, oof.covered
    names = [n for n in oof.names if target.kind == "numbers" or oof.methods[n] in PROBABILITIES]
    if not names or target.kind == "multilabel" or len(rows) < 2:
        return {}
    constant = _constant_loss(target, rows)
    return {name: max(x / constant, _LEAST) for name, x in oof.select(names).loss().items()}


def settings_of(learner: Any) -> dict[str, Any]:
    """Give the parameters of what a learner ends in, where they are plain values and no seed."""
    return {
        name: value
        for name, value in last_of(learner).get_params(deep=False).items()
        if isinstance(value, bool | int | float | str)
        and name not in _NO_SETTINGS
        and not (isinstance(value, float) and not np.isfinite(value))
    }


def last_of(learner: Any) -> Any:
    """Find what a learner ends in, behind preparation and early stopping."""
    # Forests have an attribute ``estimator``, too, but it is no parameter of theirs.
    while isinstance(learner, Pipeline) or "estimator" in learner.get_params(deep=False):
        learner = learner.steps[-1][1] if isinstance(learner, Pipeline) else learner.estimator
    return learner


def gram_of(oof: OutOfFold, matrix: np.ndarray, y: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Mean products of learners' errors, as a share of the squared error of a constant.

    Parameters
    ----------
    oof : OutOfFold
        Says what the columns mean, and which constant is best.
    matrix : ndarray of shape (n_rows, n_columns)
        Predictions, out-of-fold or of other rows.
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    names : sequence of str
        Learners.

    Returns
    -------
    gram : ndarray of shape (n_learners, n_learners)
    """
    target = oof.target
    truth = y.reshape(len(y), -1) if target.kind == "numbers" else np.eye(target.n_classes)[y]
    blocks = [matrix[:, oof.columns[name]] for name in names]
    if target.kind != "numbers":
        methods = [oof.methods[name] for name in names]
        blocks = [full_probabilities(*pair, target) for pair in zip(blocks, methods, strict=True)]
    errors = np.stack([(block - truth).ravel() for block in blocks])
    known = target.y[oof.covered]
    if target.kind == "numbers":
        constant = known.reshape(len(known), -1).mean(axis=0)
    else:
        constant = np.bincount(known, minlength=target.n_classes) / len(known)
    return errors @ errors.T / max(float(((truth - constant) ** 2).sum()), _LEAST)


def _constant_loss(target: Target, rows: np.ndarray) -> float:
    y = target.y[rows]
    if target.kind == "numbers":
        return max(float(np.sqrt(y.reshape(len(y), -1).var(axis=0).mean())), _LEAST)
    shares = np.bincount(y, minlength=target.n_classes) / len(y)
    there = shares[shares > 0]
    return max(float(-there @ np.log(there)), _LEAST)
