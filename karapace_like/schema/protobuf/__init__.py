"""Protobuf schemas: .proto texts and serialized descriptors, judged by protoc.

A text is parsed to a tree (`parser`, `syntax_tree`) from which the stored text (`printer`), the normal form
(`normal_form`) and compatibility (`compatibility`, `rules`) come. protoc (`compiler`) says whether it is valid and
makes descriptors. Comments are not kept.
"""

from collections.abc import Collection, Mapping, Sequence

from karapace_like.schema.files import Source, SourceLocation
from karapace_like.schema.model import Dependencies, Strictness
from karapace_like.schema.protobuf import places, tags
from karapace_like.schema.protobuf.change_rules import CHANGE_RULES
from karapace_like.schema.protobuf.changes import find_changes
from karapace_like.schema.protobuf.compatibility import find_incompatibilities
from karapace_like.schema.protobuf.linking import list_file_needs, list_offered_names
from karapace_like.schema.protobuf.normal_form import normal_form
from karapace_like.schema.protobuf.outline import list_elements
from karapace_like.schema.protobuf.printer import print_file
from karapace_like.schema.protobuf.rules import DIFFERENCES, RULES
from karapace_like.schema.protobuf.schema import ParsedProtobuf, descriptor_set, parse
from karapace_like.schema.protobuf.scope import extensions_of, member
from karapace_like.schema.protobuf.text_formats import format_text
from karapace_like.schema.tags import Entity, TagChange

__all__ = [
    "CHANGE_RULES",
    "DIFFERENCES",
    "NEEDS_ALL_REFERENCES",
    "REPORT_TEMPLATE",
    "RULES",
    "ParsedProtobuf",
    "canonicalise",
    "change_tags",
    "descriptor_set",
    "find_changes",
    "find_incompatibilities",
    "find_record_name",
    "format_text",
    "list_elements",
    "list_field_tags",
    "list_file_needs",
    "list_offered_names",
    "list_tags",
    "list_top_fields",
    "locate",
    "normalize",
    "parse",
    "parse_own_text",
]

REPORT_TEMPLATE = '{errorType:"{rule}", description:"{message}"}'
NEEDS_ALL_REFERENCES = True
"""protoc reads all that an imported file imports."""


def parse_own_text(text: str, dependencies: Dependencies) -> ParsedProtobuf:
    """Return the schema, parsed as strictly as a new one."""
    return parse(text, dependencies, Strictness.STRICT)


def canonicalise(parsed: ParsedProtobuf) -> str:
    """Return the text that is stored: as written, in one layout, without comments."""
    return print_file(parsed.written)


def normalize(parsed: ParsedProtobuf) -> str:
    """Return the text under `normalize=true`."""
    extensions = extensions_of(parsed.file, parsed.imported)
    return print_file(normal_form(parsed.file, parsed.scope, extensions))


def locate(source: Source, path: str, reader: Source) -> SourceLocation:
    """Return the location of an incompatibility in the source: a path is the same in every schema."""
    return places.locate(source, path)


def change_tags(parsed: ParsedProtobuf, changes: Sequence[TagChange]) -> str:
    """Return the text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    return tags.change_tags(parsed.written, changes)


def list_tags(parsed: ParsedProtobuf) -> Mapping[Entity, Sequence[str]]:
    """Return the tags of every message and field."""
    return tags.list_tags(parsed.written)


def list_field_tags(parsed: ParsedProtobuf) -> Mapping[str, frozenset[str]]:
    """Return the tags of every field of the schema's own file by its full name."""
    return tags.list_field_tags(parsed.written)


def list_top_fields(parsed: ParsedProtobuf) -> Collection[str]:
    """Return the names of the first message's fields, with those of its oneofs."""
    names: list[str] = []
    for message in parsed.written.messages[:1]:
        names += [field.name for field in message.fields]
        names += [field.name for oneof in message.oneofs for field in oneof.fields]
    return names


def find_record_name(parsed: ParsedProtobuf) -> str | None:
    """Return the full name of the first message."""
    messages = parsed.written.messages
    return member(parsed.written.package, messages[0].name) if messages else None
