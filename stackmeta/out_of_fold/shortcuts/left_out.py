"""Residuals of rows left out of a positive definite system, from its Cholesky factor."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from scipy import linalg

from ..folds import Split
from .job import DeclinedError

# Measured: two solvers differ by less than 10 × condition × machine epsilon.
_WORST_CONDITION = 1e6
_MOST_BYTES = 4e9
# Enough for the size of the largest eigenvalue, within a factor of about two.
_POWER_STEPS = 4


class LeftOut:
    """Solutions of ``M a = y`` on all rows, and what they become without some of the rows.

    With ``G = inv(M)`` and ``a = G y``, leaving out rows R and predicting them from the others
    errs by ``y_R - M_R,rest inv(M_rest,rest) y_rest = inv(G_RR) a_R``: blocks of G that lie on
    its diagonal are all it takes, and G is the inverse factor's transpose times itself.
    Rasmussen and Williams (2006), "Gaussian Processes for Machine Learning", section 5.4.2.

    Parameters
    ----------
    factor : ndarray of shape (n_rows, n_rows)
        Lower Cholesky factor of M, zeros above the diagonal.
    """

    def __init__(self, factor: np.ndarray) -> None:
        self._factor = np.asfortranarray(factor)

    def check_condition(self, least: float = 0.0, spread: float = 1.0) -> None:
        """Decline systems whose solutions are not known to eight digits.

        Parameters
        ----------
        least : float
            What M was rounded in proportion to, if that is more than its norm.
        spread : float
            Ratio of the largest and the smallest number that residuals are divided by.

        Raises
        ------
        DeclinedError
        """
        vector = 1 + np.random.RandomState(0).normal(size=len(self._factor))
        for _ in range(_POWER_STEPS):
            vector /= linalg.norm(vector)
            for trans in (1, 0):
                vector = linalg.blas.dtrmv(self._factor, vector, lower=1, trans=trans)
        norm = max(linalg.norm(vector), least)
        reciprocal, _ = linalg.lapack.dpocon(self._factor, norm, uplo="L")
        check_condition(spread / reciprocal if reciprocal > 0 else np.inf)

    def solve(self, y: np.ndarray) -> np.ndarray:
        """Solve for columns ``y``: (n_rows, n_columns)."""
        return linalg.cho_solve((self._factor, True), y, check_finite=False)

    def residuals(
        self, solution: np.ndarray, splits: list[Split]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield, for each split, the rows it held out, and ``y`` minus predictions of them.

        ``solution`` is that of :meth:`solve`.
        """
        inverse, _ = linalg.lapack.dtrtri(self._factor, lower=1)
        for train, test in splits:
            rows = _rows_without(train, len(solution))
            block = linalg.blas.dsyrk(1.0, inverse[:, rows], trans=1, lower=1)
            factor = linalg.cho_factor(block, lower=True, overwrite_a=True, check_finite=False)
            left_out = linalg.cho_solve(factor, solution[rows], check_finite=False)
            yield test, left_out[np.searchsorted(rows, test)]


def check_condition(condition: float) -> None:
    """Decline a system whose condition leaves fewer than eight digits.

    Raises
    ------
    DeclinedError
    """
    if not condition <= _WORST_CONDITION:
        raise DeclinedError("the kernel matrix is ill-conditioned")


def check_worth(splits: list[Split], n_rows: int, factorizations: int = 1) -> None:
    """Decline what would take more memory than there is, or longer than plain fits.

    ``factorizations`` is how many a plain fit makes.

    Raises
    ------
    DeclinedError
        Also if a split trains on a row twice, which no inverse of distinct rows covers.
    """
    if 3 * 8 * n_rows**2 > min(_MOST_BYTES, _memory() / 4):
        raise DeclinedError("too many rows")
    for train, _ in splits:
        if len(_rows_without(train, n_rows)) + len(train) != n_rows:
            raise DeclinedError("a split trains on a row twice")
    if not costs_less(splits, n_rows, factorizations):
        raise DeclinedError("plain fits are faster")


def costs_less(splits: list[Split], n_rows: int, factorizations: int) -> bool:
    """Whether blocks of the inverse take fewer operations than a factor for each split."""
    trained = np.array([len(train) for train, _ in splits], dtype=float)
    out = n_rows - trained
    inverse = n_rows**3 / 3 + (n_rows * out**2 + out**3 / 3).sum()
    return bool(inverse < factorizations * (trained**3).sum() / 3)


def _rows_without(train: np.ndarray, n_rows: int) -> np.ndarray:
    left_out = np.ones(n_rows, dtype=bool)
    left_out[train] = False
    return np.flatnonzero(left_out)


def _memory() -> float:
    """Bytes of this machine; infinity where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return np.inf
