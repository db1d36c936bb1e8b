"""Whether a reader's schema can read what a writer's schema wrote: messages by name, fields by number.

The verdicts are those of Confluent's registry. A file's own messages are compared where they stand; those that
come from an import are compared where a field refers to them, since a reference can change without the file.

Left out, as by Confluent: groups, extensions, values of enums and services; the type of a field that also moves
into a oneof, out of one or between two; and that a packed list of numbers is not read into a single number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from karapace_like.schema.model import CompatibilityPolicy, Incompatibility, Rule
from karapace_like.schema.protobuf import rules
from karapace_like.schema.protobuf.printer import print_field
from karapace_like.schema.protobuf.reference_order import in_reference_order
from karapace_like.schema.protobuf.schema import ParsedProtobuf
from karapace_like.schema.protobuf.scope import Scope, member
from karapace_like.schema.protobuf.syntax_tree import WIRE_GROUPS, Enum, Field, Message, Oneof, Option, Word

_STRING_GROUP = WIRE_GROUPS["string"]
_ENUM_GROUP = WIRE_GROUPS["int32"]
_LEGACY_REQUIRED = Option("features.field_presence", Word("LEGACY_REQUIRED"))
_MAX_IMPORT_DEPTH = 50
"""Imported types inside of imported types that are compared in place; deeper ones are compared on their own."""


def find_incompatibilities(
    reader: ParsedProtobuf,
    writer: ParsedProtobuf,
    policy: CompatibilityPolicy,  # noqa: ARG001 - the policy is about JSON Schema
) -> list[Incompatibility]:
    """Return why the reader cannot read the writer's messages: by message, oneofs first, then by number."""
    comparison = _Comparison(reader.scope, writer.scope)
    if reader.file.package != writer.file.package:
        comparison.report(rules.PACKAGE_CHANGED, "#/", reader.file.package, writer.file.package)
    root = _Place("#", reader.file.package, writer.file.package)
    comparison.messages(root, reader.file.messages, writer.file.messages)
    while comparison.postponed:
        comparison.compare_imported_messages(comparison.postponed.pop())
    return comparison.findings


@dataclass(frozen=True, slots=True)
class _Place:
    """A path, and the full names of the message (or package) there on both sides."""

    path: str
    reader: str
    writer: str

    def inside(self, name: str) -> "_Place":
        return _Place(f"{self.path}/{name}", member(self.reader, name), member(self.writer, name))

    def at(self, step: str | int) -> "_Place":
        return _Place(f"{self.path}/{step}", self.reader, self.writer)


@dataclass(slots=True)
class _Comparison:
    reader: Scope
    writer: Scope
    findings: list[Incompatibility] = field(default_factory=list)
    judged: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Imported messages (reader's and writer's full name) that were compared, and whether they are compatible."""
    postponed: list[_Place] = field(default_factory=list)
    depth: int = 0

    def report(self, rule: Rule, path: str, reader: str = "", writer: str = "") -> None:
        self.findings.append(Incompatibility(rule, path, reader=reader, writer=writer))

    def messages(self, place: _Place, reader: Iterable[Message], writer: Iterable[Message]) -> None:
        readable = {message.name: message for message in reader}
        written = {message.name: message for message in writer}
        for name in in_reference_order(written, readable):
            inner = place.inside(name)
            if name in readable and name in written:
                self.message(inner, readable[name], written[name])
            elif name in written:
                self.report(rules.MESSAGE_REMOVED, inner.path, writer=f"message {name}")

    def message(self, place: _Place, reader: Message, writer: Message) -> None:
        self.moves(place, reader, writer)
        readable = {oneof.name: oneof for oneof in reader.oneofs}
        written = {oneof.name: oneof for oneof in writer.oneofs}
        for name in in_reference_order(written, readable):
            if name in readable and name in written:
                self.oneof(place.at(name), readable[name], written[name])
        self.fields(place, reader, writer)
        self.messages(place, reader.messages, writer.messages)

    def moves(self, place: _Place, reader: Message, writer: Message) -> None:
        """Fields that were outside of any oneof and now share one: what was set together cannot be any more."""
        outside = {message_field.number for message_field in writer.fields}
        for oneof in reader.oneofs:
            numbers = {message_field.number for message_field in oneof.fields}
            moved = len(numbers & outside)
            if moved > 1:
                self.report(rules.MULTIPLE_FIELDS_MOVED_TO_ONEOF, place.at(oneof.name).path, f"oneof {oneof.name}")
            elif moved == 1 and numbers & _oneof_numbers(writer):
                self.report(rules.FIELD_MOVED_TO_EXISTING_ONEOF, place.at(oneof.name).path, f"oneof {oneof.name}")

    def oneof(self, place: _Place, reader: Oneof, writer: Oneof) -> None:
        readable = {message_field.number: message_field for message_field in reader.fields}
        for written in sorted(writer.fields, key=lambda message_field: message_field.number):
            if written.number in readable:
                self.field(place.at(written.number), readable[written.number], written)
            else:
                self.report(rules.ONEOF_FIELD_REMOVED, place.at(written.number).path, writer=print_field(written))

    def fields(self, place: _Place, reader: Message, writer: Message) -> None:
        """Fields outside of oneofs; those that moved into one are judged by `moves` alone."""
        moved = _oneof_numbers(reader)
        readable = {message_field.number: message_field for message_field in reader.fields}
        written = {
            message_field.number: message_field for message_field in writer.fields if message_field.number not in moved
        }
        for number in sorted(readable.keys() | written.keys()):
            new, old = readable.get(number), written.get(number)
            if new is not None and old is not None:
                self.field(place.at(number), new, old)
            elif new is not None and _is_required(new):
                self.report(rules.REQUIRED_FIELD_ADDED, place.at(number).path, reader=print_field(new))
            elif old is not None and _is_required(old):
                self.report(rules.REQUIRED_FIELD_REMOVED, place.at(number).path, writer=print_field(old))

    def field(self, place: _Place, reader: Field, writer: Field) -> None:
        fragments = print_field(reader), print_field(writer)
        if bool(reader.map_key) != bool(writer.map_key):
            self.report(rules.FIELD_KIND_CHANGED, place.path, *fragments)
            return
        names = [(reader.type, writer.type)]
        if reader.map_key:
            names.insert(0, (reader.map_key, writer.map_key))
        for new, old in names:
            new_group = _wire_group(self.reader, new, place.reader)
            old_group = _wire_group(self.writer, old, place.writer)
            if bool(new_group) != bool(old_group):
                self.report(rules.FIELD_KIND_CHANGED, place.path, *fragments)
            elif new_group != old_group:
                self.report(rules.FIELD_SCALAR_KIND_CHANGED, place.path, *fragments)
            elif not new_group:
                self.named_type(place, new, old, fragments)
            elif new_group != _STRING_GROUP and reader.label and writer.label and reader.label != writer.label:
                self.report(rules.FIELD_NUMERIC_LABEL_CHANGED, place.path, *fragments)

    def named_type(self, place: _Place, reader: str, writer: str, fragments: tuple[str, str]) -> None:
        """Message types are the same if they are called the same inside of their packages, whatever those are."""
        new_name = self.reader.resolve(reader, place.reader)
        old_name = self.writer.resolve(writer, place.writer)
        if new_name is None or old_name is None:
            same = reader == writer
        else:
            new, old = self.reader.types[new_name], self.writer.types[old_name]
            same = new_name.removeprefix(f"{new.package}.") == old_name.removeprefix(f"{old.package}.")
            if same and (new.is_imported or old.is_imported):
                same = self.compare_imported_messages(_Place(place.path, new_name, old_name))
        if not same:
            self.report(rules.FIELD_NAMED_TYPE_CHANGED, place.path, *fragments)

    def compare_imported_messages(self, place: _Place) -> bool:
        """Return whether two messages, at least one of them imported, are compatible; each pair is reported once."""
        pair = place.reader, place.writer
        if pair in self.judged:
            return self.judged[pair]
        if self.depth == _MAX_IMPORT_DEPTH:
            self.postponed.append(place)
            return True
        new, old = self.reader.types[place.reader].node, self.writer.types[place.writer].node
        assert isinstance(new, Message)
        assert isinstance(old, Message)
        # A message that holds itself is compatible unless something else in it is not.
        self.judged[pair] = True
        before = len(self.findings)
        self.depth += 1
        self.message(place, new, old)
        self.depth -= 1
        self.judged[pair] = len(self.findings) == before
        return self.judged[pair]


def _oneof_numbers(message: Message) -> set[int]:
    return {message_field.number for oneof in message.oneofs for message_field in oneof.fields}


def _is_required(field: Field) -> bool:
    return field.label == "required" or _LEGACY_REQUIRED in field.options


def _wire_group(scope: Scope, type_name: str, within: str) -> str:
    """Return the group of a scalar or enum; empty for messages and for what is unknown."""
    if type_name in WIRE_GROUPS:
        return WIRE_GROUPS[type_name]
    definition = scope.types.get(scope.resolve(type_name, within) or "")
    return _ENUM_GROUP if definition is not None and isinstance(definition.node, Enum) else ""
