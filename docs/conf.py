"""Configuration of Sphinx: `nox -s docs`, or `sphinx-build -W docs docs/_build/html`."""

from pathlib import Path

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

# Docstrings that we inherit from scikit-learn point into its documentation. Their targets are
# plain text here; any other missing target is a warning, and a warning fails the build.
SKLEARN_TARGETS = {"fit", "metadata_routing"}


def leave_sklearn_targets_plain(app, env, node, content):
    """Resolve a ``:term:`` or ``:ref:`` into scikit-learn's documentation as its own text."""
    if node.get("reftype") in {"ref", "term"} and node["reftarget"] in SKLEARN_TARGETS:
        return content
    return None


def api_names(path):
    """Names that the autosummary tables of a page list."""
    lines = map(str.strip, path.read_text("utf-8").splitlines())
    return {line for line in lines if line.isidentifier()}


def setup(app):
    """Connect the above, and see that the API page misses nothing that users can import."""
    app.connect("missing-reference", leave_sklearn_targets_plain)
    if missing := set(stackmeta.__all__) - api_names(Path(__file__).with_name("api.rst")):
        raise ValueError(f"docs/api.rst misses {sorted(missing)}")
