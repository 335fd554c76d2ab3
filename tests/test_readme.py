"""The README keeps its word: its commands are those that CI runs, its Python runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_two_commands():
    main_job, tests = blocks("sh")
    assert "examples/quickstart.py" in main_job
    assert (ROOT / "examples" / "quickstart.py").exists()
    assert "pytest" in tests
    for command in (main_job, tests):
        assert "-m venv" in command, "each command makes its own environment"
        assert len(command.replace("\\\n", "").strip().splitlines()) == 1, "one command a block"


@pytest.mark.skipif(os.name == "nt", reason=".ci/run is a bash script")
def test_ci_runs_the_test_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    shown = subprocess.run(
        ["bash", script, "--show-test-command"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == blocks("sh")[1].strip()
    assert "pytest" not in re.sub(r"#.*", "", script.read_text("utf-8")), "no second copy of it"


def test_python_runs(tmp_path):
    (code,) = blocks("python")
    script = tmp_path / "readme.py"
    script.write_text(code, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script], cwd=ROOT, env=environment, check=True, timeout=300)
