"""The meta-learner of each fold: fitted on the rows that the other folds held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..meta_features import CombinerTask
from ..out_of_fold.response import respond
from ..out_of_fold.target import Target
from .combined import all_classes, cross_fit, usable


class FoldCombiners:
    """A meta-learner, cross-fitted over the folds of the learners, with its fold models.

    Parameters
    ----------
    final : estimator
        Meta-learner.
    task : CombinerTask
        What it was fitted on.
    target : Target
        Of all rows.
    n_jobs : int, default=None

    Attributes
    ----------
    block : ndarray of shape (n_rows, n_columns)
        Its predictions of the rows that each fold held out; NaN where there is none.
    method : str
        What it answered with.
    """

    def __init__(
        self, final: Any, task: CombinerTask, target: Target, *, n_jobs: int | None = None
    ) -> None:
        fits = usable(final, task)
        oof = cross_fit(final, task, fits, keep_models=True, shortcuts=False, n_jobs=n_jobs)
        self.method = oof.methods["stack"]
        self._average, self._target, self._present = (
            oof.models["stack"],
            target.without_y(),
            task.labels.present,
        )
        # A fold without a meta-learner of its own held out no row that counts: any will do.
        self._position = np.cumsum(fits) - 1
        self._position[self._position < 0] = 0
        self.block = np.full((len(target.y), target.n_columns(self.method)), np.nan)
        self.block[task.rows] = all_classes(oof.matrix, self.method, target, self._present)

    def predict(self, table: Any, fold: int) -> np.ndarray:
        """Predict new rows with the meta-learner of one fold.

        Parameters
        ----------
        table : array-like of shape (n_new, n_features)
            Meta-features.
        fold : int

        Returns
        -------
        block : ndarray of shape (n_new, n_columns)
        """
        position, average = self._position[fold], self._average
        model, present = average.models[position], average.present[position]
        block = respond(model, table, self.method, average.target, present)
        return all_classes(block, self.method, self._target, self._present)
