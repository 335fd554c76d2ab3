"""Weights of any sign, drawn towards simple ones."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from scipy import linalg

from ..compat import Interval
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .folds import Folds
from .losses import row_shares
from .meta_learner import centre_folds
from .predictions import Predictions
from .squared_error import minimise_squared_error

# Log probabilities below it say how a learner rounds, and little else.
_LEAST = 1e-6
# Precision of a class's prior log-odds: hardly any, but enough for a unique solution.
_BIAS_RIDGE = 0.1


class SignedWeightsClassifier(BaseCombinerClassifier):
    """Logarithmic pool: the log probabilities' weighted sum, with weights of any sign.

    A class's score is the weighted sum of the learners' log probabilities for it and a bias,
    and scores become probabilities by the softmax: the logarithmic opinion pool [1]_, [2]_ with
    its weights fitted. A weight a learner serves all classes, so that there is little to overfit
    where classes are many. Weights need not sum to one, which corrects learners that are too
    sure or not sure enough, and can be below zero, which takes out what learners have in common.

    Parameters
    ----------
    ridge : float, default=100.0
        ``ridge / 2 * sum((weights_ - 1 / n_learners) ** 2)`` is added to the sum of the rows' log
        losses: the greater, the nearer to the geometric mean of the learners. It says as much
        as that many rows, so that it matters the less the more there are.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners' log probabilities.
    bias_ : ndarray of shape (n_classes,)
        Added to the classes' scores; the first is 0.
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
    AveragingClassifier : With "geometric", equal weights that sum to one.
    MetaLearnerClassifier : A logistic regression with a weight a class and column.

    Notes
    -----
    With ``folds`` in ``fit``, each column is shifted to the same mean in every fold: signed
    weights would otherwise profit from learners that know nothing.

    References
    ----------
    .. [1] C. Genest and J. V. Zidek, "Combining probability distributions: a critique and an
       annotated bibliography", Statistical Science 1, 1986.
    .. [2] G. E. Hinton, "Products of experts", International Conference on Artificial Neural
       Networks, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import SignedWeightsClassifier
    >>> P = np.array([[0.6, 0.5], [0.4, 0.5], [0.7, 0.6], [0.3, 0.6]])
    >>> combiner = SignedWeightsClassifier(ridge=0.1).fit(P, [1, 0, 1, 0])
    >>> combiner.weights_.round(1)
    array([3.2, 0.4])
    >>> combiner.predict_proba(P)[:, 1].round(2)
    array([0.78, 0.21, 0.95, 0.07])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombinerClassifier._parameter_constraints,
        "ridge": [Interval(Real, 0, None, closed="neither")],
    }

    bias_: np.ndarray

    def __init__(
        self,
        *,
        ridge: float = 100.0,
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(calibrate=calibrate, prediction_columns=prediction_columns)
        self.ridge = ridge

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        logs = _log_probabilities(predictions)
        if folds.given:
            flat = logs.reshape(len(logs), -1)
            centre_folds(flat, folds.numbers(y), sample_weight)
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        start = np.full(logs.shape[1], 1.0 / logs.shape[1])
        self.weights_, self.bias_ = minimise_pool(logs, y, weight, start, self.ridge)

    def _combine(self, predictions: Predictions) -> np.ndarray:
        predictions.check_rows(probabilities=True)
        logs = _log_probabilities(predictions)
        scores = np.einsum("rlc,l->rc", logs, self.weights_) + self.bias_
        scores -= scores.max(axis=1, keepdims=True)
        probabilities = np.exp(scores)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return probabilities[:, 1:] if self._n_outputs == 1 else probabilities


def _log_probabilities(predictions: Predictions) -> np.ndarray:
    """Log probabilities of all classes, of shape (n_rows, n_learners, n_classes)."""
    filled = predictions.filled().reshape(predictions.view.shape)
    if predictions.n_outputs == 1:
        filled = np.concatenate([1.0 - filled, filled], axis=2)
    return np.log(np.clip(filled, _LEAST, 1.0, out=filled), out=filled)


def minimise_pool(
    logs: np.ndarray, codes: np.ndarray, weight: np.ndarray, start: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the penalised log loss of a logarithmic pool.

    Parameters
    ----------
    logs : ndarray of shape (n_rows, n_learners, n_classes)
        Log probabilities.
    codes : ndarray of shape (n_rows,)
        Position of each row's class.
    weight : ndarray of shape (n_rows,)
        Weights of the rows.
    start : ndarray of shape (n_learners,)
        Weights that the ridge draws to.
    ridge : float

    Returns
    -------
    weights : ndarray of shape (n_learners,)
    bias : ndarray of shape (n_classes,)
    """
    # Imported here for the sake of `import stackmeta`.
    from scipy.optimize import minimize

    n_learners, n_classes = logs.shape[1:]
    rows = np.arange(len(codes))
    penalty = np.repeat([ridge, _BIAS_RIDGE], [n_learners, n_classes - 1])
    centre = np.concatenate([start, np.zeros(n_classes - 1)])

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        scores = np.einsum("rlc,l->rc", logs, point[:n_learners])
        scores[:, 1:] += point[n_learners:]
        scores -= scores.max(axis=1, keepdims=True)
        excess = np.exp(scores)
        norm = excess.sum(axis=1)
        value = weight @ (np.log(norm) - scores[rows, codes])
        excess /= norm[:, None]
        excess[rows, codes] -= 1.0
        excess *= weight[:, None]
        away = point - centre
        slope = np.concatenate([np.einsum("rlc,rc->l", logs, excess), excess.sum(axis=0)[1:]])
        total = weight.sum()
        return (value + penalty @ away**2 / 2.0) / total, (slope + penalty * away) / total

    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", options=options).x
    return found[:n_learners], np.concatenate([[0.0], found[n_learners:]])


class SignedWeightsRegressor(BaseCombinerRegressor):
    """Linear combination with weights of any sign, drawn towards the convex ones.

    Signed weights take out what learners have in common [1]_, [2]_, but overfit; the ridge
    leaves them near the convex weights of least squared error where the data do not insist.

    Parameters
    ----------
    ridge : float, default=0.1
        Penalty of squared differences to the convex weights, in units of the predictions'
        mean variance times the number of rows.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners.
    bias_ : ndarray of shape (n_targets,)
        Added to the weighted sum.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : Weights that are not negative, and sum to one.
    MetaLearnerRegressor : Any scikit-learn regressor as a combiner.

    Notes
    -----
    With ``folds`` in ``fit``, each column is shifted to the same mean in every fold: signed
    weights would otherwise profit from learners that know nothing.

    References
    ----------
    .. [1] L. Breiman, "Stacked regressions", Machine Learning 24, 1996.
    .. [2] C. W. J. Granger and R. Ramanathan, "Improved methods of combining forecasts",
       Journal of Forecasting 3, 1984.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import SignedWeightsRegressor
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> e = np.array([1.0, -1.0, -1.0, 1.0])
    >>> P = np.column_stack([y + e, y + 2 * e])
    >>> SignedWeightsRegressor(ridge=1e-6).fit(P, y).weights_.round(3)
    array([ 2., -1.])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "ridge": [Interval(Real, 0, None, closed="neither")],
    }

    bias_: np.ndarray

    def __init__(self, *, ridge: float = 0.1, prediction_columns: Any = None) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.ridge = ridge

    def _fit_over(
        self,
        folds: Folds,
        predictions: Predictions,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        share = row_shares(sample_weight, len(y))
        convex, _ = minimise_squared_error(predictions, y, share)
        filled = predictions.filled()
        if folds.given:
            centre_folds(filled, folds.numbers(y), sample_weight)
        filled = filled.reshape(predictions.view.shape)
        target = y.reshape(len(y), -1)
        means, mean = np.tensordot(share, filled, axes=1), share @ target
        filled -= means
        root = np.sqrt(share)[:, None, None]
        columns = (root * filled).transpose(0, 2, 1).reshape(-1, filled.shape[1])
        rest = root[:, 0] * (target - mean) - (columns @ convex).reshape(target.shape)
        gram = columns.T @ columns
        gram[np.diag_indices_from(gram)] += self.ridge * np.trace(gram) / len(gram) or 1.0
        self.weights_ = convex + linalg.solve(gram, columns.T @ rest.reshape(-1), assume_a="pos")
        self.bias_ = mean - self.weights_ @ means

    def _combine(self, predictions: Predictions) -> np.ndarray:
        predictions.check_rows(probabilities=False)
        filled = predictions.filled().reshape(predictions.view.shape)
        return np.einsum("rlo,l->ro", filled, self.weights_) + self.bias_
