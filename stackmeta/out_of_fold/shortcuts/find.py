"""Which shortcut a learner can take."""

from __future__ import annotations

from ..learner import Learner
from .discriminant import LinearDiscriminant, QuadraticDiscriminant
from .dummy import WithoutX
from .fewer_trees import FewerTrees
from .from_sums import FromSums
from .gaussian_bayes import GaussianFromMoments
from .job import Shortcut
from .kernel import GaussianProcessLeftOut, KernelRidgeLeftOut
from .kernel_linear import LinearKernel
from .linear import LinearFromGram, RidgeClassifierFromGram
from .naive_bayes import CategoricalFromCounts, DiscreteFromCounts
from .neighbours import NeighboursAmongAll
from .newton import Newton
from .out_of_bag import OutOfBag
from .scaled import Scaled

#: Values of the parameter ``shortcuts``, besides False.
LEVELS = ("exact", "approximate")

_FAMILIES: list[FromSums] = [
    LinearFromGram(),
    RidgeClassifierFromGram(),
    LinearDiscriminant(),
    QuadraticDiscriminant(),
    GaussianFromMoments(),
    DiscreteFromCounts(),
    CategoricalFromCounts(),
]
_SHORTCUTS: list[Shortcut] = [
    *_FAMILIES,
    *(Scaled(family) for family in _FAMILIES if family.follows_scaling),
    WithoutX(),
    KernelRidgeLeftOut(),
    LinearKernel(),
    GaussianProcessLeftOut(),
    NeighboursAmongAll(),
    OutOfBag(),
    FewerTrees(),
    Newton(),
]


def find_shortcut(
    learner: Learner, level: str | bool, *, exchangeable: bool, keep_models: bool
) -> Shortcut | None:
    """Find the shortcut that a learner's type and parameters allow.

    Parameters
    ----------
    learner : Learner
    level : {"exact", "approximate", False}
        What ``shortcuts`` says.
    exchangeable : bool
        Whether any row could have been held out with any other.
    keep_models : bool
        Whether the fold models are wanted.

    Returns
    -------
    shortcut : Shortcut or None
    """
    if level is False:
        return None
    for shortcut in _SHORTCUTS:
        if (
            (shortcut.exact or level == "approximate")
            and (shortcut.gives_models or not keep_models)
            and (exchangeable or not shortcut.needs_exchangeable)
            and shortcut.accepts(learner.estimator)
        ):
            return shortcut
    return None


def check_level(level: object) -> None:
    """Raise ValueError for what is no value of the parameter ``shortcuts``."""
    if level is not False and (not isinstance(level, str) or level not in LEVELS):
        raise ValueError(f"shortcuts must be 'exact', 'approximate' or False, got {level!r}.")
