"""Locate an incompatibility in a .proto text by its path (`#/Order/3`).

A path names messages and oneofs, and fields by their numbers; after a field of a message type it continues in that
message, in whichever file that is. Where the text lacks the next step, the location is that of the last step found.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from karapace_like.schema.files import CACHED_SOURCES, CACHED_TEXTS, Source, SourceLocation

_TOKEN = re.compile(
    r"""
    (?:\s+|//[^\n]*|/\*.*?\*/)*
    (   [A-Za-z0-9_.+-]+
      | "(?:[^"\\\n]|\\.)*"
      | '(?:[^'\\\n]|\\.)*'
      | .
      | \Z
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCKS = frozenset({"message", "enum", "oneof", "extend", "group", "service", "rpc"})
_LABELS = frozenset({"optional", "required", "repeated", "export", "local"})


@dataclass(slots=True)
class _Block:
    """A message, enum, oneof or a whole file: what is inside of it, by name, and fields by number."""

    document: str
    start: int
    kind: str
    name: str = ""
    type: str = ""
    """Of a field: the name of its type."""
    inside: "dict[str, _Block]" = field(default_factory=dict)


def locate(source: Source, path: str) -> SourceLocation:
    """Return the location in the source that the path leads to."""
    return finder(source)(path)


@lru_cache(CACHED_SOURCES)
def finder(source: Source) -> Callable[[str], SourceLocation]:
    """`locate` for many paths of one source."""
    files = {document: _blocks(document, text) for document, text in source.documents.items()}
    types: dict[str, list[_Block]] = {}
    for document, text in source.documents.items():
        for block in _list_messages(document, text):
            types.setdefault(block.name, []).append(block)

    ends: dict[str, tuple[_Block, bool]] = {"": (files[""], True)}
    """Path -> its block, and whether that is exact: paths begin alike."""

    def find(path: str) -> SourceLocation:
        followed = path = path.removeprefix("#")
        while followed not in ends:
            followed = followed.rpartition("/")[0]
        here, is_exact = ends[followed]
        for step in filter(None, path[len(followed) :].split("/")):
            # A type may be any message of that last name, the file's own first.
            candidates = types.get(here.type.rpartition(".")[2], ())
            inside = here.inside.get(step) or next(
                (block.inside[step] for block in candidates if step in block.inside), None
            )
            is_exact = is_exact and inside is not None
            here = inside or here
            followed += f"/{step}"
            ends[followed] = here, is_exact
        return SourceLocation(here.document, here.start, is_exact)

    return find


@lru_cache(CACHED_TEXTS)
def _list_messages(document: str, text: str) -> Sequence[_Block]:
    """Return the messages and groups of a file, outer ones first."""
    messages: list[_Block] = []
    pending = [_blocks(document, text)]
    while pending:
        block = pending.pop(0)
        if block.kind in {"message", "group"}:
            messages.append(block)
        pending += [child for child in block.inside.values() if child.kind != "field"]
    return messages


@lru_cache(CACHED_TEXTS)
def _blocks(document: str, text: str) -> _Block:
    """Return the file as nested blocks, without the statements that have no place."""
    package = re.search(r"^\s*(package)\b", text, re.MULTILINE)
    file = _Block(document, package.start(1) if package else 0, "file")
    opened = [file]
    statement: list[tuple[str, int]] = []
    tokens = _tokens(text)
    for token, start in tokens:
        match token:
            case "{" if _keyword(statement) in _BLOCKS:
                opened.append(_open_block(document, statement, opened[-1]))
                statement = []
            case "{":
                _skip(tokens, "}")
            case "[":
                _skip(tokens, "]")
            case "}":
                statement = []
                del opened[max(1, len(opened) - 1) :]
            case ";":
                _note_field(document, statement, opened)
                statement = []
            case _:
                statement.append((token, start))
    return file


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    return ((match[1], match.start(1)) for match in _TOKEN.finditer(text) if match[1])


def _skip(tokens: Iterator[tuple[str, int]], closing: str) -> None:
    """Pass over a bracketed part, with what is nested in it."""
    opening = {"}": "{", "]": "["}[closing]
    depth = 1
    for token, _ in tokens:
        depth += (token == opening) - (token == closing)
        if not depth:
            return


def _keyword(statement: list[tuple[str, int]]) -> str:
    return next((word for word, _ in statement if word not in _LABELS), "")


def _open_block(document: str, statement: list[tuple[str, int]], around: _Block) -> _Block:
    words = [word for word, _ in statement if word not in _LABELS]
    name = words[1] if len(words) > 1 else ""
    block = _Block(document, statement[0][1], words[0], name)
    around.inside.setdefault(f"extend {name}" if block.kind == "extend" else name, block)
    if block.kind == "group" and "=" in words[2:-1]:
        around.inside.setdefault(words[words.index("=") + 1], block)
    return block


def _note_field(document: str, statement: list[tuple[str, int]], opened: list[_Block]) -> None:
    """Add a field or an enum's value by its name and number; a oneof's fields are also the message's."""
    words = [word for word, _ in statement]
    equals = words.index("=") if "=" in words else 0
    if not 0 < equals < len(words) - 1 or words[0] in {"option", "syntax", "edition"}:
        return
    type_ = words[equals - 2] if equals > 1 else ""
    if type_ == ">":  # map<key, value>
        type_ = words[equals - 3]
    field_block = _Block(document, statement[0][1], "field", type=type_)
    for block in opened[-2:] if opened[-1].kind == "oneof" else opened[-1:]:
        block.inside.setdefault(words[equals - 1], field_block)
        block.inside.setdefault(words[equals + 1], field_block)
