"""Several combiners, cross-fitted over the folds, and how far to trust each."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from .base import BaseCombiner, BaseCombinerClassifier, BaseCombinerRegressor
from .best_learner import BestLearnerClassifier, BestLearnerRegressor
from .cross_fitted import CrossFitted
from .ensemble_selection import EnsembleSelectionClassifier, EnsembleSelectionRegressor
from .log_loss import minimise_log_loss
from .losses import truth_block
from .meta_learner import MetaLearnerClassifier, MetaLearnerRegressor
from .predictions import Predictions
from .squared_error import minimise_squared_error
from .temperature import fit_temperature


class CrossFittedBlendClassifier(CrossFitted, BaseCombinerClassifier):
    """Several combiners, each cross-fitted over the folds, and a blend of them or the best.

    Which combiner is best differs from table to table: convex weights cannot overfit far,
    signed weights correct what learners have in common, trees find where one of them fails.
    Their cross-fitted predictions tell how far to trust each: stacking [1]_ once more.

    Parameters
    ----------
    candidates : list of (str, estimator), default=None
        Combiners, or other classifiers (which read what a :class:`MetaLearnerClassifier`
        would give them), simplest first. A candidate named "constant" comes
        first and knows nothing, unless the list has one of this name. None: convex weights with
        temperature, ensemble selection, logistic regressions on log-odds with C = 0.01 and 0.1,
        and boosted trees of 7 leaves.
    how : {"blend", "best"}, default="blend"
        - "blend": simplex weights of least log loss over the candidates' cross-fitted
          predictions, drawn towards ``exp(-z ** 2 / 2)`` for candidates that are z standard
          errors (of the paired difference) behind the best: the less these weights gain, the
          nearer.
        - "best": all weight on the simplest candidate whose log loss is within one standard
          error (of the paired difference) of the least.
    scoring : str or callable, default=None
        Any scikit-learn scorer: the weights (or the choice) are then those that it likes best, by
        greedy selection among the cross-fitted candidates. None: log loss, as above.
    calibrate : bool, default=False
        Whether the blend's probabilities are raised to a power (temperature scaling), which is
        fitted to rows that no part of it was fitted to.
    time_limit : float, default=None
        Seconds for the candidates; those that are not done by then are left out.
    n_jobs : int, default=None
        Jobs that joblib runs at once.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit of a candidate: fitted again, nothing that it has is
        done twice.
    random_state : int, RandomState instance or None, default=None
        Seeds the candidates whose own ``random_state`` is None.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all. Candidates with a parameter of this name get all of X and it.

    Attributes
    ----------
    candidate_weights_ : dict of str to float
        Weight of each candidate.
    candidates_ : dict of str to estimator
        Those with a weight, fitted on all rows.
    losses_ : dict of str to float
        Cross-fitted log loss of each candidate.
    gain_ : float
        By how much the blend's cross-fitted loss (with ``scoring``, minus the score) is below
        that of the best single learner, which is chosen on the other folds' rows, too. NaN where
        the folds are too few to tell.
    gain_se_ : float
        Standard error of that difference.
    fell_back_ : bool
        Whether the blend lost by more than one standard error, so that the best single learner
        has taken its place: ``candidates_`` is then ``{"best_learner": ...}``.
    cross_fitted_ : ndarray of shape (n_rows, n_outputs)
        What is predicted for the rows of ``fit`` by candidates and weights of the other folds:
        P(second class), a column a class, or numbers. NaN where no fold held a row out.
    temperature_ : float
        With ``calibrate``, what log probabilities are divided by: above 1 where the blend is
        too sure.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    MetaLearnerClassifier : Any scikit-learn estimator as a combiner.
    ConvexClassifier : The simplest candidate that learns.

    Notes
    -----
    Candidates are cross-fitted over ``folds`` of ``fit``, those that made the predictions, by
    :func:`stackmeta.out_of_fold`. Folds that would train on a class less are left out.

    Weights of rows that are whole numbers count as rows that are there so often, others as
    rows that matter more or less.

    The models that made a training row's predictions have seen the rows of the fold that is
    held out here. docs/combiners.md measures what that second-order path does on null tasks.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import CrossFittedBlendClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 300)
    >>> truth = np.where(y == 1, 0.7, 0.3)
    >>> P = np.column_stack([truth + 0.3 * rng.uniform(-1, 1, 300), rng.uniform(size=300)])
    >>> combiner = CrossFittedBlendClassifier(how="best").fit(P, y)
    >>> list(combiner.losses_)[:4]
    ['constant', 'convex', 'ensemble_selection', 'signed_weights']
    >>> min(combiner.losses_.values()) < 0.6 < combiner.losses_["constant"]
    True
    >>> sum(combiner.candidate_weights_.values())
    1.0
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **CrossFitted._parameter_constraints,
        **BaseCombinerClassifier._parameter_constraints,
    }

    def __init__(
        self,
        candidates: list[tuple[str, BaseEstimator]] | None = None,
        *,
        how: str = "blend",
        scoring: Any = None,
        calibrate: bool = False,
        time_limit: float | None = None,
        n_jobs: int | None = None,
        store: Any = None,
        random_state: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(calibrate=calibrate, prediction_columns=prediction_columns)
        self.candidates = candidates
        self.how = how
        self.scoring = scoring
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.store = store
        self.random_state = random_state

    _selection = EnsembleSelectionClassifier
    _best = BestLearnerClassifier

    def _constant(self) -> BaseEstimator:
        return DummyClassifier(strategy="prior")

    def _meta_learner(self, estimator: BaseEstimator) -> BaseCombiner:
        return MetaLearnerClassifier(estimator, features="probabilities")

    def _row_losses(self, found: Predictions, y: np.ndarray) -> np.ndarray:
        truth = truth_block(found, y)(slice(None))
        return -np.log(np.maximum(truth, np.finfo(np.float64).eps))

    def _simplex_weights(self, found: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
        return minimise_log_loss(truth_block(found, y), share, found.n_learners)[0]

    def _answer(self, candidate: BaseEstimator, table: Any) -> np.ndarray:
        probabilities = candidate.predict_proba(table)
        return probabilities[:, 1:] if self._n_outputs == 1 else probabilities

    def _calibrate(self, *fitted: Any) -> None:
        """Nothing: the temperature is fitted where the candidates' predictions are."""

    def _finish(
        self, mixture: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> None:
        """Fit the temperature."""
        self.__dict__.pop("temperature_", None)
        if self.calibrate:
            probabilities = self._as_probabilities(mixture)
            self.temperature_ = fit_temperature(probabilities, y, sample_weight)


class CrossFittedBlendRegressor(CrossFitted, BaseCombinerRegressor):
    """Several combiners, each cross-fitted over the folds, and a blend of them or the best.

    Which combiner is best differs from table to table: convex weights cannot overfit far,
    signed weights correct what learners have in common, trees find where one of them fails.
    Their cross-fitted predictions tell how far to trust each: stacking [1]_ once more.

    Parameters
    ----------
    candidates : list of (str, estimator), default=None
        Combiners, or other regressors (which read what a :class:`MetaLearnerRegressor`
        would give them), simplest first. A candidate named "constant" comes
        first and knows nothing, unless the list has one of this name. None: convex weights,
        ensemble selection, a ridge regression, and boosted trees of 7 leaves.
    how : {"blend", "best"}, default="blend"
        - "blend": simplex weights of least squared error over the candidates' cross-fitted
          predictions, drawn towards ``exp(-z ** 2 / 2)`` for candidates that are z standard
          errors (of the paired difference) behind the best: the less these weights gain, the
          nearer.
        - "best": all weight on the simplest candidate whose squared error is within one standard
          error (of the paired difference) of the least.
    scoring : str or callable, default=None
        Any scikit-learn scorer: the weights (or the choice) are then those that it likes best, by
        greedy selection among the cross-fitted candidates. None: squared error, as above.
    time_limit : float, default=None
        Seconds for the candidates; those that are not done by then are left out.
    n_jobs : int, default=None
        Jobs that joblib runs at once.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit of a candidate: fitted again, nothing that it has is
        done twice.
    random_state : int, RandomState instance or None, default=None
        Seeds the candidates whose own ``random_state`` is None.
    prediction_columns : int, slice, list of int or str, default=None
        Which columns of X are predictions: the first so many, a slice, or positions or names.
        None: all. Candidates with a parameter of this name get all of X and it.

    Attributes
    ----------
    candidate_weights_ : dict of str to float
        Weight of each candidate.
    candidates_ : dict of str to estimator
        Those with a weight, fitted on all rows.
    losses_ : dict of str to float
        Cross-fitted squared error of each candidate.
    gain_ : float
        By how much the blend's cross-fitted loss (with ``scoring``, minus the score) is below
        that of the best single learner, which is chosen on the other folds' rows, too. NaN where
        the folds are too few to tell.
    gain_se_ : float
        Standard error of that difference.
    fell_back_ : bool
        Whether the blend lost by more than one standard error, so that the best single learner
        has taken its place: ``candidates_`` is then ``{"best_learner": ...}``.
    cross_fitted_ : ndarray of shape (n_rows, n_outputs)
        What is predicted for the rows of ``fit`` by candidates and weights of the other folds:
        P(second class), a column a class, or numbers. NaN where no fold held a row out.
    n_features_in_ : int
        Number of columns of X in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had some.

    See Also
    --------
    MetaLearnerRegressor : Any scikit-learn estimator as a combiner.
    ConvexRegressor : The simplest candidate that learns.

    Notes
    -----
    Candidates are cross-fitted over ``folds`` of ``fit``, those that made the predictions, by
    :func:`stackmeta.out_of_fold`. Folds that would train on a class less are left out.

    Weights of rows that are whole numbers count as rows that are there so often, others as
    rows that matter more or less.

    The models that made a training row's predictions have seen the rows of the fold that is
    held out here. docs/combiners.md measures what that second-order path does on null tasks.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.combiners import CrossFittedBlendRegressor
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=300)
    >>> P = np.column_stack([0.5 * y + 0.3 * rng.normal(size=300), rng.normal(size=300)])
    >>> combiner = CrossFittedBlendRegressor(how="best").fit(P, y)
    >>> list(combiner.candidates_)
    ['signed_weights']
    """

    def __init__(
        self,
        candidates: list[tuple[str, BaseEstimator]] | None = None,
        *,
        how: str = "blend",
        scoring: Any = None,
        time_limit: float | None = None,
        n_jobs: int | None = None,
        store: Any = None,
        random_state: Any = None,
        prediction_columns: Any = None,
    ) -> None:
        super().__init__(prediction_columns=prediction_columns)
        self.candidates = candidates
        self.how = how
        self.scoring = scoring
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.store = store
        self.random_state = random_state

    _selection = EnsembleSelectionRegressor
    _best = BestLearnerRegressor

    def _constant(self) -> BaseEstimator:
        return DummyRegressor()

    def _meta_learner(self, estimator: BaseEstimator) -> BaseCombiner:
        return MetaLearnerRegressor(estimator)

    def _row_losses(self, found: Predictions, y: np.ndarray) -> np.ndarray:
        error = found.view - y.reshape(len(y), 1, -1)
        return (error * error).mean(axis=2)

    def _simplex_weights(self, found: Predictions, y: np.ndarray, share: np.ndarray) -> np.ndarray:
        return minimise_squared_error(found, y, share)[0]

    def _answer(self, candidate: BaseEstimator, table: Any) -> np.ndarray:
        answer = candidate.predict(table)
        return answer.reshape(len(answer), -1)
