"""How much memory is free, what fits take, and which may therefore run beside which."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from scipy.sparse import issparse

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
# Until a learner has been seen: the rows of a fold twice, for a copy and for what is made of it.
_GUESS = 2.0


def free_bytes() -> int:
    """Tell what is free: of the machine's memory, and of what its control groups allow.

    Raises
    ------
    NotImplementedError
        Where the system does not say.
    """
    try:
        lines = (_PROC / "meminfo").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("MemAvailable"))
        free = int(line.split()[1]) * 1024
    except (OSError, ValueError) as error:
        names = getattr(os, "sysconf_names", {})
        if "SC_AVPHYS_PAGES" not in names:
            raise NotImplementedError(
                "This system does not say how much memory is free: give memory_limit in bytes."
            ) from error
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([free, *_left_in_groups()])


def _left_in_groups() -> list[int]:
    """Memory that is left in each control group around this process (versions 1 and 2)."""
    try:
        lines = (_PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, kinds, name = line.split(":", 2)
        if not kinds:
            top, files = _GROUPS, ("memory.max", "memory.current")
        elif "memory" in kinds.split(","):
            top, files = _GROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        group = top / name.strip("/")
        while True:
            # "max" stands for no limit; a container may not show the groups around it.
            with contextlib.suppress(OSError, ValueError):
                limit, used = (int((group / file).read_text()) for file in files)
                found.append(max(limit - used, 0))
            if group == top:
                break
            group = group.parent
    return found


def limit_in_bytes(limit: float | None) -> float | None:
    """Spell out ``memory_limit``: bytes, or a share of what is free."""
    if isinstance(limit, float) and limit <= 1:
        return limit * free_bytes()
    return limit


def bytes_of(X: Any) -> int:
    """Tell about how many bytes a table takes."""
    if issparse(X):
        return int(getattr(X, "data", np.empty(0)).nbytes)
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage().sum())
    return int(getattr(X, "nbytes", 0)) or sys.getsizeof(X)


class PeakMemory:
    """``with PeakMemory() as peak:`` measures how far this process's memory has grown meanwhile.

    Attributes
    ----------
    bytes : int
        0 where the system does not say.
    """

    bytes = 0

    def __enter__(self) -> PeakMemory:
        # Without the reset the peak of an earlier fit would count as this one's.
        with contextlib.suppress(OSError):
            (_PROC / "self" / "clear_refs").write_text("5")
        self._before = _status("VmRSS")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bytes = max(_status("VmHWM") - self._before, 0)


def _status(name: str) -> int:
    with contextlib.suppress(OSError):
        for line in (_PROC / "self" / "status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


class Budget:
    """Says which fits may run beside those that run, by what each learner has taken so far.

    Parameters
    ----------
    limit : float
        Bytes that all fits that run at once may take.
    row_bytes : float
        Bytes of a row of X.
    """

    def __init__(self, limit: float, row_bytes: float) -> None:
        self._limit = limit
        self._row_bytes = row_bytes
        self._known: dict[int, float] = {}

    def learn(self, learner: int, n_rows: int, n_bytes: int) -> None:
        """Take note of what a fit took."""
        self._known[learner] = max(self._known.get(learner, 0.0), n_bytes / max(n_rows, 1))

    def allows(self, fit: tuple[int, int], running: Collection[tuple[int, int]]) -> bool:
        """Whether a fit, as (learner, rows), fits beside those that run; alone, any does."""
        if not running:
            return True
        # What two learners will take of which nothing is known is anybody's guess.
        if fit[0] not in self._known and any(one not in self._known for one, _ in running):
            return False
        return sum(self._expected(*one) for one in [fit, *running]) <= self._limit

    def _expected(self, learner: int, n_rows: int) -> float:
        return n_rows * self._known.get(learner, _GUESS * self._row_bytes)
