"""Learners for tables with 1 to 20 labelled rows a class.

Their metric, or prior, was learned over earlier tables: weights of columns follow from what the
labelled rows say about them.

>>> from stackmeta.learners.few_shot import few_shot_learners
>>> [name for name, _ in few_shot_learners(random_state=0)]
['prototypes', 'soft_neighbours', 'prior_fitted', 'linear', 'extra_trees']
"""

from .folds import OneOfEachClassOut
from .listed import few_shot_learners
from .neighbours import SoftNeighboursClassifier
from .prior_fitted import PriorFittedClassifier
from .prototypes import PrototypeClassifier

__all__ = [
    "OneOfEachClassOut",
    "PriorFittedClassifier",
    "PrototypeClassifier",
    "SoftNeighboursClassifier",
    "few_shot_learners",
]
