"""Weights that are functions of the row: feature-weighted linear stacking."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, logit, softmax

from .base import BaseCombinerClassifier, BaseCombinerRegressor
from .combiner import BaseCombiner
from .convex import ConvexClassifier, ConvexRegressor
from .corrected_mixture import CorrectedMixture
from .row_losses import BinaryLogLoss, LogLoss, Loss, SquaredLoss
from .rowwise import RowwiseCombiner

# Probabilities are clipped to this before the logarithms of learners are compared.
_LEAST_COMPARED = 1e-4
_LEAST = np.finfo(np.float64).eps


class FeatureWeightedClassifier(CorrectedMixture, BaseCombinerClassifier):
    """Mixture whose weights are functions of chosen columns: feature-weighted stacking.

    Starts from the convex mixture and lets each learner's say in the log probabilities rise or
    fall linearly with features of the row [1]_. How far is chosen by cross-validation, and
    weights that do not depend on the row are kept unless others are clearly better.

    Parameters
    ----------
    feature_columns : slice, list of int or str, default=None
        Which columns the weights depend on: a slice, or positions or names. They may hold text
        and missing values, and may be predictions too. None: all columns that are no
        predictions.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all, so that the weights depend on no column.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners in the convex mixture.
    coef_ : ndarray of shape (n_learners, n_features)
        How each learner's weight changes with each feature; all 0 if the row does not matter.
    intercept_ : ndarray of shape (n_outputs,)
        Added to the scores, so that the correction is 0 on average over the rows of ``fit``.
    ridge_ : float
        Strength of the penalty that was chosen; infinite if the row does not matter.
    row_features_ : list of str
        Names of the features: numbers are scaled to about unit variance, and each of the most
        frequent values of another column is a feature that is 0 or 1.
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
    ConvexClassifier : Weights that do not depend on the row.

    Notes
    -----
    With the mixture p̄ of weights ``weights_``, the score of class c is
    ``log p̄_c + sum_jf coef_jf z_f (log p_jc - log p̄_c) + intercept_c``, z being the features less
    their mean; probabilities are its softmax. For two classes log-odds take the place of log
    probabilities, and there is one score. Probabilities below 0.0001 count as that much where
    learners are compared.

    The mean log loss plus ``ridge_ / 2 * sum(coef_ ** 2)`` is minimised. Five penalties are tried
    over ``folds`` of ``fit`` (joined to ten at most), or five folds. The best is taken if its loss
    on rows held out is below the convex mixture's by more than a standard error of the
    difference, corrected for overlapping training sets [2]_. The products are centred within
    each fold, so that a learner which predicts class frequencies, which are low where its fold's
    are high, is not taken for one that knows something: for this ``folds`` have to be those that
    made the predictions.

    More than 300 coefficients, or one for fewer than four rows, are avoided: the features'
    principal components then stand in for them.

    References
    ----------
    .. [1] J. Sill, G. Takacs, L. Mackey and D. Lin, "Feature-weighted linear stacking",
       arXiv:0911.0460, 2009.
    .. [2] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 2003.

    Examples
    --------
    The first learner knows city "a", the second city "b":

    >>> import numpy as np
    >>> import pandas as pd
    >>> from stackmeta.combiners import FeatureWeightedClassifier
    >>> rng = np.random.default_rng(0)
    >>> y, city = rng.integers(0, 2, size=400), rng.choice(["a", "b"], size=400)
    >>> sure, unsure = np.where(y == 1, 0.9, 0.1), rng.uniform(0.2, 0.8, size=400)
    >>> X = pd.DataFrame({"p": np.where(city == "a", sure, unsure), "city": city})
    >>> X.insert(1, "q", np.where(city == "b", sure, unsure))
    >>> combiner = FeatureWeightedClassifier(prediction_columns=2).fit(X, y)
    >>> combiner.row_features_
    ['city_a', 'city_b']
    >>> np.sign(combiner.coef_)
    array([[ 1., -1.],
           [-1.,  1.]])
    >>> new = pd.DataFrame({"p": [0.9, 0.9], "q": [0.4, 0.4], "city": ["a", "b"]})
    >>> combiner.predict(new)
    array([1, 0])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **RowwiseCombiner._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        feature_columns: Any = None,
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(feature_columns=feature_columns, prediction_columns=prediction_columns)
        self.calibrate = calibrate

    def _convex(self) -> BaseCombiner:
        return ConvexClassifier()

    def _to_scores(self, mixture: np.ndarray) -> np.ndarray:
        if self._n_outputs == 1:
            return logit(mixture.clip(_LEAST, 1.0 - _LEAST))
        return np.log(mixture.clip(_LEAST))

    def _to_outputs(self, scores: np.ndarray) -> np.ndarray:
        return expit(scores) if self._n_outputs == 1 else softmax(scores, axis=1)

    def _compare(self, block: np.ndarray, mixture: np.ndarray) -> np.ndarray:
        to_logs = logit if self._n_outputs == 1 else np.log
        most = 1.0 - _LEAST_COMPARED if self._n_outputs == 1 else 1.0
        logs = to_logs(block.clip(_LEAST_COMPARED, most)).transpose(0, 2, 1)
        return logs - to_logs(mixture.clip(_LEAST_COMPARED, most))[:, :, None]

    def _loss(self, y: np.ndarray, scores: np.ndarray, share: np.ndarray) -> Loss | None:
        return BinaryLogLoss(y) if self._n_outputs == 1 else LogLoss(y)


class FeatureWeightedRegressor(CorrectedMixture, BaseCombinerRegressor):
    """Mean whose weights are functions of chosen columns: feature-weighted linear stacking.

    Starts from the convex mean and lets each learner's weight rise or fall linearly with
    features of the row [1]_. How far is chosen by cross-validation, and weights that do not
    depend on the row are kept unless others are clearly better.

    Parameters
    ----------
    feature_columns : slice, list of int or str, default=None
        Which columns the weights depend on: a slice, or positions or names. They may hold text
        and missing values, and may be predictions too. None: all columns that are no
        predictions.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all, so that the weights depend on no column.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the learners in the convex mean.
    coef_ : ndarray of shape (n_learners, n_features)
        How each learner's weight changes with each feature; all 0 if the row does not matter.
        Several targets share them.
    intercept_ : ndarray of shape (n_targets,)
        Added, so that the correction is 0 on average over the rows of ``fit``.
    ridge_ : float
        Strength of the penalty that was chosen; infinite if the row does not matter.
    row_features_ : list of str
        Names of the features: numbers are scaled to about unit variance, and each of the most
        frequent values of another column is a feature that is 0 or 1.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : Weights that do not depend on the row.

    Notes
    -----
    With the mean p̄ of weights ``weights_``, the prediction is
    ``p̄ + sum_jf coef_jf z_f (p_j - p̄) + intercept``, z being the features less their mean: weights
    that sum to one in each row, though some may be below 0.

    Half the mean squared error, in units of p̄'s, plus ``ridge_ / 2 * sum(coef_ ** 2)`` is
    minimised. Five penalties are tried over ``folds`` of ``fit`` (joined to ten at most), or five
    folds. The best is taken if its loss on rows held out is below the convex mean's by more than
    a standard error of the difference, corrected for overlapping training sets [2]_. Products
    and y are centred within each fold, so that a learner which predicts the mean of y, which is
    low where its fold's is high, is not taken for one that knows something: for this ``folds``
    have to be those that made the predictions.

    More than 300 coefficients, or one for fewer than four rows, are avoided: the features'
    principal components then stand in for them.

    References
    ----------
    .. [1] J. Sill, G. Takacs, L. Mackey and D. Lin, "Feature-weighted linear stacking",
       arXiv:0911.0460, 2009.
    .. [2] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 2003.

    Examples
    --------
    The older, the better the first learner, and the worse the second:

    >>> import numpy as np
    >>> from stackmeta.combiners import FeatureWeightedRegressor
    >>> rng = np.random.default_rng(0)
    >>> y, age = rng.normal(size=300), rng.uniform(20, 80, size=300)
    >>> errors = rng.normal(size=(300, 2)) * np.column_stack([80 - age, age - 20]) / 30
    >>> X = np.column_stack([y[:, None] + errors, age])
    >>> combiner = FeatureWeightedRegressor(prediction_columns=2).fit(X, y)
    >>> np.sign(combiner.coef_)
    array([[ 1.],
           [-1.]])
    >>> combiner.predict([[0.0, 1.0, 35.0], [0.0, 1.0, 65.0]]).round(1)
    array([0.8, 0.1])
    """

    _parameter_constraints: dict[str, list[Any]] = RowwiseCombiner._parameter_constraints

    def _convex(self) -> BaseCombiner:
        return ConvexRegressor()

    def _to_scores(self, mixture: np.ndarray) -> np.ndarray:
        return mixture

    def _to_outputs(self, scores: np.ndarray) -> np.ndarray:
        return scores

    def _compare(self, block: np.ndarray, mixture: np.ndarray) -> np.ndarray:
        return (block - mixture[:, None, :]).transpose(0, 2, 1)

    def _loss(self, y: np.ndarray, scores: np.ndarray, share: np.ndarray) -> Loss | None:
        target = y.reshape(scores.shape)
        unit = float(share @ ((target - scores) ** 2).mean(axis=1))
        if unit <= (_LEAST * np.abs(target).max()) ** 2:
            return None
        return SquaredLoss(target, unit)
