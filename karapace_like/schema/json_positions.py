"""The position of each value of a JSON text, for messages that point into files.

Reads what the parsers have accepted before, comments included, and is not strict: what it cannot read ends it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from karapace_like.schema.files import CACHED_TEXTS

_TOKEN = re.compile(
    r"""
    (?:[\s,:]+|//[^\n]*|/\*.*?\*/)*
    (   "[^"\\]*(?:\\.[^"\\]*)*"
      | [{}\[\]]
      | [^\s{}\[\]:,"/]+ | /
      |
    )
    (?: (?<=") \s*:\s* ( "[^"\\]*(?:\\.[^"\\]*)*" | [^\s{}\[\]:,"/]+ ) )?
    """,
    re.VERBOSE | re.DOTALL,
)
"""A literal or a bracket after what separates it from the one before: colons and commas say no more than the order.

A key is matched with its value where that is a literal: most members of a wide schema are such pairs.
"""
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_BEGINNINGS = frozenset("{[")
_ENDS = frozenset(("}", "]", ""))
_SIMPLE_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(slots=True)
class Node:
    """A value: an object (`members`), an array (`items`), a string (`text`) or something else (none of them)."""

    start: int
    """The offset of its key where it is an object's member, else its own."""
    members: "dict[str, Node] | None" = None
    items: "list[Node] | None" = None
    text: str | None = None
    items_by_name: "dict[str, Node] | None" = None
    """Of an array: what a format looks up in it by name, kept by the format when it first does."""

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
    around = Node(0, items=[])
    outer: list[Node] = []
    key: tuple[str, int] | None = None
    for match in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        token, start = match[1], match.start(1)
        if token in _ENDS:
            if not outer:
                break
            around, key = outer.pop(), None
        elif around.members is not None and key is None:
            value = match[2]
            if value is None:
                key = _unquote(token), start
            else:
                around.members[_unquote(token)] = _make_node(value, start)
            continue
        else:
            node = _make_node(token, start if key is None else key[1])
            if key is not None and around.members is not None:
                around.members[key[0]] = node
            elif around.items is not None:
                around.items.append(node)
            key = None
            if token in _BEGINNINGS:
                outer.append(around)
                around = node
        if not outer:
            break
    return around.items[0] if around.items else Node(len(text))


def _make_node(beginning: str, start: int) -> Node:
    if beginning.startswith('"'):
        return Node(start, text=_unquote(beginning))
    return Node(start, {} if beginning == "{" else None, [] if beginning == "[" else None)


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
