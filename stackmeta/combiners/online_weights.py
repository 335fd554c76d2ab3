"""Weights that follow a stream: ``partial_fit``."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ..compat import Interval, StrOptions, fit_context
from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .combiner import _check_weight
from .losses import residual_block, truth_block
from .online import RATES, SHARES, Stream
from .partially_pooled import codes_of
from .predictions import Predictions


class _OnlineWeights(BaseCombiner):
    """What both share: a stream of rows."""

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseCombiner._parameter_constraints,
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "share": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
    }
    _squared = False

    _stream: Stream

    def __init__(
        self,
        *,
        learning_rate: Any = "auto",
        share: Any = "auto",
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.learning_rate = learning_rate
        self.share = share

    def _rows(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        """Give what weights are judged by: errors, or probabilities of the truth."""
        raise NotImplementedError

    def _fit_combiner(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        self._stream = Stream(
            predictions.n_learners,
            squared=self._squared,
            rates=RATES if self.learning_rate == "auto" else [self.learning_rate],
            shares=SHARES if self.share == "auto" else [self.share],
        )
        self._follow(predictions, y, sample_weight)

    def _follow(
        self, predictions: Predictions, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        rows = self._rows(predictions, y)
        repeats = len(rows) // len(y)
        self._stream.update(rows, np.repeat(weight / repeats, repeats))
        self.weights_ = self._stream.weights

    @property
    def n_rows_seen_(self) -> int:
        """Rows seen, by ``fit`` and ``partial_fit`` together."""
        return self._stream.n_rows // (self._n_outputs if self._squared else 1)

    def _update(self, X: Any, y: np.ndarray, sample_weight: Any, *, reset: bool) -> None:
        matrix = self._read_matrix(X, reset=reset)
        check_consistent_length(matrix, y)
        predictions = self._as_predictions(matrix)
        predictions.check(probabilities=self._probabilities)
        weight = None if sample_weight is None else _check_weight(sample_weight, matrix)
        (self._fit_combiner if reset else self._follow)(predictions, y, weight)


class OnlineWeightsRegressor(_OnlineWeights, BaseCombinerRegressor):
    """Convex weights that follow a stream, row by row.

    After each row the weights move against the gradient of its squared error (exponentiated
    gradient [1]_) and then a little towards equal weights (fixed share [2]_), so that they can
    follow drift while the learners stay. The order of the rows counts: ``fit`` is one pass over
    them, ``partial_fit`` goes on.

    Parameters
    ----------
    learning_rate : "auto" or float, default="auto"
        How far weights move: the change of a weight's logarithm in a row of ordinary gradient.
        "auto" runs 0.003, 0.01, 0.03 and 0.1 side by side and mixes them by their losses.
    share : "auto" or float, default="auto"
        How far weights are drawn towards equal ones after each row, from 0 (exponentiated
        gradient: as good as the best fixed weights) to below 1; 0.001
        follows changes every thousand rows or so. "auto" runs 0, 0.0001, 0.001 and 0.01 side by
        side.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights after the last row.
    n_rows_seen_ : int
        Rows seen, by ``fit`` and ``partial_fit`` together.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    OnlineWeightsClassifier : The same for classification.
    ConvexRegressor : Weights of least loss over all rows alike.
    RecentRegressor : Any combiner, with the weight of rows falling with their age.

    References
    ----------
    .. [1] J. Kivinen and M. K. Warmuth, "Exponentiated gradient versus gradient descent for
       linear predictors", Information and Computation 132, 1997.
    .. [2] M. Herbster and M. K. Warmuth, "Tracking the best expert", Machine Learning 32, 1998.

    Examples
    --------
    The first learner is right for a thousand rows, then the second:

    >>> import numpy as np
    >>> from stackmeta.combiners import OnlineWeightsRegressor
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=2000)
    >>> spread = np.repeat([[0.1, 1.0], [1.0, 0.1]], 1000, axis=0)
    >>> P = y[:, None] + spread * rng.normal(size=(2000, 2))
    >>> combiner = OnlineWeightsRegressor().fit(P[:1000], y[:1000])
    >>> bool(combiner.weights_[0] > 0.9)
    True
    >>> bool(combiner.partial_fit(P[1000:], y[1000:]).weights_[1] > 0.9)
    True
    """

    _squared = True

    def _rows(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        return residual_block(predictions, y)(slice(0, y.size))

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> OnlineWeightsRegressor:
        """Let the weights follow further rows; start with these, if there was no ``fit``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Predictions, made before the truth was known, in the order of time.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Truth.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows: how much further than usual they move the weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the predictions are not what a combiner can read, or y has other targets.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        reset = not hasattr(self, "_stream")
        known = None if reset else (self._n_outputs, self._one_target)
        y = self._read_target(y)
        if known is not None and known[0] != self._n_outputs:
            found, (self._n_outputs, self._one_target) = self._n_outputs, known
            raise ValueError(f"y has {found} targets; it had {known[0]} before.")
        self._update(X, y, sample_weight, reset=reset)
        return self


class OnlineWeightsClassifier(_OnlineWeights, BaseCombinerClassifier):
    """Mixture weights that follow a stream, row by row.

    As :class:`OnlineWeightsRegressor`, for class probabilities and their log loss.

    Parameters
    ----------
    learning_rate : "auto" or float, default="auto"
        How far weights move: the change of a weight's logarithm in a row of ordinary gradient.
        "auto" runs 0.003, 0.01, 0.03 and 0.1 side by side and mixes them by their losses.
    share : "auto" or float, default="auto"
        How far weights are drawn towards equal ones after each row, from 0 (exponentiated
        gradient: as good as the best fixed weights) to below 1. "auto"
        runs 0, 0.0001, 0.001 and 0.01 side by side.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which ``fit`` finds
        on rows that the weights were not fitted to; ``partial_fit`` leaves it.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights after the last row.
    n_rows_seen_ : int
        Rows seen, by ``fit`` and ``partial_fit`` together.
    temperature_ : float
        With ``calibrate``, what log probabilities are divided by.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    ConvexClassifier : Weights of least loss over all rows alike.
    RecentClassifier : Any combiner, with the weight of rows falling with their age.

    References
    ----------
    .. [1] N. Cesa-Bianchi, P. Gaillard, G. Lugosi and G. Stoltz, "Mirror descent meets fixed
       share (and feels no regret)", NIPS 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import OnlineWeightsClassifier
    >>> y = np.arange(600) % 2
    >>> right = np.where(y == 1, 0.9, 0.1)
    >>> combiner = OnlineWeightsClassifier(learning_rate=0.1, share=0.001)
    >>> combiner.fit(np.column_stack([right, 1 - right]), y).weights_.round(1)
    array([1., 0.])
    >>> combiner.partial_fit(np.column_stack([1 - right, right]), y).weights_.round(1)
    array([0., 1.])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **_OnlineWeights._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        learning_rate: Any = "auto",
        share: Any = "auto",
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate, share=share, prediction_columns=prediction_columns
        )
        self.calibrate = calibrate

    def _rows(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        return np.asarray(truth_block(predictions, y)(slice(0, len(y))))

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> OnlineWeightsClassifier:
        """Let the weights follow further rows; start with these, if there was no ``fit``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Probabilities, made before the truth was known, in the order of time.
        y : array-like of shape (n_rows,)
            Truth.
        classes : array-like of shape (n_classes,), default=None
            All classes, in the first call; None: those of y.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows: how much further than usual they move the weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the predictions are not what a combiner can read, or y holds unknown classes.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        reset = not hasattr(self, "_stream")
        if reset:
            self._read_target(y if classes is None else classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes={np.unique(classes).tolist()} differ from those of the first call, "
                f"{self.classes_.tolist()}."
            )
        self._update(X, codes_of(y, self.classes_), sample_weight, reset=reset)
        return self
