"""Where the weights of a blend's convex candidates start."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone, is_classifier

from .combiners import ConvexClassifier, ConvexRegressor
from .combiners.default_candidates import default_candidates
from .combiners.weight_prior import WeightPrior


def has_convex_candidates(final_estimator: Any) -> bool:
    """Whether a meta-learner has candidates, some of which may be convex combinations."""
    return "candidates" in final_estimator.get_params(deep=False)


def start_from(final_estimator: Any, prior: WeightPrior | None) -> None:
    """Give a blend's convex weights a prior.

    Parameters
    ----------
    final_estimator : estimator
        With candidates; changed in place: a clone of the user's.
    prior : WeightPrior or None
        For the learners that it is going to combine, in their order. None: nothing changes.
    """
    if prior is None:
        return
    candidates = final_estimator.candidates
    if candidates is None:
        candidates = default_candidates(classifies=is_classifier(final_estimator))
    kinds = (ConvexClassifier, ConvexRegressor)
    final_estimator.set_params(
        candidates=[
            (name, clone(one).set_params(prior=prior) if isinstance(one, kinds) else one)
            for name, one in candidates
        ]
    )
