"""Run a piece of a benchmark in a process of its own; measure it and all it starts.

A child prints one line of JSON and waits; meanwhile the parent samples the proportional set
size (shared pages are split among those who map them) of the whole process tree. Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Process ids of a process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue.extend(children.get(found[-1], []))
    return found


def proportional_bytes(pid: int) -> int:
    """Proportional set size of one process."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith("Pss:")), 0)


def cpu_seconds(pid: int) -> float:
    """User and system seconds of one process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICK


class Sampler(threading.Thread):
    """Peak of the proportional set size of a process tree, every 50 ms."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()

    def run(self) -> None:
        """Sample until told to end."""
        while not self.ended.wait(0.05):
            self.peak = max(self.peak, sum(map(proportional_bytes, tree(self.pid))))


def run_child(script: str, **options: object) -> dict:
    """Run ``script --child OPTIONS``; return what it printed, its peak bytes and CPU seconds."""
    child = subprocess.Popen(
        [sys.executable, script, "--child", json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert child.stdout is not None
    sampler = Sampler(child.pid)
    lines = []
    for line in child.stdout:
        if line.startswith("ready"):
            before = sum(map(cpu_seconds, tree(child.pid)))
            sampler.start()
            print("go", file=child.stdin, flush=True)
        elif line.startswith("{"):
            lines.append(json.loads(line))
            spent = sum(map(cpu_seconds, tree(child.pid))) - before
            sampler.ended.set()
            print("end", file=child.stdin, flush=True)
    if child.wait() or not lines:
        raise RuntimeError(f"{options} ended with {child.returncode}")
    return lines[0] | {"peak": sampler.peak, "cpu": spent}


def child_ready() -> None:
    """In the child, when all is prepared: wait for the sampler."""
    print("ready", flush=True)
    sys.stdin.readline()


def child_done(**result: object) -> None:
    """In the child: hand over the result and stay until it has been read."""
    print(json.dumps(result), flush=True)
    sys.stdin.readline()
