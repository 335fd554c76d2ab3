"""A detector on small samples of the rows."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state, get_tags

from ..compat import HasMethods, Interval
from .detector import BaseDetector


def draw_rows(n_rows: int, max_rows: int, random_state: Any) -> np.ndarray:
    """Draw positions of at most ``max_rows`` rows, in their order."""
    if n_rows <= max_rows:
        return np.arange(n_rows)
    drawn = check_random_state(random_state).choice(n_rows, max_rows, replace=False)
    return np.sort(drawn)


class SubsampledDetector(BaseDetector):
    """Mean score of a detector that is fitted on several samples of the rows.

    Neighbours and kernels take a time that grows with the square of the number of rows. In a
    small sample, moreover, outliers that lie together are lonely again, and several samples
    err in different ways [1]_.

    Parameters
    ----------
    detector : outlier detector with ``score_samples``
        It is cloned.
    max_rows : int, default=256
        Rows of a sample. Where there are no more, one detector is fitted on all.
    n_samples : int, default=10
        Samples.
    contamination : float, default=0.1
        Share of the rows of ``fit`` that ``predict`` calls outliers.
    random_state : int, RandomState instance or None, default=None
        Draws the rows.

    Attributes
    ----------
    detectors_ : list of outlier detectors
        Fitted, one a sample.
    offset_ : float
        Threshold of ``score_samples``.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    References
    ----------
    .. [1] A. Zimek, M. Gaudet, R. J. G. B. Campello and J. Sander, "Subsampling for efficient
       and effective unsupervised outlier detection ensembles", KDD, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.svm import OneClassSVM
    >>> from stackmeta.unsupervised import SubsampledDetector
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> svm = OneClassSVM(nu=0.1, gamma=0.1)
    >>> detector = SubsampledDetector(svm, max_rows=100, random_state=0).fit(X)
    >>> [one.shape_fit_ for one in detector.detectors_][:2]
    [(100, 2), (100, 2)]
    >>> detector.predict([[0.0, 0.0], [9.0, 9.0]])
    array([ 1, -1])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDetector._parameter_constraints,
        "detector": [HasMethods(["fit", "score_samples"])],
        "max_rows": [Interval(Integral, 2, None, closed="left")],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        detector: Any,
        *,
        max_rows: int = 256,
        n_samples: int = 10,
        contamination: float = 0.1,
        random_state: Any = None,
    ) -> None:
        self.detector = detector
        self.max_rows = max_rows
        self.n_samples = n_samples
        self.contamination = contamination
        self.random_state = random_state

    def _learn(self, X: np.ndarray) -> None:
        random = check_random_state(self.random_state)
        n_samples = 1 if len(X) <= self.max_rows else self.n_samples
        rows = [draw_rows(len(X), self.max_rows, random) for _ in range(n_samples)]
        self.detectors_ = [clone(self.detector).fit(X[some]) for some in rows]

    def _abnormality(self, X: np.ndarray) -> np.ndarray:
        return -np.mean([detector.score_samples(X) for detector in self.detectors_], axis=0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = get_tags(self.detector).non_deterministic
        return tags
