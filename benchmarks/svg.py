"""SVG as the benchmarks' pictures share it: readable on light and dark pages, the same text for the same figures."""

from collections.abc import Iterable
from html import escape

_STYLE = """\
.page{fill:#fff}.text{fill:#234}.grid{stroke:#d5dde5;fill:none}
@media (prefers-color-scheme:dark){.page{fill:#14181d}.text{fill:#dde5ec}.grid{stroke:#3a444f}}
"""


def render_picture(width: float, height: float, title: str, style: str, parts: Iterable[str]) -> str:
    """Return the picture: its parts on a page of that many pixels, with rules of CSS beside those of all pictures."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{_STYLE}{style}</style>",
            f'<rect class="page" width="{width:g}" height="{height:g}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def render_text(x: float, y: float, text: str, attributes: str = "") -> str:
    """Return a text whose baseline begins there."""
    return f'<text class="text" x="{x:.4g}" y="{y:.4g}"{attributes}>{escape(text)}</text>'
