"""The one table from a schema type to what can be done with it. No other code asks for the type.

Each format package holds the same four nouns (parse, canonical and normalized text, compatibility) behind the
signature below; `parse` here is the only door to its parser, because it holds the limits against hostile input.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from karapace_like.schema import avro, json_schema, limits, protobuf
from karapace_like.schema.files import Need, Place, Source
from karapace_like.schema.model import (
    CompatibilityPolicy,
    Dependencies,
    Incompatibility,
    InvalidSchemaError,
    ParsedSchema,
    Rule,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from karapace_like.schema.outline import Element
from karapace_like.schema.tags import Entity, TagChange

P = TypeVar("P", bound=ParsedSchema)


@dataclass(frozen=True, slots=True)
class Format(Generic[P]):
    """What every schema format offers. All functions are pure; parsed schemas are immutable and may be cached."""

    parse: Callable[[str, Dependencies, Strictness], P]
    """(text, dependencies, strictness) -> parsed; raises InvalidSchemaError."""
    canonical: Callable[[P], str]
    """The text that is stored and served: idempotent, same meaning."""
    normalized: Callable[[P], str]
    """The text under `normalize=true`: equal for schemas that differ in form only."""
    formatted: Callable[[P, str], str]
    """(parsed, name) -> the text for the API's `format=` parameter; an unknown name gives the canonical text."""
    compatible: Callable[[P, P, CompatibilityPolicy], list[Incompatibility]]
    """(reader, writer, policy) -> every reason why the reader cannot read the writer's data; empty if it can."""
    tagged: Callable[[P, Sequence[TagChange]], str]
    """(parsed, changes) -> the text with its tags changed; raises InvalidSchemaError for a path that leads nowhere."""
    entity_tags: Callable[[P], Mapping[Entity, Sequence[str]]]
    """The tags of every record and field; an empty list where there are none."""
    top_fields: Callable[[P], Collection[str]]
    """The names of the fields that a value has at its top; empty where the schema is no record."""
    offers: Callable[[str, str], Sequence[str]]
    """(text, path) -> the names by which other files refer to this one; raises InvalidSchemaError."""
    needs: Callable[[str, str, str], Sequence[Need]]
    """(text, seen_as, path) -> what the text refers to outside of itself, `seen_as` being the name of the reference
    that led to it, or empty; raises InvalidSchemaError."""
    outline: Callable[[P, str], Sequence[Element]]
    """(parsed, text) -> everything in the schema that has a name, the schema itself first."""
    place: Callable[[Source, str, Source], Place]
    """(source, path, reader) -> where in the source an incompatibility is whose path is one of the reader's schema."""
    record_name: Callable[[P], str | None]
    """The full name for the record-name subject strategies; None where the schema has none."""
    rules: Mapping[str, Rule]
    """Every rule that `compatible` can report, by name."""
    differences: Mapping[str, str]
    """Where the judge differs from the reference registry on purpose: what, and why."""
    report: str
    """How one incompatibility is written in API answers: `{rule}`, `{message}` and `{detail}` are filled."""


FORMATS: Mapping[SchemaType, Format[Any]] = {
    SchemaType.AVRO: Format(
        parse=avro.parse,
        canonical=avro.canonical,
        normalized=avro.normalized,
        formatted=avro.formatted,
        compatible=avro.compatible,
        tagged=avro.tagged,
        entity_tags=avro.entity_tags,
        top_fields=avro.top_fields,
        offers=avro.offers,
        needs=avro.needs,
        outline=avro.outline,
        place=avro.place,
        record_name=avro.record_name,
        rules=avro.RULES,
        differences=avro.DIFFERENCES,
        report="{errorType:'{rule}', description:'{message}', additionalInfo:'{detail}'}",
    ),
    SchemaType.JSON: Format(
        parse=json_schema.parse,
        canonical=json_schema.canonical,
        normalized=json_schema.normalized,
        formatted=json_schema.formatted,
        compatible=json_schema.compatible,
        tagged=json_schema.tagged,
        entity_tags=json_schema.entity_tags,
        top_fields=json_schema.top_fields,
        offers=json_schema.offers,
        needs=json_schema.needs,
        outline=json_schema.outline,
        place=json_schema.place,
        record_name=json_schema.record_name,
        rules=json_schema.RULES,
        differences=json_schema.DIFFERENCES,
        # The unbalanced quote is the reference registry's; its users' tools match on it.
        report='{errorType:"{rule}", description:"{message}\'}',
    ),
    SchemaType.PROTOBUF: Format(
        parse=protobuf.parse,
        canonical=protobuf.canonical,
        normalized=protobuf.normalized,
        formatted=protobuf.formatted,
        compatible=protobuf.compatible,
        tagged=protobuf.tagged,
        entity_tags=protobuf.entity_tags,
        top_fields=protobuf.top_fields,
        offers=protobuf.offers,
        needs=protobuf.needs,
        outline=protobuf.outline,
        place=protobuf.place,
        record_name=protobuf.record_name,
        rules=protobuf.RULES,
        differences=protobuf.DIFFERENCES,
        report='{errorType:"{rule}", description:"{message}"}',
    ),
}


def parse(
    schema: UnparsedSchema, dependencies: Dependencies, strictness: Strictness = Strictness.STRICT
) -> ParsedSchema:
    """The schema, understood; raises InvalidSchemaError, also for texts beyond the limits (`limits.py`)."""
    limits.check(schema.text)
    for text in dependencies.values():
        limits.check(text)
    try:
        parsed: ParsedSchema = FORMATS[schema.type].parse(schema.text, dependencies, strictness)
    except RecursionError as error:
        raise InvalidSchemaError("the schema is nested too deeply") from error
    return parsed
