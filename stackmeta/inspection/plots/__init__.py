"""Plots of a fitted stack, in scikit-learn's Display convention."""

from .calibration import calibration_display
from .combiner_curve import CombinerCurveDisplay
from .cost import CostDisplay
from .diversity import DiversityDisplay
from .selection_path import SelectionPathDisplay
from .timeline import TimelineDisplay
from .weights import WeightsDisplay

__all__ = [
    "CombinerCurveDisplay",
    "CostDisplay",
    "DiversityDisplay",
    "SelectionPathDisplay",
    "TimelineDisplay",
    "WeightsDisplay",
    "calibration_display",
]
