"""The page docs/benchmarks.md: the sections that `make bench` writes, each between two comments with its name."""

from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"


def read_section(name: str) -> str:
    """Return the text of the section as the page has it."""
    return _split(name)[1]


def write_section(name: str, text: str) -> None:
    """Replace the text of the section."""
    before, _, after = _split(name)
    PAGE.write_text(before + text.rstrip("\n") + "\n" + after)


def _split(name: str) -> tuple[str, str, str]:
    page, begin, end = PAGE.read_text(), f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    start, stop = page.index(begin) + len(begin), page.index(end)
    return page[:start], page[start:stop], page[stop:]
