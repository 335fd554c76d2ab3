"""Level 0: predictions for rows that the predicting model never saw."""

from .engine import out_of_fold
from .result import FitRecord, OutOfFold
from .store import OutOfFoldStore

__all__ = ["FitRecord", "OutOfFold", "OutOfFoldStore", "out_of_fold"]
