"""Stacked generalization for scikit-learn: faster, with any split, and nothing thrown away."""

from .combiners import *
from .out_of_fold import OutOfFold, out_of_fold
from .stacking import OutOfFoldTransformer, StackingClassifier, StackingRegressor

__all__ = [
    "OutOfFold",
    "OutOfFoldTransformer",
    "StackingClassifier",
    "StackingRegressor",
    "out_of_fold",
]
