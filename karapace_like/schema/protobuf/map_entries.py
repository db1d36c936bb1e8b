"""Maps in their long form (a nested `option map_entry = true` message and a repeated field of it) made `map<>`.

Both forms have the same descriptor. protoc refuses the long one in text, yet clients that print descriptors
naively send it, so it is understood here once, before anything else looks at the tree.
"""

from collections.abc import Iterable
from dataclasses import replace

from karapace_like.schema.protobuf.scope import Scope, member, scope_of
from karapace_like.schema.protobuf.syntax_tree import Extend, Field, File, Group, Message, Oneof, Option, Word

_MARK = Option("map_entry", Word("true"))


def fold(file: File) -> File:
    """Return the file with every map in its short form; the same file where all are."""
    as_message = Message("", messages=file.messages, extends=file.extends)
    if not _has_entries(as_message):
        return file
    folded = _fold(as_message, file.package, scope_of(file, {}))  # an entry stands beside the field of its type
    return replace(file, messages=folded.messages, extends=folded.extends)


def _has_entries(message: Message) -> bool:
    groups = _list_groups(message)
    return any(
        _is_entry(nested) or _has_entries(nested)
        for nested in (*message.messages, *(group.message for group in groups))
    )


def _list_groups(message: Message) -> list[Group]:
    holders: tuple[Message | Oneof | Extend, ...] = (message, *message.oneofs, *message.extends)
    return [group for holder in holders for group in holder.groups]


def _fold(message: Message, name: str, scope: Scope) -> Message:
    entries = {
        member(name, nested_message.name): nested_message
        for nested_message in message.messages
        if _is_entry(nested_message)
    }
    if entries:
        types = {scope.resolve(field.type, name) for field in message.fields if field.label == "repeated"}
        entries = {entry: nested_message for entry, nested_message in entries.items() if entry in types}

    def fold_field(field: Field) -> Field:
        entry = entries.get(scope.resolve(field.type, name) or "")
        if entry is None or field.label != "repeated":
            return field
        key, value = sorted(entry.fields, key=lambda field: field.number)
        return replace(field, label="", map_key=key.type, type=value.type)

    def fold_groups(groups: Iterable[Group]) -> tuple[Group, ...]:
        return tuple(
            replace(group, message=_fold(group.message, member(name, group.message.name), scope)) for group in groups
        )

    nested = (nested_message for nested_message in message.messages if member(name, nested_message.name) not in entries)
    return replace(
        message,
        fields=tuple(map(fold_field, message.fields)) if entries else message.fields,
        groups=fold_groups(message.groups),
        oneofs=tuple(replace(oneof, groups=fold_groups(oneof.groups)) for oneof in message.oneofs),
        extends=tuple(replace(extend, groups=fold_groups(extend.groups)) for extend in message.extends),
        messages=tuple(_fold(nested_message, member(name, nested_message.name), scope) for nested_message in nested),
    )


def _is_entry(message: Message) -> bool:
    return _MARK in message.options and [field.number for field in message.fields] in ([1, 2], [2, 1])
