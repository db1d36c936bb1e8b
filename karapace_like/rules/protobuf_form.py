"""Values of Protobuf schemas as rules see them: messages as maps from the schema's names of their fields.

Fields that cannot be absent are always there; others only where they are set. Enumerations are numbers, timestamps and
durations are CEL's, and wrappers are the values in them.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from karapace_like.rules.fields import Field, FindTags, Shape, Visit
from karapace_like.schema import formats
from karapace_like.schema.model import Dependencies, SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.protobuf import ParsedProtobuf, descriptor_set, list_field_tags
from karapace_like.serde import wire
from karapace_like.serde.floats import NON_FINITE, show
from karapace_like.serde.protobuf.descriptors import Descriptors
from karapace_like.serde.protobuf.well_known import OWN_JSON, WRAPPERS

_TIMESTAMP, _DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"
_LONGS = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
_TYPES: Mapping[int, str] = {
    FieldDescriptor.TYPE_BOOL: "BOOLEAN",
    FieldDescriptor.TYPE_BYTES: "BYTES",
    FieldDescriptor.TYPE_STRING: "STRING",
    FieldDescriptor.TYPE_FLOAT: "FLOAT",
    FieldDescriptor.TYPE_DOUBLE: "DOUBLE",
    FieldDescriptor.TYPE_ENUM: "ENUM",
}
_FLOATS = frozenset({FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE})


class ProtobufForm:
    """Implements `fields.ValueForm`."""

    is_heavy = False

    def __init__(self, text: str, dependencies: Dependencies, find_tags: FindTags) -> None:
        """Raises InvalidSchemaError."""
        parsed = _parse(text, dependencies)
        inline_tags: dict[str, frozenset[str]] = {}
        for part in (parsed, *(_parse(dependency, dependencies) for dependency in dependencies.values())):
            inline_tags.update(list_field_tags(part))
        self._descriptors = Descriptors(descriptor_set(parsed))
        self._shapes = _Shapes(inline_tags, find_tags)

    def find_message(self, payload: bytes) -> tuple[int, ...]:
        """Return the place of the message in its file; raises FrameError."""
        return wire.read_message_indexes(payload)[0]

    def shape(self, message: tuple[int, ...]) -> Shape:
        """Return the type of a message of the file; raises ValueError."""
        try:
            return self._shapes.message(self._descriptors.messages[message])
        except KeyError as error:
            raise ValueError(f"the schema has no message at the indexes {list(message)}") from error

    def enter(self, _: Shape, value: Any) -> Any:
        """Return the value."""
        return value

    leave = to_jsonata = of_jsonata = enter
    """JSONATA sees ProtoJSON, with names in lower camel case."""


def _parse(text: str, dependencies: Dependencies) -> ParsedProtobuf:
    parsed = formats.parse(UnparsedSchema(SchemaType.PROTOBUF, text), dependencies, Strictness.STORED)
    assert isinstance(parsed, ParsedProtobuf)
    return parsed


class _Leaf:
    """A scalar, an enumeration, or a well-known type with JSON of its own."""

    def __init__(self, field: FieldDescriptor, own: str | None = None) -> None:
        """`own` is the full name of the well-known type."""
        self.type = "LONG" if field.type in _LONGS or own in {_TIMESTAMP, _DURATION} else _TYPES.get(field.type, "INT")
        if own is not None and own not in {_TIMESTAMP, _DURATION}:
            self.type = "RECORD"
        self._open, self._close = _conversion(field, own)

    def to_native(self, value: Any) -> Any:
        return value if value is None else self._open(value)

    def to_plain(self, value: Any) -> Any:
        return value

    def to_json(self, native: Any) -> Any:
        return self._close(native)

    def transform(self, value: Any, field: Field | None, visit: Visit) -> Any:
        if field is None:
            return value
        native = self.to_native(value)
        result = visit(field, self.type, native)
        return value if result is native else self.to_json(result)


class _Items:
    """A repeated field, or a map."""

    def __init__(self, item: Shape, key: Callable[[str], Any] | None = None) -> None:
        """`key` converts the keys of a map to native ones."""
        self._item = item
        self._key = key

    def to_native(self, value: Any) -> Any:
        if isinstance(value, dict) and self._key is not None:
            return {self._key(name): self._item.to_native(item) for name, item in value.items()}
        return self._map(self._item.to_native, value)

    def to_plain(self, value: Any) -> Any:
        return self._map(self._item.to_plain, value)

    def to_json(self, native: Any) -> Any:
        if isinstance(native, dict):
            return {_write_key(key): self._item.to_json(item) for key, item in native.items()}
        return self._map(self._item.to_json, native)

    def transform(self, value: Any, field: Field | None, visit: Visit) -> Any:
        return self._map(lambda item: self._item.transform(item, field, visit), value)

    def _map(self, convert: Callable[[Any], Any], value: Any) -> Any:
        if isinstance(value, dict):
            return {key: convert(item) for key, item in value.items()}
        return list(map(convert, value)) if isinstance(value, list) else value


class _Message:
    def __init__(self) -> None:
        """Without fields, which may lead back to it."""
        self.fields: dict[str, tuple[FieldDescriptor, Shape, frozenset[str]]] = {}
        """JSON name -> (field, type, tags)."""
        self.names: dict[str, str] = {}
        """Name in the schema -> JSON name."""

    def to_native(self, value: Any) -> Any:
        return self._rename(value, "to_native")

    def to_plain(self, value: Any) -> Any:
        return self._rename(value, "to_plain")

    def _rename(self, value: Any, method: str) -> Any:
        if not isinstance(value, dict):
            return value
        converted = {}
        for name, member in value.items():
            field, shape, _ = self.fields[name]
            converted[field.name] = getattr(shape, method)(member)
        return converted

    def to_json(self, native: Any) -> Any:
        """Return the message; null means that a field is absent, and names that are no fields' stay for the encoder."""
        if not isinstance(native, dict):
            return native
        converted = {}
        for name, member in native.items():
            json_name = self.names.get(name) if isinstance(name, str) else None
            if json_name is None:
                converted[_write_key(name)] = member
            elif member is not None:
                converted[json_name] = self.fields[json_name][1].to_json(member)
        return converted

    def transform(self, value: Any, _: Field | None, visit: Visit) -> Any:
        if not isinstance(value, dict):
            return value
        result = dict(value)
        for name in value:
            field, shape, tags = self.fields[name]
            entered = Field(field.name, field.full_name, tags, lambda: self.to_native(result))
            result[name] = shape.transform(result[name], entered, visit)
        return result


class _Shapes:
    """Makes the shapes of one schema's messages; each is made once, so that recursion ends."""

    def __init__(self, inline_tags: Mapping[str, frozenset[str]], find_tags: FindTags) -> None:
        """`inline_tags`: full name of a field -> tags in the texts."""
        self._inline_tags = inline_tags
        self._find_tags = find_tags
        self._messages: dict[str, _Message] = {}

    def message(self, descriptor: Descriptor) -> _Message:
        cached = self._messages.get(descriptor.full_name)
        if cached is not None:
            return cached
        self._messages[descriptor.full_name] = shape = _Message()
        for field in descriptor.fields:
            tags = self._inline_tags.get(field.full_name, frozenset()) | self._find_tags(field.full_name)
            shape.fields[field.json_name] = field, self._field(field), tags
            shape.names[field.name] = field.json_name
        return shape

    def _field(self, field: FieldDescriptor) -> Shape:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            return _Items(self._single(value), _key_reader(key))
        return _Items(self._single(field)) if field.is_repeated else self._single(field)

    def _single(self, field: FieldDescriptor) -> Shape:
        descriptor = field.message_type
        if descriptor is None:
            return _Leaf(field)
        if descriptor.full_name in WRAPPERS:
            return _Leaf(descriptor.fields[0])
        return _Leaf(field, descriptor.full_name) if descriptor.full_name in OWN_JSON else self.message(descriptor)


Convert = Callable[[Any], Any]


def _conversion(field: FieldDescriptor, own: str | None) -> tuple[Convert, Convert]:
    """Return (JSON to native, native to JSON) of a leaf."""
    if own is not None:
        return _OWN.get(own, (_keep, _keep))
    if field.type in _LONGS:
        return _read_long, lambda native: str(native) if native.__class__ is int else native
    if field.type in _FLOATS:
        return (
            lambda value: NON_FINITE[value] if value in NON_FINITE else float(value),
            lambda native: show(native) if isinstance(native, float) else native,
        )
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _read_bytes, lambda native: base64.b64encode(native).decode() if isinstance(native, bytes) else native
    return (_enum_reader(field.enum_type), _keep) if field.enum_type is not None else (_keep, _keep)


def _keep(value: Any) -> Any:
    return value


def _read_long(value: Any) -> Any:
    return int(value) if isinstance(value, str) else value


def _read_bytes(value: Any) -> Any:
    try:
        return base64.b64decode(value)
    except (binascii.Error, TypeError, ValueError):
        return value


def _enum_reader(descriptor: EnumDescriptor) -> Convert:
    numbers = {value.name: value.number for value in descriptor.values}
    return lambda value: numbers.get(value, value) if isinstance(value, str) else value


def _read_timestamp(value: Any) -> Any:
    message = Timestamp()
    try:
        message.FromJsonString(value)
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, AttributeError):
        return value


def _write_timestamp(native: Any) -> Any:
    if not isinstance(native, datetime):
        return native
    message = Timestamp()
    message.FromDatetime(native)
    return message.ToJsonString()


def _read_duration(value: Any) -> Any:
    message = Duration()
    try:
        message.FromJsonString(value)
        return message.ToTimedelta()
    except (ValueError, TypeError, OverflowError, AttributeError):
        return value


def _write_duration(native: Any) -> Any:
    if not isinstance(native, timedelta):
        return native
    message = Duration()
    message.FromTimedelta(native)
    return message.ToJsonString()


_OWN: Mapping[str, tuple[Convert, Convert]] = {
    _TIMESTAMP: (_read_timestamp, _write_timestamp),
    _DURATION: (_read_duration, _write_duration),
}


def _key_reader(key: FieldDescriptor) -> Callable[[str], Any]:
    if key.type == FieldDescriptor.TYPE_STRING:
        return str
    return (lambda name: name == "true") if key.type == FieldDescriptor.TYPE_BOOL else int


def _write_key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
