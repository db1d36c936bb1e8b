"""JSON values to Protobuf messages: one function per message type of a schema, made once and called per value.

Follows the ProtoJSON format (protobuf.dev/programming-guides/json) with Confluent's latitude and words,
which are those of Java's JsonFormat: fields by JSON name or as declared, numbers as strings, strings from numbers.
Well-known types with a JSON form of their own go through the protobuf library's; extensions are left out.
"""

import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from karapace_like.serde.codec import EncodeError
from karapace_like.serde.floats import DOUBLE_END, FLOAT_END, NON_FINITE
from karapace_like.serde.protobuf.well_known import OWN_JSON, WRAPPERS, is_null_value

Convert = Callable[[Any], Any]
"""One JSON value to what a message's constructor takes for a field; raises EncodeError."""


class Parsers:
    """Makes the parsers of one schema's messages; each is made once, so that recursion ends."""

    def __init__(self, pool: DescriptorPool, on_unknown: Callable[[], None] | None = None) -> None:
        """`on_unknown` is called for each unknown field, which is dropped; None refuses it."""
        self._pool = pool
        self._on_unknown = on_unknown
        self._fields: dict[str, Convert] = {}

    def message(self, descriptor: Descriptor) -> Callable[[Any], Message]:
        """A function from a JSON value to a message."""
        made = GetMessageClass(descriptor)
        fields = self._of(descriptor)

        def parse(value: Any) -> Message:
            arguments = fields(value)
            return made(**arguments) if arguments.__class__ is dict else arguments

        return parse

    def _of(self, descriptor: Descriptor) -> Convert:
        """A message's own fields as a dict, or a whole message where its JSON is of another form."""
        if descriptor.full_name in OWN_JSON:
            return self._well_known_converter(descriptor)
        if descriptor.full_name in WRAPPERS:
            convert = self._single(descriptor.fields[0])
            return lambda value: {"value": convert(value)}
        if descriptor.full_name not in self._fields:
            fields: dict[str, tuple[str, Convert]] = {}
            self._fields[descriptor.full_name] = _message(descriptor, fields, self._on_unknown)
            for field in descriptor.fields:
                fields[field.name] = fields[field.json_name] = (field.name, self._field(field))
        return self._fields[descriptor.full_name]

    def _field(self, field: FieldDescriptor) -> Convert:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            return _map(field, _SCALARS[key.type], self._message_converter(value))
        return _repeated_converter(field, self._single(field)) if field.is_repeated else self._single(field)

    def _single(self, field: FieldDescriptor) -> Convert:
        if field.message_type is not None:
            return self._of(field.message_type)
        if field.enum_type is not None:
            return _enum(field.enum_type)
        return _SCALARS[field.type]

    def _message_converter(self, value: FieldDescriptor) -> Convert:
        """As `_single`, but with messages made: a map's constructor takes no dicts for them."""
        return self._single(value) if value.message_type is None else self.message(value.message_type)

    def _well_known_converter(self, descriptor: Descriptor) -> Convert:
        made = GetMessageClass(descriptor)

        def convert(value: Any) -> Message:
            try:
                return json_format.ParseDict(value, made(), descriptor_pool=self._pool)
            except (json_format.ParseError, ValueError, TypeError, AttributeError, OverflowError) as error:
                message = f"Not a {descriptor.full_name} value: {cite(value)}: {error}"
                raise EncodeError((), message, descriptor.full_name) from error

        return convert


def cite(value: Any) -> str:
    """A value as error messages show it."""
    return msgspec.json.encode(value).decode()


def _message(
    descriptor: Descriptor, fields: dict[str, tuple[str, Convert]], on_unknown: Callable[[], None] | None
) -> Convert:
    name = descriptor.full_name
    choices = [{field.name for field in oneof.fields} for oneof in descriptor.oneofs if len(oneof.fields) > 1]
    nullable = frozenset(
        key for field in descriptor.fields if is_null_value(field) for key in (field.name, field.json_name)
    )

    def parse(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise EncodeError((), f"Expect message object but got: {cite(value)}", f"message {name}")
        arguments: dict[str, Any] = {}
        for key, member in value.items():
            field = fields.get(key)
            if field is None:
                if on_unknown is not None:
                    on_unknown()
                    continue
                message = f"Cannot find field: {key} in message {name}"
                raise EncodeError((), message, f"no fields but those of message {name}")
            if member is None and key not in nullable:
                continue
            if field[0] in arguments:
                raise EncodeError((), f"Field {name}.{field[0]} has already been set.")
            try:
                arguments[field[0]] = field[1](member)
            except EncodeError as error:
                raise error.within(key) from error
        for choice in choices:
            _check_choice(name, choice, arguments)
        return arguments

    return parse


def _check_choice(name: str, choice: set[str], arguments: Iterable[str]) -> None:
    """At most one field of a oneof may be there."""
    chosen = [field for field in arguments if field in choice]
    if len(chosen) > 1:
        raise EncodeError(
            (),
            f"Cannot set field {name}.{chosen[1]} because another field {name}.{chosen[0]} "
            "belonging to the same oneof has already been set",
        )


def _repeated_converter(field: FieldDescriptor, item: Convert) -> Convert:
    def convert(value: Any) -> list[Any]:
        if value.__class__ is not list:
            raise EncodeError((), f"Expected an array for {field.name} but found {cite(value)}", "array")
        converted: list[Any] = []
        try:
            converted.extend(map(item, value))
        except EncodeError as error:
            raise error.within(len(converted)) from error
        return converted

    return convert


def _map(field: FieldDescriptor, key: Convert, item: Convert) -> Convert:
    def convert(value: Any) -> dict[Any, Any]:
        if value.__class__ is not dict:
            raise EncodeError((), f"Expect a map object but found: {cite(value)}", "map")
        converted: dict[Any, Any] = {}
        for name, member in value.items():
            if member is None:
                raise EncodeError(
                    (name,), f"Map value cannot be null in field: {field.full_name}", "a value of the map"
                )
            try:
                converted[key(name)] = item(member)
            except EncodeError as error:
                raise error.within(name) from error
        return converted

    return convert


def _enum(descriptor: EnumDescriptor) -> Convert:
    numbers = {enum_value.name: enum_value.number for enum_value in descriptor.values}
    allowed = frozenset(numbers.values()) if descriptor.is_closed else range(-(1 << 31), 1 << 31)

    def convert(value: Any) -> int:
        if value.__class__ is str and value in numbers:
            return numbers[value]
        if value is None and descriptor.full_name == "google.protobuf.NullValue":
            return 0
        number = value if value.__class__ is int else _whole(value)
        if number is not None and number in allowed:
            return number
        shown = value if isinstance(value, str) else cite(value)
        message = f"Invalid enum value: {shown} for enum type: {descriptor.full_name}"
        raise EncodeError((), message, f"enum {descriptor.full_name}")

    return convert


def _integer(kind: str, start: int, end: int) -> Convert:
    def convert(value: Any) -> int:
        number = value if value.__class__ is int else _whole(value)
        if number is None:
            raise EncodeError((), f"Not an {kind} value: {cite(value)}", kind)
        if start <= number < end:
            return number
        raise EncodeError((), f"Out of range {kind} value: {cite(value)}", f"{kind} (in its range)")

    return convert


_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")


def _whole(value: Any) -> int | None:
    """The whole number that a float or a string stands for; None where it is none."""
    if value.__class__ is str and _DECIMAL.fullmatch(value):
        try:
            return int(value)
        except ValueError:
            value = float(value)
    if value.__class__ is float and value.is_integer():
        return int(value)
    return None


def _floating(kind: str, end: int) -> Convert:
    def convert(value: Any) -> float:
        number = value
        if value.__class__ is str:
            if value in NON_FINITE:
                return NON_FINITE[value]
            number = float(value) if _DECIMAL.fullmatch(value) else None
        if number.__class__ not in {int, float}:
            raise EncodeError((), f"Not a {kind} value: {cite(value)}", kind)
        if -end < number < end:
            return float(number)
        raise EncodeError((), f"Out of range {kind} value: {cite(value)}", f"{kind} (in its range)")

    return convert


def _bool(value: Any) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise EncodeError((), f"Invalid bool value: {cite(value)}", "bool")


def _string(value: Any) -> str:
    if value.__class__ is str:
        return value
    if value is None or value.__class__ in {list, dict}:
        raise EncodeError((), f"Not a string value: {cite(value)}", "string")
    return cite(value)


def _bytes(value: Any) -> bytes:
    if value.__class__ is str:
        padded = value.translate(_URL_SAFE) + "=" * (-len(value) % 4)
        try:
            return binascii.a2b_base64(padded, strict_mode=True)
        except ValueError as error:
            raise EncodeError((), f"Not a base64 string: {cite(value)}", "bytes in base64") from error
    raise EncodeError((), f"Not a base64 string: {cite(value)}", "bytes in base64")


_URL_SAFE = str.maketrans("-_", "+/")

_int32 = _integer("int32", -(1 << 31), 1 << 31)
_int64 = _integer("int64", -(1 << 63), 1 << 63)
_uint32 = _integer("uint32", 0, 1 << 32)
_uint64 = _integer("uint64", 0, 1 << 64)

_SCALARS: dict[int, Convert] = {
    FieldDescriptor.TYPE_DOUBLE: _floating("double", DOUBLE_END),
    FieldDescriptor.TYPE_FLOAT: _floating("float", FLOAT_END),
    FieldDescriptor.TYPE_INT32: _int32,
    FieldDescriptor.TYPE_SINT32: _int32,
    FieldDescriptor.TYPE_SFIXED32: _int32,
    FieldDescriptor.TYPE_INT64: _int64,
    FieldDescriptor.TYPE_SINT64: _int64,
    FieldDescriptor.TYPE_SFIXED64: _int64,
    FieldDescriptor.TYPE_UINT32: _uint32,
    FieldDescriptor.TYPE_FIXED32: _uint32,
    FieldDescriptor.TYPE_UINT64: _uint64,
    FieldDescriptor.TYPE_FIXED64: _uint64,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_STRING: _string,
    FieldDescriptor.TYPE_BYTES: _bytes,
}
