"""Level 0: predictions for rows that the predicting model never saw."""

from .engine import out_of_fold
from .result import FitRecord, OutOfFold

__all__ = ["FitRecord", "OutOfFold", "out_of_fold"]
