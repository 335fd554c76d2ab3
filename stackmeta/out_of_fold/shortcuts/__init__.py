"""Out-of-fold predictions of all folds for about the cost of one fit."""

from .find import LEVELS, check_level, find_shortcut
from .job import Answer, DeclinedError, Job, Shortcut

__all__ = ["LEVELS", "Answer", "DeclinedError", "Job", "Shortcut", "check_level", "find_shortcut"]
