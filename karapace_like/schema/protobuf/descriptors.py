"""Descriptors and trees: schemas that are sent as a serialized FileDescriptorProto in base64, as Python clients do.

Left out: options whose extension is in no imported file.
"""

import base64
import binascii
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtobufMessage

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.schema.protobuf import compiler
from karapace_like.schema.protobuf.printer import print_file
from karapace_like.schema.protobuf.syntax_tree import (
    Block,
    Enum,
    EnumValue,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Import,
    Literal,
    Message,
    Oneof,
    Option,
    Range,
    Rpc,
    Service,
    Value,
    Word,
    derive_json_name,
)
from karapace_like.schema.protobuf.tokens import unescape

_VISIBILITIES = ("", "local", "export")
"""By the number of SymbolVisibility."""
_LABELS = {FieldDescriptorProto.LABEL_REPEATED: "repeated", FieldDescriptorProto.LABEL_REQUIRED: "required"}


def decode(text: str) -> FileDescriptorProto | None:
    """The descriptor that the text holds in base64; None if it is something else."""
    try:
        descriptor = FileDescriptorProto.FromString(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError, DecodeError):
        return None
    return descriptor if descriptor.name and _is_text(descriptor) else None


def _is_text(message: ProtobufMessage) -> bool:
    """Whether all strings are UTF-8, which the format does not ask for: the library gives others as bytes."""
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            if isinstance(item, ProtobufMessage):
                if not _is_text(item):
                    return False
            elif isinstance(item, bytes) and field.type == FieldDescriptor.TYPE_STRING:
                return False
    return True


def imports_of(descriptor: FileDescriptorProto) -> File:
    """A file with the descriptor's imports and nothing else."""
    paths = (*descriptor.dependency, *descriptor.option_dependency)
    return File(syntax="proto3", imports=tuple(map(Import, paths)))


def file_of(descriptor: FileDescriptorProto, imported: Mapping[str, str]) -> File:
    """The tree of a descriptor; `imported` holds the texts of what it may import. Raises InvalidSchemaError."""
    return _Reader(descriptor, _pool(descriptor, imported)).file()


def _pool(descriptor: FileDescriptorProto, imported: Mapping[str, str]) -> descriptor_pool.DescriptorPool:
    """The descriptor and all that it imports: what is needed to read extension options."""
    pool = descriptor_pool.DescriptorPool()
    for file in [*compiler.compile_text(print_file(imports_of(descriptor)), imported)[:-1], _copy(descriptor)]:
        _number_json_names(file.message_type)
        try:
            pool.Add(file)
        except TypeError as error:
            raise InvalidSchemaError(f"the serialized descriptor is not valid: {error}") from error
    return pool


def _copy(descriptor: FileDescriptorProto) -> FileDescriptorProto:
    copy = FileDescriptorProto()
    copy.CopyFrom(descriptor)
    return copy


def _number_json_names(messages: Iterable[DescriptorProto]) -> None:
    """Give each field a JSON name of its own: the pool refuses two of one name, which proto2 allows."""
    for message in messages:
        for field in message.field:
            field.json_name = str(field.number)
        _number_json_names(message.nested_type)


class _Reader:
    """Makes nodes of one file's descriptors; `pool` knows the extensions that options may use."""

    def __init__(self, descriptor: FileDescriptorProto, pool: descriptor_pool.DescriptorPool) -> None:
        self._descriptor = descriptor
        self._pool = pool
        # An absent syntax is proto2. Only there every singular field outside of a oneof has a label.
        self._labels_singular = descriptor.syntax in {"", "proto2"}

    def file(self) -> File:
        descriptor = self._descriptor
        kinds = dict.fromkeys(descriptor.public_dependency, "public")
        kinds |= dict.fromkeys(descriptor.weak_dependency, "weak")
        has_edition = descriptor.syntax == "editions"
        return File(
            syntax=None if has_edition else descriptor.syntax or None,
            edition=descriptor_pb2.Edition.Name(descriptor.edition).removeprefix("EDITION_") if has_edition else None,
            package=descriptor.package,
            imports=(
                *(Import(path, kinds.get(index, "")) for index, path in enumerate(descriptor.dependency)),
                *(Import(path, "option") for path in descriptor.option_dependency),
            ),
            options=self.options(descriptor.options),
            messages=self.messages(descriptor.message_type, descriptor.extension),
            enums=tuple(self.enum(enum) for enum in descriptor.enum_type),
            extends=self.extends(descriptor.extension, descriptor.message_type),
            services=tuple(self.service(service) for service in descriptor.service),
        )

    def messages(
        self, descriptors: Iterable[DescriptorProto], fields: Iterable[FieldDescriptorProto]
    ) -> tuple[Message, ...]:
        """Return the messages of a file or message, without those that its own `fields` define as groups."""
        group_names = {_last(field.type_name) for field in fields if _is_group(field)}
        return tuple(self.message(message) for message in descriptors if message.name not in group_names)

    def message(self, descriptor: DescriptorProto) -> Message:
        in_oneofs = [field for field in descriptor.field if field.HasField("oneof_index") and not field.proto3_optional]
        outside = [field for field in descriptor.field if field not in in_oneofs]
        nested = descriptor.nested_type
        oneofs = []
        for index, oneof in enumerate(descriptor.oneof_decl):
            members = [field for field in in_oneofs if field.oneof_index == index]
            if members:
                options = self.options(oneof.options)
                oneofs.append(Oneof(oneof.name, self.fields(members), self.groups(members, nested), options))
        return Message(
            name=descriptor.name,
            fields=self.fields(outside),
            oneofs=tuple(oneofs),
            groups=self.groups(outside, nested),
            messages=self.messages(nested, [*descriptor.field, *descriptor.extension]),
            enums=tuple(self.enum(enum) for enum in descriptor.enum_type),
            extensions=tuple(
                Extensions((Range(extension.start, extension.end - 1),), self.options(extension.options))
                for extension in descriptor.extension_range
            ),
            extends=self.extends(descriptor.extension, nested),
            options=self.options(descriptor.options),
            reserved=(
                *((Range(reserved.start, reserved.end - 1),) for reserved in descriptor.reserved_range),
                *((name,) for name in descriptor.reserved_name),
            ),
            visibility=_VISIBILITIES[descriptor.visibility],
        )

    def fields(self, descriptors: Iterable[FieldDescriptorProto]) -> tuple[Field, ...]:
        return tuple(
            Field(field.name, field.number, _type_name(field), self.label(field), options=self.field_options(field))
            for field in descriptors
            if not _is_group(field)
        )

    def groups(
        self, descriptors: Iterable[FieldDescriptorProto], nested: Iterable[DescriptorProto]
    ) -> tuple[Group, ...]:
        messages = {message.name: message for message in nested}
        groups = []
        for field in filter(_is_group, descriptors):
            message = messages.get(_last(field.type_name))
            if message is None:
                raise InvalidSchemaError(f"the message of the group {field.name} does not stand beside it")
            groups.append(Group(field.number, self.message(message), self.label(field), self.options(field.options)))
        return tuple(groups)

    def label(self, descriptor: FieldDescriptorProto) -> str:
        is_singular = self._labels_singular and not descriptor.HasField("oneof_index")
        return _LABELS.get(descriptor.label, "optional" if is_singular or descriptor.proto3_optional else "")

    def field_options(self, descriptor: FieldDescriptorProto) -> tuple[Option, ...]:
        options = list(self.options(descriptor.options))
        if descriptor.HasField("default_value"):
            options.append(Option("default", _default(descriptor)))
        if descriptor.HasField("json_name") and descriptor.json_name != derive_json_name(descriptor.name):
            options.append(Option("json_name", Literal(descriptor.json_name.encode())))
        return tuple(options)

    def extends(
        self, descriptors: Iterable[FieldDescriptorProto], nested: Iterable[DescriptorProto]
    ) -> tuple[Extend, ...]:
        extends = []
        for extendee, neighbours in itertools.groupby(descriptors, key=lambda field: field.extendee):
            members = list(neighbours)
            extends.append(Extend(extendee, self.fields(members), self.groups(members, nested)))
        return tuple(extends)

    def enum(self, descriptor: EnumDescriptorProto) -> Enum:
        return Enum(
            name=descriptor.name,
            values=tuple(
                EnumValue(value.name, value.number, self.options(value.options)) for value in descriptor.value
            ),
            options=self.options(descriptor.options),
            reserved=(
                *((Range(reserved.start, reserved.end),) for reserved in descriptor.reserved_range),
                *((name,) for name in descriptor.reserved_name),
            ),
            visibility=_VISIBILITIES[descriptor.visibility],
        )

    def service(self, descriptor: ServiceDescriptorProto) -> Service:
        rpcs = (
            Rpc(
                method.name,
                method.input_type,
                method.output_type,
                streams_request=method.client_streaming,
                streams_response=method.server_streaming,
                options=self.options(method.options),
            )
            for method in descriptor.method
        )
        return Service(descriptor.name, tuple(rpcs), self.options(descriptor.options))

    def options(self, options: ProtobufMessage) -> tuple[Option, ...]:
        """Return the options that are set, extensions included if their file is imported."""
        try:
            message_class = message_factory.GetMessageClass(
                self._pool.FindMessageTypeByName(options.DESCRIPTOR.full_name)
            )
        except KeyError:
            message_class = type(options)
        try:
            return tuple(_write_options(message_class.FromString(options.SerializeToString())))
        except DecodeError as error:
            raise InvalidSchemaError(f"the serialized descriptor has options that are not valid: {error}") from error


def _write_options(options: ProtobufMessage) -> Iterator[Option]:
    """The options as people write them: features one by one, those of a language too."""
    for option in _entries(options):
        if option.name == "features" and isinstance(option.value, Block):
            yield from _write_features("features", option.value)
        else:
            yield option


def _write_features(name: str, features: Block) -> Iterator[Option]:
    for key, value in features.entries:
        if isinstance(value, Block):
            yield from _write_features(f"{name}.({key.strip('[]')})", value)
        else:
            yield Option(f"{name}.{key}", value)


def _entries(message: ProtobufMessage) -> Iterator[Option]:
    for field, value in message.ListFields():
        name = f"({field.full_name})" if field.is_extension else field.name
        if not field.is_repeated:
            yield Option(name, _value(field, value))
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            key_field, value_field = field.message_type.fields
            for key in sorted(value):
                entry = (("key", _value(key_field, key)), ("value", _value(value_field, value[key])))
                yield Option(name, Block(entry))
        else:
            yield from (Option(name, _value(field, item)) for item in value)


def _value(field: FieldDescriptor, value: Any) -> Value:
    if isinstance(value, ProtobufMessage):
        return Block(tuple((entry.name.replace("(", "[").replace(")", "]"), entry.value) for entry in _entries(value)))
    if isinstance(value, bytes):
        return Literal(value)
    if isinstance(value, str):
        return Literal(value.encode())
    if isinstance(value, bool):
        return Word(str(value).lower())
    if field.enum_type is not None:
        enum_value = field.enum_type.values_by_number.get(value)
        return Word(str(value) if enum_value is None else enum_value.name)
    return Word(repr(value))


def _default(descriptor: FieldDescriptorProto) -> Value:
    if descriptor.type == FieldDescriptorProto.TYPE_STRING:
        return Literal(descriptor.default_value.encode())
    if descriptor.type == FieldDescriptorProto.TYPE_BYTES:
        return Literal(unescape(descriptor.default_value.encode()))
    return Word(descriptor.default_value)


def _type_name(descriptor: FieldDescriptorProto) -> str:
    if descriptor.type_name:
        return descriptor.type_name
    return FieldDescriptorProto.Type.Name(descriptor.type).removeprefix("TYPE_").lower()


def _is_group(descriptor: FieldDescriptorProto) -> bool:
    return descriptor.type == FieldDescriptorProto.TYPE_GROUP


def _last(type_name: str) -> str:
    return type_name.rpartition(".")[2]
