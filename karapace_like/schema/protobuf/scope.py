"""The meaning of type names: every message and enum that a file can see, by full name, and protobuf's scoping rule.

Source: https://protobuf.dev/programming-guides/proto3/#name-resolution ("innermost scope outwards").
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from karapace_like.schema.protobuf.syntax_tree import Enum, Field, File, Message
from karapace_like.schema.sharing import SharedReferences, share


@dataclass(frozen=True, slots=True)
class Definition:
    """A type, with the package that it is defined in, and whether that is in another file."""

    node: Message | Enum
    package: str
    is_imported: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """All types by full name, without a leading dot."""

    types: Mapping[str, Definition]

    def resolve(self, name: str, within: str) -> str | None:
        """Return the full name of the type `name` in the package or message `within`; None if unknown."""
        return innermost(self.types, name, within)


def innermost(names: Container[str], name: str, within: str) -> str | None:
    """Return the full name among the known ones that `name` means inside of the package or message `within`."""
    if name.startswith("."):
        return name[1:] if name[1:] in names else None
    while within:
        candidate = f"{within}.{name}"
        if candidate in names:
            return candidate
        within = within.rpartition(".")[0]
    return name if name in names else None


def scope_of(file: File, imported: Mapping[str, File], shared: SharedReferences | None = None) -> Scope:
    """Return the scope of a file and of all that it may refer to; its own types win over imported ones."""
    types: dict[str, Definition] = {}
    for imported_file in imported.values():
        types.update(_define_imported_types(imported_file, shared))
    types.update((name, Definition(node, file.package, is_imported=False)) for name, node in _named_types(file))
    return Scope(types)


def _define_imported_types(file: File, shared: SharedReferences | None) -> Mapping[str, Definition]:
    def define() -> tuple[File, Mapping[str, Definition]]:
        return file, {name: Definition(node, file.package, is_imported=True) for name, node in _named_types(file)}

    # The file is kept with its types, so that no other one gets its identity.
    return share(shared, (scope_of, id(file)), define)[1]


def extensions_of(file: File, imported: Mapping[str, File]) -> Mapping[str, Field]:
    """Return the extension fields that a file can see, by full name."""
    files = (*imported.values(), file)
    return {name: field for file in files for name, field in _extensions_in(file.package, file)}


def member(within: str, name: str) -> str:
    """Return the full name of `name` inside of `within`."""
    return f"{within}.{name}" if within else name


@dataclass(frozen=True, slots=True)
class PlacedField:
    """A field, with the full name of the message (or package) that it stands in."""

    within: str
    field: Field
    is_in_oneof: bool


def placed_fields(file: File) -> Iterator[PlacedField]:
    """Yield every field of a file, extensions and those of nested messages and groups included."""
    yield from _list_fields(file.package, Message("", messages=file.messages, extends=file.extends))


def _list_fields(within: str, message: Message) -> Iterator[PlacedField]:
    """Yield the fields of a message that is called `within`, or of a file as if it were one."""
    for fields in (message.fields, *(extend.fields for extend in message.extends)):
        yield from (PlacedField(within, field, is_in_oneof=False) for field in fields)
    for oneof in message.oneofs:
        yield from (PlacedField(within, field, is_in_oneof=True) for field in oneof.fields)
    for nested in (*message.messages, *_group_messages(message)):
        yield from _list_fields(member(within, nested.name), nested)


def _named_types(file: File) -> Iterator[tuple[str, Message | Enum]]:
    yield from _types_in(file.package, Message("", messages=file.messages, enums=file.enums, extends=file.extends))


def _types_in(within: str, message: Message) -> Iterator[tuple[str, Message | Enum]]:
    """Yield the types in a message that is called `within`, or in a file as if it were one."""
    for enum in message.enums:
        yield member(within, enum.name), enum
    for nested in (*message.messages, *_group_messages(message)):
        name = member(within, nested.name)
        yield name, nested
        yield from _types_in(name, nested)


def _extensions_in(within: str, node: File | Message) -> Iterator[tuple[str, Field]]:
    for extend in node.extends:
        yield from ((member(within, field.name), field) for field in extend.fields)
    for nested in node.messages:
        yield from _extensions_in(member(within, nested.name), nested)


def _group_messages(message: Message) -> list[Message]:
    groups = [
        message.groups,
        *(oneof.groups for oneof in message.oneofs),
        *(extend.groups for extend in message.extends),
    ]
    return [group.message for listed in groups for group in listed]
