"""The discrete super learner: all weight on the learner with the least loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer, get_scorer_names

from ..compat import StrOptions
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .losses import log_losses, row_shares, squared_losses
from .predictions import Predictions
from .scored import ClassifierColumn, RegressorColumn


class _BestLearner(BaseCombiner):
    """What both share: the choice, and scoring by any scorer."""

    _zero_weights = True
    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "scoring": [None, StrOptions(set(get_scorer_names())), callable],
    }

    losses_: np.ndarray
    best_index_: int

    def __init__(self, *, scoring: str | Callable | None = None, prediction_columns: Any = None):
        super().__init__(prediction_columns=prediction_columns)
        self.scoring = scoring

    def _choose(self, losses: np.ndarray) -> None:
        if np.isnan(losses).all():
            raise ValueError(
                f"scoring={self.scoring!r} gave NaN for every learner. Choose a scorer that is "
                "defined on this task."
            )
        self.losses_ = losses
        self.best_index_ = int(np.nanargmin(losses))
        self.weights_ = np.zeros(len(losses))
        self.weights_[self.best_index_] = 1.0

    def _score(
        self,
        learner: BaseEstimator,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> np.ndarray:
        """Minus the score of each learner, its predictions answered by ``learner``."""
        scorer = get_scorer(self.scoring)
        params = {} if sample_weight is None else {"sample_weight": sample_weight}
        scores = []
        for index in range(predictions.n_learners):
            column = predictions.learner(index)
            scores.append(scorer(learner, column, y, **params))
        return -np.array(scores, dtype=np.float64)


class BestLearnerClassifier(_BestLearner, BaseCombinerClassifier):
    """The one learner with the least loss: the discrete super learner [1]_.

    Parameters
    ----------
    scoring : str or callable, default=None
        Name of a scikit-learn scorer, or a callable ``scorer(estimator, X, y)``, by which the
        best learner is chosen; it may use ``predict_proba`` and ``predict`` of the estimator.
        None: log loss.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        1 for the best learner (the first of several), 0 for the others.
    losses_ : ndarray of shape (n_learners,)
        Loss of each learner; with ``scoring``, minus its score.
    best_index_ : int
        Position of the best learner.
    temperature_ : float
        With ``calibrate``, what log probabilities are divided by: above 1 where the combiner is
        too sure.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexClassifier : Weights of least loss, never worse on the rows of ``fit``.

    Notes
    -----
    A row that a learner did not cover counts with the mean of the other learners, so that all
    are compared on the same rows. ``predict_proba`` needs the best learner's own prediction.

    References
    ----------
    .. [1] M. J. van der Laan, E. C. Polley and A. E. Hubbard, "Super learner", Statistical
       Applications in Genetics and Molecular Biology 6, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import BestLearnerClassifier
    >>> P = np.array([[0.6, 0.9], [0.4, 0.2], [0.7, 0.3], [0.1, 0.1]])
    >>> combiner = BestLearnerClassifier().fit(P, [1, 0, 1, 0])
    >>> combiner.losses_.round(3)
    array([0.371, 0.409])
    >>> BestLearnerClassifier(scoring="accuracy").fit(P, [1, 0, 0, 0]).weights_
    array([0., 1.])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **_BestLearner._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        scoring: str | Callable | None = None,
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(scoring=scoring, prediction_columns=prediction_columns)
        self.calibrate = calibrate

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        if self.scoring is None:
            self._choose(log_losses(predictions, y, row_shares(sample_weight, len(y))))
            return
        learner = ClassifierColumn(self.classes_)
        self._choose(self._score(learner, predictions, self.classes_[y], sample_weight))


class BestLearnerRegressor(_BestLearner, BaseCombinerRegressor):
    """The one learner with the least loss: the discrete super learner [1]_.

    Parameters
    ----------
    scoring : str or callable, default=None
        Name of a scikit-learn scorer, or a callable ``scorer(estimator, X, y)``, by which the
        best learner is chosen. None: squared error, averaged over the targets.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        1 for the best learner (the first of several), 0 for the others.
    losses_ : ndarray of shape (n_learners,)
        Loss of each learner; with ``scoring``, minus its score.
    best_index_ : int
        Position of the best learner.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : Weights of least loss, never worse on the rows of ``fit``.

    Notes
    -----
    A row that a learner did not cover counts with the mean of the other learners, so that all
    are compared on the same rows. ``predict`` needs the best learner's own prediction.

    References
    ----------
    .. [1] M. J. van der Laan, E. C. Polley and A. E. Hubbard, "Super learner", Statistical
       Applications in Genetics and Molecular Biology 6, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import BestLearnerRegressor
    >>> P = np.array([[1.5, 1.0], [2.5, 2.0], [3.5, 5.0]])
    >>> combiner = BestLearnerRegressor().fit(P, [1.0, 2.0, 3.0])
    >>> combiner.losses_.round(3), combiner.best_index_
    (array([0.25 , 1.333]), 0)
    >>> by_median = BestLearnerRegressor(scoring="neg_median_absolute_error")
    >>> by_median.fit(P, [1.0, 2.0, 3.0]).predict(P)
    array([1., 2., 5.])
    """

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        if self.scoring is None:
            self._choose(squared_losses(predictions, y, row_shares(sample_weight, len(y))))
        else:
            self._choose(self._score(RegressorColumn(), predictions, y, sample_weight))
