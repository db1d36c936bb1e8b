"""The registry's objects as JSON, in Confluent's field order (Confluent API, "Schema", "SchemaString")."""

from collections.abc import Mapping, Sequence
from typing import Any

from karapace_like.registry import names, parsing
from karapace_like.registry.associations import Association, Resource
from karapace_like.registry.content import Content
from karapace_like.registry.engine_jobs import Format
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.registration import Registered
from karapace_like.registry.settings import Config
from karapace_like.registry.store import StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.schema.tags import Entity

Tags = Mapping[Entity, Sequence[str]]


def _drop_absent(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are not null."""
    return {name: value for name, value in fields.items() if value is not None}


def _render_schema(content: Content, text: str) -> dict[str, Any]:
    return {
        "guid": content.guid,
        "schemaType": content.type,
        **content.attachments,
        "schema": text,
    }


def render_registration(answer: Registered, text: str) -> dict[str, Any]:
    """RegisterSchemaResponse."""
    return _drop_absent({"id": answer.id, "version": answer.version, **_render_schema(answer.content, text)})


def render_lookup(stored: StoredVersion, text: str) -> dict[str, Any]:
    """Schema, as a look-up answers it: without time and deletion mark."""
    place = {"subject": stored.subject, "version": stored.version, "id": stored.id}
    return _drop_absent({**place, **_render_schema(stored.content, text)})


def version(stored: StoredVersion, text: str, tags: Tags | None = None) -> dict[str, Any]:
    """Schema, as one version is answered."""
    fields = {**render_lookup(stored, text), **schema_tags(tags)}
    return {**fields, "ts": stored.timestamp, "deleted": stored.deleted}


def extended_schema(
    stored: StoredVersion, aliases: Sequence[str] | None, associations: Sequence[Association] | None = None
) -> dict[str, Any]:
    """ExtendedSchema, as listings show a version."""
    fields = version(stored, stored.content.text)
    if aliases:
        fields["aliases"] = aliases
    if associations:
        fields["associations"] = [association(associated) for associated in associations]
    return fields


def schema_tags(tags: Tags | None) -> dict[str, Any]:
    """Return the field `schemaTags`, which is omitted if there is none."""
    listed = [
        {"schemaEntity": {"entityPath": entity.path, "entityType": entity.kind}, "tags": names}
        for entity, names in (tags or {}).items()
    ]
    return {"schemaTags": listed} if listed else {}


def schema_string(
    stored: StoredVersion, text: str, *, tags: Tags | None = None, max_id: int | None = None, named: bool = True
) -> dict[str, Any]:
    """SchemaString, as a schema is answered by id or, not `named` by subject and version, by guid."""
    content = stored.content
    return _drop_absent(
        {
            "subject": stored.subject if named else None,
            "version": stored.version if named else None,
            "guid": content.guid,
            "schemaType": content.type,
            "schema": text,
            **content.attachments,
            **schema_tags(tags),
            "maxId": max_id,
            "ts": stored.timestamp,
            "deleted": stored.deleted,
        }
    )


async def text(store: RegistryView, engines: EngineAccess, content: Content, subject: str, form: str | None) -> str:
    """Return the schema's text in the form that the query's `format` names; as stored without one."""
    if not form:
        return content.text
    return await engines.run(Format(parsing.resolve_stored_schema(store, content, subject), form))


def config(stored: Config, default_level: str | None) -> dict[str, Any]:
    """Config; the level is the default where none is set."""
    fields = _render_fields(stored)
    fields["compatibilityLevel"] = fields["compatibilityLevel"] or default_level
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def config_update(stored: Config) -> dict[str, Any]:
    """ConfigUpdateRequest, as a change answers it: the level under the name that requests use."""
    fields = _render_fields(stored)
    return {
        "compatibility" if name == "compatibilityLevel" else name: value
        for name, value in fields.items()
        if value is not None
    }


def _render_fields(stored: Config) -> dict[str, Any]:
    values = (getattr(stored, name) for name in Config.__struct_fields__)
    return dict(zip(Config.__struct_encode_fields__, values, strict=True))


def context_id(stored: StoredVersion) -> dict[str, Any]:
    """ContextId."""
    return {"context": names.context_of(stored.subject), "id": stored.id}


def association(associated: Association) -> dict[str, Any]:
    """Association."""
    fields = {
        "subject": associated.subject,
        "guid": associated.guid,
        **resource(associated.resource),
        "associationType": associated.association_type,
        "lifecycle": associated.lifecycle,
        "frozen": associated.frozen,
        "createTs": associated.created,
        "updateTs": associated.updated,
    }
    return _drop_absent(fields)


def resource(associated: Resource) -> dict[str, Any]:
    """Return the fields of an AssociationResponse that name the resource."""
    fields = {
        "resourceName": associated.name or None,
        "resourceNamespace": associated.namespace or None,
        "resourceId": associated.id or None,
        "resourceType": associated.type,
    }
    return _drop_absent(fields)


def association_info(associated: Association, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """AssociationInfo; `schema` is a Schema."""
    fields = {
        "subject": associated.subject,
        "associationType": associated.association_type,
        "lifecycle": associated.lifecycle,
        "frozen": associated.frozen,
        "schema": schema,
    }
    return _drop_absent(fields)
