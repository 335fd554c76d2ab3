"""A second level without labels: a learner that foretells the consensus from the columns."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.pipeline import Pipeline

from ..compat import safe_indexing
from ..out_of_fold import OutOfFold, out_of_fold
from .preparation import on_numbers
from .scaling import ScoreScale

# Trees of more rows than this are drawn from so many: they are kept, and grow with their rows.
_MOST_ROWS = 10_000
# Fewer teach a learner nothing.
_FEWEST_ROWS = 20
# Of the consensus beside ranks: it decides between rows of equal rank only.
_TIE = 1e-6

Split = tuple[np.ndarray, np.ndarray]


def consensus_learner(n_rows: int) -> Pipeline:
    """Make the learner of the consensus: extra trees on the table's columns."""
    sample: dict[str, Any] = {}
    if n_rows > _MOST_ROWS:
        sample = {"bootstrap": True, "max_samples": _MOST_ROWS / n_rows}
    trees: BaseEstimator = ExtraTreesRegressor(100, max_features=0.5, **sample)
    return on_numbers(trees)


class LearnedConsensus:
    """The mean rank of a consensus, and of what a learner foretells of it from the columns.

    The errors of detectors that the columns do not explain average out in the learner [1]_.
    It is cross-fitted over the detectors' folds: no row's own consensus trains what foretells it.

    References
    ----------
    .. [1] Y. Zhao, X. Hu, C. Cheng, C. Wang, C. Wan, W. Wang, J. Yang, H. Bai, Z. Li, C. Xiao,
       Y. Wang, Z. Qiao, J. Sun and L. Akoglu, "SUOD: accelerating large-scale unsupervised
       heterogeneous outlier detection", MLSys, 2021.
    """

    oof_: OutOfFold

    def fit(
        self,
        X: Any,
        consensus: np.ndarray,
        rows: np.ndarray,
        splits: list[Split],
        *,
        seed: int | None,
        **run: Any,
    ) -> np.ndarray:
        """Fit the learner over the folds and on all rows; give the mean rank of ``rows``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
        consensus : ndarray of shape (n_rows,)
            The higher, the more abnormal; NaN outside of ``rows``.
        rows : ndarray of int of shape (n_covered,)
            Rows that some fold held out.
        splits : list of (train, test)
            Of ``rows``: positions in it.
        seed : int or None
        **run
            ``n_jobs``, ``time_limit`` and ``memory_limit`` of the engine.

        Returns
        -------
        found : ndarray of shape (n_covered,)
            From 0 to 1: the higher, the more abnormal.
        """
        known = consensus[rows]
        if len(rows) < len(consensus):
            X = safe_indexing(X, rows)
        self.oof_ = out_of_fold(
            [("second_level", consensus_learner(len(rows)))],
            X,
            known,
            cv=splits,
            method="predict",
            refit=True,
            random_state=seed,
            **run,
        )
        learned = self.oof_.matrix[:, 0]
        # Rows that no fold could foretell keep their consensus.
        learned = np.where(np.isnan(learned), known, learned)
        both = np.column_stack([known, learned])
        self._ranks = ScoreScale(both, "rank")
        return self._mean_rank(both)

    def predict(self, X: Any, consensus: np.ndarray) -> np.ndarray:
        """Score new rows."""
        learned = self.oof_.predict_matrix(X)[:, 0]
        return self._mean_rank(np.column_stack([consensus, learned]))

    def _mean_rank(self, both: np.ndarray) -> np.ndarray:
        return self._ranks(both).mean(axis=1) + _TIE * both[:, 0]


def learn_consensus(
    X: Any,
    found: np.ndarray,
    oof: OutOfFold,
    *,
    seed: int | None,
    started: float,
    time_limit: float | None,
    **run: Any,
) -> LearnedConsensus | None:
    """Fit a :class:`LearnedConsensus`, and put its scores into ``found``.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_rows, n_columns)
    found : ndarray of shape (n_rows,)
        The consensus; changed in place.
    oof : OutOfFold
        The detectors' scores.
    seed : int or None
    started : float
        When the time began that ``time_limit`` limits.
    time_limit : float or None
        Seconds, for the detectors and this.
    **run
        ``n_jobs`` and ``memory_limit`` of the engine.

    Returns
    -------
    learned : LearnedConsensus or None
        None where there are too few rows, where no fold was trained on rows that others held
        out, or where the time is up: then ``found`` is as it was.
    """
    rows = oof.covered
    splits = _among(rows, oof.splits, len(found))
    if len(rows) < _FEWEST_ROWS or not splits:
        return None
    left = None if time_limit is None else time_limit - (perf_counter() - started)
    learned = LearnedConsensus()
    try:
        if left is not None and left <= 0:
            raise TimeoutError
        run |= {"seed": seed, "time_limit": left}
        found[rows] = learned.fit(X, found, rows, splits, **run)
    except TimeoutError:
        warnings.warn(
            f"time_limit={time_limit} left no time for the second level: scores are the "
            "consensus alone, as with levels=1.",
            stacklevel=3,
        )
        return None
    return learned


def _among(rows: np.ndarray, splits: list[Split], n_rows: int) -> list[Split]:
    """Give the folds as positions among ``rows``, without those that have none to train on."""
    place = np.full(n_rows, -1)
    place[rows] = np.arange(len(rows))
    folds = []
    for train, test in splits:
        known = place[train]
        if (known >= 0).sum() > 1:
            folds.append((known[known >= 0], place[test]))
    return folds
