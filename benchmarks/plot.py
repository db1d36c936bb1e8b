"""Curves as SVG: a panel for each path, a line for each target, both axes logarithmic.

A line joins the medians of the rounds, and the band around it reaches from the least to the most.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

from benchmarks.spread import Spread
from benchmarks.svg import render_picture, render_text

Series = Mapping[float, Spread]
"""y by x; both are greater than 0."""
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 190, 130, 46, 26, 18, 30
"""Pixels: of a panel's field, and around it."""
_COLUMNS, _LEGEND = 3, 26
_COLOURS = (("#0b6fa4", "#58b7e8"), ("#b4470f", "#ff9a5c"), ("#3d7d22", "#8fd06f"), ("#7b3fa0", "#c792ea"))
"""On light and on dark pages."""
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
"""So that lines differ without colour, too."""


class Panel(NamedTuple):
    """The lines of one path."""

    title: str
    lines: Mapping[str, Series]
    """By target."""


def draw_panels(panels: Sequence[Panel], x_label: str, y_label: str) -> str:
    """Return the picture of all panels, with one legend."""
    targets = list(dict.fromkeys(target for panel in panels for target in panel.lines))
    across, down = _WIDTH + _LEFT + _RIGHT, _HEIGHT + _TOP + _BOTTOM
    width = min(_COLUMNS, len(panels)) * across
    height = math.ceil(len(panels) / _COLUMNS) * down + _LEGEND
    parts: list[str] = []
    for number, panel in enumerate(panels):
        row, column = divmod(number, _COLUMNS)
        parts += [
            f'<g transform="translate({column * across + _LEFT} {row * down + _TOP})">',
            *_draw_panel(panel, targets, x_label),
            "</g>",
        ]
    parts += _draw_legend(y_label, targets, height - 9)
    return render_picture(width, height, f"{y_label} by {x_label}", _style(len(targets)), parts)


def _style(lines: int) -> str:
    light = [f".line{at}{{stroke:{_COLOURS[at % 4][0]};fill:{_COLOURS[at % 4][0]}}}" for at in range(lines)]
    dark = [f".line{at}{{stroke:{_COLOURS[at % 4][1]};fill:{_COLOURS[at % 4][1]}}}" for at in range(lines)]
    return f"{''.join(light)}\n@media (prefers-color-scheme:dark){{{''.join(dark)}}}\n"


def _draw_legend(y_label: str, targets: Sequence[str], y: float) -> Iterator[str]:
    yield render_text(12, y, f"{y_label}:")
    x = 26 + 7 * len(y_label)
    for at, target in enumerate(targets):
        yield f'<path class="line{at}" d="M{x} {y - 4}h24" stroke-width="2" stroke-dasharray="{_DASHES[at % 4]}"/>'
        yield render_text(x + 30, y, target)
        x += 46 + 7 * len(target)


class _Axis(NamedTuple):
    low: float
    high: float
    pixels: float

    def place(self, value: float) -> float:
        """Return the pixels from the axis's beginning."""
        return self.pixels * math.log(value / self.low) / math.log(self.high / self.low)


def _draw_panel(panel: Panel, targets: Sequence[str], x_label: str) -> Iterator[str]:
    yield render_text(0, -9, panel.title, ' font-weight="bold"')
    xs = sorted({x for line in panel.lines.values() for x in line})
    values = [
        value for line in panel.lines.values() for spread in line.values() for value in (spread.least, spread.most)
    ]
    if not xs:
        yield render_text(8, _HEIGHT / 2, "not measured")
        return
    x_axis = _Axis(xs[0] / 1.1, xs[-1] * 1.1, _WIDTH)
    y_axis = _Axis(min(values) / 1.15, max(values) * 1.15, _HEIGHT)
    for x in xs:
        at = x_axis.place(x)
        yield f'<path class="grid" d="M{at:.1f} 0V{_HEIGHT}"/>'
        yield render_text(at, _HEIGHT + 13, _shorten(x), ' text-anchor="middle"')
    for y in _list_ticks(y_axis.low, y_axis.high):
        at = _HEIGHT - y_axis.place(y)
        yield f'<path class="grid" d="M0 {at:.1f}H{_WIDTH}"/>'
        yield render_text(-5, at + 4, _shorten(y), ' text-anchor="end"')
    yield render_text(_WIDTH, _HEIGHT + 25, x_label, ' text-anchor="end" font-size="9"')
    for target, line in panel.lines.items():
        yield from _draw_line(targets.index(target), f"{target}, {panel.title}", line, x_axis, y_axis)


def _draw_line(number: int, title: str, line: Series, x_axis: _Axis, y_axis: _Axis) -> Iterator[str]:
    def place(x: float, y: float) -> str:
        return f"{x_axis.place(x):.1f} {_HEIGHT - y_axis.place(y):.1f}"

    ordered = sorted(line.items())
    if not ordered:
        return
    band = [place(x, y.most) for x, y in ordered] + [place(x, y.least) for x, y in reversed(ordered)]
    yield f'<path class="line{number}" d="M{"L".join(band)}Z" stroke="none" fill-opacity=".18" stroke-opacity="0"/>'
    middle = "L".join(place(x, y.median) for x, y in ordered)
    dashes = f'stroke-width="2" stroke-dasharray="{_DASHES[number % 4]}"'
    yield f'<path class="line{number}" d="M{middle}" {dashes} fill-opacity="0"/>'
    for x, y in ordered:
        at_x, at_y = place(x, y.median).split()
        yield (
            f'<circle class="line{number}" cx="{at_x}" cy="{at_y}" r="2.5">'
            f"<title>{escape(title)}: {y.format(2)} at {x:g}</title></circle>"
        )


def _list_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 of each power of ten between both, or the powers alone where those are enough."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        if len(ticks := [tick for tick in ticks if low <= tick <= high]) > 1:
            return ticks
    return [float(f"{value:.2g}") for value in (low * 1.02, high / 1.02)]


def _shorten(value: float) -> str:
    """Return `20k` for 20,000."""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
