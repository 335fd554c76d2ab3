"""scikit-learn's CalibrationDisplay, of predictions for rows that the stack was not fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..inspected import inspected
from ..judged import judged_out_of_fold
from .axes import pyplot


def calibration_display(
    stack: Any, *, pos_label: Any = None, n_bins: int = 10, strategy: str = "quantile", **plot: Any
) -> Any:
    """Plot the reliability of a fitted stack's probabilities, from out-of-fold predictions.

    Parameters
    ----------
    stack : estimator
        Fitted stack or super learner of classes. A convex combination stands in for a
        meta-learner that reads columns of X; the label says so.
    pos_label : label, default=None
        The class whose probability is looked at; the last of ``classes_`` by default.
    n_bins : int, default=10
        Bins of probability.
    strategy : {"quantile", "uniform"}, default="quantile"
        Bins of as many rows each, or of the same width.
    **plot : dict
        Passed to :meth:`sklearn.calibration.CalibrationDisplay.from_predictions`.

    Returns
    -------
    display : :class:`~sklearn.calibration.CalibrationDisplay`

    Raises
    ------
    ValueError
        If the stack gives no probabilities of classes.
    """
    pyplot("calibration_display")
    from sklearn.calibration import CalibrationDisplay

    judged = judged_out_of_fold(inspected(stack, "calibration_display"))
    if judged is None or judged.probabilities is None:
        raise ValueError("The stack gives no probabilities of classes to look at.")
    classes = judged.classes
    assert classes is not None
    code = len(classes) - 1
    if pos_label is not None:
        found = np.flatnonzero(classes == pos_label)
        if len(found) == 0:
            raise ValueError(f"pos_label={pos_label!r} is none of the classes {classes.tolist()}.")
        code = int(found[0])
    return CalibrationDisplay.from_predictions(
        (judged.codes == code).astype(int),
        judged.probabilities[:, code],
        n_bins=n_bins,
        strategy=strategy,
        **{"name": judged.of, **plot},
    )
