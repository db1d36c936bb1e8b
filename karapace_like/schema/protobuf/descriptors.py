"""Descriptors and trees: schemas that are sent as a serialized FileDescriptorProto in base64, as Python clients do.

Left out: the visibility of edition 2024's types, and options whose extension is in no imported file.
"""

import base64
import binascii
import itertools
import re
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
)
from karapace_like.schema.protobuf.tokens import unescaped

_LABELS = {FieldDescriptorProto.LABEL_REPEATED: "repeated", FieldDescriptorProto.LABEL_REQUIRED: "required"}


def decoded(text: str) -> FileDescriptorProto | None:
    """The descriptor that the text holds in base64; None if it is something else."""
    try:
        descriptor = FileDescriptorProto.FromString(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError, DecodeError):
        return None
    return descriptor if descriptor.name and _is_text(descriptor) else None


def _is_text(message: ProtobufMessage) -> bool:
    """Whether all strings are UTF-8, which the format does not ask for: the library gives others as bytes."""
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            if isinstance(each, ProtobufMessage):
                if not _is_text(each):
                    return False
            elif isinstance(each, bytes) and field.type == FieldDescriptor.TYPE_STRING:
                return False
    return True


def imports_of(descriptor: FileDescriptorProto) -> File:
    """A file with the descriptor's imports and nothing else."""
    return File(syntax="proto3", imports=tuple(map(Import, descriptor.dependency)))


def file_of(descriptor: FileDescriptorProto, imported: Mapping[str, str]) -> File:
    """The tree of a descriptor; `imported` holds the texts of what it may import. Raises InvalidSchemaError."""
    return _Reader(descriptor, _pool(descriptor, imported)).file()


def _pool(descriptor: FileDescriptorProto, imported: Mapping[str, str]) -> descriptor_pool.DescriptorPool:
    """The descriptor and all that it imports: what is needed to read extension options."""
    pool = descriptor_pool.DescriptorPool()
    for each in [*compiler.compiled(print_file(imports_of(descriptor)), imported)[:-1], descriptor]:
        try:
            pool.Add(each)
        except TypeError as error:
            raise InvalidSchemaError(f"the serialized descriptor is not valid: {error}") from error
    return pool


class _Reader:
    """Makes nodes of one file's descriptors; `pool` knows the extensions that options may use."""

    def __init__(self, descriptor: FileDescriptorProto, pool: descriptor_pool.DescriptorPool) -> None:
        self._descriptor = descriptor
        self._pool = pool
        # An absent syntax is proto2. Only there every singular field outside of a oneof has a label.
        self._labels_singular = descriptor.syntax in {"", "proto2"}

    def file(self) -> File:
        descriptor = self._descriptor
        kinds = dict.fromkeys(descriptor.public_dependency, "public") | dict.fromkeys(
            descriptor.weak_dependency, "weak"
        )
        has_edition = descriptor.syntax == "editions"
        return File(
            syntax=None if has_edition else descriptor.syntax or None,
            edition=descriptor_pb2.Edition.Name(descriptor.edition).removeprefix("EDITION_") if has_edition else None,
            package=descriptor.package,
            imports=tuple(Import(path, kinds.get(index, "")) for index, path in enumerate(descriptor.dependency)),
            options=self.options(descriptor.options),
            messages=tuple(self.message(each) for each in descriptor.message_type),
            enums=tuple(self.enum(each) for each in descriptor.enum_type),
            extends=self.extends(descriptor.extension, descriptor.message_type),
            services=tuple(self.service(each) for each in descriptor.service),
        )

    def message(self, descriptor: DescriptorProto) -> Message:
        in_oneofs = [each for each in descriptor.field if each.HasField("oneof_index") and not each.proto3_optional]
        outside = [each for each in descriptor.field if each not in in_oneofs]
        nested = descriptor.nested_type
        group_names = {_last(each.type_name) for each in (*descriptor.field, *descriptor.extension) if _is_group(each)}
        oneofs = []
        for index, oneof in enumerate(descriptor.oneof_decl):
            members = [each for each in in_oneofs if each.oneof_index == index]
            if members:
                options = self.options(oneof.options)
                oneofs.append(Oneof(oneof.name, self.fields(members), self.groups(members, nested), options))
        return Message(
            name=descriptor.name,
            fields=self.fields(outside),
            oneofs=tuple(oneofs),
            groups=self.groups(outside, nested),
            messages=tuple(self.message(each) for each in nested if each.name not in group_names),
            enums=tuple(self.enum(each) for each in descriptor.enum_type),
            extensions=tuple(
                Extensions((Range(each.start, each.end - 1),), self.options(each.options))
                for each in descriptor.extension_range
            ),
            extends=self.extends(descriptor.extension, nested),
            options=self.options(descriptor.options),
            reserved=(
                *((Range(each.start, each.end - 1),) for each in descriptor.reserved_range),
                *((name,) for name in descriptor.reserved_name),
            ),
        )

    def fields(self, descriptors: Iterable[FieldDescriptorProto]) -> tuple[Field, ...]:
        return tuple(
            Field(each.name, each.number, _type_name(each), self.label(each), options=self.field_options(each))
            for each in descriptors
            if not _is_group(each)
        )

    def groups(
        self, descriptors: Iterable[FieldDescriptorProto], nested: Iterable[DescriptorProto]
    ) -> tuple[Group, ...]:
        messages = {each.name: each for each in nested}
        groups = []
        for each in filter(_is_group, descriptors):
            message = messages.get(_last(each.type_name))
            if message is None:
                raise InvalidSchemaError(f"the message of the group {each.name} does not stand beside it")
            groups.append(Group(each.number, self.message(message), self.label(each), self.options(each.options)))
        return tuple(groups)

    def label(self, descriptor: FieldDescriptorProto) -> str:
        is_singular = self._labels_singular and not descriptor.HasField("oneof_index")
        return _LABELS.get(descriptor.label, "optional" if is_singular or descriptor.proto3_optional else "")

    def field_options(self, descriptor: FieldDescriptorProto) -> tuple[Option, ...]:
        options = list(self.options(descriptor.options))
        if descriptor.HasField("default_value"):
            options.append(Option("default", _default(descriptor)))
        if descriptor.HasField("json_name") and descriptor.json_name != _json_name(descriptor.name):
            options.append(Option("json_name", Literal(descriptor.json_name.encode())))
        return tuple(options)

    def extends(
        self, descriptors: Iterable[FieldDescriptorProto], nested: Iterable[DescriptorProto]
    ) -> tuple[Extend, ...]:
        extends = []
        for extendee, neighbours in itertools.groupby(descriptors, key=lambda each: each.extendee):
            members = list(neighbours)
            extends.append(Extend(extendee, self.fields(members), self.groups(members, nested)))
        return tuple(extends)

    def enum(self, descriptor: EnumDescriptorProto) -> Enum:
        return Enum(
            name=descriptor.name,
            values=tuple(EnumValue(each.name, each.number, self.options(each.options)) for each in descriptor.value),
            options=self.options(descriptor.options),
            reserved=(
                *((Range(each.start, each.end),) for each in descriptor.reserved_range),
                *((name,) for name in descriptor.reserved_name),
            ),
        )

    def service(self, descriptor: ServiceDescriptorProto) -> Service:
        rpcs = (
            Rpc(
                each.name,
                each.input_type,
                each.output_type,
                streams_request=each.client_streaming,
                streams_response=each.server_streaming,
                options=self.options(each.options),
            )
            for each in descriptor.method
        )
        return Service(descriptor.name, tuple(rpcs), self.options(descriptor.options))

    def options(self, options: ProtobufMessage) -> tuple[Option, ...]:
        """What is set in an options message, extensions included if their file is imported."""
        try:
            known = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(options.DESCRIPTOR.full_name))
        except KeyError:
            known = type(options)
        try:
            return tuple(_written(known.FromString(options.SerializeToString())))
        except DecodeError as error:
            raise InvalidSchemaError(f"the serialized descriptor has options that are not valid: {error}") from error


def _written(options: ProtobufMessage) -> Iterator[Option]:
    """The options as people write them: features one by one."""
    for option in _entries(options):
        if option.name == "features" and isinstance(option.value, Block):
            yield from (Option(f"features.{key}", value) for key, value in option.value.entries)
        else:
            yield option


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
            yield from (Option(name, _value(field, each)) for each in value)


def _value(field: FieldDescriptor, value: Any) -> Value:
    if isinstance(value, ProtobufMessage):
        return Block(tuple((each.name.replace("(", "[").replace(")", "]"), each.value) for each in _entries(value)))
    if isinstance(value, bytes):
        return Literal(value)
    if isinstance(value, str):
        return Literal(value.encode())
    if isinstance(value, bool):
        return Word(str(value).lower())
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return Word(str(value) if known is None else known.name)
    return Word(repr(value))


def _default(descriptor: FieldDescriptorProto) -> Value:
    if descriptor.type == FieldDescriptorProto.TYPE_STRING:
        return Literal(descriptor.default_value.encode())
    if descriptor.type == FieldDescriptorProto.TYPE_BYTES:
        return Literal(unescaped(descriptor.default_value.encode()))
    return Word(descriptor.default_value)


def _type_name(descriptor: FieldDescriptorProto) -> str:
    if descriptor.type_name:
        return descriptor.type_name
    return FieldDescriptorProto.Type.Name(descriptor.type).removeprefix("TYPE_").lower()


def _is_group(descriptor: FieldDescriptorProto) -> bool:
    return descriptor.type == FieldDescriptorProto.TYPE_GROUP


def _last(type_name: str) -> str:
    return type_name.rpartition(".")[2]


def _json_name(name: str) -> str:
    """The JSON name that a field has unless it says otherwise."""
    return re.sub("_+(.?)", lambda match: match[1].upper(), name)
