"""Configuration of Sphinx: `nox -s docs`, or `sphinx-build -W docs docs/_build/html`."""

import json
import shutil
from pathlib import Path

from docutils.utils import get_source_line

import stackmeta

project = "stackmeta"
author = "The stackmeta developers"
copyright = f"2026, {author}"
version = release = stackmeta.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
# The first is that of the pages which autosummary writes.
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say them, with shapes
numpydoc_show_class_members = False  # the class template lists them

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_toc_level": 2,
}
html_title = project
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {"index": [], "tutorial": [], "benchmarks": []}  # nothing lies below them
html_show_sourcelink = False
html_copy_source = False  # doctest would run the copies

HERE = Path(__file__).parent


def cells(path):
    """Kind and source of each cell of a notebook, and whether any has an output."""
    read = json.loads(path.read_text("utf-8"))["cells"]
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in read]
    return sources, any(cell.get("outputs") for cell in read)


def bring_notebooks():
    """Copy the notebooks beside the pages, and list those that need not be executed.

    ``nox -s notebooks`` leaves them there with their outputs. The build executes those that
    are missing there, or have changed since.
    """
    folder = HERE / "notebooks"
    folder.mkdir(exist_ok=True)
    originals = {path.name: path for path in (HERE.parent / "notebooks").glob("*.ipynb")}
    executed = []
    for path in folder.glob("*.ipynb"):
        if path.name not in originals:
            path.unlink()
        elif cells(path) == (cells(originals[path.name])[0], True):
            executed.append(f"notebooks/{path.name}")
    for name, path in originals.items():
        if f"notebooks/{name}" not in executed:
            shutil.copyfile(path, folder / name)
    return executed


nb_execution_mode = "force"
nb_execution_excludepatterns = bring_notebooks()
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

SKLEARN_TERMS = {"fit"}  # terms of scikit-learn's glossary in docstrings of our own


def leave_sklearn_targets_plain(app, env, node, content):
    """Turn references into scikit-learn's documentation into plain text.

    Docstrings that we inherit from scikit-learn make them. Any other missing target is a
    warning, and a warning fails the build.
    """
    if node.get("reftype") not in {"ref", "term"}:
        return None
    source, _ = get_source_line(node)
    inherited = "docstring of sklearn." in (source or "")
    return content if inherited or node["reftarget"] in SKLEARN_TERMS else None


def api_names(path):
    """Names that the autosummary tables of a page list."""
    lines = map(str.strip, path.read_text("utf-8").splitlines())
    return {line for line in lines if line.isidentifier()}


def setup(app):
    """Connect the above, and see that the API page misses nothing that users can import."""
    app.connect("missing-reference", leave_sklearn_targets_plain)
    if missing := set(stackmeta.__all__) - api_names(Path(__file__).with_name("api.rst")):
        raise ValueError(f"docs/api.rst misses {sorted(missing)}")
