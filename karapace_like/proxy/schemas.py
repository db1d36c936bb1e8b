"""A cache of schemas and of their codecs, over a registry."""

import asyncio
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus

import msgspec

from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.process.lru import LruCache
from karapace_like.process.measures import Cache
from karapace_like.proxy import errors
from karapace_like.proxy.data_keys import DataKeys, KeyRing, refuse_keys
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.migrations import MigratingCodec, MigratingCodecs, ReaderVersion
from karapace_like.proxy.ports import IsCurrent, RegisteredSchema, Schemas
from karapace_like.proxy.rights import ALL_SUBJECTS, KeyRights, SubjectRights
from karapace_like.proxy.ruled_codec import RuledCodec, find_rules
from karapace_like.proxy.validators import Validators
from karapace_like.schema.formats import parse
from karapace_like.schema.model import Dependencies, InvalidSchemaError, Reference, SchemaType, UnparsedSchema
from karapace_like.serde import formats
from karapace_like.serde.codec import Codec, JsonReading, SchemaCodec
from karapace_like.serde.formats import DEFAULT_OPTIONS, CodecOptions

_SIZE = 1000
"""Entries of each cache."""
_LARGE = 8_000
"""Characters of a schema above which its codec, which takes about 10 ms then, is compiled in a thread."""
_NO_DEPENDENCIES: Dependencies = {}
_Key = tuple[int | uuid.UUID, str] | tuple[int | uuid.UUID, str, JsonReading]
"""(id or GUID of a schema, subject), and how its encoder reads JSON if not as Confluent's proxy."""


_NO_DATA_KEYS = refuse_keys("there is no DEK registry")


class SchemaCache:
    """The schemas of a registry and their codecs, by subject too: its context decides what an id means."""

    def __init__(
        self,
        schemas: Schemas,
        options: CodecOptions = DEFAULT_OPTIONS,
        validators: Validators | None = None,
        data_keys: DataKeys = _NO_DATA_KEYS,
    ) -> None:
        """`validators` do the heavy work of codecs."""
        self.data_keys = data_keys
        """The keys of rules that encrypt."""
        self.validators = validators or Validators()
        self._schemas = schemas
        self._options = options
        self._codecs: LruCache[_Key, SchemaCodec] = LruCache(_SIZE)
        self.use = Cache("proxy.codecs")
        """Hits, misses and size of the cache of codecs."""
        self._compiling: dict[_Key, asyncio.Task[SchemaCodec]] = {}
        self._migrating = MigratingCodecs(schemas, options)
        self._registered: LruCache[tuple[str, UnparsedSchema], RegisteredSchema] = LruCache(_SIZE)

    async def register(self, subject: str, schema: UnparsedSchema, rights: SubjectRights) -> RegisteredSchema:
        """Return the subject's version with this schema, registered if need be; raise ApiError."""
        # What was registered by others is found by whoever may register it as well.
        cached = self._registered.get((subject, schema)) if rights is ALL_SUBJECTS or not schema.references else None
        if cached is not None:
            try:
                await self._schemas.version_of(subject, cached.id, rights, registers=True)
            except ApiError:  # deleted meanwhile: the registry decides whether it can be registered again
                pass
            else:
                return cached
        return self._registered.put((subject, schema), await self._schemas.register(subject, schema, rights))

    async def register_text(
        self,
        subject: str,
        written_as: str,
        schema: UnparsedSchema,
        rights: SubjectRights,
        dependencies: Dependencies = _NO_DEPENDENCIES,
    ) -> RegisteredSchema:
        """Register as `register`; raise ProxyError 42205 for text that is no schema, 42207 if the registry refuses it.

        `written_as` is the embedded format that the request names.
        """
        try:
            with registry_call(
                f"registering schema. format = {written_as}, subject = {subject}, schema = {schema.text}"
            ):
                return await self.register(subject, schema, rights)
        except ApiError as error:
            fault = _find_fault(schema, dependencies)
            if fault is None:
                raise
            raise errors.invalid_schema(written_as, schema.text, fault) from error

    def resolve_reference(self, subject: str, referrer: str) -> str:
        """Return the whole subject that a reference in a schema of the subject `referrer` means."""
        return self._schemas.resolve_reference(subject, referrer)

    async def dependencies(self, references: Sequence[Reference], referrer: str, rights: SubjectRights) -> Dependencies:
        """Return the schemas that the references lead to, by name; raise ProxyError 42207 for an uncached version."""
        dependencies: dict[str, str] = {}
        for reference in references:
            subject = self.resolve_reference(reference.subject, referrer)
            with registry_call(f"fetching schema by version. subject = {subject}, version = {reference.version}"):
                _, registered = await self.by_version(subject, reference.version, rights)
            dependencies |= {**registered.dependencies, reference.name: registered.schema.text}
        return dependencies

    async def by_id(self, schema_id: int, subject: str, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema; raise ApiError (40403)."""
        return await self._schemas.by_id(schema_id, subject, rights)

    async def by_guid(self, guid: uuid.UUID, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema with the GUID; raise ApiError (40403)."""
        return await self._schemas.by_guid(guid, rights)

    async def by_version(self, subject: str, version: int, rights: SubjectRights) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of a live version, -1 for the latest; raise ApiError (403, 40401, 40402)."""
        return await self._schemas.by_version(subject, version, rights)

    async def by_metadata(
        self, subject: str, metadata: Mapping[str, str], rights: SubjectRights
    ) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of the latest version with these properties; raise ApiError (403, 40401, 40403)."""
        return await self._schemas.by_metadata(subject, metadata, rights)

    async def version_of(self, subject: str, schema_id: int, rights: SubjectRights, *, registers: bool) -> int:
        """Return the number of the subject's live version with this id; raise ApiError (403, 40401, 40403)."""
        return await self._schemas.version_of(subject, schema_id, rights, registers=registers)

    async def find_associated_subject(self, part: RecordPart, topic: str) -> str | None:
        """Return the subject that the keys or values of the topic are associated with, if any.

        Raise ProxyError (409) where there are several, ApiError (5xx) where the registry fails.
        """
        subjects = self._schemas.get_associated_subjects(part, topic)
        if subjects is None:
            subjects = await self._schemas.fetch_associated_subjects(part, topic)
        if len(subjects) > 1:
            raise errors.ambiguous_association(part, topic, subjects)
        return subjects[0] if subjects else None

    async def find_subject(self, part: RecordPart, topic: str) -> str:
        """Return the subject of the topic's keys or values: the associated one, else that of the topic's name.

        Raise ApiError as `find_associated_subject`.
        """
        return await self.find_associated_subject(part, topic) or part.subject(topic)

    def get_cached_subject(self, part: RecordPart, topic: str) -> str | None:
        """Return the subject as `find_subject` does; None where that has to be awaited."""
        subjects = self._schemas.get_associated_subjects(part, topic)
        if not subjects:
            return None if subjects is None else part.subject(topic)
        return subjects[0] if len(subjects) == 1 else None

    def cache_validity(self, subject: str) -> IsCurrent | None:
        """Return the validity of cached responses about the subject; None if it has no version."""
        return self._schemas.cache_validity(subject)

    async def codec_of(
        self, registered: RegisteredSchema, subject: str, reading: JsonReading | None = None
    ) -> SchemaCodec:
        """Return the codec of the schema, whose encoder reads JSON like this; raise InvalidSchemaError."""
        if reading is None:
            return await self._find_codec((registered.id, subject), registered)
        return await self._find_codec((registered.id, subject, reading), registered, reading)

    def get_cached_codec(self, schema_id: int | uuid.UUID, subject: str) -> SchemaCodec | None:
        """Return the codec of a schema of the subject if it is cached; the caller's right to it is checked before."""
        return self._find_cached_codec((schema_id, subject if isinstance(schema_id, int) else ""))

    async def codec_by_id(self, schema_id: int, subject: str, rights: SubjectRights) -> SchemaCodec:
        """Return the codec of a schema of the subject; raise ApiError or InvalidSchemaError."""
        key = (schema_id, subject)
        cached = self._find_cached_codec(key) if rights is ALL_SUBJECTS else None
        return cached or await self._find_codec(key, await self._schemas.by_id(schema_id, subject, rights))

    async def codec_by_guid(self, guid: uuid.UUID, rights: SubjectRights) -> SchemaCodec:
        """Return the codec of the schema that a record header names; raise ApiError or InvalidSchemaError."""
        key = (guid, "")
        cached = self._find_cached_codec(key) if rights is ALL_SUBJECTS else None
        return cached or await self._find_codec(key, await self._schemas.by_guid(guid, rights))

    async def find_migrating_codec(
        self, schema_id: int, subject: str, wanted: ReaderVersion, rights: SubjectRights
    ) -> MigratingCodec | None:
        """Return the codec that reads what the schema has written as another version; see `MigratingCodecs.find`."""
        return await self._migrating.find(schema_id, subject, wanted, rights)

    def bind_codec(self, codec: Codec, rights: KeyRights) -> Codec:
        """Return the codec for one request of the caller: with keys of its own, if its rules encrypt."""
        if isinstance(codec, RuledCodec) and codec.uses_keys:
            return codec.with_ring(KeyRing(self.data_keys, codec.subject, rights))
        return codec

    def _find_cached_codec(self, key: _Key) -> SchemaCodec | None:
        cached = self._codecs.get(key)
        if cached is not None:
            self.use.hits += 1
        return cached

    def _cache_codec(self, key: _Key, codec: SchemaCodec) -> SchemaCodec:
        self._codecs.put(key, codec)
        self.use.misses += 1
        self.use.size = len(self._codecs)
        return codec

    async def _find_codec(
        self, key: _Key, registered: RegisteredSchema, reading: JsonReading | None = None
    ) -> SchemaCodec:
        """Return the cached codec, or compile it: in a thread, and once, for a large schema or one with rules."""
        cached = self._find_cached_codec(key)
        if cached is not None:
            return cached
        if _length(registered) < _LARGE and not registered.rule_set:
            return self._cache_codec(key, _compile_codec(registered, self._options, key[1], reading))
        compiling = self._compiling.get(key)
        if compiling is None:
            compiling = self._compiling[key] = asyncio.create_task(
                asyncio.to_thread(_compile_codec, registered, self._options, key[1], reading)
            )
            compiling.add_done_callback(lambda _: self._compiling.pop(key))
        # Shielded, so that a cancelled request does not cancel the compilation for the others.
        return self._cache_codec(key, await asyncio.shield(compiling))


def _length(registered: RegisteredSchema) -> int:
    """Return the number of characters to parse."""
    return len(registered.schema.text) + sum(map(len, registered.dependencies.values()))


def _compile_codec(
    registered: RegisteredSchema, options: CodecOptions, subject: str, reading: JsonReading | None
) -> SchemaCodec:
    codec = formats.codec(registered.schema, registered.dependencies, options, reading)
    rules = find_rules(registered)
    return codec if rules is None else RuledCodec(codec, rules, subject)


@contextmanager
def registry_call(call: str) -> Iterator[None]:
    """Raise a refusal (4xx) of the registry as 42207 with the call in its message; failures (5xx) pass unchanged."""
    try:
        yield
    except ApiError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        raise errors.registry_refused_error(call, error) from error


def _find_fault(schema: UnparsedSchema, dependencies: Dependencies) -> str | None:
    """Return why the text cannot be parsed; None if it can, or is at least JSON, which a registry judges."""
    try:
        if schema.type is SchemaType.JSON:
            if schema.text.strip():
                msgspec.json.decode(schema.text)
        else:
            parse(schema, dependencies)
    except NOT_JSON as error:
        return str(error)
    except InvalidSchemaError as error:
        return str(error)
    return None
