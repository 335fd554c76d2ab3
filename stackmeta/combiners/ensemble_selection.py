"""Ensemble selection: greedy, with replacement, by any score."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state

from ..compat import Interval, StrOptions
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .candidate_accuracy import Accuracy
from .candidate_auc import Auc
from .candidate_log_loss import LogLoss
from .candidate_squared import SquaredError
from .candidates import Candidates, Ensemble, Scored
from .greedy import first_best, greedy_path
from .losses import row_shares
from .predictions import Predictions
from .scored import ClassifierColumn, RegressorColumn


class _EnsembleSelection(BaseCombiner):
    """What both share: bags, paths, and the best prefix."""

    _zero_weights = True
    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "scoring": [None, StrOptions(set(get_scorer_names())), callable],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "n_bags": [None, Interval(Integral, 1, None, closed="left")],
        "bag_fraction": [Interval(Real, 0, 1, closed="right")],
        "random_state": ["random_state"],
    }

    picks_: np.ndarray
    path_: np.ndarray

    def __init__(
        self,
        *,
        n_steps: int = 25,
        scoring: str | Callable | None = None,
        n_init: int = 1,
        n_bags: int | None = None,
        bag_fraction: float = 0.5,
        random_state: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.n_steps = n_steps
        self.scoring = scoring
        self.n_init = n_init
        self.n_bags = n_bags
        self.bag_fraction = bag_fraction
        self.random_state = random_state

    @abstractmethod
    def _candidates(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> Candidates:
        """Find the fastest way to the losses of candidates."""

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        if self.n_init > self.n_steps:
            raise ValueError(
                f"n_init={self.n_init} learners to start from are more than the "
                f"n_steps={self.n_steps} picks in all. Lower n_init or raise n_steps."
            )
        candidates = self._candidates(predictions, y, sample_weight)
        bags = self._bags(predictions.n_learners)
        picks = np.empty((len(bags), self.n_steps), dtype=np.intp)
        path = np.empty(picks.shape)
        weights = np.zeros(predictions.n_learners)
        for bag, learners in enumerate(bags):
            ensemble = Ensemble(predictions)
            picks[bag], path[bag] = greedy_path(
                candidates, ensemble, learners, self.n_steps, self.n_init
            )
            kept = picks[bag, : first_best(path[bag], path[bag, 0]) + 1]
            weights += np.bincount(kept, minlength=len(weights)) / len(kept)
        self.weights_ = weights / len(bags)
        self.picks_, self.path_ = (picks[0], path[0]) if self.n_bags is None else (picks, path)

    def _bags(self, n_learners: int) -> list[np.ndarray]:
        """Draw the learners of each bag."""
        if self.n_bags is None:
            return [np.arange(n_learners)]
        random = check_random_state(self.random_state)
        size = max(1, round(self.bag_fraction * n_learners))
        return [np.sort(random.permutation(n_learners)[:size]) for _ in range(self.n_bags)]


class EnsembleSelectionClassifier(_EnsembleSelection, BaseCombinerClassifier):
    """Mean of learners picked one by one, with replacement, by any score.

    Ensemble selection [1]_: each step adds the learner whose probabilities, averaged with those
    of all picks so far, score best; a learner picked twice counts twice. The path is cut where
    it is best, and the weights are the shares of the picks.

    Parameters
    ----------
    n_steps : int, default=25
        Number of picks.
    scoring : str or callable, default=None
        Name of a scikit-learn scorer, or a callable ``scorer(estimator, X, y)``, by which means
        are compared; it may use ``predict_proba`` and ``predict`` of the estimator. None: log
        loss. Fast are None, "neg_log_loss", "neg_brier_score", "accuracy", "roc_auc" and
        "roc_auc_ovr"; any other is called for each learner at each step.
    n_init : int, default=1
        The first so many picks are the best learners by themselves, best first [1]_. 1: each
        pick is greedy.
    n_bags : int, default=None
        Number of bags, each a random part of the learners with a path of its own; the weights
        are averaged, which guards against picks that suit the rows of ``fit`` alone [1]_.
        None: one path over all learners.
    bag_fraction : float, default=0.5
        Share of the learners in a bag.
    random_state : int, RandomState instance or None, default=None
        Draws the bags.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Share of each learner in the picks up to the best step, the first of several.
    picks_ : ndarray of shape (n_steps,) or (n_bags, n_steps)
        Positions of the learners in the order in which they were picked, those after the best
        step included. Of learners that are equally good, the first is picked.
    path_ : ndarray of shape (n_steps,) or (n_bags, n_steps)
        Loss of the mean after each pick; with ``scoring``, minus its score.
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
    ConvexClassifier : The weights of least log loss, found exactly.
    BestLearnerClassifier : The first pick alone.

    Notes
    -----
    A row that a learner did not cover counts with the mean of the other learners.

    Losses that differ by less than 1e-12 of the first pick's are equal: rounding decides
    nothing, so that copies of a learner and the order of rows do not matter.

    References
    ----------
    .. [1] R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble selection from
       libraries of models", International Conference on Machine Learning, 2004.
    .. [2] R. Caruana, A. Munson and A. Niculescu-Mizil, "Getting the most out of ensemble
       selection", International Conference on Data Mining, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import EnsembleSelectionClassifier
    >>> P = np.array([[0.9, 0.4, 0.5], [0.2, 0.1, 0.5], [0.4, 0.9, 0.5], [0.3, 0.2, 0.5]])
    >>> combiner = EnsembleSelectionClassifier(n_steps=4).fit(P, [1, 0, 1, 0])
    >>> combiner.picks_
    array([1, 0, 1, 1])
    >>> combiner.path_.round(4)
    array([0.3375, 0.3279, 0.3217, 0.3219])
    >>> combiner.weights_.round(3)
    array([0.333, 0.667, 0.   ])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **_EnsembleSelection._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        n_steps: int = 25,
        scoring: str | Callable | None = None,
        n_init: int = 1,
        n_bags: int | None = None,
        bag_fraction: float = 0.5,
        calibrate: bool = False,
        random_state: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(
            n_steps=n_steps,
            scoring=scoring,
            n_init=n_init,
            n_bags=n_bags,
            bag_fraction=bag_fraction,
            random_state=random_state,
            prediction_columns=prediction_columns,
        )
        self.calibrate = calibrate

    def _candidates(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> Candidates:
        share, n_outputs = row_shares(sample_weight, len(y)), self._n_outputs
        if self.scoring is None or self.scoring == "neg_log_loss":
            return LogLoss(predictions, y, share)
        if self.scoring == "accuracy":
            return Accuracy(predictions, y, share)
        if self.scoring == "neg_brier_score":
            indicator = y if n_outputs == 1 else np.eye(n_outputs)[y]
            return SquaredError(predictions, indicator, share, scale=n_outputs)
        named_auc = "roc_auc" if n_outputs == 1 else "roc_auc_ovr"
        if self.scoring == named_auc and len(np.unique(y)) == len(self.classes_):
            return Auc(predictions, y, share)
        learner = ClassifierColumn(self.classes_)
        return Scored(self.scoring, learner, self.classes_[y], sample_weight)


class EnsembleSelectionRegressor(_EnsembleSelection, BaseCombinerRegressor):
    """Mean of learners picked one by one, with replacement, by any score.

    Ensemble selection [1]_: each step adds the learner whose predictions, averaged with those
    of all picks so far, score best; a learner picked twice counts twice. The path is cut where
    it is best, and the weights are the shares of the picks.

    Parameters
    ----------
    n_steps : int, default=25
        Number of picks.
    scoring : str or callable, default=None
        Name of a scikit-learn scorer, or a callable ``scorer(estimator, X, y)``, by which means
        are compared. None: squared error, averaged over the targets. Fast are None and
        "neg_mean_squared_error"; any other is called for each learner at each step.
    n_init : int, default=1
        The first so many picks are the best learners by themselves, best first [1]_. 1: each
        pick is greedy.
    n_bags : int, default=None
        Number of bags, each a random part of the learners with a path of its own; the weights
        are averaged, which guards against picks that suit the rows of ``fit`` alone [1]_.
        None: one path over all learners.
    bag_fraction : float, default=0.5
        Share of the learners in a bag.
    random_state : int, RandomState instance or None, default=None
        Draws the bags.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Share of each learner in the picks up to the best step, the first of several.
    picks_ : ndarray of shape (n_steps,) or (n_bags, n_steps)
        Positions of the learners in the order in which they were picked, those after the best
        step included. Of learners that are equally good, the first is picked.
    path_ : ndarray of shape (n_steps,) or (n_bags, n_steps)
        Loss of the mean after each pick; with ``scoring``, minus its score.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : The weights of least squared error, found exactly.
    BestLearnerRegressor : The first pick alone.

    Notes
    -----
    A row that a learner did not cover counts with the mean of the other learners.

    Losses that differ by less than 1e-12 of the first pick's are equal: rounding decides
    nothing, so that copies of a learner and the order of rows do not matter.

    References
    ----------
    .. [1] R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble selection from
       libraries of models", International Conference on Machine Learning, 2004.
    .. [2] R. Caruana, A. Munson and A. Niculescu-Mizil, "Getting the most out of ensemble
       selection", International Conference on Data Mining, 2006.

    Examples
    --------
    One learner says too much, another too little, and a third is useless:

    >>> import numpy as np
    >>> from stackmeta.combiners import EnsembleSelectionRegressor
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> P = np.column_stack([y + 1, y - 3, 5 - y])
    >>> combiner = EnsembleSelectionRegressor(n_steps=6).fit(P, y)
    >>> combiner.picks_
    array([0, 0, 1, 0, 0, 0])
    >>> combiner.weights_
    array([0.75, 0.25, 0.  ])
    """

    def _candidates(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> Candidates:
        if self.scoring is None or self.scoring == "neg_mean_squared_error":
            return SquaredError(predictions, y, row_shares(sample_weight, len(y)))
        return Scored(self.scoring, RegressorColumn(), y, sample_weight)
