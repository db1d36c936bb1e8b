"""Resolve stored and submitted schemas for the engines: look up the texts that they refer to in the store."""

from collections.abc import Mapping
from types import MappingProxyType

from karapace_like.registry import errors, names
from karapace_like.registry.content import Content
from karapace_like.registry.engine_jobs import Format, ResolvedSchema
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.store import Deleted
from karapace_like.registry.view import RegistryView
from karapace_like.schema import references
from karapace_like.schema.model import (
    LATEST,
    Dependencies,
    InvalidSchemaError,
    Reference,
    Strictness,
    Subject,
    UnparsedSchema,
    Version,
)


def dependencies_of(store: RegistryView, schema: UnparsedSchema, subject: str) -> Dependencies:
    """Return the texts that a schema of the subject refers to, directly or indirectly; raises InvalidSchemaError."""
    return _dependencies(store, schema, subject, Deleted.INCLUDE)


def require_live(store: RegistryView, schema: UnparsedSchema, subject: str) -> None:
    """Raise RegistryError 42201 where the schema refers, directly or not, to a version that is soft-deleted."""
    try:
        _dependencies(store, schema, subject, Deleted.EXCLUDE)
    except references.MissingReferenceError as error:
        raise _missing(schema, error.reference) from error


def resolve_with_successor(
    store: RegistryView, content: Content, subject: str, changed: str, successor: UnparsedSchema
) -> ResolvedSchema:
    """Return a registered schema as if it referred to the successor wherever it refers to the changed subject.

    Raises InvalidSchemaError where the successor refers to the schema itself.
    """
    dependencies = _dependencies(store, content.schema, subject, Deleted.INCLUDE, {changed: successor})
    return ResolvedSchema(content.type, content.text, tuple(dependencies.items()), Strictness.STORED)


def _dependencies(
    store: RegistryView,
    schema: UnparsedSchema,
    subject: str,
    deleted: Deleted,
    successors: Mapping[str, UnparsedSchema] = MappingProxyType({}),
) -> Dependencies:
    """Return the texts that a schema refers to; `successors` take the place of every version of their subjects."""
    if not schema.references:
        return {}

    def look_up(reference: Reference) -> UnparsedSchema | None:
        successor = successors.get(names.canonical(reference.subject))
        if successor is not None:
            return _qualify_references(successor, reference.subject)
        resolved = store.resolve_reference(reference, "", deleted)  # unqualified: of the default context
        return None if resolved is None else _qualify_references(resolved.content.schema, resolved.subject)

    return references.closure(_qualify_references(schema, subject), look_up)


def _qualify_references(schema: UnparsedSchema, subject: str) -> UnparsedSchema:
    """Return the schema with qualified references, which mean the same in every context."""
    if not schema.references or names.context_of(subject) == names.DEFAULT_CONTEXT:
        return schema
    qualified = tuple(
        Reference(reference.name, Subject(names.resolve_reference(reference.subject, subject)), reference.version)
        for reference in schema.references
    )
    return UnparsedSchema(schema.type, schema.text, qualified)


def resolve(store: RegistryView, schema: UnparsedSchema, subject: str, strictness: Strictness) -> ResolvedSchema:
    """Return the schema of the subject with all its references resolved; raises RegistryError 42201."""
    try:
        dependencies = dependencies_of(store, schema, subject)
    except references.MissingReferenceError as error:
        raise _missing(schema, error.reference) from error
    except InvalidSchemaError as error:
        raise errors.invalid_schema(schema.type, str(error)) from error
    return ResolvedSchema(schema.type, schema.text, tuple(dependencies.items()), strictness)


def resolve_stored_schema(store: RegistryView, content: Content, subject: str) -> ResolvedSchema:
    """Return a registered schema of the subject with all its references resolved; raises RegistryError 42201."""
    return resolve(store, content.schema, subject, Strictness.STORED)


def _missing(schema: UnparsedSchema, reference: Reference) -> errors.RegistryError:
    return errors.missing_reference(schema.type, reference.subject, reference.version)


async def write_out_references(
    store: RegistryView, engines: EngineAccess, content: Content, subject: str
) -> Content | None:
    """Return a registered schema with its references inlined into its text; None where that is impossible."""
    try:
        text = await engines.run(Format(resolve_stored_schema(store, content, subject), "resolved"))
    except errors.RegistryError as error:
        if error.status != errors.UNPROCESSABLE:
            raise
        return None
    return Content(content.type, text, (), content.metadata, content.rule_set)


def resolve_versions(store: RegistryView, schema: UnparsedSchema, subject: str) -> UnparsedSchema:
    """Return the schema with "latest" in its references replaced by the current latest version."""
    if all(reference.version != LATEST for reference in schema.references):
        return schema
    resolved = []
    for reference in schema.references:
        newest = store.resolve_reference(reference, subject, Deleted.EXCLUDE) if reference.version == LATEST else None
        resolved.append(
            reference if newest is None else Reference(reference.name, reference.subject, Version(newest.version))
        )
    return UnparsedSchema(schema.type, schema.text, tuple(resolved))
