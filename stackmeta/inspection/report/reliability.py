"""How often probabilities come true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..judged import Judged

_N_BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Bins of about as many rows each.

    Attributes
    ----------
    predicted, observed : ndarray of shape (n_bins,)
        Mean probability, and share that came true.
    n_rows : ndarray of shape (n_bins,)
    what : str
        Whose probability.
    """

    predicted: np.ndarray
    observed: np.ndarray
    n_rows: np.ndarray
    what: str


def reliability(judged: Judged) -> Reliability:
    """Bin the probability of the second of two classes, or of the likeliest of several."""
    probabilities, classes = judged.probabilities, judged.classes
    assert probabilities is not None
    assert classes is not None
    if len(classes) == 2:
        sure, true = probabilities[:, 1], judged.codes == 1
        what = f"probability of {classes[1]}"
    else:
        likeliest = probabilities.argmax(axis=1)
        sure, true = probabilities.max(axis=1), judged.codes == likeliest
        what = "probability of the likeliest class"
    order = np.argsort(sure, kind="stable")
    bins = [part for part in np.array_split(order, min(_N_BINS, len(order))) if len(part)]
    return Reliability(
        np.array([sure[part].mean() for part in bins]),
        np.array([true[part].mean() for part in bins]),
        np.array([len(part) for part in bins]),
        what,
    )


def expected_calibration_error(found: Reliability) -> float:
    """Mean distance between predicted and observed, weighted by rows."""
    gaps = np.abs(found.predicted - found.observed)
    return float(np.average(gaps, weights=found.n_rows))
