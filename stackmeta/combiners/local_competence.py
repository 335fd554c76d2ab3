"""Dynamic selection and weighting: learners count by how they did on the rows nearby."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import BaseCombinerClassifier, BaseCombinerRegressor
from .convex import ConvexClassifier, ConvexRegressor
from .local_base import LocalCompetence, covers_of
from .predictions import Predictions

# A probability of 0 counts as the least above 0.
_LEAST = np.finfo(np.float64).eps


class LocalCompetenceClassifier(LocalCompetence, BaseCombinerClassifier):
    """Mixture of the learners that are competent near the row.

    How well a learner did on the training rows nearest to a row says how far it is trusted
    there: dynamic ensemble selection [1]_. Rows are near in the columns beside the predictions
    (a stack hands them over with ``passthrough=True``) or, without any, in the predictions
    themselves.

    Parameters
    ----------
    method : {"smooth", "knora_e", "knora_u", "des_p"}, default="smooth"
        - "smooth": the global weights of ``ConvexClassifier``, each times
          ``exp(-strength_ * n_neighbors * loss)`` with the learner's mean log loss on the
          neighbours. How strongly weights lean on the neighbours is chosen on rows held out: as
          little as is within one standard error of the best, often not at all.
        - "knora_e": equal weights for the learners that are right on all neighbours, the
          neighbourhood shrinking until there are some [2]_.
        - "knora_u": weights proportional to the number of neighbours on which a learner is
          right [2]_.
        - "des_p": weights proportional to a learner's accuracy on the neighbours less that of
          a guess, 1 / n_classes; none for learners below it [3]_.
    n_neighbors : int, default=50
        Number of rows in a neighbourhood. Seven are usual with the three selections, but the
        accuracy of seven rows is known to a sixth only; for "knora_e" it is the most there
        can be.
    feature_columns : slice, list of int or str, default=None
        Which columns of X say where a row lies; needs ``prediction_columns``. None: all that
        are no predictions.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        With "smooth", the global weights; the other methods have none.
    strength_ : float
        With "smooth", the part of the neighbours' evidence that counts: 1 treats their log
        loss as a likelihood, 0 gives all rows the global weights.
    losses_ : ndarray of shape (8,)
        With "smooth", log loss on rows held out of the strengths 0, 1/64, 1/32, …, 1/2 and 1.
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
    LocalCompetenceRegressor : The same for regression.
    ConvexClassifier : The same weights for all rows.

    Notes
    -----
    The learners are judged by the predictions of ``fit``, which must be made out of fold: in
    sample, those that overfit look competent everywhere. With "smooth", the neighbours of a row
    held out come from the other folds.

    Rows that are alike in everything count as one row with the sum of their weights, and a
    neighbourhood holds ``n_neighbors`` times the median weight: integer weights equal repeated
    rows. (Columns beside the predictions are scaled over all rows, whatever their weights.)
    The distance is Euclidean, between probabilities or between columns of about unit variance.

    A learner that does not cover a row has no weight there. Where no learner is competent,
    all have the same weight. "knora_e", "knora_u" and "des_p" judge a learner by the neighbours
    that it covers; with "smooth", it counts on the others as good as their mean. A learner
    without global weight starts there with a hundredth of an equal weight.

    References
    ----------
    .. [1] R. M. O. Cruz, R. Sabourin and G. D. C. Cavalcanti, "Dynamic classifier selection:
       recent advances and perspectives", Information Fusion 41, 2018.
    .. [2] A. H. R. Ko, R. Sabourin and A. S. Britto, "From dynamic classifier selection to
       dynamic ensemble selection", Pattern Recognition 41, 2008.
    .. [3] T. Woloszynski, M. Kurzynski, P. Podsiadlo and G. W. Stachowiak, "A measure of
       competence based on random classification for dynamic ensemble selection", Information
       Fusion 13, 2012.

    Examples
    --------
    The first learner knows the rows with an age below 50, the second the others:

    >>> import numpy as np
    >>> from stackmeta.combiners import LocalCompetenceClassifier
    >>> rng = np.random.default_rng(0)
    >>> age, y = rng.uniform(0, 100, size=400), rng.integers(2, size=400)
    >>> known = np.where(y == 1, 0.8, 0.2)
    >>> P = np.column_stack([np.where(age < 50, known, 0.5), np.where(age < 50, 0.5, known)])
    >>> combiner = LocalCompetenceClassifier(n_neighbors=20, prediction_columns=2)
    >>> combiner.fit(np.column_stack([P, age]), y).strength_
    1.0
    >>> combiner.local_weights([[0.2, 0.5, 25.0], [0.5, 0.2, 75.0]]).round(2)
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **LocalCompetence._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        method: str = "smooth",
        n_neighbors: int = 50,
        feature_columns: Any = None,
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(feature_columns=feature_columns, prediction_columns=prediction_columns)
        self.method = method
        self.n_neighbors = n_neighbors
        self.calibrate = calibrate

    def _global_weights(
        self, predictions: Predictions, y: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        convex = ConvexClassifier()
        convex._n_outputs = self._n_outputs
        convex._fit_combiner(predictions, y, weight)
        return convex.weights_

    def _right(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        view = predictions.view
        chosen = view[:, :, 0] > 0.5 if self._n_outputs == 1 else view.argmax(axis=2)
        return np.where(covers_of(view), chosen == y[:, None], np.nan)

    def _chance(self) -> float:
        return 1.0 / len(self.classes_)

    def _losses(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        truth = self._truth(predictions.view.astype(np.float64, copy=False), y)
        return np.where(covers_of(predictions.view), -np.log(truth), np.nan)

    def _losses_of(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -np.log(self._truth(outputs[:, None, :], y))[:, 0]

    def _truth(self, view: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Probabilities of the true class."""
        if self._n_outputs == 1:
            truth = np.where(y[:, None] == 1, view[:, :, 0], 1.0 - view[:, :, 0])
        else:
            truth = view[np.arange(len(y)), :, y]
        return np.clip(truth, _LEAST, 1.0)

    def _nats(self, loss: float) -> float:
        return 1.0


class LocalCompetenceRegressor(LocalCompetence, BaseCombinerRegressor):
    """Mean of the learners that are competent near the row.

    How well a learner did on the training rows nearest to a row says how far it is trusted
    there: dynamic ensemble selection [1]_, here for numbers. Rows are near in the columns
    beside the predictions (a stack hands them over with ``passthrough=True``) or, without any,
    in the predictions themselves.

    Parameters
    ----------
    method : {"smooth", "knora_e", "knora_u", "des_p"}, default="smooth"
        A learner is right on a row where its error is at most the median of the learners'
        errors on that row: it is in the better half.

        - "smooth": the global weights of ``ConvexRegressor``, each times
          ``exp(-strength_ * n_neighbors * loss)`` with the learner's mean squared error on the
          neighbours, in units of twice that of the global weights on all rows. How strongly
          weights lean on the neighbours is chosen on rows held out: as little as is within one
          standard error of the best, often not at all.
        - "knora_e": equal weights for the learners that are right on all neighbours, the
          neighbourhood shrinking until there are some [2]_.
        - "knora_u": weights proportional to the number of neighbours on which a learner is
          right [2]_.
        - "des_p": weights proportional to how much oftener than the mean of the learners a
          learner is right on the neighbours; none for learners below it [3]_.
    n_neighbors : int, default=50
        Number of rows in a neighbourhood. Seven are usual with the three selections, but how
        often a learner is right is known from seven rows to a sixth only; for "knora_e" it is
        the most there can be.
    feature_columns : slice, list of int or str, default=None
        Which columns of X say where a row lies; needs ``prediction_columns``. None: all that
        are no predictions.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        With "smooth", the global weights; the other methods have none.
    strength_ : float
        With "smooth", the part of the neighbours' evidence that counts: 1 treats their errors
        as normal, 0 gives all rows the global weights.
    losses_ : ndarray of shape (8,)
        With "smooth", squared error on rows held out of the strengths 0, 1/64, 1/32, …, 1/2
        and 1.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    LocalCompetenceClassifier : The same for classification.
    ConvexRegressor : The same weights for all rows.

    Notes
    -----
    The learners are judged by the predictions of ``fit``, which must be made out of fold: in
    sample, those that overfit look competent everywhere. With "smooth", the neighbours of a row
    held out come from the other folds.

    That a learner is right says nothing on the size of its error, so that noise which all
    learners share has no say; of an odd number of learners, more than half are right. Several
    targets share weights: an error is the mean of their squared errors.

    Rows that are alike in everything count as one row with the sum of their weights, and a
    neighbourhood holds ``n_neighbors`` times the median weight: integer weights equal repeated
    rows. (Columns beside the predictions are scaled over all rows, whatever their weights.)
    The distance is Euclidean, between columns, or predictions, of about unit variance.

    A learner that does not cover a row has no weight there. Where no learner is competent,
    all have the same weight. "knora_e", "knora_u" and "des_p" judge a learner by the neighbours
    that it covers; with "smooth", it counts on the others as good as their mean. A learner
    without global weight starts there with a hundredth of an equal weight.

    References
    ----------
    .. [1] R. M. O. Cruz, R. Sabourin and G. D. C. Cavalcanti, "Dynamic classifier selection:
       recent advances and perspectives", Information Fusion 41, 2018.
    .. [2] A. H. R. Ko, R. Sabourin and A. S. Britto, "From dynamic classifier selection to
       dynamic ensemble selection", Pattern Recognition 41, 2008.
    .. [3] T. Woloszynski, M. Kurzynski, P. Podsiadlo and G. W. Stachowiak, "A measure of
       competence based on random classification for dynamic ensemble selection", Information
       Fusion 13, 2012.

    Examples
    --------
    The first learner is good where the row's third column is below 50, the second elsewhere:

    >>> import numpy as np
    >>> from stackmeta.combiners import LocalCompetenceRegressor
    >>> rng = np.random.default_rng(0)
    >>> place, y = rng.uniform(0, 100, size=400), rng.normal(size=400)
    >>> near, far = y + 0.1 * rng.normal(size=400), y + rng.normal(size=400)
    >>> P = np.column_stack([np.where(place < 50, near, far), np.where(place < 50, far, near)])
    >>> X = np.column_stack([P, place])
    >>> combiner = LocalCompetenceRegressor(n_neighbors=20, prediction_columns=2).fit(X, y)
    >>> combiner.strength_
    0.125
    >>> combiner.local_weights([[0.2, 0.5, 25.0], [0.2, 0.5, 75.0]]).round(2)
    array([[0.99, 0.01],
           [0.01, 0.99]])
    """

    def __init__(
        self,
        *,
        method: str = "smooth",
        n_neighbors: int = 50,
        feature_columns: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(feature_columns=feature_columns, prediction_columns=prediction_columns)
        self.method = method
        self.n_neighbors = n_neighbors

    def _global_weights(
        self, predictions: Predictions, y: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        convex = ConvexRegressor()
        convex._n_outputs = self._n_outputs
        convex._fit_combiner(predictions, y, weight)
        return convex.weights_

    def _right(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        errors = self._losses(predictions, y)
        median = np.nanmedian(errors, axis=1, keepdims=True)
        return np.where(np.isnan(errors), np.nan, errors <= median)

    def _chance(self) -> None:
        return None

    def _losses(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        return ((predictions.view - y.reshape(len(y), 1, -1)) ** 2).mean(axis=2)

    def _losses_of(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        return ((outputs - y.reshape(len(y), -1)) ** 2).mean(axis=1)

    def _nats(self, loss: float) -> float:
        # Minus the logarithm of a normal density, but for a constant.
        return 0.5 / loss if loss > 0 else 0.0
