"""From stored and submitted texts to parsed schemas, with the references looked up in the store.

What the engines make of a text is remembered (see `remembering.py`).
"""

from karapace_like.registry import errors
from karapace_like.registry.content import Content
from karapace_like.registry.remembering import remembered
from karapace_like.registry.store import Store
from karapace_like.schema import formats, references
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    LATEST,
    Dependencies,
    InvalidSchemaError,
    ParsedSchema,
    Reference,
    SchemaType,
    Strictness,
    UnparsedSchema,
    Version,
)

_CACHED_SCHEMAS = 1000
_LIGHT = 2_000
"""Characters of schema text that are parsed or written in less than a millisecond, whatever they are."""


class Identity:
    """A parsed schema as a key: by identity, since comparing trees costs as much as what is remembered."""

    __slots__ = ("parsed",)

    def __init__(self, parsed: ParsedSchema) -> None:
        self.parsed = parsed

    def __hash__(self) -> int:
        return id(self.parsed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.parsed is other.parsed


def _is_light(_: SchemaType, text: str, dependencies: tuple[tuple[str, str], ...], __: Strictness) -> bool:
    return len(text) + sum(len(each) for _, each in dependencies) <= _LIGHT


@remembered(_CACHED_SCHEMAS, is_light=_is_light)
def _parsed(
    schema_type: SchemaType, text: str, dependencies: tuple[tuple[str, str], ...], strictness: Strictness
) -> ParsedSchema:
    return formats.parse(UnparsedSchema(schema_type, text), dict(dependencies), strictness)


@remembered(_CACHED_SCHEMAS, is_light=lambda _, length, __: length <= _LIGHT)
def _text(schema: Identity, length: int, normalize: bool) -> str:  # noqa: ARG001, FBT001 - a key has no names
    form = FORMATS[schema.parsed.type]
    return form.normalized(schema.parsed) if normalize else form.canonical(schema.parsed)


def text_of(parsed: ParsedSchema, text: str, *, normalize: bool) -> str:
    """The text that is stored, canonical or normalized, of what was parsed from this text."""
    return _text(Identity(parsed), len(text), normalize)


def dependencies_of(store: Store, schema: UnparsedSchema, subject: str) -> Dependencies:
    """The texts that a schema of the subject refers to, near and far; raises InvalidSchemaError."""
    if not schema.references:
        return {}
    subjects: dict[Reference, str] = {}

    def look_up(reference: Reference) -> UnparsedSchema | None:
        found = store.referenced(reference, subjects.get(reference, subject))
        if found is None:
            return None
        for each in found.content.references:
            subjects.setdefault(each, found.subject)
        return found.content.schema

    return references.closure(schema, look_up)


def parse(store: Store, schema: UnparsedSchema, subject: str, strictness: Strictness) -> ParsedSchema:
    """The schema of the subject, understood; raises RegistryError 42201."""
    try:
        dependencies = dependencies_of(store, schema, subject)
        return _parsed(schema.type, schema.text, tuple(dependencies.items()), strictness)
    except references.MissingReferenceError as error:
        reference = error.reference
        raise errors.missing_reference(schema.type, reference.subject, reference.version) from error
    except InvalidSchemaError as error:
        raise errors.invalid_schema(schema.type, str(error)) from error


def stored(store: Store, content: Content, subject: str) -> ParsedSchema:
    """A registered schema, understood; raises RegistryError 42201 for one that today's parser refuses."""
    return parse(store, content.schema, subject, Strictness.STORED)


def written_out(store: Store, content: Content, subject: str) -> Content | None:
    """A registered schema with what it refers to inside of its text; None if it cannot be parsed or written so."""
    try:
        parsed = stored(store, content, subject)
    except errors.RegistryError:
        return None
    text = FORMATS[content.type].formatted(parsed, "resolved")
    return Content(content.type, text, (), content.metadata, content.rule_set)


def with_resolved_versions(store: Store, schema: UnparsedSchema, subject: str) -> UnparsedSchema:
    """The schema with "latest" in its references replaced by the version that this is now."""
    if all(each.version != LATEST for each in schema.references):
        return schema
    resolved = []
    for each in schema.references:
        found = store.referenced(each, subject, deleted=False) if each.version == LATEST else None
        resolved.append(each if found is None else Reference(each.name, each.subject, Version(found.version)))
    return UnparsedSchema(schema.type, schema.text, tuple(resolved))
