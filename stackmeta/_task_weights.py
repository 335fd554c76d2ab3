"""Which task has which weights, and the leaderboard of all tasks or of one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .combiners.task_ids import TaskIds
from .out_of_fold import OutOfFold

if TYPE_CHECKING:
    import pandas as pd


class TaskWeights:
    """What a fitted multi-task stack says of its learners."""

    oof_: OutOfFold
    combiner_: Any
    _ids: TaskIds
    _codes_of_fit: np.ndarray

    @property
    def tasks_(self) -> list:
        """The tasks that are known."""
        check_is_fitted(self)
        return self._ids.names

    @property
    def learner_weights_(self) -> dict[str, float]:
        """The population's weight of each learner by name."""
        check_is_fitted(self)
        return dict(zip(self.oof_.names, map(float, self.combiner_.weights_), strict=True))

    @property
    def task_weights_(self) -> pd.DataFrame:
        """Weights of the learners (columns) in each task (index)."""
        import pandas as pd

        check_is_fitted(self)
        return pd.DataFrame(
            self.combiner_.task_weights_,
            index=pd.Index(
                [self.tasks_[int(code)] for code in self.combiner_.tasks_], name="task"
            ),
            columns=self.oof_.names,
        )

    def leaderboard(self, task: Any = None) -> pd.DataFrame:
        """List the learners, best first.

        Parameters
        ----------
        task : object, default=None
            A task; None for all rows and the population's weights.

        Returns
        -------
        table : DataFrame
            ``learner``, ``scope``, ``loss`` (out of fold; its name is in ``attrs["loss"]``),
            ``weight``, ``fit_seconds`` and ``path``. Where a task is too small for its own
            learner, the other scopes' best mixture stands in.

        Raises
        ------
        ValueError
            If the task was not in ``fit``.
        """
        from .inspection import leaderboard

        check_is_fitted(self)
        oof, weights = self.oof_, self.learner_weights_
        if task is not None:
            (code,) = self._ids.find([task])
            rows = np.flatnonzero(self._codes_of_fit == code)
            if len(rows) == 0:
                raise ValueError(
                    f"task={task!r} had no row in fit; known are {self.tasks_!s:.300}."
                )
            nothing = np.full_like(oof.by_repeat, np.nan)
            nothing[:, rows] = oof.by_repeat[:, rows]
            oof = replace(oof, by_repeat=nothing)
            if task in (of_task := self.task_weights_).index:
                weights = of_task.loc[task].to_dict()
        table = leaderboard(oof, weights)
        table.insert(1, "scope", table["learner"].str.rpartition("_")[2])
        return table
