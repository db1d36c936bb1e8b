"""Maps in their long form (a nested `option map_entry = true` message and a repeated field of it) made `map<>`.

Both forms have the same descriptor. protoc refuses the long one in text, yet clients that print descriptors
naively send it, so it is understood here once, before anything else looks at the tree.
"""

from dataclasses import replace

from karapace_like.schema.protobuf.scope import Scope, member
from karapace_like.schema.protobuf.syntax_tree import Field, File, Message, Option, Word

_MARK = Option("map_entry", Word("true"))


def folded(file: File, scope: Scope) -> File:
    """The file with every map in its short form."""
    return replace(
        file, messages=tuple(_folded(each, member(file.package, each.name), scope) for each in file.messages)
    )


def _folded(message: Message, name: str, scope: Scope) -> Message:
    entries = {member(name, each.name): each for each in message.messages if _is_entry(each)}

    def short(field: Field) -> Field:
        entry = entries.get(scope.resolve(field.type, name) or "")
        if entry is None or field.label != "repeated":
            return field
        key, value = sorted(entry.fields, key=lambda each: each.number)
        return replace(field, label="", map_key=key.type, type=value.type)

    nested = (each for each in message.messages if member(name, each.name) not in entries)
    return replace(
        message,
        fields=tuple(map(short, message.fields)) if entries else message.fields,
        messages=tuple(_folded(each, member(name, each.name), scope) for each in nested),
    )


def _is_entry(message: Message) -> bool:
    return _MARK in message.options and [field.number for field in message.fields] in ([1, 2], [2, 1])
