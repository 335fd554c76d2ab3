"""StackingOutlierDetector: a stack of outlier detectors."""

from __future__ import annotations

from numbers import Integral
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import Bunch, indexable
from sklearn.utils.validation import check_is_fitted

from ._unlabelled import UnlabelledStack
from .compat import HasMethods, Options, StrOptions, fit_context
from .out_of_fold.checks import draw_seed
from .out_of_fold.result import OutOfFold
from .unsupervised.agreement import disagreement, ranking_loss
from .unsupervised.consensus import CONSENSUS
from .unsupervised.detector import SHARE, Thresholded, threshold
from .unsupervised.rows import read_table
from .unsupervised.scaling import SCALINGS, ScoreScale
from .unsupervised.score import AbnormalityScore, check_scores

if TYPE_CHECKING:
    import pandas as pd

    from .unsupervised.few_labels import FewLabels
    from .unsupervised.learned_consensus import LearnedConsensus


class StackingOutlierDetector(Thresholded, UnlabelledStack):
    """A stack of outlier detectors: without labels, or with a few.

    Detectors score the rows out of fold, so that no row is its own neighbour or shapes what it is
    measured against. Their scores are made comparable and combined: by a consensus without
    labels, or, where ``fit`` is given some, by a combiner that is fitted on the labelled rows.

    Parameters
    ----------
    estimators : list of (str, detector) or (str, detector, columns), default=None
        Anything with ``score_samples`` (scikit-learn: the lower, the more abnormal) or with
        ``decision_function`` alone (PyOD: the higher, the more abnormal; scikit-learn's sign is
        told by ``predict``). ``columns`` limits a detector to some columns of X. None:
        :func:`stackmeta.unsupervised.default_detectors`, which take a raw table.
    final_estimator : classifier, default=None
        Combiner of the scores where there are labels: any of stackmeta's combiners, or any
        classifier with ``predict_proba``. It reads the scores by rank, from 0 to 1, the consensus
        as one more, and with ``passthrough`` the columns. None: extra trees.
    consensus : {"mean", "agreement", "local", "maxima", "trimmed"}, default="agreement"
        How scores are combined without labels. "mean": their mean. "agreement": weighted by the
        rank correlation with the weighted mean of the others. "local": the same among
        rows with similar scores. "maxima": mean of the maxima of random thirds. "trimmed":
        mean without the lowest and highest fifth.
    scaling : {"rank", "gaussian"}, default="gaussian"
        How scores are made comparable: by their position among the out-of-fold scores, or by the
        tail of a normal distribution.
    levels : {1, 2}, default=2
        2: extra trees learn the consensus from the columns of X, over the detectors' folds, and
        the score is the mean rank of consensus and out-of-fold answer. 1: the consensus alone.
    passthrough : bool, default=True
        Whether ``final_estimator`` reads the columns of X, too, prepared as numbers.
    contamination : float, default=0.1
        Share of the rows of ``fit`` that lie, out of fold, below the threshold; so should that of
        new rows.
    cv : int, splitter or iterable of (train, test), default=None
        None or an int: so many (5) shuffled folds.
    n_jobs : int, default=None
        Jobs that joblib runs at once.
    on_error : {"raise", "drop"}, default="raise"
        Whether a detector that raises ends the fit, or is left out with a warning.
    time_limit : float, default=None
        Seconds after which no fit of a detector starts.
    store : str, Path or OutOfFoldStore, default=None
        A folder that keeps every finished fit of a detector.
    memory_limit : float, default=None
        Bytes, or a share of what is free, that fits may take together.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, and whatever has no seed of its own.

    Attributes
    ----------
    oof_scores_ : ndarray of shape (n_rows,)
        Score of each row of ``fit`` by models that never saw it: the lower, the more abnormal, as
        in ``score_samples``. The label of a row, if it has one, did not reach the combiner that
        scores it. NaN for rows that no fold held out.
    oof_ : OutOfFold
        The detectors' own scores: the higher, the more abnormal.
    offset_ : float
        Threshold of ``score_samples``: a percentile of ``oof_scores_``.
    estimators_ : list of detectors
        Fitted on all rows.
    named_estimators_ : Bunch
        The same by name.
    final_estimator_ : classifier or None
        Fitted on the labelled rows; None without labels.
    learner_weights_ : dict of str to float
        Weight of each detector: where weights depend on the row, the mean. With labels, those of a
        ``final_estimator`` that has ``weights_``.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    stackmeta.unsupervised.default_detectors : The detectors, to edit.

    Notes
    -----
    ``fit_predict`` says which rows of ``fit`` are outliers out of fold. ``fit(X).predict(X)`` asks
    models that have seen the rows: it calls fewer of them outliers.

    References
    ----------
    .. [1] C. C. Aggarwal and S. Sathe, "Theoretical foundations and algorithms for outlier
       ensembles", SIGKDD Explorations 17, 2015.
    .. [2] Y. Zhao, X. Hu, C. Cheng and others, "SUOD: accelerating large-scale unsupervised
       heterogeneous outlier detection", MLSys, 2021.
    .. [3] Y. Zhao and M. K. Hryniewicki, "XGBOD: improving supervised outlier detection with
       unsupervised representation learning", IJCNN, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta import StackingOutlierDetector
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> X[:4] += 6
    >>> detector = StackingOutlierDetector(contamination=0.02, random_state=0)
    >>> np.flatnonzero(detector.fit_predict(X) == -1)
    array([0, 1, 2, 3])
    >>> detector.predict([[0.0, 0.0], [9.0, -9.0]])
    array([ 1, -1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **UnlabelledStack._parameter_constraints,
        "final_estimator": [None, HasMethods(["fit", "predict_proba"])],
        "consensus": [StrOptions(set(CONSENSUS))],
        "scaling": [StrOptions(set(SCALINGS))],
        "levels": [Options(Integral, {1, 2})],
        "passthrough": ["boolean"],
        "contamination": [SHARE],
    }

    def __init__(
        self,
        estimators: list[tuple] | None = None,
        final_estimator: Any = None,
        *,
        consensus: str = "agreement",
        scaling: str = "gaussian",
        levels: int = 2,
        passthrough: bool = True,
        contamination: float = 0.1,
        cv: Any = None,
        n_jobs: int | None = None,
        on_error: str = "raise",
        time_limit: float | None = None,
        store: Any = None,
        memory_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimators = estimators
        self.final_estimator = final_estimator
        self.consensus = consensus
        self.scaling = scaling
        self.levels = levels
        self.passthrough = passthrough
        self.contamination = contamination
        self.cv = cv
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.time_limit = time_limit
        self.store = store
        self.memory_limit = memory_limit
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any = None, *, labels: Any = None, groups: Any = None
    ) -> StackingOutlierDetector:
        """Score the rows out of fold, combine the scores, and fit the detectors on all rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows; with the default detectors a raw table of numbers, texts, categories, dates and
            missing values.
        y : ignored
            There by convention: pipelines and searches that judge by labels pass them on, and
            must not train on them.
        labels : array-like of shape (n_rows,), default=None
            What is known of some rows: 1 for outliers, 0 for normal ones; -1, NaN or None for all
            others. It takes two of each kind; 10 to 50 help already.
        groups : array-like of shape (n_rows,), default=None
            Group of each row, such as a person: rows of a group do not judge each other.

        Returns
        -------
        self : StackingOutlierDetector

        Raises
        ------
        ValueError
            Before the first fit, if something does not fit together; or if every detector failed.
        TypeError
            If X is sparse.
        TimeoutError
            If ``time_limit`` ended before one detector was done.
        """
        from .unsupervised.detectors import default_detectors
        from .unsupervised.few_labels import default_combiner, read_labels
        from .unsupervised.learned_consensus import learn_consensus

        X = read_table(self, X, reset=True)
        X, groups = indexable(X, groups)
        started = perf_counter()
        known = None if labels is None else read_labels(labels, X.shape[0])
        seed = draw_seed(self.random_state)
        final = default_combiner() if self.final_estimator is None else self.final_estimator
        if not is_classifier(final):
            raise ValueError(f"final_estimator should be a classifier. Got {final!r}.")
        given = default_detectors() if self.estimators is None else self.estimators
        oof = self._engine(given, _score_of, X, groups=groups, n_folds=5, seed=seed).run(
            refit=True
        )
        covered = oof.covered
        self._scale = ScoreScale(oof.matrix[covered], self.scaling)
        self._ranks = ScoreScale(oof.matrix[covered], "rank")
        comparable = self._scale(oof.matrix[covered])
        self._consensus = CONSENSUS[self.consensus](comparable)
        found = np.full(X.shape[0], np.nan)
        found[covered] = self._consensus.combine(comparable)
        self._learned: LearnedConsensus | None = None
        if self.levels > 1:
            self._learned = learn_consensus(
                X,
                found,
                oof,
                seed=seed,
                started=started,
                time_limit=self.time_limit,
                n_jobs=self.n_jobs,
                memory_limit=self.memory_limit,
            )
        self._consensus_ranks = ScoreScale(found[covered, None], "rank")
        self._few_labels: FewLabels | None = None
        self.final_estimator_: Any = None
        if known is not None:
            found = self._fit_final(X, oof, found, final, known, seed)
        self._set_fitted(oof, found, known)
        return self

    def _fit_final(
        self,
        X: Any,
        oof: OutOfFold,
        consensus: np.ndarray,
        final: Any,
        known: tuple[np.ndarray, np.ndarray],
        seed: int | None,
    ) -> np.ndarray:
        """Fit the combiner of labelled rows; give the abnormality of all."""
        from .unsupervised.few_labels import FewLabels

        rows, is_outlier = known
        if missing := np.setdiff1d(rows, oof.covered).tolist():
            raise ValueError(
                f"No fold of cv={self.cv!r} holds out row {missing[0]}, which has a label (and "
                f"{len(missing) - 1} more): use a splitter that holds out all rows."
            )
        self._few_labels = FewLabels(final, oof.names, passthrough=self.passthrough, seed=seed)
        covered = oof.covered
        scores = np.full((len(consensus), len(oof.names) + 1), 0.5)
        scores[covered] = self._meta_features(oof.matrix[covered], consensus[covered])
        found = self._few_labels.fit(X, scores, rows, is_outlier)
        self.final_estimator_ = self._few_labels.combiner
        return np.where(np.isnan(consensus), np.nan, found)

    def _meta_features(self, scores: np.ndarray, consensus: np.ndarray) -> np.ndarray:
        return np.hstack([self._ranks(scores), self._consensus_ranks(consensus[:, None])])

    def _set_fitted(
        self, oof: OutOfFold, found: np.ndarray, known: tuple[np.ndarray, np.ndarray] | None
    ) -> None:
        self.oof_, self.oof_scores_ = oof, -found
        self.offset_ = threshold(self.oof_scores_[oof.covered], self.contamination)
        models = {name: getattr(oof.models[name], "detector_", None) for name in oof.names}
        self.estimators_ = list(models.values())
        self.named_estimators_ = Bunch(**models)
        if known is None:
            losses = disagreement(oof.matrix[oof.covered])
        else:
            losses = ranking_loss(oof.matrix[known[0]], known[1])
        self._losses = dict(zip(oof.names, losses, strict=True))
        self._loss_name = "disagreement" if known is None else "1 - ROC AUC of the labelled rows"

    def fit_predict(
        self, X: Any, y: Any = None, *, labels: Any = None, groups: Any = None
    ) -> np.ndarray:
        """Fit, and say which rows of ``fit`` are outliers, each by models that never saw it.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Rows.
        y : ignored
        labels : array-like of shape (n_rows,), default=None
            As in ``fit``.
        groups : array-like of shape (n_rows,), default=None
            As in ``fit``.

        Returns
        -------
        is_inlier : ndarray of int of shape (n_rows,)
            -1 for outliers, 1 for the others, and for rows that no fold held out.
        """
        self.fit(X, labels=labels, groups=groups)
        return np.where(self.oof_scores_ < self.offset_, -1, 1)

    def score_samples(self, X: Any) -> np.ndarray:
        """Score rows: the lower, the more abnormal.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            New rows with the columns of ``fit``; for those of ``fit`` see ``oof_scores_``.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
            Minus the consensus, which the second level has its part in, or minus the probability
            of an outlier that the combiner gives.
        """
        from .learners.preparation import sharing

        check_is_fitted(self)
        X = read_table(self, X, reset=False)
        with sharing(X):
            scores = self.oof_.predict_matrix(X)
            consensus = self._consensus.combine(self._scale(scores))
            if self._learned is not None:
                consensus = self._learned.predict(X, consensus)
            if self._few_labels is None:
                return -consensus
            return -self._few_labels.predict(X, self._meta_features(scores, consensus))

    @property
    def learner_weights_(self) -> dict[str, float]:
        """Weight of each detector by name."""
        check_is_fitted(self)
        names, weights = self.oof_.names, self._consensus.weights
        if self.final_estimator_ is not None:
            names, weights = [*names, "consensus"], self.final_estimator_.weights_
        return {name: float(w) for name, w in zip(names, weights, strict=True)}

    def leaderboard(self) -> pd.DataFrame:
        """List the detectors, best first.

        Returns
        -------
        table : DataFrame
            ``learner``, ``loss``, ``weight`` (NaN where the combiner has none), ``fit_seconds``
            and ``path``. The loss is one minus the area under the ROC curve of the labelled rows;
            without labels, one minus the rank correlation with the mean rank of the others, which
            is no proof of quality. ``attrs["loss"]`` says which.
        """
        from .inspection import leaderboard

        check_is_fitted(self)
        weights = getattr(self, "learner_weights_", None)
        return leaderboard(self.oof_, weights, losses=self._losses, loss_name=self._loss_name)

    def _default_pairs(self) -> list[tuple[str, Any]]:
        from .unsupervised.detectors import default_detectors

        return [*default_detectors()]


def _score_of(name: str, detector: Any) -> AbnormalityScore:
    check_scores(name, detector)
    return AbnormalityScore(detector)
