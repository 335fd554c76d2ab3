"""The checks, run by people and by ``.ci/run`` alike: ``nox -l`` lists them.

Sessions without an environment of their own share one, ``.nox/tools``.
"""

import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
TOOLS = ROOT / ".nox" / "tools"
DIST = ROOT / "dist"
REQUIREMENTS = ["build", "mypy==2.4.*", "nbconvert", "pandas-stubs", "ruff==0.17.*", "twine>=6.1"]
#: Two files of tests at once: the fixtures of a file, such as a cluster, are started once.
TWO = ["-n", "2", "--dist", "loadfile"]
made: list[Path] = []

nox.needs_version = ">=2024.4.15"
nox.options.sessions = [
    "lint",
    "types",
    "doctests",
    "notebooks",
    "docs",
    "build",
    "wheel",
    "clusters",
    "slow",
]


def tool(session: nox.Session, *command: str) -> None:
    """Run ``python -m COMMAND`` in the shared environment, made once in a run of nox."""
    python = str(TOOLS / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    if not made:
        session.run(sys.executable, "-m", "venv", str(TOOLS), external=True)
        requirements = ["--editable", ".[test,docs]", *REQUIREMENTS]
        session.run(python, "-m", "pip", "install", "--quiet", *requirements, external=True)
        made.append(TOOLS)
    session.run(python, "-m", *command, external=True)


def floors() -> list[str]:
    """Pin each dependency to its lower bound in pyproject.toml."""
    dependencies = PROJECT["project"]["dependencies"]
    return [re.sub(r">=([\d.]+).*", r"==\1", dependency) for dependency in dependencies]


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Rules and format (ruff)."""
    tool(session, "ruff", "check")
    tool(session, "ruff", "format", "--check")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Types of the package (mypy)."""
    tool(session, "mypy")


@nox.session(venv_backend="none")
def doctests(session: nox.Session) -> None:
    """Examples in docstrings and in docs/*.md."""
    options = ["--doctest-modules", "--doctest-glob=*.md", "--ignore=docs/conf.py", *TWO]
    tool(session, "pytest", *options, "stackmeta", "docs", *session.posargs)


@nox.session(venv_backend="none")
def notebooks(session: nox.Session) -> None:
    """Execute the notebooks, which lie in the repository without outputs, for the docs."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not paths:
        session.error("no notebook to execute")
    for path in paths:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
            session.error(f"{path.name} has outputs: jupyter nbconvert --clear-output --inplace")
    execute = ["nbconvert", "--to", "notebook", "--execute", "--output-dir", "docs/notebooks"]
    tool(session, *execute, *map(str, paths))


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; a warning is an error."""
    tool(session, "sphinx", "-W", "--keep-going", "-E", "-b", "html", "docs", "docs/_build/html")


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build wheel and sdist into dist/ and check what they hold."""
    for old in DIST.glob("stackmeta-*"):
        old.unlink()
    tool(session, "build", "--outdir", str(DIST))
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    tool(session, "twine", "check", "--strict", str(wheel), str(sdist))
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.namelist()
    if "stackmeta/py.typed" not in packed:
        session.error("the wheel lacks py.typed")
    if astray := [n for n in packed if not re.match(r"stackmeta(-[^/]*\.dist-info)?/", n)]:
        session.error(f"the wheel holds {astray}")
    with tarfile.open(sdist) as archive:
        packed += archive.getnames()
    unwanted = re.compile(r"__pycache__|/_build/|/docs/notebooks/|/\.[^/]*cache/|shared/")
    if astray := [name for name in packed if unwanted.search(name)]:
        session.error(f"wheel or sdist holds {astray}")


@nox.session(requires=["build"])
def wheel(session: nox.Session) -> None:
    """Install the built wheel alone, and import and call it away from the repository."""
    session.install(*map(str, DIST.glob("*.whl")))
    session.run("python", "-m", "pip", "check")
    session.chdir(session.create_tmp())
    session.run("python", "-c", "import stackmeta; print(stackmeta.__file__)")
    session.run("stackmeta", "--help", silent=True)


@nox.session
@nox.parametrize(
    ("python", "versions"),
    [
        nox.param("3.11", "oldest", id="oldest"),
        nox.param(None, "1.8", id="1.8"),
        nox.param(None, "newest", id="newest"),
    ],
)
def tests(session: nox.Session, versions: str) -> None:
    """Run pytest on the oldest supported versions, scikit-learn 1.8, or the newest."""
    pins = {"oldest": floors(), "1.8": ["scikit-learn==1.8.*"], "newest": []}[versions]
    session.install("--editable", ".[test]", *pins)
    session.run("python", "-m", "pytest", *TWO, *session.posargs)


@nox.session
def clusters(session: nox.Session) -> None:
    """Run stacks on Ray, whose tests skip where it has no wheel; those on dask run by default."""
    session.install("--editable", ".[test]")
    session.install(*PROJECT["project"]["optional-dependencies"]["ray"], success_codes=[0, 1])
    session.run("python", "-m", "pytest", "tests/clusters/test_ray.py", *session.posargs)


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """Run the tests that the default run leaves out."""
    tool(session, "pytest", "-m", "slow", *TWO, "--durations=20", "tests", *session.posargs)
