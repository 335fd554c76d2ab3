"""Charts as inline SVG, whose colours follow the page's theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .html import Html, number, tag

_W, _H = 400, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 40


def chart(parts: Sequence[Html], label: str, *, width: int = _W, height: int = _H) -> Html:
    """Wrap the parts of a chart; ``label`` says to those who do not see it what it shows."""
    picture = tag(
        "svg",
        tag("title", label),
        *parts,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
        style=f"max-width:{round(width * 1.4)}px",
    )
    return tag("figure", picture)


class Scale:
    """From values to pixels, linear or logarithmic."""

    def __init__(
        self, low: float, high: float, start: float, end: float, *, log: bool = False
    ) -> None:
        self.log = log
        if not high > low:
            low, high = (low / 2, low * 2) if log else (low - 0.5, high + 0.5)
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: Any) -> Any:
        """Give the pixels of values."""
        low, high, value = self.low, self.high, np.asarray(value, dtype=float)
        if self.log:
            low, high, value = np.log(low), np.log(high), np.log(np.maximum(value, self.low))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Give about five round values."""
        if self.log:
            first, last = np.floor(np.log10(self.low)), np.ceil(np.log10(self.high))
            powers = [10.0**p for p in np.arange(first, last + 1)]
            for steps in ((1,), (1, 2, 5)):
                found = self._inside([m * power for power in powers for m in steps])
                if len(found) >= 3:
                    return found
        step = (self.high - self.low) / 4
        size = 10 ** np.floor(np.log10(step))
        step = min((m * size for m in (1, 2, 5, 10)), key=lambda s: abs(s - step))
        found = self._inside(np.arange(np.ceil(self.low / step), self.high / step + 1e-9) * step)
        return [0.0 if abs(value) < 1e-9 * step else value for value in found]

    def _inside(self, values: Any) -> list[float]:
        room = 1e-9 * (self.high - self.low)
        return [float(v) for v in values if self.low - room <= v <= self.high + room]


def axes(x: Scale, y: Scale, x_label: str, y_label: str) -> list[Html]:
    """Draw both axes with ticks and labels."""
    bottom, left = y.start, x.start
    parts = []
    for value in x.ticks():
        at = float(x(value))
        parts.append(tag("line", x1=_r(at), x2=_r(at), y1=y.end, y2=bottom, class_="grid"))
        text = number(value, 3)
        parts.append(tag("text", text, x=_r(at), y=bottom + 14, class_="tick mid"))
    for value in y.ticks():
        at = float(y(value))
        parts.append(tag("line", x1=left, x2=x.end, y1=_r(at), y2=_r(at), class_="grid"))
        parts.append(tag("text", number(value, 3), x=left - 5, y=_r(at + 4), class_="tick end"))
    middle = (y.start + y.end) / 2
    parts.append(tag("text", x_label, x=(left + x.end) / 2, y=bottom + 32, class_="mid"))
    turned = f"rotate(-90 11 {middle})"
    parts.append(tag("text", y_label, x=11, y=middle, transform=turned, class_="mid"))
    return parts


def scales(
    x: Any, y: Any, *, log_x: bool = False, log_y: bool = False, pad: float = 0.06
) -> tuple[Scale, Scale]:
    """Make scales for a plot that hold all values."""
    return (
        Scale(*_padded(x, log_x, pad), _LEFT, _W - _RIGHT, log=log_x),
        Scale(*_padded(y, log_y, pad), _H - _BOTTOM, _TOP, log=log_y),
    )


def _padded(values: Any, log: bool, pad: float) -> tuple[float, float]:
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if log:
        low, high = np.log(values.min()), np.log(values.max())
        room = max((high - low) * pad, 0.1)
        return float(np.exp(low - room)), float(np.exp(high + room))
    low, high = float(values.min()), float(values.max())
    room = (high - low) * pad
    return low - room, high + room


def line(x: Any, y: Any, kind: str = "line") -> Html:
    """Connect points."""
    points = " ".join(f"{_r(a)},{_r(b)}" for a, b in zip(x, y, strict=True))
    return tag("polyline", points=points, class_=kind)


def dots(x: Any, y: Any, titles: Sequence[str], kinds: Sequence[str]) -> list[Html]:
    """Draw points that say their name when pointed at."""
    return [
        tag("circle", tag("title", title), cx=_r(a), cy=_r(b), r=4, class_=kind)
        for a, b, title, kind in zip(x, y, titles, kinds, strict=True)
    ]


def heatmap(values: np.ndarray, names: Sequence[str], label: str) -> Html:
    """Draw a square of colours, names on its left."""
    n = len(values)
    cell = max(6.0, min(26.0, 300 / n))
    room = 110 if n <= 40 else 100
    size, font = n * cell, min(11.0, max(6.0, cell * 0.9))
    apart = values[~np.eye(n, dtype=bool)]
    apart = apart[np.isfinite(apart)]
    high = float(apart.max()) if apart.size else 1.0
    low = min(float(apart.min()) if apart.size else 0.0, high - 0.2)
    parts = []
    for i in range(n):
        name = names[i] if len(names[i]) <= 18 else f"{names[i][:9]}…{names[i][-8:]}"
        y = i * cell
        at = _r(y + cell / 2 + font * 0.35)
        parts.append(tag("text", name, x=room - 4, y=at, class_="end", font_size=_r(font)))
        for j in range(n):
            colour = cividis((values[i, j] - low) / (high - low))
            parts.append(
                Html(
                    f'<rect x="{_r(room + j * cell)}" y="{_r(y)}" width="{_r(cell + 0.3)}" '
                    f'height="{_r(cell + 0.3)}" fill="{colour}"/>'
                )
            )
    legend, top = [], size + 12
    for k in range(20):
        x = room + k * size / 20
        legend.append(
            Html(
                f'<rect x="{_r(x)}" y="{_r(top)}" width="{_r(size / 20 + 0.3)}" height="8" '
                f'fill="{cividis((k + 0.5) / 20)}"/>'
            )
        )
    legend.append(tag("text", number(low, 2), x=room, y=_r(top + 20), class_="tick"))
    legend.append(
        tag("text", number(high, 2), x=_r(room + size), y=_r(top + 20), class_="tick end")
    )
    width, height = int(room + size + 2), int(top + 26)
    return chart([*parts, *legend], label, width=width, height=height)


def bar(value: float, largest: float) -> Html:
    """Draw a bar in a cell."""
    share = 0.0 if not largest > 0 or np.isnan(value) else 100 * abs(value) / largest
    kind = "bar minus" if value < 0 else "bar"
    return tag("span", tag("span", style=f"width:{share:.1f}%"), class_=kind, aria_hidden="true")


# Seven colours of matplotlib's cividis, which all eyes read in one order.
_CIVIDIS = np.array(
    [
        [0, 34, 78],
        [44, 63, 110],
        [87, 93, 109],
        [125, 124, 120],
        [165, 156, 116],
        [211, 193, 100],
        [254, 232, 56],
    ]
)


def cividis(share: float) -> str:
    """Colour between dark blue (0) and yellow (1); grey for NaN."""
    if not np.isfinite(share):
        return "#999999"
    at = np.clip(share, 0, 1) * (len(_CIVIDIS) - 1)
    low = min(int(at), len(_CIVIDIS) - 2)
    red, green, blue = (_CIVIDIS[low] + (at - low) * (_CIVIDIS[low + 1] - _CIVIDIS[low])).round()
    return f"#{int(red):02x}{int(green):02x}{int(blue):02x}"


def _r(value: Any) -> str:
    return f"{float(value):.1f}".removesuffix(".0")
