"""Weights that are not known for sure: their posterior, and averages of predictive densities."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import BaseCombinerClassifier, BaseCombinerRegressor
from .drawn_weights import Bayesian, variance
from .losses import truth_block
from .predictions import Predictions
from .predictive_scores import label_scores, normal_scores, residual_variances
from .temperature import temper
from .weight_posterior import draw_of_log_loss, draw_of_squared_error


class BayesianClassifier(Bayesian, BaseCombinerClassifier):
    """Mixture of the learners' probabilities, with weights that are known only so well.

    Where rows are few, many weights are about as likely as the best. The posterior averages
    over them all, which overfits less than weights of least loss, and its spread tells how much
    the probabilities depend on the choice.

    Parameters
    ----------
    method : {"posterior", "stacking", "pseudo_bma"}, default="posterior"
        - "posterior": the posterior over simplex weights under a Dirichlet prior, where labels
          are drawn from the mixture.
        - "stacking": the weights of the mixture's best logarithmic score [1]_, those of
          :class:`ConvexClassifier`.
        - "pseudo_bma": pseudo-BMA+ [1]_. Weights proportional to the exponential of a learner's
          log score, averaged over a Bayesian bootstrap of the rows: which learner is right, if
          one is, rather than how they are best mixed.
    concentration : float, default=1.0
        With "posterior", of the symmetric Dirichlet prior. 1: all weights are equally likely
        beforehand. Above 1 draws towards equal weights; ``1 / n_learners`` expects that few
        learners count [2]_.
    n_samples : int, default=1000
        Draws of the posterior, or of the bootstrap.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    random_state : int, RandomState instance or None, default=None
        Draws the samples.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners: their mean where they are drawn.
    weights_std_ : ndarray of shape (n_learners,)
        Standard deviation of the drawn weights. Not with "stacking".
    weight_samples_ : ndarray of shape (n_samples, n_learners)
        The drawn weights. Not with "stacking".
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
    ConvexClassifier : Weights of least loss.
    BayesianRegressor : The same for regression.

    Notes
    -----
    Weights of rows that are whole numbers count as rows that are there so often, others as
    rows that matter more or less.

    Rows to whose class no learner gives any probability say nothing on the posterior.

    References
    ----------
    .. [1] Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using stacking to average Bayesian
       predictive distributions", Bayesian Analysis 13, 2018.
    .. [2] Y. Yang and D. Dunson, "Minimax optimal Bayesian aggregation", arXiv:1403.1345, 2014.

    Examples
    --------
    Few rows leave it open which of two good learners is better:

    >>> import numpy as np
    >>> from stackmeta.combiners import BayesianClassifier
    >>> P = np.array([[0.9, 0.7, 0.5], [0.2, 0.1, 0.5], [0.7, 0.9, 0.5], [0.3, 0.2, 0.5]])
    >>> P, y = np.tile(P, (5, 1)), ["yes", "no", "yes", "no"] * 5
    >>> combiner = BayesianClassifier(random_state=0).fit(P, y)
    >>> combiner.weights_.round(1), combiner.weights_std_.round(1)
    (array([0.4, 0.5, 0.1]), array([0.2, 0.3, 0.1]))
    >>> combiner.predict_proba(P[:1]).round(2), combiner.predict_std(P[:1]).round(2)
    (array([[0.25, 0.75]]), array([[0.06, 0.06]]))
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **Bayesian._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        method: str = "posterior",
        concentration: float = 1.0,
        n_samples: int = 1000,
        calibrate: bool = False,
        random_state: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(
            method=method,
            concentration=concentration,
            n_samples=n_samples,
            random_state=random_state,
            prediction_columns=prediction_columns,
        )
        self.calibrate = calibrate

    def _draw_posterior(
        self, predictions: Predictions, y: np.ndarray, counts: np.ndarray, random: Any
    ) -> np.ndarray:
        truth, m = truth_block(predictions, y), predictions.n_learners
        return draw_of_log_loss(truth, counts, m, self.concentration, self.n_samples, random)

    def _scores(self, predictions: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
        return label_scores(truth_block(predictions, y), len(y))

    def predict_std(self, X: Any) -> np.ndarray:
        """Give the standard deviation of each row's probabilities, left open by the weights.

        With "posterior", over the draws of the weights. With "stacking" and "pseudo_bma", over
        the learners, each as likely as its weight: their disagreement.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``.

        Returns
        -------
        std : ndarray of shape (n_rows, n_classes)
            Columns in the order of ``classes_``.
        """
        predictions = self._checked(X)
        temperature = getattr(self, "temperature_", 1.0)
        std = np.empty((predictions.n_rows, len(self.classes_)))
        for rows, outputs, shares in self._possible(predictions):
            flat = self._as_probabilities(outputs.reshape(-1, outputs.shape[2]))
            if temperature != 1.0:
                flat = temper(flat, temperature)
            std[rows] = np.sqrt(variance(flat.reshape(*outputs.shape[:2], -1), shares))
        return std


class BayesianRegressor(Bayesian, BaseCombinerRegressor):
    """Weighted mean of the learners' predictions, with weights that are known only so well.

    Where rows are few, many weights are about as likely as the best. The posterior averages
    over them all, which overfits less than weights of least loss. It also knows how far off the
    mean may be: ``predict_std``.

    Parameters
    ----------
    method : {"posterior", "stacking", "pseudo_bma"}, default="posterior"
        - "posterior": the posterior over simplex weights under a Dirichlet prior, where the
          truth is the weighted mean and normal noise of unknown variance.
        - "stacking": each learner stands for a normal distribution around its prediction, as
          wide as its errors are on the rows of ``fit``; weights of the best logarithmic score
          of the mixture of these distributions [1]_.
        - "pseudo_bma": pseudo-BMA+ [1]_. Weights proportional to the exponential of the log
          score of a learner's distribution, averaged over a Bayesian bootstrap of the rows:
          which learner is right, if one is, rather than how they are best mixed.
    concentration : float, default=1.0
        With "posterior", of the symmetric Dirichlet prior. 1: all weights are equally likely
        beforehand. Above 1 draws towards equal weights; ``1 / n_learners`` expects that few
        learners count [2]_.
    n_samples : int, default=1000
        Draws of the posterior, or of the bootstrap.
    random_state : int, RandomState instance or None, default=None
        Draws the samples.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners: their mean where they are drawn.
    weights_std_ : ndarray of shape (n_learners,)
        Standard deviation of the drawn weights. Not with "stacking".
    weight_samples_ : ndarray of shape (n_samples, n_learners)
        The drawn weights. Not with "stacking".
    sigma_ : ndarray of shape (n_targets,) or (n_learners, n_targets)
        Standard deviation of the noise around the weighted mean ("posterior": root of the mean
        variance), or of each learner's distribution.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : Weights of least loss.
    BayesianClassifier : The same for classification.

    Notes
    -----
    Weights of rows that are whole numbers count as rows that are there so often, others as
    rows that matter more or less.

    The prior of each target's noise variance is scaled inverse chi-square with one degree of
    freedom, worth one row whose error is a tenth of the best learner's.

    References
    ----------
    .. [1] Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using stacking to average Bayesian
       predictive distributions", Bayesian Analysis 13, 2018.
    .. [2] Y. Yang and D. Dunson, "Minimax optimal Bayesian aggregation", arXiv:1403.1345, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import BayesianRegressor
    >>> rng = np.random.default_rng(0)
    >>> P = rng.normal(size=(500, 3))
    >>> y = P @ [0.7, 0.3, 0.0] + 0.5 * rng.normal(size=500)
    >>> combiner = BayesianRegressor(random_state=0).fit(P, y)
    >>> combiner.weights_.round(1), combiner.sigma_.round(1)
    (array([0.7, 0.3, 0. ]), array([0.5]))
    >>> combiner.predict_std(P[:2]).round(1)
    array([0.5, 0.5])
    """

    sigma_: np.ndarray

    def _draw_posterior(
        self, predictions: Predictions, y: np.ndarray, counts: np.ndarray, random: Any
    ) -> np.ndarray:
        weights, variances = draw_of_squared_error(
            predictions, y, counts, self.concentration, self.n_samples, random
        )
        self.sigma_ = np.sqrt(variances.mean(axis=0))
        return weights

    def _scores(self, predictions: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
        variances = residual_variances(predictions, y, share)
        self.sigma_ = np.sqrt(variances)
        return normal_scores(predictions, y, variances)

    def predict_std(self, X: Any) -> np.ndarray:
        """Give the standard deviation of each row's truth around its prediction.

        With "posterior", of the noise and over the draws of the weights. With "stacking" and
        "pseudo_bma", of the mixture of the learners' distributions: their own, and their
        disagreement.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions with the columns seen in ``fit``.

        Returns
        -------
        std : ndarray of shape (n_rows,) or (n_rows, n_targets)
            Of each target.
        """
        predictions = self._checked(X)
        std = np.empty((predictions.n_rows, self._n_outputs))
        used = np.flatnonzero(self.weights_)
        for rows, outputs, shares in self._possible(predictions):
            own = self.sigma_**2 if self.method == "posterior" else shares @ self.sigma_[used] ** 2
            std[rows] = np.sqrt(variance(outputs, shares) + own)
        return std[:, 0] if self._one_target else std
