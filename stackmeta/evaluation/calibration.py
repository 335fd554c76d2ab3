"""Calibration of probabilities: reliability tables and expected calibration error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import log_loss

from ..out_of_fold import OutOfFold
from ..out_of_fold.losses import full_probabilities
from ..out_of_fold.response import PROBABILITIES
from .judging import Candidate, candidates_of
from .uncertainty import Clusters, proportion_interval

if TYPE_CHECKING:
    import pandas as pd

_LEVEL = 0.95


def reliability(probabilities: np.ndarray, codes: np.ndarray, *, n_bins: int = 15) -> pd.DataFrame:
    """Compare how sure predictions are with how often they are right.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Rows sum to one.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    n_bins : int, default=15
        Bins of equal numbers of rows, by confidence: for two classes the probability of the
        second, for more that of the most probable one.

    Returns
    -------
    table : DataFrame
        A row a bin: ``rows``, ``confidence`` (mean predicted), ``frequency`` (how often it came
        true), ``low`` and ``high`` (95 % interval of the frequency).

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation import reliability
    >>> P = np.tile([[0.8, 0.2], [0.2, 0.8]], (50, 1))
    >>> reliability(P, np.tile([0, 1], 50), n_bins=2)[["rows", "confidence", "frequency"]]
       rows  confidence  frequency
    0    50         0.2        0.0
    1    50         0.8        1.0
    """
    import pandas as pd

    confidence, hit = _judged(probabilities, codes)
    rows = []
    for part in _bins(confidence, n_bins):
        low, high = proportion_interval(hit[part].sum(), len(part), _LEVEL)
        rows.append((len(part), confidence[part].mean(), hit[part].mean(), low, high))
    return pd.DataFrame(rows, columns=["rows", "confidence", "frequency", "low", "high"])


def expected_calibration_error(
    probabilities: np.ndarray, codes: np.ndarray, *, n_bins: int = 15
) -> float:
    """Root of the mean squared distance between confidence and frequency.

    The noise that bins of few rows add to the square is taken off [1]_, so that the error of a
    calibrated prediction is 0 on average, and learners can be compared on any number of rows.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Rows sum to one.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    n_bins : int, default=15
        Bins of equal numbers of rows.

    Returns
    -------
    error : float
        0 where there is no more than noise.

    References
    ----------
    .. [1] A. Kumar, P. Liang and T. Ma, "Verified uncertainty calibration", Advances in Neural
       Information Processing Systems 32, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.evaluation import expected_calibration_error
    >>> P = np.tile([[0.8, 0.2], [0.2, 0.8]], (50, 1))
    >>> round(expected_calibration_error(P, np.tile([0, 1], 50)), 2)
    0.2
    """
    return float(np.sqrt(max(0.0, _squared_error(*_judged(probabilities, codes), n_bins))))


def _squared_error(confidence: np.ndarray, hit: np.ndarray, n_bins: int) -> float:
    total = 0.0
    for part in _bins(confidence, n_bins):
        frequency, n = hit[part].mean(), len(part)
        noise = frequency * (1 - frequency) / (n - 1) if n > 1 else 0.0
        total += n * ((confidence[part].mean() - frequency) ** 2 - noise)
    return total / len(hit)


def _judged(probabilities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], (codes == 1).astype(float)
    best = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), (best == codes).astype(float)


def _bins(confidence: np.ndarray, n_bins: int) -> list[np.ndarray]:
    """Rows of each bin; equal confidences are never parted."""
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, n_bins + 1)[1:-1]))
    number = np.searchsorted(edges, confidence)
    parts = (np.flatnonzero(number == k) for k in range(len(edges) + 1))
    return [part for part in parts if len(part)]


def calibration_table(oof: OutOfFold, stack: Candidate, *, n_bins: int = 15) -> pd.DataFrame:
    """Calibration of a stack and its learners, out of fold.

    Parameters
    ----------
    oof : OutOfFold
    stack : Candidate
        Out-of-fold predictions of the stack.
    n_bins : int, default=15

    Returns
    -------
    table : DataFrame
        As :meth:`stackmeta.StackingClassifier.calibration`.

    Raises
    ------
    ValueError
        If the target has several outputs.
    """
    import pandas as pd

    if oof.target.kind != "classes":
        raise ValueError("Calibration is of one target of classes.")
    if not isinstance(n_bins, (int, np.integer)) or n_bins < 2:
        raise ValueError(f"n_bins must be a whole number from 2 on; got {n_bins!r}.")
    candidates = {"stack": stack}
    for name, candidate in candidates_of(oof).items():
        candidates[name if name != "stack" else "stack (learner)"] = candidate
    rows, tables = [], {}
    for name, candidate in candidates.items():
        if candidate.method not in PROBABILITIES:
            continue
        known = np.flatnonzero(~np.isnan(candidate.block).any(axis=1))
        codes = oof.target.y[known]
        groups = None if oof.groups is None else oof.groups[known]
        P = full_probabilities(candidate.block[known], candidate.method, oof.target)
        tables[name] = reliability(P, codes, n_bins=n_bins)
        rows.append({"learner": name, **_numbers(P, codes, groups, n_bins)})
    table = pd.DataFrame(rows)
    table.attrs["reliability"] = tables
    return table


def _numbers(
    probabilities: np.ndarray, codes: np.ndarray, groups: Any, n_bins: int
) -> dict[str, float]:
    confidence, hit = _judged(probabilities, codes)

    def error(rows: np.ndarray) -> float:
        return np.sqrt(max(0.0, _squared_error(confidence[rows], hit[rows], n_bins)))

    measured = Clusters(len(codes), groups).jackknife(error)
    sure = probabilities.max(axis=1).mean()
    right = (probabilities.argmax(axis=1) == codes).mean()
    labels = np.arange(probabilities.shape[1])
    return {
        "log_loss": float(log_loss(codes, probabilities, labels=labels)),
        "ece": measured.value,
        "ece_se": measured.se,
        "overconfidence": float(sure - right),
    }
