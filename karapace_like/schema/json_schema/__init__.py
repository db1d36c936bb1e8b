"""JSON Schema: drafts 4, 6, 7, 2019-09 and 2020-12, read and compared as the reference registry reads and compares.

Instances are not validated here. Keywords that the reference does not compare (`format`, `contains`, `propertyNames`,
the branches of `if`, draft-04's boolean bounds) are not compared here either.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from karapace_like.schema.files import Place, Source
from karapace_like.schema.json_schema import outline as outlines
from karapace_like.schema.json_schema import places, tags
from karapace_like.schema.json_schema.comparison import Comparer
from karapace_like.schema.json_schema.documents import Documents
from karapace_like.schema.json_schema.draft import draft_of
from karapace_like.schema.json_schema.json_text import JsonValue, read, write
from karapace_like.schema.json_schema.linking import needs, offers
from karapace_like.schema.json_schema.loader import Loader
from karapace_like.schema.json_schema.rules import DIFFERENCES, LENIENT, RULES
from karapace_like.schema.json_schema.schemas import Schema
from karapace_like.schema.model import (
    CompatibilityPolicy,
    Dependencies,
    Incompatibility,
    SchemaType,
    Strictness,
)
from karapace_like.schema.outline import Element
from karapace_like.schema.tags import Entity, TagChange

__all__ = [
    "DIFFERENCES",
    "RULES",
    "Parsed",
    "canonical",
    "compatible",
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


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON Schema, understood."""

    value: JsonValue
    """The text as a value: what is printed."""
    schema: Schema
    """What it means: what is compared."""
    type: SchemaType = SchemaType.JSON


def parse(text: str, dependencies: Dependencies, strictness: Strictness) -> Parsed:
    """Read a schema; a dependency's name is the URI that `$ref` uses. Raises InvalidSchemaError."""
    value = read(text)
    draft = draft_of(value)
    documents = Documents(value, dependencies, draft)
    return Parsed(value, Loader(documents, draft, strictness).load())


def canonical(parsed: Parsed) -> str:
    """The text without whitespace, keys in the order they came in."""
    return write(parsed.value)


def normalized(parsed: Parsed) -> str:
    """The text with sorted keys; arrays keep their order."""
    return write(parsed.value, sort_keys=True)


def formatted(parsed: Parsed, name: str) -> str:
    """The canonical text: JSON Schema has no other formats."""
    return canonical(parsed)


def compatible(reader: Parsed, writer: Parsed, policy: CompatibilityPolicy) -> list[Incompatibility]:
    """Why the reader would refuse something that the writer's schema accepts, in the reference registry's order."""
    ignored = LENIENT if policy is CompatibilityPolicy.LENIENT else frozenset()
    return [
        Incompatibility(
            rule=RULES[finding.rule],
            path=finding.pointer,
            detail=finding.detail,
            reader="" if finding.reader is None else write(finding.reader),
            writer="" if finding.writer is None else write(finding.writer),
        )
        for finding in Comparer(ignored).compare(writer.schema, reader.schema)
    ]


def outline(parsed: Parsed, text: str) -> list[Element]:
    """The schema itself, then everything in it that has a name."""
    return outlines.outline(parsed.value)


def place(source: Source, path: str, reader: Source) -> Place:
    """Where in the source an incompatibility is: a path is the same in every schema."""
    return places.place(source, path)


def tagged(parsed: Parsed, changes: Sequence[TagChange]) -> str:
    """The text with the tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    return tags.tagged(parsed.value, changes)


def entity_tags(parsed: Parsed) -> Mapping[Entity, Sequence[str]]:
    """The tags of every object and property."""
    return tags.entity_tags(parsed.value)


def top_fields(parsed: Parsed) -> Collection[str]:
    """The names of the root's properties."""
    properties = parsed.value.get("properties") if isinstance(parsed.value, dict) else None
    return properties.keys() if isinstance(properties, dict) else ()


def record_name(parsed: Parsed) -> str | None:
    """The title."""
    title = parsed.value.get("title") if isinstance(parsed.value, dict) else None
    return title if isinstance(title, str) else None
