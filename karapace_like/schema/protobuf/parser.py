"""From a .proto text to its tree; reads proto2, proto3 and editions, and asks no more than that the text has a shape.

Numbers used twice, unknown types, wrong options: all that is protoc's to find. A tree can thus be made of every text
that a registry may hold.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from karapace_like.schema.protobuf.options import bracketed_options, option
from karapace_like.schema.protobuf.syntax_tree import (
    MAX_ENUM_NUMBER,
    MAX_FIELD_NUMBER,
    Enum,
    EnumValue,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Import,
    Message,
    Oneof,
    Option,
    Range,
    Rpc,
    Service,
)
from karapace_like.schema.protobuf.tokens import END, Cursor

MAX_NESTING = 100
"""Messages inside of messages. protoc stops at 31, and every reader of the tree recurses once per level."""
MAX_RANGES = 10_000
"""Reserved values and extension ranges of one message or enum. protoc's time is the square of it."""
_ANY_WORD = "any other word"
"""The key of statements that begin with no keyword."""
_LABELS = frozenset({"optional", "required", "repeated"})
_VISIBILITIES = frozenset({"export", "local"})
_VISIBLE = {"message": "messages", "enum": "enums"}
_IMPORT_KINDS = frozenset({"public", "weak", "option"})
# Confluent stores these two after a field's other options.
_LAST_OPTIONS = {"default": 1, "json_name": 2}

_Members: TypeAlias = defaultdict[str, list[Any]]
"""The nodes of a body so far: the attribute -> its nodes in order."""
_Statement: TypeAlias = Callable[[Cursor, _Members, int], None]


def parse_file(text: str) -> File:
    """Return the tree of a text; raises InvalidSchemaError with line and column."""
    cursor = Cursor(text)
    head: dict[str, Any] = {}
    if cursor.current in {"syntax", "edition"}:
        keyword = cursor.advance()
        head[keyword] = _version(cursor)
        if head.get("syntax", "proto2") not in {"proto2", "proto3"}:
            raise cursor.error(f'"{head["syntax"]}" is not a known syntax')
    members: _Members = defaultdict(list)
    while cursor.current != END:
        if cursor.accept("package"):
            head["package"] = cursor.name("a package")
            cursor.require(";")
        else:
            _statement(cursor, members, _FILE_STATEMENTS, 0)
    return File(**head, **_tuples(members))


def _version(cursor: Cursor) -> str:
    cursor.require("=")
    version = cursor.text()
    cursor.require(";")
    return version


def _tuples(members: _Members) -> dict[str, Any]:
    return {attribute: tuple(nodes) for attribute, nodes in members.items()}


def _statement(cursor: Cursor, members: _Members, statements: Mapping[str, _Statement], depth: int) -> None:
    """Parse one statement of a body into `members`."""
    if cursor.accept(";"):
        return
    if cursor.current in _VISIBILITIES and cursor.peek() in _VISIBLE:
        visibility = cursor.advance()
        attribute = _VISIBLE[cursor.current]
        _statement(cursor, members, statements, depth)
        members[attribute][-1] = replace(members[attribute][-1], visibility=visibility)
        return
    read = statements.get(cursor.current)
    if read is not None:
        cursor.advance()
    else:
        read = statements.get(_ANY_WORD)
        if read is None or not cursor.at_word():
            raise cursor.expected_error("a statement")
    read(cursor, members, depth)


def _body(cursor: Cursor, statements: Mapping[str, _Statement], depth: int) -> dict[str, Any]:
    if depth > MAX_NESTING:
        raise cursor.error(f"the schema is nested deeper than {MAX_NESTING} levels")
    members: _Members = defaultdict(list)
    cursor.require("{")
    while not cursor.accept("}"):
        _statement(cursor, members, statements, depth)
    ranges = [*members.get("reserved", ()), *(extension.ranges for extension in members.get("extensions", ()))]
    if sum(map(len, ranges)) > MAX_RANGES:
        raise cursor.error(f"more than {MAX_RANGES} reserved or extension numbers")
    return _tuples(members)


def _option(cursor: Cursor, members: _Members, _depth: int) -> None:
    members["options"].append(option(cursor))
    cursor.require(";")


def _import(cursor: Cursor, members: _Members, _depth: int) -> None:
    kind = cursor.advance() if cursor.current in _IMPORT_KINDS else ""
    members["imports"].append(Import(cursor.text(), kind))
    cursor.require(";")


def _message(cursor: Cursor, members: _Members, depth: int) -> None:
    name = cursor.word()
    members["messages"].append(Message(name, **_body(cursor, _MESSAGE_STATEMENTS, depth + 1)))


def _enum(cursor: Cursor, members: _Members, depth: int) -> None:
    name = cursor.word()
    members["enums"].append(Enum(name, **_body(cursor, _ENUM_STATEMENTS, depth + 1)))


def _field(cursor: Cursor, members: _Members, depth: int) -> None:
    _field_or_group(cursor, members, depth, cursor.advance() if cursor.current in _LABELS else "")


def _oneof_field(cursor: Cursor, members: _Members, depth: int) -> None:
    _field_or_group(cursor, members, depth, "")


def _field_or_group(cursor: Cursor, members: _Members, depth: int, label: str) -> None:
    if cursor.accept("group"):
        name, number, options = _head(cursor)
        message = Message(name, **_body(cursor, _MESSAGE_STATEMENTS, depth + 1))
        members["groups"].append(Group(number, message, label, options))
        return
    map_key = ""
    type_name = cursor.name("a type")
    if type_name == "map" and cursor.current == "<":
        if label:
            raise cursor.error(f"a map cannot be {label}")
        cursor.advance()
        map_key = cursor.name("a type")
        cursor.require(",")
        type_name = cursor.name("a type")
        cursor.require(">")
    name, number, options = _head(cursor)
    cursor.require(";")
    members["fields"].append(Field(name, number, type_name, label, map_key, options))


def _head(cursor: Cursor) -> tuple[str, int, tuple[Option, ...]]:
    """Name, number and options of a field."""
    name = cursor.word()
    cursor.require("=")
    number = cursor.integer()
    options = bracketed_options(cursor)
    return name, number, tuple(sorted(options, key=lambda set_option: _LAST_OPTIONS.get(set_option.name, 0)))


def _oneof(cursor: Cursor, members: _Members, depth: int) -> None:
    name = cursor.word()
    members["oneofs"].append(Oneof(name, **_body(cursor, _ONEOF_STATEMENTS, depth + 1)))


def _extend(cursor: Cursor, members: _Members, depth: int) -> None:
    type_name = cursor.name("a message")
    members["extends"].append(Extend(type_name, **_body(cursor, _EXTEND_STATEMENTS, depth + 1)))


def _enum_value(cursor: Cursor, members: _Members, _depth: int) -> None:
    name = cursor.word()
    cursor.require("=")
    number = cursor.integer()
    members["values"].append(EnumValue(name, number, bracketed_options(cursor)))
    cursor.require(";")


def _extensions(cursor: Cursor, members: _Members, _depth: int) -> None:
    ranges = [_range(cursor, MAX_FIELD_NUMBER)]
    while cursor.accept(","):
        ranges.append(_range(cursor, MAX_FIELD_NUMBER))
    members["extensions"].append(Extensions(tuple(ranges), bracketed_options(cursor)))
    cursor.require(";")


def _range(cursor: Cursor, maximum: int) -> Range:
    start = cursor.integer()
    if not cursor.accept("to"):
        return Range(start, start)
    return Range(start, maximum if cursor.accept("max") else cursor.integer())


def _parse_reserved(maximum: int) -> _Statement:
    def value(cursor: Cursor) -> Range | str:
        if cursor.at_string():
            return cursor.text()
        # Editions write reserved names without quotes.
        return _range(cursor, maximum) if cursor.current[:1] in set("-0123456789") else cursor.word()

    def read(cursor: Cursor, members: _Members, _depth: int) -> None:
        values = [value(cursor)]
        while cursor.accept(","):
            values.append(value(cursor))
        members["reserved"].append(tuple(values))
        cursor.require(";")

    return read


def _service(cursor: Cursor, members: _Members, depth: int) -> None:
    name = cursor.word()
    members["services"].append(Service(name, **_body(cursor, _SERVICE_STATEMENTS, depth + 1)))


def _rpc(cursor: Cursor, members: _Members, depth: int) -> None:
    name = cursor.word()
    streams_request, request = _rpc_type(cursor)
    cursor.require("returns")
    streams_response, response = _rpc_type(cursor)
    options: dict[str, Any] = {}
    if cursor.current == "{":
        options = _body(cursor, {"option": _option}, depth + 1)
    else:
        cursor.require(";")
    members["rpcs"].append(Rpc(name, request, response, streams_request, streams_response, **options))


def _rpc_type(cursor: Cursor) -> tuple[bool, str]:
    cursor.require("(")
    streams = cursor.current == "stream" and cursor.peek() != ")"
    if streams:
        cursor.advance()
    name = cursor.name("a message")
    cursor.require(")")
    return streams, name


_TYPE_STATEMENTS: dict[str, _Statement] = {
    "option": _option,
    "message": _message,
    "enum": _enum,
    "extend": _extend,
}
_FILE_STATEMENTS: dict[str, _Statement] = {**_TYPE_STATEMENTS, "import": _import, "service": _service}
_MESSAGE_STATEMENTS: dict[str, _Statement] = {
    **_TYPE_STATEMENTS,
    "oneof": _oneof,
    "extensions": _extensions,
    "reserved": _parse_reserved(MAX_FIELD_NUMBER),
    _ANY_WORD: _field,
}
_ONEOF_STATEMENTS: dict[str, _Statement] = {"option": _option, _ANY_WORD: _oneof_field}
_EXTEND_STATEMENTS: dict[str, _Statement] = {_ANY_WORD: _field}
_ENUM_STATEMENTS: dict[str, _Statement] = {
    "option": _option,
    "reserved": _parse_reserved(MAX_ENUM_NUMBER),
    _ANY_WORD: _enum_value,
}
_SERVICE_STATEMENTS: dict[str, _Statement] = {"option": _option, "rpc": _rpc}
