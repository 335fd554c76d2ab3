"""Averages of the learners that need no fitted weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compat import StrOptions
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .losses import row_shares
from .predictions import Predictions
from .ranks import quantiles_of, rank, value_at


class _Averaging(BaseCombiner):
    """What both share: the four averages."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "method": [StrOptions({"mean", "median", "geometric", "rank"})],
    }

    quantiles_: np.ndarray

    def __init__(self, *, method: str = "mean", prediction_columns: Any = None) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.method = method

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        self._check_method(predictions)
        self.weights_ = np.full(predictions.n_learners, 1.0 / predictions.n_learners)
        if self.method == "rank":
            share = row_shares(sample_weight, predictions.n_rows)
            columns = predictions.view.reshape(predictions.n_rows, -1)
            self.quantiles_ = np.array([quantiles_of(column, share) for column in columns.T])

    def _check_method(self, predictions: Predictions) -> None:
        """Raise if the method makes no sense for these predictions."""

    def _combine(self, predictions: Predictions) -> np.ndarray:
        self._check_method(predictions)
        if self.method == "mean":
            return super()._combine(predictions)
        learners = np.arange(predictions.n_learners)
        predictions.check_range(learners, probabilities=self._probabilities)
        average = {"median": self._median, "geometric": self._geometric, "rank": self._rank}
        outputs = np.empty((predictions.n_rows, predictions.n_outputs))
        for rows in predictions.slices():
            block = predictions.take(rows, learners)
            missing = np.isnan(block).any(axis=2)
            if missing.any():
                predictions.check_cover(missing, rows, learners)
                block = np.where(missing[:, :, None], np.nan, block)
            if self._probabilities:
                predictions.check_sums(block, rows)
            outputs[rows] = average[self.method](block)
        return outputs

    def _median(self, block: np.ndarray) -> np.ndarray:
        # nanmedian takes several times as long.
        return (np.nanmedian if np.isnan(block).any() else np.median)(block, axis=1)

    def _geometric(self, block: np.ndarray) -> np.ndarray:
        return np.exp(np.nanmean(np.log(block), axis=1))

    def _rank(self, block: np.ndarray) -> np.ndarray:
        quantiles = self.quantiles_.reshape(*block.shape[1:], -1)
        outputs = np.zeros((len(block), block.shape[2]))
        for output in range(block.shape[2]):
            columns = list(zip(block[:, :, output].T, quantiles[:, output], strict=True))
            mean = np.nanmean([rank(values, known) for values, known in columns], axis=0)
            outputs[:, output] = np.mean([value_at(mean, known) for _, known in columns], axis=0)
        return outputs


class AveragingClassifier(_Averaging, BaseCombinerClassifier):
    """Average of the learners' probabilities, nothing fitted to the labels.

    The combiner to beat: where rows are few or learners alike, equal weights are hard to
    improve on [1]_.

    Parameters
    ----------
    method : {"mean", "median", "geometric", "rank"}, default="mean"
        - "mean": the linear pool.
        - "median": of each class, scaled to sum to one; one learner that is far off has no say.
          Where the medians are all zero, the mean.
        - "geometric": the logarithmic pool [2]_, the mean of log-odds for two classes. A
          probability of 0 counts as the least positive rounding error, 2.2e-16.
        - "rank": two classes only. The mean of the learners' ranks, each among its own
          predictions of ``fit``, turned back into a probability by the mean of the learners'
          quantile functions [3]_. For learners that order well but whose scales differ.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        1 / n_learners each.
    quantiles_ : ndarray of shape (n_learners, 1001)
        With "rank", quantiles of each learner's predictions in ``fit``, at 0, 0.001, …, 1.
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

    References
    ----------
    .. [1] R. T. Clemen, "Combining forecasts: a review and annotated bibliography",
       International Journal of Forecasting 5, 1989.
    .. [2] C. Genest and J. V. Zidek, "Combining probability distributions: a critique and an
       annotated bibliography", Statistical Science 1, 1986.
    .. [3] B. M. Bolstad, R. A. Irizarry, M. Astrand and T. P. Speed, "A comparison of
       normalization methods for high density oligonucleotide array data based on variance and
       bias", Bioinformatics 19, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import AveragingClassifier
    >>> P = np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.1]])
    >>> for method in ["mean", "median", "geometric"]:
    ...     combiner = AveragingClassifier(method=method).fit(P, [1, 0])
    ...     print(method, combiner.predict_proba(P)[:, 1].round(3))
    mean [0.6 0.2]
    median [0.8 0.2]
    geometric [0.614 0.186]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **_Averaging._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        method: str = "mean",
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(method=method, prediction_columns=prediction_columns)
        self.calibrate = calibrate

    def _check_method(self, predictions: Predictions) -> None:
        if self.method == "rank" and predictions.n_outputs > 1:
            raise ValueError(
                f"method='rank' is for two classes, but y has {len(self.classes_)}: ranks of "
                "several classes do not sum to one. Use 'mean', 'median' or 'geometric'."
            )

    def _median(self, block: np.ndarray) -> np.ndarray:
        median = super()._median(block)
        if block.shape[2] == 1:
            return median
        none = ~median.any(axis=1)
        median[none] = np.nanmean(block[none], axis=1)
        return median

    def _geometric(self, block: np.ndarray) -> np.ndarray:
        least = np.finfo(np.float64).eps
        pooled = super()._geometric(np.clip(block, least, 1.0))
        if block.shape[2] == 1:
            return pooled / (pooled + super()._geometric(np.clip(1.0 - block, least, 1.0)))
        return pooled


class AveragingRegressor(_Averaging, BaseCombinerRegressor):
    """Average of the learners' predictions, nothing fitted to the truth.

    The combiner to beat: where rows are few or learners alike, equal weights are hard to
    improve on [1]_.

    Parameters
    ----------
    method : {"mean", "median", "geometric", "rank"}, default="mean"
        - "mean", "median": one learner that is far off has no say in the median.
        - "geometric": for predictions above zero.
        - "rank": the mean of the learners' ranks, each among its own predictions of ``fit``,
          turned back into a prediction by the mean of the learners' quantile functions [2]_.
          For learners that order well but whose scales differ.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        1 / n_learners each.
    quantiles_ : ndarray of shape (n_learners * n_targets, 1001)
        With "rank", quantiles of each column in ``fit``, at 0, 0.001, …, 1.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexRegressor : Weights of least loss.

    References
    ----------
    .. [1] R. T. Clemen, "Combining forecasts: a review and annotated bibliography",
       International Journal of Forecasting 5, 1989.
    .. [2] B. M. Bolstad, R. A. Irizarry, M. Astrand and T. P. Speed, "A comparison of
       normalization methods for high density oligonucleotide array data based on variance and
       bias", Bioinformatics 19, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import AveragingRegressor
    >>> P = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 90.0]])
    >>> for method in ["mean", "median", "geometric"]:
    ...     print(method, AveragingRegressor(method=method).fit(P, [2.0, 3.0]).predict(P).round(2))
    mean [ 2.33 32.  ]
    median [2. 3.]
    geometric [2.   9.32]

    A learner did not cover the first row:

    >>> AveragingRegressor().fit(P, [2.0, 3.0]).predict([[1.0, 2.0, np.nan]])
    array([1.5])
    """

    def _check_method(self, predictions: Predictions) -> None:
        if self.method != "geometric":
            return
        low = float(np.fmin.reduce(predictions.view, axis=None))
        if low <= 0:
            raise ValueError(
                f"method='geometric' is for predictions above zero, but X contains {low:g}. Use "
                "'mean' or 'median', or have the learners predict a positive quantity."
            )
