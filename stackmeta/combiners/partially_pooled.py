"""Weights for each task, drawn towards those of all tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import BaseCombinerClassifier, BaseCombinerRegressor
from .losses import residual_block, truth_block
from .pooled_base import PartiallyPooled
from .predictions import Predictions
from .tags import CombinerTags


class PartiallyPooledRegressor(PartiallyPooled, BaseCombinerRegressor):
    """Convex weights for each task, drawn towards those of all tasks.

    Rows belong to tasks: hospitals, shops, users. A task with many rows gets weights of its own,
    a task with few borrows those of all tasks, and how far is for the tasks to say: their weights
    are taken as normal around the population's, both estimated from all tasks (empirical Bayes)
    [1]_, [2]_: the variance is the one whose weights are best on folds that they were not fitted
    to. A task that ``fit`` has not seen gets the population's weights.

    Parameters
    ----------
    task_column : int or str, default=-1
        The column of X that says which task a row belongs to. Rows where it is missing make up
        a task.
    pooling : "auto" or float, default="auto"
        How many rows the population's weights count for. "auto" finds it; 0 gives each task the
        weights of least loss on its own rows, ``np.inf`` all tasks the same.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions. None: all but the task's. A stack of this package
        sets it, given ``passthrough=[task_column]``.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        The population's weights.
    task_weights_ : ndarray of shape (n_tasks, n_learners)
        Weights of each task.
    tasks_ : list
        The tasks, in the order of ``task_weights_``.
    prior_rows_ : float
        How many rows the population's weights count for.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    MultiTaskStackingRegressor : A stack with learners for all tasks, and for each.
    FeatureWeightedRegressor : Weights that depend on numeric columns.

    Notes
    -----
    Squared errors count in units of their spread in the task, which is itself drawn towards that
    of all. Rows of a task are taken for independent; a row of weight 2 counts as two rows.

    References
    ----------
    .. [1] B. Efron and C. Morris, "Stein's estimation rule and its competitors: an empirical
       Bayes approach", Journal of the American Statistical Association 68, 1973.
    .. [2] B. P. Carlin and T. A. Louis, "Bayes and empirical Bayes methods for data analysis",
       Chapman & Hall, 2000.

    Examples
    --------
    In the first shop the first learner is right, in the second the other; the third is new:

    >>> import numpy as np
    >>> from stackmeta.combiners import PartiallyPooledRegressor
    >>> rng = np.random.default_rng(0)
    >>> y, shop = rng.normal(size=200), np.repeat([0, 1], 100)
    >>> error = rng.normal(size=(2, 200))
    >>> P = y + error * np.where(np.array([[0], [1]]) == shop, 0.1, 1.0)
    >>> combiner = PartiallyPooledRegressor().fit(np.column_stack([*P, shop]), y)
    >>> combiner.task_weights_.round(1) + 0.0
    array([[1., 0.],
           [0., 1.]])
    >>> combiner.predict([[1.0, 3.0, 0], [1.0, 3.0, 1], [1.0, 3.0, 2]]).round(1)
    array([1., 3., 2.])
    """

    _squared = True

    def _rows(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        return residual_block(predictions, y)(slice(0, y.size))

    def __sklearn_tags__(self) -> CombinerTags:
        tags = super().__sklearn_tags__()
        # Several targets would have to divide the columns without the task's.
        tags.target_tags.multi_output = False
        return tags

    def _read_further(self, y: Any) -> np.ndarray:
        given = self._n_outputs, self._one_target
        y = self._read_target(y)
        if self._n_outputs != given[0]:
            found, self._n_outputs, self._one_target = self._n_outputs, *given
            raise ValueError(f"y has {found} targets; in fit it had {given[0]}.")
        return y


class PartiallyPooledClassifier(PartiallyPooled, BaseCombinerClassifier):
    """Mixture weights for each task, drawn towards those of all tasks.

    As :class:`PartiallyPooledRegressor`, for class probabilities and their log loss.

    Parameters
    ----------
    task_column : int or str, default=-1
        The column of X that says which task a row belongs to. Rows where it is missing make up
        a task.
    pooling : "auto" or float, default="auto"
        How many rows the population's weights count for. "auto" finds it; 0 gives each task the
        weights of least loss on its own rows, ``np.inf`` all tasks the same.
    calibrate : bool, default=False
        Whether probabilities are raised to a power (temperature scaling), which is fitted to
        rows that the combiner was not fitted to: over ``folds`` of ``fit``, or five folds.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions. None: all but the task's. A stack of this package
        sets it, given ``passthrough=[task_column]``.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        The population's weights.
    task_weights_ : ndarray of shape (n_tasks, n_learners)
        Weights of each task.
    tasks_ : list
        The tasks, in the order of ``task_weights_``.
    prior_rows_ : float
        How many rows the population's weights count for.
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
    MultiTaskStackingClassifier : A stack with learners for all tasks, and for each.

    References
    ----------
    .. [1] B. P. Carlin and T. A. Louis, "Bayes and empirical Bayes methods for data analysis",
       Chapman & Hall, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import PartiallyPooledClassifier
    >>> shop = np.repeat([0, 1], 100)
    >>> y = np.arange(200) % 2
    >>> right, guess = np.where(y == 1, 0.9, 0.1), np.full(200, 0.5)
    >>> P = np.where(shop == 0, [right, guess], [guess, right])
    >>> combiner = PartiallyPooledClassifier().fit(np.column_stack([*P, shop]), y)
    >>> combiner.task_weights_.round(1) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **PartiallyPooled._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        task_column: Any = -1,
        pooling: Any = "auto",
        calibrate: bool = False,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(
            task_column=task_column, pooling=pooling, prediction_columns=prediction_columns
        )
        self.calibrate = calibrate

    def _rows(self, predictions: Predictions, y: np.ndarray) -> np.ndarray:
        return np.asarray(truth_block(predictions, y)(slice(0, len(y))))

    def _read_further(self, y: Any) -> np.ndarray:
        return codes_of(y, self.classes_)


def codes_of(y: Any, classes: np.ndarray) -> np.ndarray:
    """Positions of labels among known classes.

    Raises
    ------
    ValueError
        If a label is not among them.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    unknown = ~np.isin(y, classes)
    if unknown.any():
        raise ValueError(
            f"y holds {y[unknown][0]!r}, which is not among the classes of fit: "
            f"{classes.tolist()}. Fit again with rows of that class."
        )
    return np.searchsorted(classes, y)
