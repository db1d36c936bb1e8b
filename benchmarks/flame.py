"""Flame graphs as SVG: what py-spy saw of a process, callers above and what they call below.

The input has a line for each stack, its frames from the outermost to the innermost and how often it was seen:
`main (a.py:1);work (b.py:7) 12`. A thread may have no frames. Lines of a function are one frame, and one that is less
than a thousandth is left out.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from benchmarks.svg import render_picture, render_text

_LINE = re.compile(r"(?P<frames>.*?) ?(?P<count>\d+)$")
_FRAME = re.compile(r"(?P<function>.+) \((?P<file>.+?)(?::\d+)?\)$")
_WIDTH, _ROW, _MARGIN = 1200, 16, 24
_LEAST_SHARE = 0.001
_LETTER = 6.2
"""Pixels, about."""
_KINDS = {"own": "#f0a35c", "library": "#8ec3e6", "python": "#b9c7d3"}
"""Colours of the code of this project, of libraries, and of Python's own."""


@dataclass
class Frame:
    """A function where it was called from one stack, and the functions that it calls."""

    name: str
    count: int = 0
    """Of samples in it or below."""
    calls: dict[str, "Frame"] = field(default_factory=dict)

    def count_levels(self, least: float) -> int:
        """Return how deep the frames are that were seen so often."""
        return 1 + max((call.count_levels(least) for call in self.calls.values() if call.count >= least), default=0)


def read_stacks(lines: Iterable[str]) -> Frame:
    """Return the root of all stacks. Raises `ValueError` for a line that is none."""
    root = Frame("all")
    for line in filter(None, map(str.strip, lines)):
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"not a stack with its count: {line[:80]!r}")
        frame, count = root, int(match["count"])
        root.count += count
        for text in filter(None, match["frames"].split(";")):
            name = _drop_line(text)
            frame = frame.calls.setdefault(name, Frame(name))
            frame.count += count
    return root


def draw_flame(root: Frame, title: str) -> str:
    """Return the picture; the widest call is first."""
    least = max(1, root.count * _LEAST_SHARE)
    height = _MARGIN + root.count_levels(least) * _ROW + 8
    style = "".join(f".{kind}{{fill:{colour}}}" for kind, colour in _KINDS.items())
    style += "g text{fill:#123;font-size:10px}rect.own,rect.library,rect.python{stroke:#fff;stroke-width:.5}\n"
    parts = [render_text(4, 15, title), "<g>", *_draw_frame(root, root, 0, 0, least), "</g>"]
    return render_picture(_WIDTH, height, title, style, parts)


def _draw_frame(frame: Frame, root: Frame, x: float, level: int, least: float) -> Iterator[str]:
    width, y = _WIDTH * frame.count / root.count, _MARGIN + level * _ROW
    tip = f"{frame.name}: {frame.count / root.count:.1%}"
    kind = _classify(frame.name)
    rect = f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW}">'
    yield f"{rect}<title>{escape(tip)}</title></rect>"
    letters = int((width - 4) / _LETTER)
    if letters > 2:
        shown = frame.name.partition(" ")[0]
        text = shown if len(shown) <= letters else f"{shown[: letters - 1]}\N{HORIZONTAL ELLIPSIS}"
        yield f'<text x="{x + 2:.1f}" y="{y + 12}" pointer-events="none">{escape(text)}</text>'
    for call in sorted(frame.calls.values(), key=lambda call: (-call.count, call.name)):
        if call.count >= least:
            yield from _draw_frame(call, root, x, level + 1, least)
        x += _WIDTH * call.count / root.count


def _drop_line(text: str) -> str:
    match = _FRAME.match(text)
    return text if match is None else f"{match['function']} ({match['file']})"


def _classify(name: str) -> str:
    package = name.rpartition("(")[2].partition("/")[0].removesuffix(")").removesuffix(".py")
    if package == "karapace_like":
        return "own"
    return "python" if package in sys.stdlib_module_names or not package.isidentifier() else "library"
