"""Strategies for pairs of proto3 schemas, where the second is the first after some changes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

WIRE_GROUPS = [
    ["int32", "int64", "uint32", "uint64", "bool", "E"],
    ["sint32", "sint64"],
    ["fixed32", "sfixed32"],
    ["fixed64", "sfixed64"],
    ["string", "bytes"],
    ["float"],
    ["double"],
    ["N"],
]
TYPES = [name for group in WIRE_GROUPS for name in group]
LENGTH_DELIMITED = {"string", "bytes", "N"}
TAIL = "enum E {\n  ZERO = 0;\n  ONE = 1;\n}\nmessage N {\n  string text = 1;\n}\n"


@dataclass(frozen=True)
class DrawnField:
    name: str
    type: str
    label: str = ""
    is_map: bool = False
    oneof: str = ""

    def text(self, number: int) -> str:
        type_name = f"map<string, {self.type}>" if self.is_map else self.type
        return f"{self.label} {type_name} {self.name} = {number};"


DrawnMessage = dict[int, DrawnField]


def text_of(message: DrawnMessage) -> str:
    """The schema with this message, an enum and another message."""
    lines = [field.text(number) for number, field in message.items() if not field.oneof]
    for oneof in {field.oneof: None for field in message.values() if field.oneof}:
        members = [field.text(number) for number, field in message.items() if field.oneof == oneof]
        lines.append(f"oneof {oneof} {{ {' '.join(members)} }}")
    return 'syntax = "proto3";\npackage drawn;\nmessage M {\n' + "\n".join(lines) + "\n}\n" + TAIL


@st.composite
def fields(draw: st.DrawFn, number: int) -> DrawnField:
    field = DrawnField(f"f{number}", draw(st.sampled_from(TYPES)))
    shape = draw(st.sampled_from(["plain", "plain", "optional", "repeated", "map", "oneof"]))
    if shape == "map":
        return replace(field, is_map=True)
    if shape == "oneof":
        return replace(field, oneof=draw(st.sampled_from(["o", "p"])))
    return replace(field, label="" if shape == "plain" else shape)


@st.composite
def messages(draw: st.DrawFn) -> DrawnMessage:
    numbers = draw(st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True))
    return {number: draw(fields(number)) for number in numbers}


def _retyped(draw: st.DrawFn, field: DrawnField) -> DrawnField:
    group = next(group for group in WIRE_GROUPS if field.type in group)
    return replace(field, type=draw(st.sampled_from(group)))


def _renamed(_draw: st.DrawFn, field: DrawnField) -> DrawnField:
    return replace(field, name=field.name + "_new")


def _relabelled(draw: st.DrawFn, field: DrawnField) -> DrawnField:
    # Numbers are left alone: a packed list of them is not read into a single one, whatever the reference says.
    if field.is_map or field.oneof or field.type not in LENGTH_DELIMITED:
        return field
    return replace(field, label=draw(st.sampled_from(["", "optional", "repeated"])))


def _moved(draw: st.DrawFn, field: DrawnField) -> DrawnField:
    if field.is_map or field.label == "repeated":
        return field
    return replace(field, label="", oneof=draw(st.sampled_from(["", "o", "q"])))


def _exchanged(draw: st.DrawFn, field: DrawnField) -> DrawnField:
    return replace(field, type=draw(st.sampled_from(TYPES)))


_CHANGES: list[Callable[[st.DrawFn, DrawnField], DrawnField]] = [
    _retyped,
    _retyped,
    _renamed,
    _relabelled,
    _moved,
    _exchanged,
]


@st.composite
def evolutions(draw: st.DrawFn) -> tuple[DrawnMessage, DrawnMessage]:
    """(writer's, reader's).

    A field changes in one way at most: the reference does not look at the type of a field that also moves into a
    oneof or out of one, so it calls some pairs compatible that are not.
    """
    writer = draw(messages())
    reader = dict(writer)
    for number in draw(st.lists(st.sampled_from(sorted(writer)), max_size=3, unique=True)):
        if draw(st.booleans()):
            reader[number] = draw(st.sampled_from(_CHANGES))(draw, reader[number])
        else:
            del reader[number]
    added = draw(st.sets(st.integers(41, 50), max_size=2))
    return writer, reader | {number: draw(fields(number)) for number in added}
