"""Messages of a Protobuf schema that another one rejects, or reads as something else, as the Protobuf library does."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from karapace_like.explanation.examples import Example, Side
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.schema.protobuf import descriptor_set
from karapace_like.schema.protobuf.schema import ParsedProtobuf
from karapace_like.serde.protobuf.descriptors import Descriptors

_MAX_DEPTH = 4
_STRING_TYPES = frozenset({FieldDescriptor.CPPTYPE_STRING})


class _Same(NamedTuple):
    """A schema that is equal to itself alone, so that it need not be compared."""

    parsed: ParsedProtobuf

    def __hash__(self) -> int:
        return id(self.parsed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.parsed is other.parsed


@lru_cache(2)
def _describe(schema: _Same) -> Descriptors:
    """Return the compiled schema; that of both sides of a comparison, which has several examples, is cached."""
    return Descriptors(descriptor_set(schema.parsed))


def find_example(writer: Side, reader: Side, path: str) -> Example | None:
    """See `ExampleFinder`."""
    assert isinstance(writer.parsed, ParsedProtobuf)
    assert isinstance(reader.parsed, ParsedProtobuf)
    try:
        written_with, read_with = (_describe(_Same(side)) for side in (writer.parsed, reader.parsed))
        name, number = _split_path(path)
        pairs = [
            (mine, theirs)
            for mine in written_with.messages.values()
            for theirs in read_with.messages.values()
            if mine.full_name == theirs.full_name
            and (name is None or f"{name}.".startswith(f"{_get_local_name(mine)}."))  # a oneof stands in the path, too
        ]
        for mine, theirs in pairs:
            for numbers in ([number], None):
                example = _compare(_fill(mine, numbers, 0), GetMessageClass(theirs)())
                if example is not None:
                    return example
    except (InvalidSchemaError, TypeError, ValueError, KeyError, RecursionError, json_format.Error):
        return None
    return None


def _split_path(path: str) -> tuple[str | None, int | None]:
    """Return (local name of the message, number of the field) of a path such as `#/Order.Item/3`."""
    parts = path.removeprefix("#/").split("/")
    number = int(parts[-1]) if parts[-1].isdecimal() else None
    names = [part for part in parts if part and not part.isdecimal()]
    return ".".join(names) or None, number


def _get_local_name(message: Descriptor) -> str:
    package: str = message.file.package
    return str(message.full_name).removeprefix(f"{package}." if package else "")


def _fill(descriptor: Descriptor, numbers: list[int | None] | None, depth: int) -> Message:
    """Return a message in which the fields of these numbers are set, or all of them; required ones always."""
    message: Message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if numbers is None or field.number in numbers or field.is_required:
            for value in _list_values(field, depth):
                _set(message, field, value)
                break
    return message


def _list_values(field: FieldDescriptor, depth: int) -> Iterator[Any]:
    if field.message_type is not None:
        if depth < _MAX_DEPTH and not field.message_type.GetOptions().map_entry:
            yield _fill(field.message_type, None, depth + 1)
    elif field.enum_type is not None:
        yield field.enum_type.values[-1].number
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        yield True
    elif field.cpp_type in _STRING_TYPES:
        yield b"\xff" if field.type == FieldDescriptor.TYPE_BYTES else "text"
    else:
        yield 1


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.is_repeated:
        values = [value, value] if field.message_type is None else [value]
        getattr(message, field.name).extend(values)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _compare(written: Message, read: Message) -> Example | None:
    """Return the example if the bytes of one message are not the same in the other one."""
    record = _show(written)
    try:
        read.ParseFromString(written.SerializeToString())
    except DecodeError:
        return Example(record, "its bytes cannot be decoded")
    if not read.IsInitialized():
        return Example(record, f"required fields are missing: {', '.join(_list_missing_fields(read))}")
    shown = _show(read)
    return None if shown == record else Example(record, f"it is read as {shown}")


def _list_missing_fields(message: Any) -> list[str]:
    missing: list[str] = message.FindInitializationErrors()
    return missing


def _show(message: Message) -> str:
    return json.dumps(json_format.MessageToDict(message, preserving_proto_field_name=True), ensure_ascii=False)
