"""A few labels: a combiner that is fitted on the scores of the rows that have one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold

from ..combiners import MetaLearnerClassifier
from ..meta_features import join
from ..out_of_fold import out_of_fold
from ..out_of_fold.learner import Learner, clone_seeded
from ..out_of_fold.plan import REFIT
from ..rehearsal import wants_prediction_columns
from .preparation import table_to_numbers

# Of the consensus beside a probability: it decides between rows of equal probability only.
_TIE = 1e-6


def read_labels(labels: Any, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Read which rows are known to be outliers, and which not.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        1 or True for an outlier, 0 or False for a normal row; -1, NaN or None: unknown.
    n_rows : int

    Returns
    -------
    rows : ndarray of int of shape (n_labelled,)
        Positions of the rows that have a label.
    is_outlier : ndarray of int of shape (n_labelled,)

    Raises
    ------
    ValueError
        If there are other values, another number of rows, or fewer than two rows of a kind.
    """
    given = np.asarray(labels, dtype=object)
    if given.shape != (n_rows,):
        raise ValueError(f"labels has shape {given.shape}; X has {n_rows} rows: give one a row.")
    known = np.array([not _is_unknown(value) for value in given], dtype=bool)
    rows = np.flatnonzero(known)
    values = given[rows]
    if other := [v for v in values if isinstance(v, (str, bytes)) or v not in (0, 1)]:
        raise ValueError(
            f"labels holds {other[0]!r}: use 1 for outliers, 0 for normal rows and -1 or NaN for "
            "rows that nobody has looked at."
        )
    is_outlier = values.astype(bool).astype(np.intp)
    n_outliers, n_normal = int(is_outlier.sum()), int((1 - is_outlier).sum())
    if min(n_outliers, n_normal) < 2:
        hint = ""
        if n_outliers and not n_normal and (given == -1).any():
            hint = " -1 stands for unknown here, not for outliers as in predict."
        raise ValueError(
            f"labels names {n_outliers} outliers (1) and {n_normal} normal rows (0); it takes "
            f"two of each. Leave labels out to combine without any.{hint}"
        )
    return rows, is_outlier


def _is_unknown(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":
        return True
    if isinstance(value, (str, bytes)):
        return False
    return bool(value != value or value == -1)


def default_combiner() -> BaseEstimator:
    """Make the combiner of a few labels: extra trees on scores and columns."""
    trees = ExtraTreesClassifier(300, min_samples_leaf=2)
    return MetaLearnerClassifier(trees, passthrough=True)


class FewLabels:
    """A combiner, and what it reads: scores by rank, their consensus, and the table's columns.

    Parameters
    ----------
    combiner : classifier
        With ``predict_proba``.
    names : list of str
        Detectors.
    passthrough : bool
        Whether the columns of X go along, as numbers.
    seed : int or None
        Of combiner and folds.

    Attributes
    ----------
    combiner : classifier
        Fitted, after :meth:`fit`.
    """

    def __init__(
        self, combiner: Any, names: list[str], *, passthrough: bool, seed: int | None
    ) -> None:
        self.combiner = clone_seeded(Learner("final_estimator", combiner, "predict"), seed, REFIT)
        self._names = [*names, "consensus"]
        if wants_prediction_columns(self.combiner):
            self.combiner.set_params(prediction_columns=len(self._names))
        self._seed = seed
        self._prepare = table_to_numbers(scale_categories=True) if passthrough else None

    def fit(
        self, X: Any, scores: np.ndarray, rows: np.ndarray, is_outlier: np.ndarray
    ) -> np.ndarray:
        """Fit the combiner on the labelled rows; score all, each by a combiner that knew it not.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
        scores : ndarray of shape (n_rows, n_detectors + 1)
            By rank; the consensus stands last.
        rows : ndarray of int of shape (n_labelled,)
        is_outlier : ndarray of int of shape (n_labelled,)

        Returns
        -------
        found : ndarray of shape (n_rows,)
            The higher, the more abnormal. Labelled rows are cross-fitted.
        """
        passed = None if self._prepare is None else self._prepare.fit_transform(X)
        features = join(scores, self._names, passed)
        n_folds = min(5, int(np.bincount(is_outlier).min()))
        seed = 0 if self._seed is None else self._seed
        cross_fitted = out_of_fold(
            [("combiner", self.combiner)],
            features[rows],
            is_outlier,
            cv=StratifiedKFold(n_folds, shuffle=True, random_state=seed),
            method="predict_proba",
            random_state=self._seed,
        )
        self.combiner.fit(features[rows], is_outlier)
        found = self._found(features, scores)
        found[rows] = cross_fitted.matrix[:, 0] + _TIE * scores[rows, -1]
        return found

    def predict(self, X: Any, scores: np.ndarray) -> np.ndarray:
        """Score new rows."""
        passed = None if self._prepare is None else self._prepare.transform(X)
        return self._found(join(scores, self._names, passed), scores)

    def _found(self, features: Any, scores: np.ndarray) -> np.ndarray:
        return self.combiner.predict_proba(features)[:, 1] + _TIE * scores[:, -1]
