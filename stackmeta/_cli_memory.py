"""``stackmeta memory``: what a memory of tasks holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cli_io import UserError

if TYPE_CHECKING:
    from .experience import TaskMemory


def add_memory(commands: Any) -> None:
    """Add the command to a parser's commands."""
    memory = commands.add_parser(
        "memory",
        help="list, inspect, export or merge a memory of earlier tasks",
        description="List the tasks that SuperLearner*(experience=FILE) has recorded. A memory "
        "holds losses, seconds and weights, no rows of a table.",
    )
    memory.add_argument("file", metavar="FILE", help="the memory, or 'shipped' for the package's")
    what = memory.add_mutually_exclusive_group()
    what.add_argument(
        "--task", type=int, metavar="N", help="show the learners of one task of the list"
    )
    what.add_argument("--export", metavar="LINES", help="write all records as lines of JSON")
    what.add_argument(
        "--merge", nargs="+", metavar="OTHER", help="add the records of other memories"
    )
    memory.set_defaults(run=_memory)


def _memory(options: argparse.Namespace) -> None:
    from .experience.shipped import SHIPPED, shipped_records

    if options.file == SHIPPED:
        if options.merge:
            raise UserError("'shipped' is only read: --merge needs a file.")
        records = list(shipped_records())
    else:
        memory = _existing(options.file, may_be_new=bool(options.merge))
        if options.merge:
            others = [_existing(name) for name in options.merge]
            print(f"{_tried(memory.merge, *others)} records added to {memory.path}.")
            return
        records = _tried(memory.records)
    if options.export:
        text = "".join(record.to_json() + "\n" for record in records)
        _tried(Path(options.export).write_text, text, "utf-8")
    elif options.task is not None:
        _show(records, options.task)
    else:
        print(_listed(records))


def _existing(name: str, *, may_be_new: bool = False) -> TaskMemory:
    from .experience import TaskMemory

    if not may_be_new and not Path(name).is_file():
        raise UserError(f"{name} is no file. SuperLearner*(experience={name!r}) makes one.")
    return TaskMemory(name)


def _tried(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from error


def _listed(records: list) -> str:
    from .experience.memory import summary_of

    return summary_of(records).to_string() if records else "No task has been recorded."


def _show(records: list, number: int) -> None:
    import pandas as pd

    if not 0 <= number < len(records):
        raise UserError(f"--task {number}: there are tasks 0 to {len(records) - 1}.")
    record = records[number]
    print(f"table {record.table}, {record.task}")
    for name, value in record.description.items():
        print(f"  {name}: {value:.5g}")
    table = pd.DataFrame(
        {"loss": record.losses, "weight": record.weights, "seconds a fold": record.seconds},
        index=list(record.names),
    )
    print(table.sort_values("loss").round(4).to_string())
