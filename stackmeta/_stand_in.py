"""What stands in where a task has too few rows for a learner of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


class StandIn:
    """The best mixture of the learners that know all tasks.

    Parameters
    ----------
    combiner : estimator
        Mixes their predictions.
    columns : dict of str to slice
        Columns of each learner in a matrix of predictions; names of those that are fitted to each
        task end in "_own".
    """

    def __init__(self, combiner: Any, columns: Mapping[str, slice]) -> None:
        self._combiner = combiner
        self._own = [where for name, where in columns.items() if name.endswith("_own")]
        self._others = [where for name, where in columns.items() if not name.endswith("_own")]

    def fit(self, matrix: np.ndarray, y: np.ndarray, **params: Any) -> None:
        """Fit the mixture to out-of-fold predictions."""
        self._combiner.fit(self._read(matrix), y, **params)

    def _read(self, matrix: np.ndarray) -> np.ndarray:
        return np.hstack([matrix[:, where] for where in self._others])

    def fill(self, matrix: np.ndarray, rows: np.ndarray) -> None:
        """Put the mixture in place of the tasks' own learners, in some rows of a matrix."""
        if len(rows) == 0:
            return
        others = self._read(matrix[rows])
        if hasattr(self._combiner, "predict_proba"):
            answer = self._combiner.predict_proba(others)
            answer = answer[:, 1:] if answer.shape[1] == 2 else answer
        else:
            answer = self._combiner.predict(others)[:, None]
        for where in self._own:
            matrix[rows, where] = answer
