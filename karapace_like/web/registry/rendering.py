"""The registry's objects as JSON, in the reference registry's field order (Confluent API, "Schema", "SchemaString")."""

from collections.abc import Mapping, Sequence
from typing import Any

from karapace_like.registry import names, parsing
from karapace_like.registry.content import Content
from karapace_like.registry.registration import Registered
from karapace_like.registry.settings import Config
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.tags import Entity

Tags = Mapping[Entity, Sequence[str]]


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without those that are null."""
    return {name: value for name, value in fields.items() if value is not None}


def _schema(content: Content, text: str) -> dict[str, Any]:
    return {
        "guid": content.guid,
        "schemaType": content.type,
        **content.attached,
        "schema": text,
    }


def registered(answer: Registered, text: str) -> dict[str, Any]:
    """RegisterSchemaResponse."""
    return _present({"id": answer.id, "version": answer.version, **_schema(answer.content, text)})


def looked_up(stored: StoredVersion, text: str) -> dict[str, Any]:
    """Schema, as a look-up answers it: without time and deletion mark."""
    place = {"subject": stored.subject, "version": stored.version, "id": stored.id}
    return _present({**place, **_schema(stored.content, text)})


def version(stored: StoredVersion, text: str, tags: Tags | None = None) -> dict[str, Any]:
    """Schema, as one version is answered."""
    fields = {**looked_up(stored, text), **schema_tags(tags)}
    return {**fields, "ts": stored.timestamp, "deleted": stored.deleted}


def extended_schema(stored: StoredVersion, aliases: Sequence[str] | None) -> dict[str, Any]:
    """ExtendedSchema, as listings show a version."""
    fields = version(stored, stored.content.text)
    return {**fields, "aliases": aliases} if aliases else fields


def schema_tags(tags: Tags | None) -> dict[str, Any]:
    """The field `schemaTags`, left out where there is none."""
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
    return _present(
        {
            "subject": stored.subject if named else None,
            "version": stored.version if named else None,
            "guid": content.guid,
            "schemaType": content.type,
            "schema": text,
            **content.attached,
            **schema_tags(tags),
            "maxId": max_id,
            "ts": stored.timestamp,
            "deleted": stored.deleted,
        }
    )


def text(store: Store, content: Content, subject: str, form: str | None) -> str:
    """The schema's text in the form that the query's `format` names; as stored without one."""
    if not form:
        return content.text
    return FORMATS[content.type].formatted(parsing.stored(store, content, subject), form)


def config(found: Config, default_level: str | None) -> dict[str, Any]:
    """Config; the level is the default where none is set."""
    fields = _fields(found)
    fields["compatibilityLevel"] = fields["compatibilityLevel"] or default_level
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def config_update(found: Config) -> dict[str, Any]:
    """ConfigUpdateRequest, as a change answers it: the level under the name that requests use."""
    fields = _fields(found)
    return {
        "compatibility" if name == "compatibilityLevel" else name: value
        for name, value in fields.items()
        if value is not None
    }


def _fields(found: Config) -> dict[str, Any]:
    values = (getattr(found, name) for name in Config.__struct_fields__)
    return dict(zip(Config.__struct_encode_fields__, values, strict=True))


def context_id(stored: StoredVersion) -> dict[str, Any]:
    """ContextId."""
    return {"context": names.context_of(stored.subject), "id": stored.id}
