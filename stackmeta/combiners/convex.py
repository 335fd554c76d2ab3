"""Convex weights: non-negative, with sum one, and of least loss."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..compat import Interval, StrOptions
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .log_loss import minimise_log_loss
from .losses import residual_block, row_shares, truth_block
from .pinball import minimise_pinball, pinball
from .predictions import Predictions
from .squared_error import minimise_squared_error
from .weight_prior import WeightPrior

# What duality_gap_ is promised to be at most.
_GAP = 1e-8


class _Convex(BaseCombiner):
    """What both share: the check of the gap."""

    _zero_weights = True

    duality_gap_: float
    prior: WeightPrior | None

    def _checked_prior(self, n_learners: int) -> WeightPrior | None:
        if self.prior is not None:
            self.prior.check_learners(n_learners)
        return self.prior

    def _keep(self, weights: np.ndarray, gap: float) -> None:
        if gap > _GAP:
            warnings.warn(
                f"The weights are within {gap:.1e} of the least loss, not {_GAP:.0e}: the "
                "predictions span too many orders of magnitude. Scale them, or drop learners "
                "whose predictions are far from the truth.",
                ConvergenceWarning,
                stacklevel=4,
            )
        self.weights_, self.duality_gap_ = weights, gap


class ConvexClassifier(BaseCombinerClassifier, _Convex):
    """Mixture of the learners' probabilities with the weights of least loss.

    Weights are non-negative and sum to one (stacking with convex weights [1]_, [2]_). The
    minimum is exact, and proved by its duality gap; learners that do not help get weight
    exactly 0.

    Parameters
    ----------
    loss : {"log_loss", "brier"}, default="log_loss"
        What the weights minimise on the rows of ``fit``.
    ridge : float, default=0.0
        Pull towards equal weights: ``ridge * sum((weights_ - 1 / n_learners) ** 2)`` is added
        to the loss (for "brier" in units of the loss of the constant class frequencies).
        With it, copies of a learner share weight evenly.
    prior : WeightPrior, default=None
        What is known of the weights before the rows are seen, such as what earlier tasks taught
        (:func:`stackmeta.experience.priors.weight_prior`). With few rows it leads, with many it
        is overruled.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners.
    duality_gap_ : float
        Upper bound on how far the loss is above the least possible: in nats for "log_loss",
        as a share of the loss of the constant class frequencies for "brier".
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
    ConvexRegressor : The same for regression.
    BestLearnerClassifier : All weight on one learner.

    Notes
    -----
    With "log_loss", only the probability of the true class matters. Rows to whose class no
    learner gives any probability say nothing on the weights and are left out; a learner
    whose own log loss is infinite can still have weight.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    .. [2] L. Breiman, "Stacked regressions", Machine Learning 24, 1996.
    .. [3] Y. Kim, P. Carbonetto, M. Stephens and M. Anitescu, "A fast algorithm for maximum
       likelihood estimation of mixture proportions using sequential quadratic programming",
       Journal of Computational and Graphical Statistics 29, 2020.

    Examples
    --------
    Two learners that are right about different rows, and a third that guesses:

    >>> import numpy as np
    >>> from stackmeta.combiners import ConvexClassifier
    >>> P = np.array([[0.9, 0.4, 0.5], [0.2, 0.1, 0.5], [0.4, 0.9, 0.5], [0.3, 0.2, 0.5]])
    >>> combiner = ConvexClassifier().fit(P, ["yes", "no", "yes", "no"])
    >>> combiner.weights_.round(3)
    array([0.298, 0.702, 0.   ])
    >>> combiner.duality_gap_ < 1e-8
    True
    >>> combiner.predict_proba(P[:2]).round(3)
    array([[0.451, 0.549],
           [0.87 , 0.13 ]])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombinerClassifier._parameter_constraints,
        "loss": [StrOptions({"log_loss", "brier"})],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "prior": [WeightPrior, None],
    }

    def __init__(
        self,
        *,
        loss: str = "log_loss",
        ridge: float = 0.0,
        prior: WeightPrior | None = None,
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(calibrate=calibrate, prediction_columns=prediction_columns)
        self.loss = loss
        self.ridge = ridge
        self.prior = prior

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        share, n_learners = row_shares(sample_weight, len(y)), predictions.n_learners
        prior = self._checked_prior(n_learners)
        if self.loss == "log_loss":
            truth = truth_block(predictions, y)
            self._keep(*minimise_log_loss(truth, share, n_learners, self.ridge, prior))
        else:
            indicator = y if self._n_outputs == 1 else np.eye(self._n_outputs)[y]
            self._keep(*minimise_squared_error(predictions, indicator, share, self.ridge, prior))


class ConvexRegressor(BaseCombinerRegressor, _Convex):
    """Mean of the learners' predictions with the weights of least loss.

    Weights are non-negative and sum to one (Breiman's stacked regressions [1]_). The minimum
    is exact, and proved by its duality gap; learners that do not help get weight exactly 0.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "quantile"}, default="squared_error"
        What the weights minimise on the rows of ``fit``. Several targets are averaged.
    quantile : float, default=0.5
        Level of the "quantile" loss, between 0 and 1.
    ridge : float, default=0.0
        Pull towards equal weights, for "squared_error" only:
        ``ridge * sum((weights_ - 1 / n_learners) ** 2)`` is added to the loss, which is
        measured in units of the loss of a constant prediction (y's variance).
    prior : WeightPrior, default=None
        What is known of the weights before the rows are seen, for "squared_error" only.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners.
    duality_gap_ : float
        Upper bound on how far the loss is above the least possible, as a share of the loss
        of the best constant prediction (or of the best learner, where that is worse).
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexClassifier : The same for classification.
    AveragingRegressor : Equal weights.

    References
    ----------
    .. [1] L. Breiman, "Stacked regressions", Machine Learning 24, 1996.
    .. [2] S. Portnoy and R. Koenker, "The Gaussian hare and the Laplacian tortoise:
       computability of squared-error versus absolute-error estimators", Statistical Science
       12, 1997.

    Examples
    --------
    One learner says too much, another too little, and a third is useless:

    >>> import numpy as np
    >>> from stackmeta.combiners import ConvexRegressor
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> P = np.column_stack([y + 1, y - 3, 5 - y])
    >>> combiner = ConvexRegressor().fit(P, y)
    >>> combiner.weights_.round(6)
    array([0.75, 0.25, 0.  ])
    >>> combiner.predict(P).round(6)
    array([1., 2., 3., 4.])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "quantile"})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "prior": [WeightPrior, None],
    }

    def __init__(
        self,
        *,
        loss: str = "squared_error",
        quantile: float = 0.5,
        ridge: float = 0.0,
        prior: WeightPrior | None = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.loss = loss
        self.quantile = quantile
        self.ridge = ridge
        self.prior = prior

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        share = row_shares(sample_weight, len(y))
        if self.loss == "squared_error":
            prior = self._checked_prior(predictions.n_learners)
            self._keep(*minimise_squared_error(predictions, y, share, self.ridge, prior))
            return
        if self.ridge > 0 or self.prior is not None:
            name, value, none = (
                ("ridge", self.ridge, "0") if self.ridge > 0 else ("prior", self.prior, "None")
            )
            raise ValueError(
                f"{name}={value} needs loss='squared_error'; with loss={self.loss!r} it must "
                f"be {none}."
            )
        level = 0.5 if self.loss == "absolute_error" else self.quantile
        share = np.repeat(share / self._n_outputs, self._n_outputs)
        residuals = residual_block(predictions, y)
        scale = _pinball_of_constant(y, share, level) or 1.0
        n_learners = predictions.n_learners
        self._keep(*minimise_pinball(residuals, share, n_learners, level, scale))


def _pinball_of_constant(y: np.ndarray, share: np.ndarray, level: float) -> float:
    """Loss of the best constant prediction of each target."""
    targets = y.reshape(len(y), -1)
    share = share.reshape(targets.shape)
    total = 0.0
    for target, weight in zip(targets.T, share.T, strict=True):
        order = np.argsort(target, kind="stable")
        mass = np.cumsum(weight[order])
        constant = target[order][min(np.searchsorted(mass, level * mass[-1]), len(mass) - 1)]
        total += float(weight @ pinball(target - constant, level))
    return total
