"""What an OutOfFold looks like printed and in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .result import OutOfFold

_N_SHOWN, _MOST_IN_TEXT = 50, 8


def as_text(oof: OutOfFold) -> str:
    """Describe it, a learner a line, best first.

    Parameters
    ----------
    oof : OutOfFold
    """
    rows = _rows(oof)
    width = max(len(name) for name, *_ in rows[:_MOST_IN_TEXT])
    lines = [
        f"  {name.ljust(width)}  {loss:>8}  {path}" for name, loss, _, path in rows[:_MOST_IN_TEXT]
    ]
    if len(rows) > _MOST_IN_TEXT:
        lines.append(f"  … and {len(rows) - _MOST_IN_TEXT} more")
    return "\n".join([f"{oof!r}, {_loss_name(oof)}:", *lines])


def as_html(oof: OutOfFold) -> str:
    """Describe as a table, a learner a row, best first.

    Parameters
    ----------
    oof : OutOfFold
    """
    head = ("learner", _loss_name(oof), "seconds", "path")
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    rows = _rows(oof)
    body = "".join(
        f"<tr><td style='text-align:left'>{escape(name)}</td><td>{loss}</td><td>{seconds}</td>"
        f"<td style='text-align:left'>{escape(path)}</td></tr>"
        for name, loss, seconds, path in rows[:_N_SHOWN]
    )
    more = f"<p>… and {len(rows) - _N_SHOWN} more</p>" if len(rows) > _N_SHOWN else ""
    covered = len(oof.covered)
    n_rows = oof.by_repeat.shape[1]
    text = f"{n_rows:,} rows" if covered == n_rows else f"{covered:,} of {n_rows:,} rows"
    text += f", {len(oof.splits)} folds"
    text += f", {len(oof.by_repeat)} repeats" if len(oof.by_repeat) > 1 else ""
    return (
        f"<div><p><strong>OutOfFold</strong>: {len(oof.names)} learners, {text}</p>"
        f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
    )


def _rows(oof: OutOfFold) -> list[tuple[str, str, str, str]]:
    """Name, loss, seconds and path of each learner, those without a loss last."""
    losses, seconds = _losses(oof), oof.fit_seconds
    infinite = float("inf")
    order = sorted(oof.paths, key=lambda name: losses.get(name, infinite))
    return [
        (
            str(name),
            f"{losses[name]:.4g}" if name in losses else "–",
            f"{seconds[name]:.1f}",
            oof.paths[name],
        )
        for name in order
    ]


def _losses(oof: OutOfFold) -> dict[str, float]:
    """Losses, or none where they cannot be computed: nothing shown may raise."""
    try:
        found = oof.loss()
    except ValueError:
        return {}
    return {name: loss for name, loss in found.items() if loss == loss}


def _loss_name(oof: OutOfFold) -> str:
    return oof.loss_name.replace("_", " ") if oof.names else "loss"
