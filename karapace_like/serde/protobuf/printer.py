"""Protobuf messages to JSON values: one function per message type of a schema, made once and called per message.

Follows the ProtoJSON format as Confluent's proxy writes it: fields by JSON name, or in the plain form by the schema's,
in the order of their numbers, those that cannot be absent always there, 64-bit integers as strings. Unknown fields and
extensions are left out.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from karapace_like.serde.codec import RecordForm
from karapace_like.serde.floats import render_float, show
from karapace_like.serde.protobuf.well_known import OWN_JSON, WRAPPERS

Show = Callable[[Any], Any]
"""One field's value to what a JSON encoder takes; bytes stay bytes, which it writes as base64."""


class Printers:
    """Makes the printers of one schema's messages; each is made once, so that recursion ends."""

    def __init__(self, pool: DescriptorPool, form: RecordForm = RecordForm.STANDARD) -> None:
        self._pool = pool
        self._is_plain = form is RecordForm.PLAIN
        self._messages: dict[str, Show] = {}

    def message(self, descriptor: Descriptor) -> Show:
        """A function from a message to its JSON value."""
        if descriptor.full_name in OWN_JSON:
            return self._print_well_known_type
        if descriptor.full_name in WRAPPERS:
            show, wrapped = self._single(descriptor.fields[0]), attrgetter("value")
            return lambda message: show(wrapped(message))
        if descriptor.full_name not in self._messages:
            fields: list[tuple[str, str, bool, Show | None]] = []
            self._messages[descriptor.full_name] = _message(fields)
            fields.extend(
                (
                    field.name if self._is_plain else field.json_name,
                    field.name,
                    field.has_presence,
                    self._field(field),
                )
                for field in sorted(descriptor.fields, key=lambda field: field.number)
            )
        return self._messages[descriptor.full_name]

    def _field(self, field: FieldDescriptor) -> Show | None:
        """None where the value is shown as it is."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            return _map(key, self._single(value))
        if field.is_repeated:
            item = self._single(field)
            return lambda values: list(map(item, values))
        return None if field.type in _AS_IT_IS else self._single(field)

    def _single(self, field: FieldDescriptor) -> Show:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return _enum(field.enum_type)
        return _SCALARS.get(field.type, _same)

    def _print_well_known_type(self, message: Message) -> Any:
        return json_format.MessageToDict(
            message,
            descriptor_pool=self._pool,
            always_print_fields_with_no_presence=True,
            preserving_proto_field_name=self._is_plain,
        )


def _message(fields: list[tuple[str, str, bool, Show | None]]) -> Show:
    def show(message: Message) -> dict[str, Any]:
        printed: dict[str, Any] = {}
        for shown_name, name, may_be_absent, show_field in fields:
            if may_be_absent and not message.HasField(name):
                continue
            value = getattr(message, name)
            printed[shown_name] = value if show_field is None else show_field(value)
        return printed

    return show


def _map(key: FieldDescriptor, show: Show) -> Show:
    if key.type == FieldDescriptor.TYPE_BOOL:
        return lambda values: {"true" if name else "false": show(values[name]) for name in values}
    return lambda values: {str(name): show(values[name]) for name in values}


def _enum(descriptor: EnumDescriptor) -> Show:
    if descriptor.full_name == "google.protobuf.NullValue":
        return lambda _: None
    names: dict[int, str] = {}
    for value in descriptor.values:
        names.setdefault(value.number, value.name)  # the first of several names for a number
    return lambda number: names.get(number, number)


def _same(value: Any) -> Any:
    return value


_AS_IT_IS = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SFIXED32,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_BOOL,
        FieldDescriptor.TYPE_STRING,
        FieldDescriptor.TYPE_BYTES,
    }
)

_SCALARS: dict[int, Show] = {
    FieldDescriptor.TYPE_DOUBLE: show,
    FieldDescriptor.TYPE_FLOAT: render_float,
    FieldDescriptor.TYPE_INT64: str,
    FieldDescriptor.TYPE_SINT64: str,
    FieldDescriptor.TYPE_SFIXED64: str,
    FieldDescriptor.TYPE_UINT64: str,
    FieldDescriptor.TYPE_FIXED64: str,
}
