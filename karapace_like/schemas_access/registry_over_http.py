"""The proxy's access to a registry that is another service: HTTP with a cache.

An id always means the same schema, so schemas are cached by id. The versions of a subject may change, so they are
fetched again after some seconds. Keys include the subject of the lookup, so that a schema that one subject has is still
registered, and checked, in another one.
"""

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import msgspec

from karapace_like.client.registry_client import RefusedError, RegistryClient, UnreachableError, path
from karapace_like.errors import ApiError
from karapace_like.process.lru import LruCache
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.registry import errors, names
from karapace_like.schema import references
from karapace_like.schema.model import (
    Dependencies,
    IdNumber,
    InvalidSchemaError,
    Reference,
    ReferenceVersion,
    SchemaId,
    SchemaType,
    Subject,
    UnparsedSchema,
    Version,
    VersionNumber,
)

K = TypeVar("K")
V = TypeVar("V")

_CACHE_SIZE = 1000
_FRESH_SECONDS = 5.0
"""How long the versions of a subject are cached."""
_LATEST = -1
_OURS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""Statuses that are about the credentials of this service, which its caller cannot change."""


class RemoteSchemas:
    """Implements `proxy.ports.Schemas`. Calls raise ApiError: that of the registry, or 503 if it is unreachable."""

    def __init__(self, client: RegistryClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`client` must be open; its creator closes it."""
        self._client = client
        self._ids: LruCache[tuple[int, str], RegisteredSchema] = LruCache(_CACHE_SIZE)
        self._guids: LruCache[uuid.UUID, tuple[_SchemaLocation, RegisteredSchema]] = LruCache(_CACHE_SIZE)
        self._subjects: _ExpiringCache[tuple[str, int], list[str]] = _ExpiringCache(clock)
        self._references: LruCache[tuple[str, int], UnparsedSchema] = LruCache(_CACHE_SIZE)
        self._versions: _ExpiringCache[tuple[str, int], tuple[int, RegisteredSchema]] = _ExpiringCache(clock)
        self._matches: _ExpiringCache[tuple[str, tuple[tuple[str, str], ...]], tuple[int, RegisteredSchema]]
        self._matches = _ExpiringCache(clock)
        self._associations: _ExpiringCache[tuple[RecordPart, str], Sequence[str]] = _ExpiringCache(clock)
        self._numbers: _ExpiringCache[tuple[str, int], int] = _ExpiringCache(clock)
        self._deleted_numbers: _ExpiringCache[tuple[str, int], int] = _ExpiringCache(clock)

    async def by_id(self, schema_id: int, subject: str, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema with the id in the context of the subject; raise ApiError 40403."""
        if rights is not ALL_SUBJECTS:
            await self._require_readable(schema_id, names.context_of(subject), rights)
        cached = self._ids.get((schema_id, subject))
        if cached is not None:
            return cached
        response = await self._request(_SchemaResponse, "GET", path("schemas", "ids", schema_id), subject=subject)
        return self._ids.put((schema_id, subject), await self._with_dependencies(schema_id, response, subject))

    async def by_guid(self, guid: uuid.UUID, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema with the GUID; raise ApiError 40403."""
        location, registered = self._guids.get(guid) or self._guids.put(guid, await self._fetch_by_guid(guid))
        if rights is not ALL_SUBJECTS:
            await self._require_readable(location.id, location.context, rights)
        return registered

    async def _fetch_by_guid(self, guid: uuid.UUID) -> tuple["_SchemaLocation", RegisteredSchema]:
        response = await self._request(_SchemaResponse, "GET", path("schemas", "guids", str(guid)))
        locations = await self._request(list[_SchemaLocation], "GET", path("schemas", "guids", str(guid), "ids"))
        location = locations[0]
        return location, await self._with_dependencies(location.id, response, names.qualify(location.context, ""))

    async def by_version(self, subject: str, version: int, rights: SubjectRights) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of a live version, -1 for the latest; raise ApiError 403, 40401 or 40402."""
        rights.require_reading(names.canonical(subject))

        async def fetch() -> tuple[int, RegisteredSchema]:
            number = "latest" if version == _LATEST else version
            response = await self._request(_VersionResponse, "GET", path("subjects", subject, "versions", number))
            return response.version, await self._with_dependencies(response.id, response, subject)

        return await self._versions.get((subject, version), fetch)

    async def by_metadata(
        self, subject: str, metadata: Mapping[str, str], rights: SubjectRights
    ) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of the latest live version with these properties; raise ApiError 403, 40401."""
        rights.require_reading(names.canonical(subject))

        async def fetch() -> tuple[int, RegisteredSchema]:
            where = path("subjects", subject, "metadata")
            query = {"key": list(metadata), "value": list(metadata.values())}
            response = await self._request(_VersionResponse, "GET", where, **query)
            return response.version, await self._with_dependencies(response.id, response, subject)

        return await self._matches.get((subject, tuple(sorted(metadata.items()))), fetch)

    async def version_of(self, subject: str, schema_id: int, rights: SubjectRights, *, registers: bool) -> int:
        """Return the number of the subject's live version with this id; raise ApiError 403 or 40403."""
        (rights.require_registering if registers else rights.require_reading)(names.canonical(subject))

        async def fetch() -> int:
            response = await self._request(
                list[_SubjectVersion], "GET", path("schemas", "ids", schema_id, "versions"), subject=subject
            )
            for version in response:
                if names.canonical(version.subject) == names.canonical(subject):
                    return version.version
            raise ApiError(40403, "Schema not found")

        return await self._numbers.get((subject, schema_id), fetch)

    async def written_version(self, subject: str, schema_id: int, rights: SubjectRights) -> int:
        """Return the number of the subject's version with this id, also of a deleted one; raise ApiError 403, 40403."""
        try:
            return await self.version_of(subject, schema_id, rights, registers=False)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

        async def fetch() -> int:
            where = path("schemas", "ids", schema_id, "versions")
            response = await self._request(list[_SubjectVersion], "GET", where, subject=subject, deleted="true")
            for version in reversed(response):
                if names.canonical(version.subject) == names.canonical(subject):
                    return version.version
            raise ApiError(40403, "Schema not found")

        return await self._deleted_numbers.get((subject, schema_id), fetch)

    async def versions_after(
        self, subject: str, first: int, last: int, rights: SubjectRights
    ) -> Sequence[RegisteredSchema]:
        """Return the versions after `first` up to `last`, also deleted ones, in their order; raise ApiError 403."""
        rights.require_reading(names.canonical(subject))
        numbers = await self._request(list[int], "GET", path("subjects", subject, "versions"), deleted="true")
        versions = []
        for number in sorted(numbers):
            if first < number <= last:
                where = path("subjects", subject, "versions", number)
                response = await self._request(_VersionResponse, "GET", where, deleted="true")
                versions.append(await self._with_dependencies(response.id, response, subject))
        return versions

    async def register(self, subject: str, schema: UnparsedSchema, rights: SubjectRights) -> RegisteredSchema:
        """Return the subject's version with this schema, registered if need be; raise ApiError 403, 40901, 422..."""
        rights.require_registering(names.canonical(subject))
        for reference in schema.references:
            rights.require_reading(names.resolve_reference(reference.subject, subject))
        body = {"schema": schema.text, "schemaType": schema.type, "references": schema.references}
        refusal = await rights.refuse_new(names.canonical(subject))
        try:
            where = path("subjects", subject, "versions") if refusal is None else path("subjects", subject)
            response = await self._request(_IdResponse, "POST", where, body)
        except ApiError as error:
            if refusal is not None and error.status == HTTPStatus.NOT_FOUND:
                raise refusal from error
            if error.status == HTTPStatus.CONFLICT and not rights.may_read(names.canonical(subject)):
                raise errors.incompatible_schema(subject, ()) from error
            raise
        # The response of a registration need not say which rules the version has.
        registered = await self.by_id(response.id, subject, ALL_SUBJECTS)
        return replace(registered, schema=schema, dependencies=await self._dependencies(schema, subject))

    async def _require_readable(self, schema_id: int, context: str, rights: SubjectRights) -> None:
        """Raise ApiError 40403 unless a subject of the context that has the id may be read."""

        async def fetch() -> list[str]:
            query = {} if context == names.DEFAULT_CONTEXT else {"subject": names.qualify(context, "")}
            where = path("schemas", "ids", schema_id, "versions")
            versions = await self._request(list[_SubjectVersion], "GET", where, deleted="true", **query)
            return [names.canonical(version.subject) for version in versions]

        if not any(map(rights.may_read, await self._subjects.get((context, schema_id), fetch))):
            raise ApiError(40403, f"Schema {schema_id} not found")

    def resolve_reference(self, subject: str, referrer: str) -> str:
        """Return the whole subject that a reference in a schema of the subject `referrer` means."""
        return names.resolve_reference(subject, referrer)

    def get_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str] | None:
        """Return what was fetched a short time ago; None otherwise."""
        return self._associations.get_fresh((part, topic))

    async def fetch_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str]:
        """Return the subjects that the keys or values of the topic are associated with, in any namespace.

        A registry that has no associations, or does not show them to this service, has none.
        """

        async def fetch() -> Sequence[str]:
            where = path("associations", "resources", "-", topic)
            try:
                response = await self._client.ask("GET", where, resourceType="topic", associationType=part.value)
                return [association.subject for association in msgspec.convert(response, list[_Association])]
            except RefusedError as error:
                if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _unavailable(str(error)) from error
                return ()
            except (UnreachableError, msgspec.ValidationError) as error:
                raise _unavailable(str(error)) from error

        return await self._associations.get((part, topic), fetch)

    def cache_validity(self, _: str) -> None:
        """Return None: another service does not announce its changes."""

    async def _with_dependencies(self, schema_id: int, response: "_SchemaResponse", subject: str) -> RegisteredSchema:
        schema = response.unparsed_schema
        dependencies = await self._dependencies(schema, subject)
        return RegisteredSchema(SchemaId(schema_id), schema, dependencies, response.metadata, response.rule_set)

    async def _dependencies(self, schema: UnparsedSchema, subject: str) -> Dependencies:
        """Return the texts that a schema of the subject refers to, directly or through others."""
        wanted = _qualify_references(schema, subject)
        schemas: dict[tuple[str, int], UnparsedSchema] = {}
        pending = list(wanted.references)
        while pending:
            reference = pending.pop()
            if (reference.subject, reference.version) not in schemas:
                schemas[reference.subject, reference.version] = referred = await self._fetch_reference(
                    reference.subject, reference.version
                )
                pending += referred.references
        try:
            return references.closure(wanted, lambda reference: schemas[reference.subject, reference.version])
        except InvalidSchemaError as error:
            raise _unavailable(str(error)) from error

    async def _fetch_reference(self, subject: str, version: int) -> UnparsedSchema:
        """Return a version that another schema refers to, also if it is deleted."""
        cached = self._references.get((subject, version))
        if cached is not None:
            return cached
        number = "latest" if version == _LATEST else version
        response = await self._request(
            _SchemaResponse, "GET", path("subjects", subject, "versions", number), deleted="true"
        )
        referred = _qualify_references(response.unparsed_schema, subject)
        return referred if version == _LATEST else self._references.put((subject, version), referred)

    async def _request(
        self, wanted: type[V], method: str, where: str, body: object = None, **query: str | list[str]
    ) -> V:
        try:
            return msgspec.convert(await self._client.ask(method, where, body, **query), wanted)
        except RefusedError as error:
            if error.status in _OURS:
                raise _unavailable(f"it rejects the credentials of this service (registry_user): {error}") from error
            raise ApiError(error.code, str(error), status=error.status) from error
        except (UnreachableError, msgspec.ValidationError) as error:
            raise _unavailable(str(error)) from error


def _unavailable(reason: str) -> ApiError:
    return ApiError(503, f"The schema registry cannot be reached: {reason}", retry_after=1)


def _qualify_references(schema: UnparsedSchema, subject: str) -> UnparsedSchema:
    """Return the schema with the whole subjects that its references mean in the context of the subject."""
    return msgspec.structs.replace(
        schema,
        references=tuple(
            replace(reference, subject=Subject(names.resolve_reference(reference.subject, subject)))
            for reference in schema.references
        ),
    )


class _ExpiringCache(Generic[K, V]):
    """A cache whose entries expire after `_FRESH_SECONDS`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._now = clock
        self._entries: LruCache[K, tuple[float, V]] = LruCache(_CACHE_SIZE)

    def get_fresh(self, key: K) -> V | None:
        """Return the cached value, unless it has expired."""
        entry = self._entries.get(key)
        return None if entry is None or self._now() - entry[0] > _FRESH_SECONDS else entry[1]

    async def get(self, key: K, fetch: Callable[[], Awaitable[V]]) -> V:
        """Return the cached value, or fetch and cache it."""
        entry = self._entries.get(key)
        if entry is None or self._now() - entry[0] > _FRESH_SECONDS:
            started = self._now()
            entry = self._entries.put(key, (started, await fetch()))
        return entry[1]


class _ReferenceField(msgspec.Struct):
    name: str
    subject: str
    version: ReferenceVersion


class _SchemaResponse(msgspec.Struct, kw_only=True):
    schema: str
    type: SchemaType = msgspec.field(default=SchemaType.AVRO, name="schemaType")
    references: list[_ReferenceField] | None = None
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = msgspec.field(default=None, name="ruleSet")

    @property
    def unparsed_schema(self) -> UnparsedSchema:
        references = (
            Reference(reference.name, Subject(reference.subject), Version(reference.version))
            for reference in self.references or ()
        )
        return UnparsedSchema(self.type, self.schema, tuple(references))


class _VersionResponse(_SchemaResponse, kw_only=True):
    id: IdNumber
    version: VersionNumber


class _Association(msgspec.Struct):
    subject: str


class _IdResponse(msgspec.Struct):
    id: IdNumber


class _SchemaLocation(msgspec.Struct):
    context: str
    id: IdNumber


class _SubjectVersion(msgspec.Struct):
    subject: str
    version: VersionNumber
