"""The position of each value of a JSON text, for messages that point into files.

Reads what the parsers have accepted before, comments included, and is not strict: what it cannot read ends it.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from karapace_like.schema.files import CACHED_TEXTS

_TOKEN = re.compile(
    r"""
    (?:\s+|//[^\n]*|/\*.*?\*/)*
    (   "(?:[^"\\]|\\.)*"
      | [{}\[\]:,]
      | [^\s{}\[\]:,"]+
      |
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_SIMPLE_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(slots=True)
class Node:
    """A value: an object (`members`), an array (`items`), a string (`text`) or something else (none of them)."""

    start: int
    """The offset of its key where it is an object's member, else its own."""
    members: "dict[str, Node] | None" = None
    items: "list[Node] | None" = None
    text: str | None = None

    def get(self, key: str) -> "Node | None":
        """Return the member of an object."""
        return None if self.members is None else self.members.get(key)

    def string(self, key: str) -> str | None:
        """Return a member that is a string."""
        member = self.get(key)
        return None if member is None else member.text


@lru_cache(CACHED_TEXTS)
def positions(text: str) -> Node:
    """Return the text's first value; cached, and not to be changed."""
    return _Reader(text, 1 if text.startswith("\ufeff") else 0).value()


_Token: TypeAlias = tuple[str, int]


@dataclass(slots=True)
class _Reader:
    text: str
    end: int
    token: str = field(init=False)
    start: int = field(init=False)

    def __post_init__(self) -> None:
        self.advance()

    def advance(self) -> _Token:
        passed = (self.token, self.start) if hasattr(self, "token") else ("", 0)
        token = _TOKEN.match(self.text, self.end)
        assert token is not None
        self.token, self.start, self.end = token[1], token.start(1), token.end()
        return passed

    def value(self) -> Node:
        token, start = self.advance()
        if token == "{":  # noqa: S105 - a bracket
            return Node(start, members=self.members())
        if token == "[":  # noqa: S105 - a bracket
            return Node(start, items=self.items())
        return Node(start, text=_unquote(token) if token.startswith('"') else None)

    def members(self) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while self.token not in {"}", ""}:
            key, start = self.advance()
            if self.token == ":":  # noqa: S105 - a colon
                self.advance()
                node = self.value()
                node.start = start
                members[_unquote(key)] = node
        self.advance()
        return members

    def items(self) -> list[Node]:
        items: list[Node] = []
        while self.token not in {"]", ""}:
            if self.token == ",":  # noqa: S105 - a comma
                self.advance()
            else:
                items.append(self.value())
        self.advance()
        return items


def _unquote(literal: str) -> str:
    if "\\" not in literal:
        return literal[1:-1]
    # Two escapes may be the halves of one character.
    halves = _ESCAPE.sub(_unescape, literal[1:-1]).encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "surrogatepass")


def _unescape(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return _SIMPLE_ESCAPES.get(escape[2], escape[2])
