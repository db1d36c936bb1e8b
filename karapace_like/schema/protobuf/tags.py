"""Tags of messages and fields, kept in the options `(confluent.message_meta)` and `(confluent.field_meta)`.

A path is the message's and field's name without the package: `.Order.Line.price`. A member of a oneof is found with
and without the oneof's name. The options are declared in `confluent/meta.proto`, which is imported when needed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from karapace_like.schema.protobuf.printer import print_file
from karapace_like.schema.protobuf.syntax_tree import (
    Block,
    Field,
    File,
    Import,
    Literal,
    Message,
    Oneof,
    Option,
    Value,
)
from karapace_like.schema.protobuf.syntax_tree import Sequence as ValueList
from karapace_like.schema.tags import Entity, EntityKind, TagChange, no_such_entity

_META = {EntityKind.RECORD: "(confluent.message_meta)", EntityKind.FIELD: "(confluent.field_meta)"}
_META_FILE = "confluent/meta.proto"


def change_tags(file: File, changes: Sequence[TagChange]) -> str:
    """Return the text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    tagger = _Tagger(changes)
    result = replace(file, messages=tuple(tagger.message(message, "") for message in file.messages))
    for change in changes:
        if _absolute(change.entity) not in tagger.tagged_entities:
            raise no_such_entity(change.entity)
    is_declared = any(imported.path == _META_FILE for imported in file.imports)
    if not is_declared and any(change.added for change in changes):
        result = replace(result, imports=(*file.imports, Import(_META_FILE)))
    return print_file(result)


def list_tags(file: File) -> Mapping[Entity, Sequence[str]]:
    """Return the tags of every message and field, in the order of the text."""
    return {entity: _tags(options, entity.kind) for entity, options in _entities(file.messages, "")}


def list_field_tags(file: File) -> Mapping[str, frozenset[str]]:
    """Return the tags of every field by its full name, which has the package in it."""
    package = f".{file.package}" if file.package else ""
    return {
        f"{package}{entity.path}".removeprefix("."): frozenset(_tags(options, entity.kind))
        for entity, options in _entities(file.messages, "")
        if entity.kind is EntityKind.FIELD
    }


class _Tagger:
    """Makes nodes with changed options out of a file's nodes."""

    def __init__(self, changes: Iterable[TagChange]) -> None:
        self._changes = [(_absolute(change.entity), change) for change in changes]
        self.tagged_entities: set[Entity] = set()

    def message(self, node: Message, above: str) -> Message:
        path = f"{above}.{node.name}"
        return replace(
            node,
            options=self._change(node.options, EntityKind.RECORD, path),
            fields=tuple(self._field(field, path) for field in node.fields),
            oneofs=tuple(self._oneof(oneof, path) for oneof in node.oneofs),
            messages=tuple(self.message(message, path) for message in node.messages),
        )

    def _oneof(self, node: Oneof, path: str) -> Oneof:
        return replace(node, fields=tuple(self._field(field, path, f"{path}.{node.name}") for field in node.fields))

    def _field(self, node: Field, *places: str) -> Field:
        paths = [f"{place}.{node.name}" for place in places]
        return replace(node, options=self._change(node.options, EntityKind.FIELD, *paths))

    def _change(self, options: tuple[Option, ...], kind: EntityKind, *paths: str) -> tuple[Option, ...]:
        for entity, change in self._changes:
            if entity.kind is kind and entity.path in paths:
                self.tagged_entities.add(entity)
                options = _with_tags(options, kind, change.apply(_tags(options, kind)))
        return options


def _entities(messages: Iterable[Message], above: str) -> Iterator[tuple[Entity, tuple[Option, ...]]]:
    for message in messages:
        path = f"{above}.{message.name}"
        yield Entity(path, EntityKind.RECORD), message.options
        for field in (*message.fields, *(field for oneof in message.oneofs for field in oneof.fields)):
            yield Entity(f"{path}.{field.name}", EntityKind.FIELD), field.options
        yield from _entities(message.messages, path)


def _absolute(entity: Entity) -> Entity:
    return entity if entity.path.startswith(".") else Entity("." + entity.path, entity.kind)


def _entries(options: Iterable[Option], kind: EntityKind) -> list[tuple[str, Value]]:
    """Return the content of all spellings of the meta option: `meta = {doc: ...}` and `meta.tags = ...`."""
    entries: list[tuple[str, Value]] = []
    for option in options:
        if option.name == _META[kind] and isinstance(option.value, Block):
            entries += option.value.entries
        elif option.name.startswith(_META[kind] + "."):
            entries.append((option.name.removeprefix(_META[kind] + "."), option.value))
    return entries


def _tags(options: Iterable[Option], kind: EntityKind) -> list[str]:
    values = [value for name, value in _entries(options, kind) if name == "tags"]
    listed = [member for value in values for member in (value.values if isinstance(value, ValueList) else (value,))]
    return list(
        dict.fromkeys(member.value.decode(errors="replace") for member in listed if isinstance(member, Literal))
    )


def _with_tags(options: tuple[Option, ...], kind: EntityKind, tags: Sequence[str]) -> tuple[Option, ...]:
    """Return the options with one meta option in the place of the first, with these tags and all other entries."""
    entries = [(name, value) for name, value in _entries(options, kind) if name != "tags"]
    if tags:
        entries.append(("tags", ValueList(tuple(Literal(tag.encode()) for tag in tags))))
    meta = (Option(_META[kind], Block(tuple(entries))),) if entries else ()
    places = [index for index, option in enumerate(options) if option.name.startswith(_META[kind])]
    others = [option for option in options if not option.name.startswith(_META[kind])]
    place = places[0] if places else len(others)
    return (*others[:place], *meta, *others[place:])
