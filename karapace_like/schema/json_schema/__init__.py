"""JSON Schema: drafts 4, 6, 7, 2019-09 and 2020-12, read and compared as Confluent's registry reads and compares.

Instances are not validated here. Keywords that Confluent does not compare (`format`, `contains`, `propertyNames`,
the branches of `if`, draft-04's boolean bounds) are not compared here either.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from karapace_like.schema.changes import NO_RULES as CHANGE_RULES
from karapace_like.schema.changes import find_no_changes as find_changes
from karapace_like.schema.files import Source, SourceLocation
from karapace_like.schema.json_schema import outline as outlines
from karapace_like.schema.json_schema import places, tags
from karapace_like.schema.json_schema.comparison import Comparer
from karapace_like.schema.json_schema.documents import Documents
from karapace_like.schema.json_schema.draft import draft_of
from karapace_like.schema.json_schema.json_text import JsonValue, read, write
from karapace_like.schema.json_schema.linking import list_file_needs, list_offered_names
from karapace_like.schema.json_schema.loader import Loader
from karapace_like.schema.json_schema.rules import DIFFERENCES, LENIENT, RULES
from karapace_like.schema.json_schema.schemas import Schema
from karapace_like.schema.json_schema.shared_targets import OtherTargetError, SharedTargets, SharedVerdicts
from karapace_like.schema.json_schema.untyped import UntypedAsObjects
from karapace_like.schema.model import (
    CompatibilityPolicy,
    Dependencies,
    Incompatibility,
    SchemaType,
    Strictness,
)
from karapace_like.schema.outline import Element
from karapace_like.schema.sharing import SharedReferences
from karapace_like.schema.tags import Entity, TagChange

__all__ = [
    "CHANGE_RULES",
    "DIFFERENCES",
    "NEEDS_ALL_REFERENCES",
    "REPORT_TEMPLATE",
    "RULES",
    "Parsed",
    "canonicalise",
    "change_tags",
    "find_changes",
    "find_incompatibilities",
    "find_record_name",
    "format_text",
    "list_elements",
    "list_file_needs",
    "list_offered_names",
    "list_tags",
    "list_top_fields",
    "locate",
    "normalize",
    "parse",
    "parse_own_text",
]

# The unbalanced quote is Confluent's; tools of its users match on it.
REPORT_TEMPLATE = '{errorType:"{rule}", description:"{message}\'}'
NEEDS_ALL_REFERENCES = False
"""A `$ref` names the text that it leads to."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed JSON Schema."""

    value: JsonValue
    """The text as a value, which is printed."""
    schema: Schema
    """The meaning of the text, which is compared."""
    type: SchemaType = SchemaType.JSON
    is_as_karapace: bool = False
    """Whether it is to be compared as Karapace compares it."""
    shared: SharedTargets | None = None
    """What it has in common with others that were parsed with it."""


def parse(
    text: str, dependencies: Dependencies, strictness: Strictness, shared: SharedReferences | None = None
) -> Parsed:
    """Read a schema; a dependency's name is the URI that `$ref` uses. Raises InvalidSchemaError."""
    value = read(text)
    draft = draft_of(value)
    bridges = strictness is not Strictness.STRICT

    is_as_karapace = strictness is Strictness.KARAPACE

    def load(shared: SharedReferences | None) -> Parsed:
        documents = Documents(value, dependencies, draft, shared, bridges_definitions=bridges)
        targets = None if shared is None else shared.share((SharedTargets, draft, strictness), SharedTargets)
        schema = Loader(documents, draft, strictness, targets).load()
        return Parsed(value, schema, is_as_karapace=is_as_karapace, shared=targets)

    try:
        return load(shared)
    except OtherTargetError:
        return load(None)


def parse_own_text(text: str, dependencies: Dependencies) -> Parsed:
    """Return the schema for its outline: references have to lead somewhere, but into this text only they are read.

    A chain of files is so read once each, and not once for each file that refers to it.
    """
    value = read(text)
    draft = draft_of(value)
    documents = Documents(value, dependencies, draft)
    return Parsed(value, Loader(documents, draft, Strictness.STRICT, reads_references=False).load())


def canonicalise(parsed: Parsed) -> str:
    """Return the text without whitespace, keys in the order they came in."""
    return write(parsed.value)


def normalize(parsed: Parsed) -> str:
    """Return the text with sorted keys; arrays keep their order."""
    return write(parsed.value, sort_keys=True)


def format_text(parsed: Parsed, name: str) -> str:
    """Return the canonical text: JSON Schema has no other formats."""
    return canonicalise(parsed)


def find_incompatibilities(reader: Parsed, writer: Parsed, policy: CompatibilityPolicy) -> list[Incompatibility]:
    """Return why the reader would refuse what the writer's schema accepts, in Confluent's order."""
    ignored = LENIENT if policy is CompatibilityPolicy.LENIENT else frozenset()
    view = UntypedAsObjects() if reader.is_as_karapace or writer.is_as_karapace else None
    verdicts = None
    if reader.shared is not None and writer.shared is not None and view is None:
        verdicts = reader.shared.verdicts.setdefault(frozenset(ignored), SharedVerdicts())
    return [
        Incompatibility(
            rule=RULES[finding.rule],
            path=finding.pointer,
            detail=finding.detail,
            reader="" if finding.reader is None else write(finding.reader),
            writer="" if finding.writer is None else write(finding.writer),
        )
        for finding in Comparer(ignored, view, verdicts).compare(writer.schema, reader.schema)
    ]


def list_elements(parsed: Parsed, text: str) -> list[Element]:
    """Return the schema itself, then everything in it that has a name."""
    return outlines.list_elements(parsed.value)


def locate(source: Source, path: str, reader: Source) -> SourceLocation:
    """Return the location of an incompatibility in the source: a path is the same in every schema."""
    return places.locate(source, path)


def change_tags(parsed: Parsed, changes: Sequence[TagChange]) -> str:
    """Return the text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    return tags.change_tags(parsed.value, changes)


def list_tags(parsed: Parsed) -> Mapping[Entity, Sequence[str]]:
    """Return the tags of every object and property."""
    return tags.list_tags(parsed.value)


def list_top_fields(parsed: Parsed) -> Collection[str]:
    """Return the names of the root's properties."""
    properties = parsed.value.get("properties") if isinstance(parsed.value, dict) else None
    return properties.keys() if isinstance(properties, dict) else ()


def find_record_name(parsed: Parsed) -> str | None:
    """Return the title."""
    title = parsed.value.get("title") if isinstance(parsed.value, dict) else None
    return title if isinstance(title, str) else None
