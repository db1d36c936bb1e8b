"""Places in texts as reports show them: line, column, and the line itself."""

import msgspec

_MAX_LINE = 160
"""Longest quotation of a source line, in characters."""


class Excerpt(msgspec.Struct, frozen=True):
    """A place in a text. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    text: str
    """The line without leading and trailing white space."""
    is_exact: bool = True
    """False: the element of the problem is missing, and this is its parent."""


def make_excerpt(path: str, text: str, offset: int, *, is_exact: bool = True) -> Excerpt:
    """Return the line and column at an offset of a text."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end]
    column = offset - start + 1
    shown = line if len(line) <= _MAX_LINE else line[max(0, column - 20) : column - 20 + _MAX_LINE]
    return Excerpt(path, text.count("\n", 0, offset) + 1, column, make_printable(shown.strip()), is_exact)


def find_offset(text: str, line: int, column: int) -> int:
    """Return the offset of a line and column, which count as in `make_excerpt`: only line feeds end a line."""
    return sum(len(before) + 1 for before in text.split("\n", line - 1)[: line - 1]) + column - 1


def make_printable(line: str) -> str:
    """Return the line with spaces for tabs and a replacement character for every other control character."""
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line.replace("\t", " ")
    )
