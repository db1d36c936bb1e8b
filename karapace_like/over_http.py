"""The registry as the proxy needs it, where it is another service: HTTP, and a cache of what does not change.

A schema's id means the same for ever, so what is found by one is kept. What a subject holds may change: it is asked
for again after some seconds. Everything is kept with the subject that it was asked for, so that a schema which one
subject has is still registered, and checked, in another one.
"""

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Generic, TypeVar

import msgspec

from karapace_like.client.registry_client import RefusedError, RegistryClient, UnreachableError, path
from karapace_like.errors import ApiError
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.recent import Recent
from karapace_like.registry import names
from karapace_like.schema import references
from karapace_like.schema.model import (
    Dependencies,
    InvalidSchemaError,
    Reference,
    SchemaId,
    SchemaType,
    Subject,
    UnparsedSchema,
    Version,
)

K = TypeVar("K")
V = TypeVar("V")

_KEPT = 1000
_FRESH_SECONDS = 5.0
"""How long what a subject holds is taken for granted."""
_LATEST = -1
_OURS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""Refusals that are about this service's credentials: its caller has no others to send."""


class RemoteSchemas:
    """Satisfies `proxy.ports.Schemas`. Every call raises ApiError: the registry's refusals, 503 while it is away."""

    def __init__(self, client: RegistryClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`client` is opened and closed by whoever made it."""
        self._client = client
        self._ids: Recent[tuple[int, str], RegisteredSchema] = Recent(_KEPT)
        self._guids: Recent[uuid.UUID, RegisteredSchema] = Recent(_KEPT)
        self._references: Recent[tuple[str, int], UnparsedSchema] = Recent(_KEPT)
        self._versions: _Fresh[tuple[str, int], tuple[int, RegisteredSchema]] = _Fresh(clock)
        self._numbers: _Fresh[tuple[str, int], int] = _Fresh(clock)

    async def by_id(self, schema_id: int, subject: str) -> RegisteredSchema:
        """The schema with the id in the subject's context; raises ApiError 40403."""
        known = self._ids.get((schema_id, subject))
        if known is not None:
            return known
        found = await self._asked(_Found, "GET", path("schemas", "ids", schema_id), subject=subject)
        return self._ids.keep((schema_id, subject), await self._registered(schema_id, found, subject))

    async def by_guid(self, guid: uuid.UUID) -> RegisteredSchema:
        """The schema with the guid; raises ApiError 40403."""
        known = self._guids.get(guid)
        if known is not None:
            return known
        found = await self._asked(_Found, "GET", path("schemas", "guids", str(guid)))
        places = await self._asked(list[_Place], "GET", path("schemas", "guids", str(guid), "ids"))
        context = names.qualified(places[0].context, "")
        return self._guids.keep(guid, await self._registered(places[0].id, found, context))

    async def by_version(self, subject: str, version: int) -> tuple[int, RegisteredSchema]:
        """(number, schema) of a live version, -1 for the latest; raises ApiError 40401 or 40402."""

        async def asked() -> tuple[int, RegisteredSchema]:
            number = "latest" if version == _LATEST else version
            found = await self._asked(_Version, "GET", path("subjects", subject, "versions", number))
            return found.version, await self._registered(found.id, found, subject)

        return await self._versions.get((subject, version), asked)

    async def version_of(self, subject: str, schema_id: int) -> int:
        """The number of the subject's live version with this id; raises ApiError 40403."""

        async def asked() -> int:
            found = await self._asked(
                list[_Number], "GET", path("schemas", "ids", schema_id, "versions"), subject=subject
            )
            for each in found:
                if names.canonical(each.subject) == names.canonical(subject):
                    return each.version
            raise ApiError(40403, "Schema not found")

        return await self._numbers.get((subject, schema_id), asked)

    async def register(self, subject: str, schema: UnparsedSchema) -> RegisteredSchema:
        """The subject's version with this schema, registered if need be; raises ApiError 40901, 422.."""
        body = {"schema": schema.text, "schemaType": schema.type, "references": schema.references}
        found = await self._asked(_Id, "POST", path("subjects", subject, "versions"), body)
        return RegisteredSchema(SchemaId(found.id), schema, await self._dependencies(schema, subject))

    def basis(self, _: str) -> None:
        """There is none: another service tells nobody what it changes."""

    async def _registered(self, schema_id: int, found: "_Found", subject: str) -> RegisteredSchema:
        schema = found.unparsed
        return RegisteredSchema(SchemaId(schema_id), schema, await self._dependencies(schema, subject))

    async def _dependencies(self, schema: UnparsedSchema, subject: str) -> Dependencies:
        """The texts that a schema of the subject refers to, near and far."""
        wanted = _qualified(schema, subject)
        found: dict[tuple[str, int], UnparsedSchema] = {}
        pending = list(wanted.references)
        while pending:
            each = pending.pop()
            if (each.subject, each.version) not in found:
                found[each.subject, each.version] = referred = await self._referred(each.subject, each.version)
                pending += referred.references
        try:
            return references.closure(wanted, lambda each: found[each.subject, each.version])
        except InvalidSchemaError as error:
            raise _away(str(error)) from error

    async def _referred(self, subject: str, version: int) -> UnparsedSchema:
        """A version that another schema refers to, which it may also after it was deleted."""
        known = self._references.get((subject, version))
        if known is not None:
            return known
        number = "latest" if version == _LATEST else version
        found = await self._asked(_Found, "GET", path("subjects", subject, "versions", number), deleted="true")
        referred = _qualified(found.unparsed, subject)
        return referred if version == _LATEST else self._references.keep((subject, version), referred)

    async def _asked(self, wanted: type[V], method: str, where: str, body: object = None, **query: str) -> V:
        try:
            return msgspec.convert(await self._client.ask(method, where, body, **query), wanted)
        except RefusedError as error:
            if error.status in _OURS:
                raise _away(f"it refuses this service's credentials: {error}") from error
            raise ApiError(error.code, str(error), status=error.status) from error
        except (UnreachableError, msgspec.ValidationError) as error:
            raise _away(str(error)) from error


def _away(reason: str) -> ApiError:
    return ApiError(503, f"The schema registry cannot be asked: {reason}", retry_after=1)


def _qualified(schema: UnparsedSchema, subject: str) -> UnparsedSchema:
    """The schema with the whole subjects that its references mean in the subject's context."""
    return replace(
        schema,
        references=tuple(
            replace(each, subject=Subject(names.resolve_reference(each.subject, subject))) for each in schema.references
        ),
    )


class _Fresh(Generic[K, V]):
    """Values by key, each for some seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._now = clock
        self._kept: Recent[K, tuple[float, V]] = Recent(_KEPT)

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """What is kept, or what is answered now."""
        known = self._kept.get(key)
        if known is None or self._now() - known[0] > _FRESH_SECONDS:
            asked = self._now()
            known = self._kept.keep(key, (asked, await ask()))
        return known[1]


class _Referred(msgspec.Struct):
    name: str
    subject: str
    version: int


class _Found(msgspec.Struct, kw_only=True):
    schema: str
    type: SchemaType = msgspec.field(default=SchemaType.AVRO, name="schemaType")
    references: list[_Referred] | None = None

    @property
    def unparsed(self) -> UnparsedSchema:
        references = (
            Reference(each.name, Subject(each.subject), Version(each.version)) for each in self.references or ()
        )
        return UnparsedSchema(self.type, self.schema, tuple(references))


class _Version(_Found, kw_only=True):
    id: int
    version: int


class _Id(msgspec.Struct):
    id: int


class _Place(msgspec.Struct):
    context: str
    id: int


class _Number(msgspec.Struct):
    subject: str
    version: int
