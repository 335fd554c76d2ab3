"""A stack of learners for tables with 1 to 20 labelled rows a class."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any

import numpy as np

from .combiners import ConvexClassifier
from .combiners.predictions import Predictions
from .compat import Interval
from .learners.few_shot import OneOfEachClassOut, few_shot_learners
from .stacking import StackingClassifier

# Fits the draws of docs/experience_few_shot.md at 2 to 20 rows a class.
_PULL = 4.0
# With more rows of a class few-shot learners gain nothing; with more rows in all, the portfolio is
# better than they are alone (docs/experience_few_shot.md).
_MOST_OF_A_CLASS, _MOST_ALONE = 20, 50


class FewRowsConvexClassifier(ConvexClassifier):
    """Convex weights that are drawn to equal ones, the more the fewer rows there are.

    Parameters
    ----------
    pull : float, default=4.0
        ``ConvexClassifier(ridge=pull / n_rows)``, with the rows of ``fit``.
    calibrate : bool, default=False
        As there.
    prediction_columns : int, slice, list of int or str, default=None
        As there.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta._few_shot import FewRowsConvexClassifier
    >>> P, y = np.array([[0.9, 0.4], [0.1, 0.5]]), np.array([1, 0])
    >>> few = FewRowsConvexClassifier().fit(P, y).weights_
    >>> many = FewRowsConvexClassifier().fit(np.tile(P, (50, 1)), np.tile(y, 50)).weights_
    >>> bool(0.5 < few[0] < many[0])
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **ConvexClassifier._parameter_constraints,
        "pull": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, *, pull: float = _PULL, calibrate: bool = False, prediction_columns: Any = None
    ) -> None:
        super().__init__(calibrate=calibrate, prediction_columns=prediction_columns)
        self.pull = pull

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        self.ridge = self.pull / len(y)
        super()._fit_combiner(predictions, y, sample_weight)


def few_shot_stack(
    random_state: int | None = None,
    n_jobs: int | None = None,
    *,
    learned: Mapping[str, Mapping[str, Any]] | None = None,
    pull: float = _PULL,
    max_folds: int = 5,
) -> StackingClassifier:
    """Stack learners of few rows with predictions for rows that were left out.

    Parameters
    ----------
    random_state : int or None, default=None
        Seeds folds and learners.
    n_jobs : int, default=None
        Fits that joblib runs at once.
    learned : mapping of str to mapping, default=None
        Parameters of the learners, as
        :func:`stackmeta.experience.few_shot.train_few_shot` gives them. None: those that ship
        with the package.
    pull : float, default=4.0
        Of the weights towards equal ones, the stronger the fewer rows there are.
    max_folds : int, default=5
        Most folds. With fewer rows a class, one row of each class is left out at a time.

    Returns
    -------
    stack : StackingClassifier
        Unfitted. Rows of a class that has no other row do not weigh learners; where that is so
        of all classes, the learners have equal weights.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from stackmeta._few_shot import few_shot_stack
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> few = [0, 1, 2, 60, 61, 62, 140, 141, 142]
    >>> stack = few_shot_stack(random_state=0).fit(X.iloc[few], y.iloc[few])
    >>> stack.score(X, y) > 0.6
    True
    """
    learners, final, cv = few_shot_parts(
        random_state, learned=learned, pull=pull, max_folds=max_folds
    )
    return StackingClassifier(learners, final, cv=cv, n_jobs=n_jobs, random_state=random_state)


def few_shot_parts(
    random_state: int | None,
    *,
    learned: Mapping[str, Mapping[str, Any]] | None = None,
    pull: float = _PULL,
    max_folds: int = 5,
) -> tuple[list[tuple[str, Any]], FewRowsConvexClassifier, OneOfEachClassOut]:
    """Give learners, meta-learner and folds, as of :func:`few_shot_stack`."""
    return (
        few_shot_learners(random_state, learned=learned),
        FewRowsConvexClassifier(pull=pull),
        OneOfEachClassOut(max_folds, random_state=random_state),
    )


def joining_learners(random_state: Any, known: Collection[str]) -> list[tuple[str, Any]]:
    """Give the learners of few rows that a portfolio does not have by name."""
    return [entry for entry in few_shot_learners(random_state) if entry[0] not in known]


def place_of_few_shot(y: np.ndarray) -> str | None:
    """Say where few-shot learners belong: "alone", "beside" those of many rows, or nowhere.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels.

    Returns
    -------
    place : {"alone", "beside"} or None
    """
    if np.unique(y, return_counts=True)[1].max() > _MOST_OF_A_CLASS:
        return None
    return "alone" if len(y) <= _MOST_ALONE else "beside"
