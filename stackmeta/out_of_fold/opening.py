"""In what order learners of unknown cost are tried under a time limit."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sklearn.pipeline import Pipeline

from .learner import Learner

# Ranks, not seconds: what a fit costs shows when it is done. By module, as rows are some thousand.
_RANKS = {
    "dummy": 0,
    "frozen": 0,
    "naive_bayes": 0,
    "discriminant_analysis": 1,
    "linear_model": 1,
    "tree": 1,
    "neighbors": 2,
    "ensemble": 4,
    "neural_network": 5,
    "svm": 5,
    "gaussian_process": 6,
}
_HISTOGRAMS = 3
_UNKNOWN = 3
# Learners of one kind are alike: a second one of a cheap kind has no haste.
_ALIKE = 2


def opening_order(learners: list[Learner]) -> list[int]:
    """Rank learners, so that the cheap ones and one of each kind are tried first.

    Parameters
    ----------
    learners : list of Learner

    Returns
    -------
    ranks : list of int
        The lower, the sooner.
    """
    before: Counter[type] = Counter()
    ranks = []
    for learner in learners:
        kind = type(_core(learner.estimator))
        ranks.append(_rank(learner.estimator) + _ALIKE * before[kind])
        before[kind] += 1
    return ranks


def _core(estimator: Any) -> Any:
    """Give the last step of a pipeline."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def _rank(estimator: Any) -> int:
    estimator = _core(estimator)
    package, module, *_ = f"{type(estimator).__module__}..".split(".")
    inner = getattr(estimator, "estimator", None)
    if hasattr(inner, "fit") and module != "ensemble":
        return _rank(inner) + 1  # a search, a calibration: it fits the inner one several times
    if package != "sklearn":
        return _UNKNOWN
    if type(estimator).__name__.startswith("Hist"):
        return _HISTOGRAMS
    return _RANKS.get(module, _UNKNOWN)
