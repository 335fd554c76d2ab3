"""What the package itself has learned: records of tasks, made by benchmarks/experience.py."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from .memory import TaskMemory
from .record import TaskRecord

#: What ``experience=`` says for these records alone.
SHIPPED = "shipped"
_FILE = "shipped.jsonl.gz"


@cache
def shipped_records() -> tuple[TaskRecord, ...]:
    """Read the records of the package; none where the file is not installed."""
    file = files(__package__) / _FILE
    if not file.is_file():
        return ()
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").splitlines()
    return tuple(TaskMemory.from_lines(lines))
