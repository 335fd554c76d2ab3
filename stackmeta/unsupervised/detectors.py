"""The detectors that a stack is made of where none are given."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline
from sklearn.svm import OneClassSVM

from .components import ComponentDetector
from .distances import MahalanobisDetector, NeighbourDetector
from .histograms import HistogramDetector
from .preparation import on_numbers
from .sample import SubsampledDetector
from .tails import TailDetector


def default_detectors(*, random_state: int | None = None) -> list[tuple[str, Pipeline]]:
    """List the default outlier detectors for a raw table.

    Each is a pipeline that takes the table as it is: strings, categories, dates, missing
    values.

    Parameters
    ----------
    random_state : int or None, default=None
        Seed of the detectors that draw random numbers. None: a stack seeds them.

    Returns
    -------
    detectors : list of (str, Pipeline)
        ``isolation_forest``, ``local_outlier_factor``, ``neighbours``, ``tails``,
        ``tails_of_components``, ``histograms``, ``histograms_of_columns``, ``components``,
        ``components_of_ranks``, ``mahalanobis`` and ``one_class_svm``.

    Examples
    --------
    >>> import pandas as pd
    >>> from stackmeta.unsupervised import default_detectors
    >>> X = pd.DataFrame({"colour": ["red", "blue", None] * 20, "size": range(60)})
    >>> detector = dict(default_detectors(random_state=0))["tails"].fit(X)
    >>> new = pd.DataFrame({"colour": ["red", "red"], "size": [30, 900]})
    >>> detector.predict(new)
    array([ 1, -1])
    """

    def sampled(detector: Any, **params: Any) -> SubsampledDetector:
        return SubsampledDetector(detector, random_state=random_state, **params)

    detectors: list[tuple[str, Any]] = [
        ("isolation_forest", IsolationForest(n_estimators=200, random_state=random_state)),
        ("local_outlier_factor", sampled(LocalOutlierFactor(novelty=True))),
        ("neighbours", sampled(NeighbourDetector(n_neighbors=5))),
        ("tails", TailDetector()),
        ("tails_of_components", TailDetector(rotate=True)),
        ("histograms", HistogramDetector(rotate=True)),
        ("histograms_of_columns", HistogramDetector()),
        ("components", ComponentDetector()),
        # Long tails of single columns do not hide what breaks the rule of several.
        ("components_of_ranks", ComponentDetector(by_rank=True)),
        (
            "mahalanobis",
            sampled(MahalanobisDetector(random_state=random_state), max_rows=5000, n_samples=1),
        ),
        ("one_class_svm", sampled(OneClassSVM(nu=0.5), max_rows=1000, n_samples=1)),
    ]
    return [(name, on_numbers(detector)) for name, detector in detectors]
