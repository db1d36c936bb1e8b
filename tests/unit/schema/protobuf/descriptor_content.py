"""What a descriptor says, whatever the order in which it says it."""

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message import Message


def content(file: FileDescriptorProto) -> Any:
    """Equal for two files that differ only in the order of declarations."""
    named = FileDescriptorProto()
    named.CopyFrom(file)
    public = {file.dependency[index] for index in file.public_dependency}
    del named.public_dependency[:]
    return public, _unordered(named)


def _unordered(message: Message) -> Any:
    fields = {}
    for field, value in message.ListFields():
        if field.is_repeated:
            fields[field.name] = sorted((_one(each, message) for each in value), key=repr)
        elif field.name != "oneof_index":
            fields[field.name] = _one(value, message)
    # Options that all were for the source only leave an empty message behind.
    return sorted((name, content) for name, content in fields.items() if content != [])


def _one(value: Any, parent: Message) -> Any:
    if not isinstance(value, Message):
        return value
    unordered = _unordered(value)
    if isinstance(parent, DescriptorProto) and value.DESCRIPTOR.name == "FieldDescriptorProto":
        # A field names its oneof by position.
        name = parent.oneof_decl[value.oneof_index].name if value.HasField("oneof_index") else ""  # type: ignore[attr-defined]
        return name, unordered
    return unordered
