"""``stackmeta memory``."""

import pytest

from stackmeta.__main__ import main
from stackmeta.experience import TaskMemory

from .given import made_record


@pytest.fixture
def memory(tmp_path):
    memory = TaskMemory(tmp_path / "memory.sqlite")
    memory.add(made_record("first"), made_record("second", seed=1))
    return memory


def test_list_and_inspect(memory, capsys):
    assert main(["memory", str(memory.path)]) == 0
    listed = capsys.readouterr().out
    assert "first" in listed
    assert "booster" in listed
    assert main(["memory", str(memory.path), "--task", "1"]) == 0
    shown = capsys.readouterr().out
    assert "table second, regression" in shown
    assert "n_rows: 200" in shown
    # Best first.
    assert shown.index("booster") < shown.index("linear")


def test_export_and_merge(memory, tmp_path, capsys):
    assert main(["memory", str(memory.path), "--export", str(tmp_path / "lines")]) == 0
    assert len(TaskMemory.from_lines((tmp_path / "lines").read_text().splitlines())) == 2
    assert main(["memory", str(tmp_path / "new"), "--merge", str(memory.path)]) == 0
    assert "2 records added" in capsys.readouterr().out
    assert len(TaskMemory(tmp_path / "new")) == 2


def test_what_is_shipped(capsys):
    assert main(["memory", "shipped"]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is no file"),
        (["shipped", "--merge", "x"], "only read"),
        (["{memory}", "--task", "7"], "there are tasks 0 to 1"),
        (["{memory}", "--merge", "nowhere"], "nowhere is no file"),
        (["{text}"], "no memory of tasks"),
        (["{memory}", "--export", "/nowhere/lines"], "No such file"),
    ],
)
def test_errors_say_what_to_do(memory, tmp_path, capsys, arguments, message):
    (tmp_path / "text").write_text("no database, but longer than the header of one" * 99)
    places = {"memory": memory.path, "text": tmp_path / "text"}
    assert main(["memory", *(argument.format(**places) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err
