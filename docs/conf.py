"""Configuration of Sphinx: `nox -s docs`, or `sphinx-build -W docs docs/_build/html`."""

from pathlib import Path

from docutils.utils import get_source_line

import stackmeta

project = "stackmeta"
author = "The stackmeta developers"
copyright = f"2026, {author}"
version = release = stackmeta.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say them, with shapes
numpydoc_show_class_members = False  # the class template lists them

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False, "navbar_align": "left"}
html_show_sourcelink = False

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
