"""The table from a schema type to the package of its format. No other code branches on the type.

Each format package implements `Format`, and mypy checks that. Other rooms parse with `parse` below and never with a
format's own parser, because `parse` enforces the limits against hostile input (`limits.py`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from karapace_like.schema import limits
from karapace_like.schema.changes import ChangeCategory, ChangeRule
from karapace_like.schema.files import FileNeed, Source, SourceLocation
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
from karapace_like.schema.sharing import SharedReferences, share
from karapace_like.schema.tags import Entity, TagChange

P = TypeVar("P", bound=ParsedSchema)


class Format(Protocol[P]):
    """A package of one schema format. All functions are pure; parsed schemas are immutable and may be cached."""

    RULES: Mapping[str, Rule]
    """Every rule that `find_incompatibilities` can report, by name."""
    DIFFERENCES: Mapping[str, str]
    """Verdicts that differ from Confluent Schema Registry's on purpose: which, and why."""
    CHANGE_RULES: Mapping[str, ChangeRule]
    """Every rule that `find_changes` can report, by name."""
    REPORT_TEMPLATE: str
    """The form of one incompatibility in API responses; `{rule}`, `{message}` and `{detail}` are replaced."""

    def parse(
        self,
        text: str,
        dependencies: Dependencies,
        strictness: Strictness,
        shared: SharedReferences | None = None,
        /,
    ) -> P:
        """Return the parsed schema; raises InvalidSchemaError. Dependencies that are shared are not read again."""
        ...

    NEEDS_ALL_REFERENCES: bool
    """Whether `parse_own_text` needs the texts that references refer to, too."""

    def parse_own_text(self, text: str, dependencies: Dependencies, /) -> P:
        """Return the parsed schema for its outline, as strictly as a new one; raises InvalidSchemaError.

        What the schema refers to is looked for, but not judged where `NEEDS_ALL_REFERENCES` is false.
        """
        ...

    def canonicalise(self, parsed: P, /) -> str:
        """Return the text that is stored and served. It means the same, and is its own canonical text."""
        ...

    def normalize(self, parsed: P, /) -> str:
        """Return the text under `normalize=true`: equal for schemas whose texts differ in form only."""
        ...

    def format_text(self, parsed: P, name: str, /) -> str:
        """Return the text for the API's `format=` parameter; the canonical one for an unknown name."""
        ...

    def find_incompatibilities(self, reader: P, writer: P, policy: CompatibilityPolicy, /) -> list[Incompatibility]:
        """Return every reason why the reader cannot read the writer's data; empty if it can."""
        ...

    def find_changes(self, new: P, old: P, category: ChangeCategory, /) -> list[Incompatibility]:
        """Return the changes that break a rule of the category, beyond what `find_incompatibilities` finds."""
        ...

    def change_tags(self, parsed: P, changes: Sequence[TagChange], /) -> str:
        """Return the text with its tags changed; raises InvalidSchemaError for a path of no element."""
        ...

    def list_tags(self, parsed: P, /) -> Mapping[Entity, Sequence[str]]:
        """Return the tags of every record and field; an empty list where there are none."""
        ...

    def list_top_fields(self, parsed: P, /) -> Collection[str]:
        """Return the names of the top-level fields of a value; empty where the schema is no record."""
        ...

    def list_offered_names(self, text: str, path: str, /) -> Sequence[str]:
        """Return the names by which other files refer to this one; raises InvalidSchemaError."""
        ...

    def list_file_needs(self, text: str, seen_as: str, path: str, /) -> Sequence[FileNeed]:
        """Return the other texts that the text refers to; raises InvalidSchemaError.

        `seen_as` is the name of the reference that led to the text, or empty.
        """
        ...

    def list_elements(self, parsed: P, text: str, /) -> Sequence[Element]:
        """Return every named element of the schema, the schema itself first."""
        ...

    def locate(self, source: Source, path: str, reader: Source, /) -> SourceLocation:
        """Return the location in the source of an incompatibility's path in the reader's schema."""
        ...

    def find_record_name(self, parsed: P, /) -> str | None:
        """Return the full name for the record-name subject strategies; None where the schema has none."""
        ...


def _import_format(type_: SchemaType) -> Format[Any]:
    """Return the package of a format. Protobuf's needs the extra `protobuf`, and raises ImportError without it."""
    match type_:
        case SchemaType.AVRO:
            from karapace_like.schema import avro  # noqa: PLC0415 - a command that reads one format loads no other

            return avro
        case SchemaType.JSON:
            from karapace_like.schema import json_schema  # noqa: PLC0415 - as above

            return json_schema
        case SchemaType.PROTOBUF:
            from karapace_like.schema import protobuf  # noqa: PLC0415 - as above

            return protobuf


class _FormatTable(dict[SchemaType, Format[Any]]):
    """Imports the package of a type when it is first looked up."""

    def __missing__(self, type_: SchemaType) -> Format[Any]:
        self[type_] = imported = _import_format(type_)
        return imported


FORMATS: _FormatTable = _FormatTable()


def import_formats() -> Mapping[SchemaType, Format[Any]]:
    """Return the packages of all formats that are installed. A service calls it before it serves its first request."""
    for type_ in SchemaType:
        with suppress(ImportError):
            FORMATS[type_]
    return FORMATS


def parse(
    schema: UnparsedSchema,
    dependencies: Dependencies,
    strictness: Strictness = Strictness.STRICT,
    shared: SharedReferences | None = None,
) -> ParsedSchema:
    """Parse a schema; raises InvalidSchemaError, also for texts beyond the limits (`limits.py`).

    Schemas that are parsed with the same `shared` read the references that they have in common once.
    """
    return _parse_within_limits(
        schema, dependencies, lambda: FORMATS[schema.type].parse(schema.text, dependencies, strictness, shared), shared
    )


def parse_own_text(schema: UnparsedSchema, dependencies: Dependencies) -> ParsedSchema:
    """Parse a schema for its outline; raises InvalidSchemaError as `parse` does. See `Format.parse_own_text`."""
    return _parse_within_limits(
        schema, dependencies, lambda: FORMATS[schema.type].parse_own_text(schema.text, dependencies)
    )


def _parse_within_limits(
    schema: UnparsedSchema,
    dependencies: Dependencies,
    parse_text: Callable[[], ParsedSchema],
    shared: SharedReferences | None = None,
) -> ParsedSchema:
    limits.check(schema.text)
    for text in dependencies.values():
        share(shared, (limits.check, text), partial(limits.check, text))
    try:
        return parse_text()
    except RecursionError as error:
        raise InvalidSchemaError("the schema is nested too deeply") from error
