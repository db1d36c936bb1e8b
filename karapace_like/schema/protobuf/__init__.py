"""Protobuf schemas: .proto texts and serialized descriptors, judged by protoc.

A text is parsed to a tree (`parser`, `syntax_tree`) from which the stored text (`printer`), the normal form
(`normal_form`) and compatibility (`compatibility`, `rules`) come. protoc (`compiler`) says whether it is valid and
makes descriptors. Comments are not kept.
"""

from collections.abc import Collection, Mapping, Sequence

from karapace_like.schema.files import Place, Source
from karapace_like.schema.model import CompatibilityPolicy, Incompatibility
from karapace_like.schema.protobuf import places, tags
from karapace_like.schema.protobuf.compatibility import incompatibilities
from karapace_like.schema.protobuf.linking import needs, offers
from karapace_like.schema.protobuf.normal_form import normal_form
from karapace_like.schema.protobuf.outline import outline
from karapace_like.schema.protobuf.printer import print_file
from karapace_like.schema.protobuf.rules import DIFFERENCES, RULES
from karapace_like.schema.protobuf.schema import ParsedProtobuf, descriptor_set, parse
from karapace_like.schema.protobuf.scope import extensions_of, member
from karapace_like.schema.protobuf.text_formats import formatted
from karapace_like.schema.tags import Entity, TagChange

__all__ = [
    "DIFFERENCES",
    "RULES",
    "ParsedProtobuf",
    "canonical",
    "compatible",
    "descriptor_set",
    "entity_tags",
    "formatted",
    "needs",
    "normalized",
    "offers",
    "outline",
    "parse",
    "place",
    "record_name",
    "tagged",
    "top_fields",
]


def canonical(parsed: ParsedProtobuf) -> str:
    """The text that is stored: as written, in one layout, without comments."""
    return print_file(parsed.written)


def normalized(parsed: ParsedProtobuf) -> str:
    """The text under `normalize=true`."""
    extensions = extensions_of(parsed.file, parsed.imported)
    return print_file(normal_form(parsed.file, parsed.scope, extensions))


def compatible(reader: ParsedProtobuf, writer: ParsedProtobuf, policy: CompatibilityPolicy) -> list[Incompatibility]:
    """Every reason why the reader cannot read the writer's messages; the policy makes no difference here."""
    return incompatibilities(reader, writer)


def place(source: Source, path: str, reader: Source) -> Place:
    """Where in the source an incompatibility is: a path is the same in every schema."""
    return places.place(source, path)


def tagged(parsed: ParsedProtobuf, changes: Sequence[TagChange]) -> str:
    """The text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    return tags.tagged(parsed.written, changes)


def entity_tags(parsed: ParsedProtobuf) -> Mapping[Entity, Sequence[str]]:
    """The tags of every message and field."""
    return tags.entity_tags(parsed.written)


def top_fields(parsed: ParsedProtobuf) -> Collection[str]:
    """The names of the first message's fields, with those of its oneofs."""
    names: list[str] = []
    for message in parsed.written.messages[:1]:
        names += [each.name for each in message.fields]
        names += [each.name for oneof in message.oneofs for each in oneof.fields]
    return names


def record_name(parsed: ParsedProtobuf) -> str | None:
    """The full name of the first message."""
    messages = parsed.written.messages
    return member(parsed.written.package, messages[0].name) if messages else None
