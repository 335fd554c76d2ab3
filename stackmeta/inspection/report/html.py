"""HTML that cannot be broken by what users call their learners and columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np


class Html(str):
    """Text that is HTML already; all other text is escaped."""

    __slots__ = ()


def tag(name: str, *children: Any, **attributes: Any) -> Html:
    """Make an element; text among its children is escaped.

    Parameters
    ----------
    name : str
    *children : str, Html, number or None
    **attributes : str, number, bool or None
        ``class_`` is ``class``, ``aria_label`` is ``aria-label``; True has no value, None and
        False leave the attribute out.

    Examples
    --------
    >>> from stackmeta.inspection.report.html import tag
    >>> tag("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written.append(f" {key}" if value is True else f' {key}="{escape(str(value))}"')
    start = f"<{name}{''.join(written)}>"
    return Html(f"{start}{join(children)}</{name}>")


def join(parts: Iterable[Any]) -> Html:
    """Put parts one after the other; text among them is escaped."""
    return Html(
        "".join(
            part if isinstance(part, Html) else escape(str(part))
            for part in parts
            if part is not None
        )
    )


def number(value: Any, digits: int = 4) -> str:
    """Write a number with so many significant digits; a dash for NaN."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    value = float(value)
    if value == 0 or 1e-4 <= abs(value) < 10**digits:
        text = f"{value:.{digits}g}"
    elif abs(value) < 1e15 and abs(value) >= 1:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{max(digits - 2, 1)}e}"
    return text.replace("-", "−") if text.startswith("-") else text


@dataclass(frozen=True)
class Cell:
    """A cell that shows something else than what it is sorted by."""

    shown: Any
    value: Any = None


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    label: str,
    sortable: bool = False,
    numeric: Iterable[int] = (),
    sorted_by: int | None = None,
) -> Html:
    """Lay out a table that scrolls by itself where it is too wide.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences of str, Html, number or Cell
        The first cell of each names the row.
    label : str
        Caption.
    sortable : bool, default=False
        Whether headers are buttons that sort.
    numeric : iterable of int
        Columns that stand right.
    sorted_by : int, default=None
        Column by which the rows are in order, the least first.
    """
    right = set(numeric)
    heads = [
        tag(
            "th",
            tag("button", title, type="button") if sortable else title,
            scope="col",
            class_="n" if i in right else None,
            aria_sort=_direction(i == sorted_by) if sortable else None,
        )
        for i, title in enumerate(header)
    ]
    body = [
        tag("tr", *(_cell(i, cell, i in right, sortable) for i, cell in enumerate(row)))
        for row in rows
    ]
    inner = tag(
        "table",
        tag("caption", label),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        class_="sortable" if sortable else None,
    )
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=label)


def _direction(ascending: bool) -> str:
    return "ascending" if ascending else "none"


def _cell(i: int, cell: Any, right: bool, sortable: bool) -> Html:
    value = cell.value if isinstance(cell, Cell) else cell
    shown = cell.shown if isinstance(cell, Cell) else cell
    if not isinstance(shown, str):
        shown = number(shown)
    sort_by = None
    if sortable and isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        sort_by = "" if np.isnan(value) else repr(float(value))
    attributes = {"class_": "n" if right else None, "data_v": sort_by}
    if i == 0:
        return tag("th", shown, scope="row", **attributes)
    return tag("td", shown, **attributes)


def frame(data: Any, *, label: str, most: int = 50) -> Html:
    """Show a DataFrame."""
    numeric = [i for i, dtype in enumerate(data.dtypes) if dtype.kind in "iufb"]
    rows = [[_plain(value) for value in row] for row in data.head(most).itertuples(index=False)]
    return table([str(name) for name in data.columns], rows, label=label, numeric=numeric)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, np.number, np.bool_)) else str(value)


def anything(value: Any, *, label: str) -> Html:
    """Show what a method gave: a DataFrame, a record of numbers and frames, or its text."""
    if hasattr(value, "itertuples"):
        return frame(value, label=label)
    fields = {key: getattr(value, key, None) for key in getattr(value, "__dataclass_fields__", {})}
    frames = {key: found for key, found in fields.items() if hasattr(found, "itertuples")}
    simple = {
        key: found
        for key, found in fields.items()
        if isinstance(found, (str, int, float, np.number, np.bool_))
    }
    if not (frames or simple):
        return tag("pre", repr(value))
    listed = [[key.replace("_", " "), _plain(found)] for key, found in simple.items()]
    parts = [table(["", "value"], listed, label=label, numeric=[1])] if listed else []
    parts += [frame(found, label=f"{label}: {key}") for key, found in frames.items()]
    return join(parts)
