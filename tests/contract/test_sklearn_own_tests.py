"""scikit-learn's own test file for stacking passes, whole, with only its import pointed at ours.

The file is read from the installed scikit-learn when the test runs: whatever that version
demands of a stack, it demands of ours. ``rewritten`` changes the one import statement, and
refuses a file in which the two classes come in by any other door.
"""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sklearn.ensemble

import stackmeta

NAMES = {"StackingClassifier", "StackingRegressor"}
SECONDS = 900


def own_tests() -> str:
    """Source of scikit-learn's test file for stacking, as installed."""
    return Path(find_spec("sklearn.ensemble.tests.test_stacking").origin).read_text("utf-8")


def rewritten(source: str, module: str = "stackmeta") -> str:
    """Import ``NAMES`` from ``module``; every other line stays as and where it is."""
    tree = ast.parse(source)
    doors = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and names(n) & NAMES]
    if len(doors) != 1 or doors[0] not in tree.body or doors[0].module != "sklearn.ensemble":
        raise AssertionError(f"not one import from sklearn.ensemble: {[*map(ast.unparse, doors)]}")
    (door,) = doors
    ours = [alias for alias in door.names if alias.name in NAMES]
    if names(door) & NAMES != NAMES or any(alias.asname for alias in ours):
        raise AssertionError(f"partial or renaming: {ast.unparse(door)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            raise AssertionError(f"line {node.lineno} takes {node.attr} from a module")
        if isinstance(node, ast.Name) and node.id in NAMES and not isinstance(node.ctx, ast.Load):
            raise AssertionError(f"line {node.lineno} binds {node.id} anew")
        if isinstance(node, ast.ImportFrom) and "*" in names(node):
            raise AssertionError(f"line {node.lineno} imports everything from {node.module}")

    statements = [ast.ImportFrom(module, ours, 0)]
    if others := [alias for alias in door.names if alias.name not in NAMES]:
        statements.append(ast.ImportFrom(door.module, others, 0))
    lines = source.splitlines(keepends=True)
    height = door.end_lineno - door.lineno + 1
    lines[door.lineno - 1 : door.end_lineno] = [
        "; ".join(map(ast.unparse, statements)) + "\n" * height
    ]
    return "".join(lines)


def names(node: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names}


def run(source: str, folder: Path) -> tuple[dict[str, str], int, str]:
    """Run a test file away from our settings: test -> outcome, tests collected, the printout."""
    folder.mkdir()
    path, report = folder / "test_stacking.py", folder / "report.xml"
    path.write_text(source, "utf-8")
    alone = ["-c", "/dev/null", f"--rootdir={folder}", "-p", "no:cacheprovider"]
    fixtures = ["-p", "sklearn.conftest"]  # what the file finds around it at home
    command = [sys.executable, "-m", "pytest", *alone, *fixtures, f"--junitxml={report}", path]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(stackmeta.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    printed = done.stdout + done.stderr
    if not (all_of_them := re.search(r"^collected (\d+) items?$", printed, re.MULTILINE)):
        raise AssertionError(f"not collected whole:\n{printed}")
    cases = ElementTree.parse(report).iter("testcase")
    outcomes = {
        f"{case.get('classname')}::{case.get('name')}": "+".join(
            child.tag for child in case if child.tag in {"failure", "error", "skipped"}
        )
        or "passed"
        for case in cases
    }
    return outcomes, int(all_of_them[1]), printed


def check(source: str, folder: Path, module: str = "stackmeta") -> int:
    """Assert that the rewritten file passes whole; return how many of its tests passed."""
    outcomes, collected, printed = run(rewritten(source, module), folder / "ours")
    assert not {"failure", "error"} & set("+".join(outcomes.values()).split("+")), printed
    passed = {test for test, outcome in outcomes.items() if outcome == "passed"}
    left_out = set(outcomes) - passed
    if left_out:  # skipped or expected to fail: only where the untouched file does the same
        at_home, _, _ = run(source, folder / "untouched")
        assert left_out <= {test for test in at_home if at_home[test] != "passed"}, printed
    assert len(passed) == collected - len(left_out) > 0, printed
    return len(passed)


def test_own_tests_pass_on_our_classes(tmp_path):
    for name in NAMES:
        assert getattr(stackmeta, name) is not getattr(sklearn.ensemble, name)
    assert check(own_tests(), tmp_path) > 50


SOURCE = """
import pytest
from sklearn.ensemble import (
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
)

def test_class():
    assert StackingClassifier.__module__.split(".")[0] == {home!r}

@pytest.mark.parametrize("number", [1, 2])
def test_line(number):
    import inspect
    assert inspect.currentframe().f_lineno == 15
"""


def test_harness_counts_and_keeps_lines(tmp_path):
    source = SOURCE.format(home="stackmeta")
    assert check(source, tmp_path) == 3
    assert len(rewritten(source).splitlines()) == len(source.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("addition", "complaint"),
    [
        ("def test_more(): assert False", "FAILED .*test_more"),
        ("def test_more(fixture_that_is_nowhere): pass", "ERROR .*test_more"),
        ("assert False", "not collected whole"),
        (
            "def test_more():\n    if StackingClassifier.__module__[:5] == 'stack': pytest.skip()",
            "3 passed, 1 skipped",
        ),
        (
            "@pytest.mark.xfail(StackingClassifier.__module__[:5] == 'stack', reason='')\n"
            "def test_more(): assert StackingClassifier.__module__[:5] != 'stack'",
            "3 passed, 1 xfailed",
        ),
    ],
    ids=["failure", "error", "collection", "skip", "xfail"],
)
def test_harness_can_fail(addition, complaint, tmp_path):
    with pytest.raises(AssertionError, match=complaint):
        check(SOURCE.format(home="stackmeta") + addition, tmp_path)


def test_harness_allows_what_is_skipped_at_home(tmp_path):
    addition = "@pytest.mark.skip\ndef test_more(): assert False"
    assert check(SOURCE.format(home="stackmeta") + addition, tmp_path) == 3


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.ensemble import VotingClassifier",
        "from sklearn.ensemble import StackingClassifier",
        "from sklearn.ensemble import StackingClassifier as S, StackingRegressor",
        "from sklearn.ensemble._stacking import StackingClassifier, StackingRegressor",
        "def f():\n    from sklearn.ensemble import StackingClassifier, StackingRegressor",
        "from sklearn.ensemble import StackingClassifier, StackingRegressor\n"
        "from sklearn.ensemble._stacking import StackingRegressor",
        "from sklearn.ensemble import StackingClassifier, StackingRegressor\n"
        "StackingRegressor = 0",
        "from sklearn.ensemble import StackingClassifier, StackingRegressor\n"
        "from sklearn.svm import *",
        "from sklearn.ensemble import StackingClassifier, StackingRegressor\n"
        "import sklearn\nsklearn.ensemble.StackingRegressor",
    ],
)
def test_other_doors_are_refused(source):
    with pytest.raises(AssertionError):
        rewritten(source)
