"""Warnings that point at the caller's line, however deep they arise."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import FrameType

import joblib
import sklearn

_PACKAGE = Path(__file__).parents[1]
_INSIDE = tuple(
    f"{folder}{os.sep}"
    for folder in (_PACKAGE, Path(sklearn.__file__).parent, Path(joblib.__file__).parent)
)


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as if from the first frame outside stackmeta, scikit-learn and joblib."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
