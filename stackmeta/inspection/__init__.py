"""What a fitted stack looks like."""

from .diversity import Diversity, diversity
from .leaderboard import leaderboard
from .plots import (
    CombinerCurveDisplay,
    CostDisplay,
    DiversityDisplay,
    SelectionPathDisplay,
    TimelineDisplay,
    WeightsDisplay,
    calibration_display,
)
from .shap_values import shap_values

__all__ = [
    "CombinerCurveDisplay",
    "CostDisplay",
    "Diversity",
    "DiversityDisplay",
    "SelectionPathDisplay",
    "TimelineDisplay",
    "WeightsDisplay",
    "calibration_display",
    "diversity",
    "leaderboard",
    "shap_values",
]
