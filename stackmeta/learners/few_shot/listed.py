"""The learners that a stack of few labelled rows is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from ..pipelines import on_codes, on_numbers
from .neighbours import SoftNeighboursClassifier
from .prior_fitted import PriorFittedClassifier
from .prototypes import PrototypeClassifier

_KINDS: dict[str, Any] = {
    "prototypes": PrototypeClassifier,
    "soft_neighbours": SoftNeighboursClassifier,
    "prior_fitted": PriorFittedClassifier,
}
# Beyond, more trees change probabilities less than another draw of the labelled rows.
_TREES = 100


def few_shot_learners(
    random_state: Any = None, *, learned: Mapping[str, Mapping[str, Any]] | None = None
) -> list[tuple[str, BaseEstimator]]:
    """Learners for a raw table with 1 to 20 labelled rows a class.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Seeds those that draw.
    learned : mapping of str to mapping, default=None
        Parameters of the learners with a learned metric, as ``train_few_shot`` gives them. None:
        those that ship with the package.

    Returns
    -------
    learners : list of (str, estimator)
        The learners with a learned metric, a logistic regression and extra trees.
    """
    parameters = {kind._name: {} for kind in _KINDS.values()} | dict(learned or {})
    return [
        *((name, kind(**parameters[kind._name])) for name, kind in _KINDS.items()),
        ("linear", on_numbers(LogisticRegression(C=0.3, max_iter=500))),
        (
            "extra_trees",
            on_codes(ExtraTreesClassifier(_TREES, random_state=random_state, n_jobs=1)),
        ),
    ]
