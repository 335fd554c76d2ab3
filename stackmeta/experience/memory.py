"""TaskMemory: records of earlier tasks in one file."""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .record import TASKS, TaskRecord

if TYPE_CHECKING:
    import pandas as pd

# What PRAGMA user_version says; 0 is a new file.
_VERSION = 1
# "stackmeta", in a way: tells our files from other people's SQLite files.
_APPLICATION = 0x57AC3E7A
# Seconds that a writer waits for others.
_PATIENCE = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY,
    added TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    digest TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS append_only_update BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'a memory is append-only'); END;
CREATE TRIGGER IF NOT EXISTS append_only_delete BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'a memory is append-only'); END;
"""


class TaskMemory:
    """What earlier fits taught: for each task, how it was and how its learners did.

    A record holds numbers such as rows, columns, losses, seconds and weights, but no row of a
    table, and names of columns only if asked for. Records are only ever added. Several
    processes may add to one file at once.

    Parameters
    ----------
    path : str or Path
        An SQLite file, which is made when the first record is added.
    column_names : bool, default=False
        Whether names of columns are recorded.

    See Also
    --------
    SuperLearnerClassifier : Records its fits with ``experience=``, and learns from the records.
    MetaTrainer : Fills a memory from tables, and tests what it is worth.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from stackmeta import SuperLearnerClassifier
    >>> from stackmeta.experience import TaskMemory
    >>> memory = TaskMemory(Path(tempfile.mkdtemp()) / "memory.sqlite")
    >>> learner = SuperLearnerClassifier(["linear", "neighbours"], levels=1, experience=memory)
    >>> X, y = load_iris(return_X_y=True)
    >>> learner = learner.set_params(random_state=0).fit(X, y)
    >>> len(memory)
    1
    >>> record = memory.records()[0]
    >>> record.task, record.names, record.n_rows
    ('classification', ('linear', 'neighbours'), 150)
    """

    def __init__(self, path: str | os.PathLike, *, column_names: bool = False) -> None:
        self.path = Path(path)
        self.column_names = column_names

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskMemory) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.path, self.column_names))

    def __len__(self) -> int:
        with self._connection() as connection:
            if connection is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])

    def add(self, *records: TaskRecord) -> int:
        """Add records; what is there already is not added again.

        Parameters
        ----------
        *records : TaskRecord

        Returns
        -------
        n_added : int

        Raises
        ------
        ValueError
            If a record is damaged, or the file is no memory.
        OSError
            If the file cannot be written.
        """
        for record in records:
            record.check()
        rows = [(_digest(text), text) for text in (record.to_json() for record in records)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection(write=True) as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO records (digest, record) VALUES (?, ?)", rows
            )
            return int(connection.total_changes - before)

    def records(self, task: str | None = None, *, without: str | None = None) -> list[TaskRecord]:
        """Read the records, oldest first; damaged ones are skipped with a warning.

        Parameters
        ----------
        task : {"classification", "regression"}, default=None
            Only those of this kind.
        without : str, default=None
            But for those of this table.

        Returns
        -------
        records : list of TaskRecord
        """
        if task not in (None, *TASKS):
            raise ValueError(f"task must be one of {[*TASKS]} or None, got {task!r}.")
        found, damaged = [], []
        for number, digest, text in self._rows():
            try:
                if not isinstance(text, str) or _digest(text) != digest:
                    raise ValueError("its checksum is another")
                record = TaskRecord.from_json(text)
            except (ValueError, TypeError) as error:
                damaged.append(f"{number} ({error})")
                continue
            if task in (None, record.task) and record.table != without:
                found.append(record)
        if damaged:
            warnings.warn(
                f"{self} has damaged records, which are skipped: {', '.join(damaged)}.",
                UserWarning,
                stacklevel=2,
            )
        return found

    def merge(self, *others: TaskMemory) -> int:
        """Add the records of other memories.

        Parameters
        ----------
        *others : TaskMemory

        Returns
        -------
        n_added : int
        """
        return self.add(*(record for other in others for record in other.records()))

    def export(self, path: str | os.PathLike) -> None:
        """Write the records as text, one JSON object a line.

        Parameters
        ----------
        path : str or Path
            File to write; ``TaskMemory.from_lines`` reads it.
        """
        lines = "".join(record.to_json() + "\n" for record in self.records())
        Path(path).write_text(lines, "utf-8")

    @staticmethod
    def from_lines(lines: Iterable[str]) -> list[TaskRecord]:
        """Read what ``export`` wrote, for ``add``.

        Parameters
        ----------
        lines : iterable of str

        Returns
        -------
        records : list of TaskRecord
        """
        return [TaskRecord.from_json(line) for line in lines if line.strip()]

    def describe(self) -> pd.DataFrame:
        """Give a line a record: the task, its best learner, and the seconds of a fold of all.

        Returns
        -------
        table : DataFrame of shape (n_records, 9)
        """
        return summary_of(self.records())

    def _rows(self) -> Iterator[tuple[int, str, Any]]:
        with self._connection() as connection:
            if connection is None:
                return
            yield from connection.execute(
                "SELECT number, digest, record FROM records ORDER BY number"
            ).fetchall()

    @contextmanager
    def _connection(self, *, write: bool = False) -> Iterator[Any]:
        """Open the file, which reading does not make: None where there is none."""
        if not write and not self.path.exists():
            yield None
            return
        if self.path.is_dir():
            raise OSError(f"{self.path} is a folder: a memory is a file, such as one in it.")
        mode = "rwc" if write else "ro"
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as connection:
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                self._check(connection, write)
                with connection:
                    yield connection
        except sqlite3.OperationalError as error:
            raise OSError(
                f"{self.path} cannot be {'written' if write else 'read'}: {error}."
            ) from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path} is no memory of tasks, or is damaged ({error}). Give another path; "
                "what can be read of a damaged file, `sqlite3 FILE .recover` saves."
            ) from error

    def _check(self, connection: sqlite3.Connection, write: bool) -> None:
        def pragma(name: str) -> int:
            return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

        if write and pragma("application_id") == 0 and pragma("schema_version") == 0:
            # Of several that make the file, each does the same, one after the other.
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.executescript(_SCHEMA)
            return
        if pragma("application_id") != _APPLICATION:
            raise ValueError(f"{self.path} is an SQLite file, but no memory of tasks.")
        if pragma("user_version") > _VERSION:
            raise ValueError(
                f"{self.path} is of a later version of stackmeta, which is needed to read it."
            )
        if write:
            connection.executescript(_SCHEMA)


def summary_of(records: Sequence[TaskRecord]) -> pd.DataFrame:
    """Give a line a record, as :meth:`TaskMemory.describe`."""
    import pandas as pd

    lines = []
    for record in records:
        best = int(record.losses.argmin())
        lines.append(
            {
                "table": record.table[:16],
                "task": record.task,
                "rows": record.n_rows,
                "columns": int(record.description["n_columns"]),
                "classes": int(record.description["n_classes"]),
                "learners": len(record.names),
                "best learner": record.names[best],
                "loss": round(float(record.losses[best]), 4),
                "seconds": round(float(record.seconds.sum()), 1),
            }
        )
    return pd.DataFrame(lines)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
