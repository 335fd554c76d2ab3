"""An outlier detector as a learner of the engine: it predicts how abnormal a row is."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ..compat import safe_indexing

# So many training rows show which sign a detector's decision function has.
_LOOKED_AT = 1000


class AbnormalityScore(RegressorMixin, BaseEstimator):
    """Learner that predicts a detector's score: the higher, the more abnormal.

    Detectors with ``score_samples`` follow scikit-learn: the lower, the more abnormal. Those
    with ``decision_function`` alone are asked for their verdict on the rows of lowest and highest
    score: where one of them is -1, they follow scikit-learn as well; else, as in PyOD, the
    higher is the more abnormal.

    Parameters
    ----------
    detector : estimator
        Outlier detector of scikit-learn or PyOD, or a density estimator with ``score_samples``;
        it is cloned.

    Attributes
    ----------
    detector_ : estimator
        Fitted.
    sign_ : {-1.0, 1.0}
        What the detector's own score is multiplied with.

    Examples
    --------
    >>> from sklearn.svm import OneClassSVM
    >>> from stackmeta.unsupervised import AbnormalityScore
    >>> X = [[0.0], [1.0], [2.0], [1.5], [0.5]]
    >>> near, far = AbnormalityScore(OneClassSVM()).fit(X).predict([[1.0], [30.0]])
    >>> bool(far > near)
    True
    """

    def __init__(self, detector: Any) -> None:
        self.detector = detector

    def fit(self, X: Any, y: Any = None) -> AbnormalityScore:
        """Fit a clone of the detector.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows, in whatever form the detector takes.
        y : ignored

        Returns
        -------
        self : AbnormalityScore
        """
        self.detector_ = clone(self.detector).fit(X)
        self.sign_ = -1.0 if _as_in_scikit_learn(self.detector_, X) else 1.0
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Score rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows with the columns of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_rows,)
            The higher, the more abnormal.
        """
        check_is_fitted(self)
        return self.sign_ * np.asarray(_own_scores(self.detector_, X), dtype=np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.detector).input_tags
        tags.target_tags.required = False
        return tags


def check_scores(name: str, detector: Any) -> None:
    """Refuse what cannot score new rows.

    Raises
    ------
    ValueError
        If it has neither ``score_samples`` nor ``decision_function``.
    """
    if hasattr(detector, "score_samples") or hasattr(detector, "decision_function"):
        return
    raise ValueError(
        f"Detector {name!r}, {detector!r}, scores no new rows: it has neither score_samples nor "
        "decision_function. LocalOutlierFactor has them with novelty=True."
    )


def _own_scores(detector: Any, X: Any) -> Any:
    if hasattr(detector, "score_samples"):
        return detector.score_samples(X)
    return detector.decision_function(X)


def _as_in_scikit_learn(detector: Any, X: Any) -> bool:
    if hasattr(detector, "score_samples"):
        return True
    if not hasattr(detector, "predict"):
        return False
    some = safe_indexing(X, np.arange(min(len(X), _LOOKED_AT)))
    scores = np.asarray(detector.decision_function(some))
    ends = np.array([scores.argmin(), scores.argmax()])
    return bool((np.asarray(detector.predict(safe_indexing(some, ends))) == -1).any())
