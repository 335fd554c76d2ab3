"""The choice among candidates by their cross-fitted losses."""

from __future__ import annotations

import numpy as np


def check_candidates(candidates: list) -> None:
    """Raise if candidates are no list of (name, estimator) with names of their own.

    Raises
    ------
    ValueError
        Saying which entry is wrong.
    """
    names = []
    for entry in candidates:
        is_pair = isinstance(entry, tuple | list) and len(entry) == 2
        if not is_pair or not isinstance(entry[0], str) or not hasattr(entry[1], "fit"):
            raise ValueError(f"candidates must be a list of (name, estimator), got {entry!r}.")
        if "__" in entry[0]:
            raise ValueError(f"The candidate's name {entry[0]!r} must not contain '__'.")
        names.append(entry[0])
    if len(set(names)) < len(names):
        raise ValueError(f"Names of candidates must differ, got {names}.")


def count_rows(sample_weight: np.ndarray | None, n_rows: int) -> float:
    """How many rows the weights stand for.

    Whole numbers are rows that are there so often; other weights only say which rows count
    more than others.
    """
    if sample_weight is None or (sample_weight % 1.0).any():
        return n_rows
    return float(sample_weight.sum())


def simplest_of_best(losses: np.ndarray, share: np.ndarray, n_rows: float) -> int:
    """Position of the first candidate that is within one standard error of the best.

    Parameters
    ----------
    losses : ndarray of shape (n_rows, n_candidates)
        Simplest candidate first.
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    n_rows : float
        Number of rows that they stand for.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners.choice import simplest_of_best
    >>> losses = np.array([[1.0, 0.9, 0.2], [1.0, 1.2, 0.3], [1.0, 0.7, 0.1]])
    >>> share = np.full(3, 1 / 3)
    >>> simplest_of_best(losses, share, 3), simplest_of_best(losses[:, :2], share, 3)
    (2, 0)
    """
    return int((standard_errors(losses, share, n_rows) <= 1.0).argmax())


def standard_errors(losses: np.ndarray, share: np.ndarray, n_rows: float) -> np.ndarray:
    """How many standard errors of the paired difference each candidate is behind the best.

    Parameters
    ----------
    losses : ndarray of shape (n_rows, n_candidates)
    share : ndarray of shape (n_rows,)
        Weights of the rows, with sum one.
    n_rows : float
        Number of rows that they stand for.

    Returns
    -------
    behind : ndarray of shape (n_candidates,)
        0 for the best, and for those that are the same on every row.
    """
    best = int((share @ losses).argmin())
    mean, error = paired_difference(losses, losses[:, [best]], share, n_rows)
    return np.divide(mean, error, out=np.zeros_like(mean), where=error > 0)


def paired_difference(
    losses: np.ndarray, others: np.ndarray, share: np.ndarray, n_rows: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of ``losses - others`` and its standard error, column by column."""
    difference = losses - others
    mean = share @ difference
    return mean, np.sqrt(share @ (difference - mean) ** 2 / n_rows)
