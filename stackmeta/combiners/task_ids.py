"""Names of tasks (hospitals, shops, users) as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

#: The number of a task that is not known.
UNKNOWN = -1


class TaskIds:
    """Numbers of tasks, in the order in which they were met; all that are missing are one.

    Examples
    --------
    >>> from stackmeta.combiners.task_ids import TaskIds
    >>> ids = TaskIds()
    >>> ids.add(["north", "south", "north"]), ids.find(["south", "east"])
    (array([0, 1, 0]), array([ 1, -1]))
    """

    def __init__(self) -> None:
        self._number: dict[Any, int] = {}

    @property
    def names(self) -> list:
        """The tasks, by number."""
        return list(self._number)

    def add(self, tasks: Any) -> np.ndarray:
        """Give tasks their numbers, and those that were not met before the next ones."""
        number = self._number
        return np.array([number.setdefault(v, len(number)) for v in _plain(tasks)], dtype=int)

    def find(self, tasks: Any) -> np.ndarray:
        """Look up numbers of tasks; -1 for those that are not known."""
        return np.array([self._number.get(v, UNKNOWN) for v in _plain(tasks)], dtype=int)


def _plain(tasks: Any) -> list:
    """Tasks as objects that can be looked up; None for all that are missing."""
    tasks = tasks.toarray() if hasattr(tasks, "toarray") else tasks
    values = np.asarray(tasks) if not isinstance(tasks, np.ndarray) else tasks
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"task should have one value a row; got shape {values.shape}.")
    return [None if _is_missing(value) else value for value in values.tolist()]


def _is_missing(value: Any) -> bool:
    return value is None or value != value or str(value) in ("NaT", "<NA>")
