"""The schemas that requests and records name, with the codecs made of them: looked up once, then kept."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from karapace_like.errors import ApiError
from karapace_like.measures import Cache
from karapace_like.proxy import errors
from karapace_like.proxy.ports import Basis, RegisteredSchema, Schemas
from karapace_like.recent import Recent
from karapace_like.schema.formats import parse
from karapace_like.schema.model import Dependencies, InvalidSchemaError, Reference, UnparsedSchema
from karapace_like.serde import formats
from karapace_like.serde.codec import Codec

_SIZE = 1000
"""How many schemas are kept."""
_LARGE = 8_000
"""Characters of a schema above which its codec, which takes some ten milliseconds then, is made off the event loop."""
_NO_DEPENDENCIES: Dependencies = {}
_Key = tuple[int | uuid.UUID, str]
"""What names a schema, and its subject."""


class SchemaCache:
    """A registry's schemas and their codecs. What is kept of an id includes its subject, which decides its context."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._codecs: Recent[_Key, Codec] = Recent(_SIZE)
        self.use = Cache("proxy.codecs")
        """How the codecs are used."""
        self._making: dict[_Key, asyncio.Task[Codec]] = {}
        self._registered: Recent[tuple[str, UnparsedSchema], RegisteredSchema] = Recent(_SIZE)

    async def register(self, subject: str, schema: UnparsedSchema) -> RegisteredSchema:
        """The subject's version with this schema, which is made if there is none; raises ApiError."""
        known = self._registered.get((subject, schema))
        if known is not None:
            try:
                await self._schemas.version_of(subject, known.id)
            except ApiError:  # deleted since: registering says whether it can come back
                pass
            else:
                return known
        return self._registered.keep((subject, schema), await self._schemas.register(subject, schema))

    async def requested_by_text(
        self, subject: str, written_as: str, schema: UnparsedSchema, dependencies: Dependencies = _NO_DEPENDENCIES
    ) -> RegisteredSchema:
        """What `register` gives; ProxyError 42205 for a text that is no schema, 42207 for what the registry refuses.

        `written_as` is the embedded format that the request names.
        """
        try:
            with asking(f"registering schema. format = {written_as}, subject = {subject}, schema = {schema.text}"):
                return await self.register(subject, schema)
        except ApiError as error:
            if _is_understood(schema, dependencies):
                raise
            raise errors.invalid_schema(written_as, schema.text) from error

    async def dependencies(self, references: Sequence[Reference]) -> Dependencies:
        """What these references lead to; ProxyError 42207 for a version that is not there."""
        found: dict[str, str] = {}
        for each in references:
            with asking(f"fetching schema by version. subject = {each.subject}, version = {each.version}"):
                _, registered = await self.by_version(each.subject, each.version)
            found |= {**registered.dependencies, each.name: registered.schema.text}
        return found

    async def by_id(self, schema_id: int, subject: str) -> RegisteredSchema:
        """The schema; raises ApiError (40403)."""
        return await self._schemas.by_id(schema_id, subject)

    async def by_version(self, subject: str, version: int) -> tuple[int, RegisteredSchema]:
        """(number, schema) of a live version, -1 for the latest; raises ApiError (40401, 40402)."""
        return await self._schemas.by_version(subject, version)

    async def version_of(self, subject: str, schema_id: int) -> int:
        """The number of the subject's live version with this id; raises ApiError (40401, 40403) if it has none."""
        return await self._schemas.version_of(subject, schema_id)

    def basis(self, subject: str) -> Basis | None:
        """What answers about the subject follow from; None if it has no version."""
        return self._schemas.basis(subject)

    async def codec_of(self, registered: RegisteredSchema, subject: str) -> Codec:
        """The codec of a schema that is at hand; raises InvalidSchemaError."""
        return await self._codec((registered.id, subject), registered)

    def codec_at_hand(self, schema_id: int, subject: str) -> Codec | None:
        """The codec of a schema that is expected in the subject, if it was made before."""
        return self._known((schema_id, subject))

    async def codec_by_id(self, schema_id: int, subject: str) -> Codec:
        """The codec of a schema that is expected in the subject; raises ApiError or InvalidSchemaError."""
        key = (schema_id, subject)
        return self._known(key) or await self._codec(key, await self._schemas.by_id(schema_id, subject))

    async def codec_by_guid(self, guid: uuid.UUID) -> Codec:
        """The codec of the schema that a record header names; raises ApiError or InvalidSchemaError."""
        key = (guid, "")
        return self._known(key) or await self._codec(key, await self._schemas.by_guid(guid))

    def _known(self, key: _Key) -> Codec | None:
        known = self._codecs.get(key)
        if known is not None:
            self.use.hits += 1
        return known

    def _keep(self, key: _Key, codec: Codec) -> Codec:
        self._codecs.keep(key, codec)
        self.use.misses += 1
        self.use.size = len(self._codecs)
        return codec

    async def _codec(self, key: _Key, registered: RegisteredSchema) -> Codec:
        """What is kept, or made now: of a large schema in a thread, and once for all who wait for it."""
        known = self._known(key)
        if known is not None:
            return known
        if _length(registered) < _LARGE:
            return self._keep(key, _codec(registered))
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.create_task(asyncio.to_thread(_codec, registered))
            making.add_done_callback(lambda _: self._making.pop(key))
        # Shielded: a request that is given up does not take the codec from the others.
        return self._keep(key, await asyncio.shield(making))


def _length(registered: RegisteredSchema) -> int:
    """Characters to be parsed."""
    return len(registered.schema.text) + sum(map(len, registered.dependencies.values()))


def _codec(registered: RegisteredSchema) -> Codec:
    return formats.codec(registered.schema, registered.dependencies)


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """Tell what the registry was asked for when it refuses (42207); its own failures are passed on as they are."""
    try:
        yield
    except ApiError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        raise errors.schema_refused(doing, error) from error


def _is_understood(schema: UnparsedSchema, dependencies: Dependencies) -> bool:
    try:
        parse(schema, dependencies)
    except InvalidSchemaError:
        return False
    return True
