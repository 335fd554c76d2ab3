"""A report as one self-contained page."""

from __future__ import annotations

import os
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from .findings import Findings, find
from .html import Html, join, tag
from .sections import SECTIONS

# Nothing is loaded from anywhere, whatever a learner is called.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_report(
    stack: Any, path: str | os.PathLike, X: Any = None, y: Any = None, *, title: str | None = None
) -> str:
    """Write the report of a fitted stack; see ``stack.report``."""
    file = Path(path)
    if file.is_dir():
        raise ValueError(f"path={str(path)!r} is a folder: name a file, such as report.html.")
    if not file.parent.is_dir():
        raise ValueError(f"path={str(path)!r}: there is no folder {str(file.parent)!r}.")
    text = page(find(stack, X, y, title))
    # Written beside and renamed: whoever reads it finds a whole page.
    partial = file.with_name(f"{file.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
    return str(file.resolve())


def page(findings: Findings) -> str:
    """Lay out the page."""
    made = [(heading, anchor, make(findings)) for heading, anchor, make in SECTIONS]
    shown = [(heading, anchor, body) for heading, anchor, body in made if body is not None]
    links = [tag("li", tag("a", heading, href=f"#{anchor}")) for heading, anchor, _ in shown]
    sections = [
        tag(
            "section",
            tag("h2", heading, id=anchor, tabindex="-1"),
            body,
            aria_labelledby=anchor,
        )
        for heading, anchor, body in shown
    ]
    today = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    head = [
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        tag("title", findings.title),
        tag("style", Html(_asset("style.css"))),
    ]
    body = [
        tag("a", "Skip to the verdict", href="#verdict", class_="skip"),
        tag(
            "header",
            tag("h1", findings.title),
            tag("p", f"Made {today} by stackmeta.", class_="note"),
            tag("nav", tag("ul", *links), aria_label="Sections"),
        ),
        tag("main", *sections),
        tag("script", Html(_asset("sort.js"))),
    ]
    html = tag("html", tag("head", *head), tag("body", *body), lang="en")
    return join([Html("<!DOCTYPE html>\n"), html, Html("\n")])


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
