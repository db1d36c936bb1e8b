"""A .proto file as frozen nodes: what the text says, without comments, layout and positions.

The printed text, the normal form and compatibility are all made from these. Whether a file is valid is not known
here (`compiler.py` asks protoc). Type names are kept as they were written; `scope.py` says what they mean.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

WIRE_GROUPS = {
    "double": "double",
    "float": "float",
    "int32": "varint",
    "int64": "varint",
    "uint32": "varint",
    "uint64": "varint",
    "bool": "varint",
    "sint32": "zigzag",
    "sint64": "zigzag",
    "fixed32": "fixed32",
    "sfixed32": "fixed32",
    "fixed64": "fixed64",
    "sfixed64": "fixed64",
    "string": "bytes",
    "bytes": "bytes",
}
"""Scalar type -> the group of those that read each other's bytes. Enums are in the group of int32.

Source: https://protobuf.dev/programming-guides/proto3/#updating
"""
MAX_FIELD_NUMBER = 536_870_911
MAX_ENUM_NUMBER = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Word:
    """A number, an identifier or `true`/`false`, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, with its escapes resolved and adjacent literals joined."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """An aggregate in braces; a key may occur more than once."""

    entries: "tuple[tuple[str, Value], ...]"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list in brackets, inside of an aggregate."""

    values: "tuple[Value, ...]"


Value: TypeAlias = Word | Literal | Block | Sequence


@dataclass(frozen=True, slots=True)
class Option:
    """`name` holds the parentheses of extension names and dots: `(own.rule).max`."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from start to end, both included; one number has start == end."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """`label` is empty where none was written; a map has its key's scalar type in `map_key`."""

    name: str
    number: int
    type: str
    label: str = ""
    map_key: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A proto2 group: a field and its message in one; the message's name is the group's."""

    number: int
    message: "Message"
    label: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Oneof:
    """Fields of which one at most is set."""

    name: str
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Extensions:
    """The numbers that others may extend a message with."""

    ranges: tuple[Range, ...]
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Extend:
    """Fields that this file adds to the message `type`."""

    type: str
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One name and its number."""

    name: str
    number: int
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Enum:
    """`reserved` has one entry per statement, with its ranges and names in order; `visibility` is edition 2024's."""

    name: str
    values: tuple[EnumValue, ...] = ()
    options: tuple[Option, ...] = ()
    reserved: tuple[tuple[Range | str, ...], ...] = ()
    visibility: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """`reserved` and `visibility` as for an Enum."""

    name: str
    fields: tuple[Field, ...] = ()
    oneofs: tuple[Oneof, ...] = ()
    groups: tuple[Group, ...] = ()
    messages: "tuple[Message, ...]" = ()
    enums: tuple[Enum, ...] = ()
    extensions: tuple[Extensions, ...] = ()
    extends: tuple[Extend, ...] = ()
    options: tuple[Option, ...] = ()
    reserved: tuple[tuple[Range | str, ...], ...] = ()
    visibility: str = ""


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of a service."""

    name: str
    request: str
    response: str
    streams_request: bool = False
    streams_response: bool = False
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """Methods under one name."""

    name: str
    rpcs: tuple[Rpc, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """`kind` is empty, `public`, `weak` or (edition 2024) `option`."""

    path: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """`syntax` and `edition` are None where the text does not say."""

    syntax: str | None = None
    edition: str | None = None
    package: str = ""
    imports: tuple[Import, ...] = ()
    options: tuple[Option, ...] = ()
    messages: tuple[Message, ...] = ()
    enums: tuple[Enum, ...] = ()
    extends: tuple[Extend, ...] = ()
    services: tuple[Service, ...] = ()


def derive_json_name(name: str) -> str:
    """Return the JSON name that a field has unless it says otherwise."""
    return re.sub("_+(.?)", lambda match: match[1].upper(), name)
