"""How good a stack really is: from predictions that are there already, at no further base fit."""

from .audit import audit
from .calibration import expected_calibration_error, reliability
from .combined import check_level, check_rows_of_fit, cross_fit_combiner, known_groups
from .expected_loss import ExpectedLoss, expected_loss
from .findings import Audit, Finding
from .judging import Candidate
from .rolling import RollingEvaluation, rolling_evaluation
from .slices import loss_by
from .worst_slices import worst_slices

__all__ = [
    "Audit",
    "Candidate",
    "ExpectedLoss",
    "Finding",
    "RollingEvaluation",
    "audit",
    "check_level",
    "check_rows_of_fit",
    "cross_fit_combiner",
    "expected_calibration_error",
    "expected_loss",
    "known_groups",
    "loss_by",
    "reliability",
    "rolling_evaluation",
    "worst_slices",
]
