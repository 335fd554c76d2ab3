"""TaskMemory: nothing is lost, nothing damaged is believed, nothing of the data is kept."""

import pickle
import sqlite3
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.base import clone

from stackmeta.experience import TaskMemory, TaskRecord

from .given import made_record


def same(one, other):
    return one.to_json() == other.to_json()


def test_records_come_back(tmp_path):
    memory = TaskMemory(tmp_path / "folder" / "memory.sqlite")
    assert len(memory) == 0
    assert memory.records() == []
    assert not memory.path.exists()  # reading makes nothing
    records = [made_record("a"), made_record("b", seed=1)]
    assert memory.add(*records) == 2
    assert len(memory) == 2
    assert all(map(same, memory.records(), records))
    assert [record.table for record in memory.records(without="a")] == ["b"]
    assert memory.records("classification") == []


def test_the_same_record_counts_once(tmp_path):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    assert memory.add(made_record()) == 1
    assert memory.add(made_record(), made_record("b")) == 1
    assert len(memory) == 2


def test_merge_and_export(tmp_path):
    one, other = (TaskMemory(tmp_path / name) for name in ("one", "other"))
    one.add(made_record("a"))
    other.add(made_record("a"), made_record("b"))
    assert one.merge(other) == 1
    one.export(tmp_path / "lines")
    third = TaskMemory(tmp_path / "third")
    lines = (tmp_path / "lines").read_text().splitlines()
    assert third.add(*TaskMemory.from_lines(lines)) == 2
    assert all(map(same, third.records(), one.records()))


def test_what_is_listed(tmp_path):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(made_record())
    (line,) = memory.describe().to_dict("records")
    assert line["rows"] == 200
    assert line["best learner"] == "booster"


def test_a_memory_is_a_parameter(tmp_path):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(made_record())
    assert len(pickle.loads(pickle.dumps(memory))) == 1
    assert clone(memory, safe=False) == memory


@pytest.mark.parametrize(
    "statement", ["UPDATE records SET record = 'other'", "DELETE FROM records"]
)
def test_append_only(tmp_path, statement):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(made_record())
    connection = sqlite3.connect(memory.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def damage(memory, change):
    with sqlite3.connect(memory.path) as connection:
        connection.execute("DROP TRIGGER append_only_update")
        connection.execute(f"UPDATE records SET record = {change} WHERE number = 1")
    connection.close()


@pytest.mark.parametrize(
    "change", ["replace(record, '0.', '1.')", "substr(record, 1, 40)", "''", "x'ff00fe'", "17"]
)
def test_damaged_records_are_skipped(tmp_path, change):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(made_record("a"), made_record("b"))
    damage(memory, change)
    with pytest.warns(UserWarning, match="damaged records, which are skipped: 1"):
        (left,) = memory.records()
    assert left.table == "b"


def test_records_of_a_later_version_are_skipped(tmp_path):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(made_record())
    text = made_record().to_json().replace('"version": 1', '"version": 2')
    with pytest.raises(ValueError, match="another version"):
        TaskRecord.from_json(text)


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes").write_text("not a database, and longer than a header of SQLite's" * 9)
    with pytest.raises(ValueError, match=r"notes is no memory of tasks, or is damaged"):
        TaskMemory(tmp_path / "notes").add(made_record())
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    for call in (lambda memory: memory.add(made_record()), lambda memory: memory.records()):
        with pytest.raises(ValueError, match="no memory of tasks"):
            call(TaskMemory(tmp_path / "other"))


def test_a_folder_is_no_memory(tmp_path):
    with pytest.raises(OSError, match="is a folder"):
        TaskMemory(tmp_path).add(made_record())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("losses", [np.nan, 1.0, 1.0, 1.0]),
        ("gram", np.eye(3)),
        ("seconds", [1.0]),
        ("weights", [np.inf, 0.0, 0.0, 0.0]),
        ("task", "clustering"),
    ],
)
def test_damaged_records_are_not_added(tmp_path, field, value):
    value = np.asarray(value) if field != "task" else value
    record = TaskRecord(**{**vars(made_record()), field: value})
    memory = TaskMemory(tmp_path / "memory.sqlite")
    with pytest.raises(ValueError, match=field if field != "task" else "task"):
        memory.add(record)
    assert len(memory) == 0


WRITER = textwrap.dedent(
    """
    import sys
    from stackmeta.experience import TaskMemory
    from tests.experience.given import made_record
    memory = TaskMemory(sys.argv[1])
    for number in range(15):
        memory.add(made_record(f"{sys.argv[2]}-{number}"))
    """
)


def test_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "memory.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(i)]) for i in range(3)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    tables = {record.table for record in TaskMemory(path).records()}
    assert tables == {f"{i}-{number}" for i in range(3) for number in range(15)}
