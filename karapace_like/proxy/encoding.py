"""Encode the keys or values of a v2 request: resolve the schema, and cache the encoder that uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from karapace_like.errors import ApiError
from karapace_like.process.lru import LruCache
from karapace_like.proxy import errors
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.part_codecs import adapt_codec
from karapace_like.proxy.ports import IsCurrent, RegisteredSchema
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.proxy.ruled_codec import RuledCodec, finish_encoding
from karapace_like.proxy.schemas import SchemaCache, registry_call
from karapace_like.proxy.subjects import SubjectNameStrategy, subject_of
from karapace_like.proxy.validators import Validators
from karapace_like.schema.model import (
    LATEST,
    Dependencies,
    InvalidSchemaError,
    Reference,
    SchemaId,
    SchemaType,
    UnparsedSchema,
)
from karapace_like.serde import wire
from karapace_like.serde.codec import Codec, EncodeError, HeavyWorkError, JsonReading
from karapace_like.serde.schemaless import SCHEMALESS

ABSENT = msgspec.Raw()
"""Stands for a key or value that the record does not have; `null` is a value."""
_NULL = b"null"
_NULL_LENGTH = len(_NULL)
_SIZE = 1000
"""Encoders in the cache."""


class PartEncoding(msgspec.Struct, frozen=True):
    """The fields by which a request describes how to encode its keys, or its values, in a format with schemas."""

    embedded: EmbeddedFormat
    schema: str | None = None
    schema_id: int | None = None
    references: tuple[Reference, ...] = ()
    """The references of `schema`."""
    subject: str | None = None
    """None: the subject that the strategy computes."""
    strategy: SubjectNameStrategy | None = None
    """None: the strategy of the service."""
    takes_latest: bool = False
    """Whether the latest schema of the subject is used if none is named."""
    reading: JsonReading | None = None
    """How objects are read; None: as Confluent's proxy does."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes the keys, or the values, of one request."""

    role: RecordPart
    codec: Codec | None
    """None: there is no schema, so every key or value must be null."""
    schema_id: SchemaId | None = None
    prefix: bytes = b""
    encodes_null: bool = False
    """Whether null is a value of the schema, instead of a tombstone."""

    def encode(self, text: msgspec.Raw) -> bytes | None:
        """Return the bytes; None for a tombstone and for an absent key or value.

        Raises ProxyError, and what a codec raises.
        """
        if text is ABSENT or (len(text) == _NULL_LENGTH and not self.encodes_null and bytes(text) == _NULL):
            return None
        codec = self.codec
        if codec is None:
            raise errors.schema_missing(self.role)
        return self.prefix + codec.encode(text)

    async def encode_anywhere(self, text: msgspec.Raw, validators: Validators) -> bytes | None:
        """Return the same as `encode`, but leave to other processes what this one must not do."""
        try:
            return self.encode(text)
        except HeavyWorkError as heavy:
            assert self.codec is not None
            return self.prefix + await finish_encoding(heavy, self.codec, text, validators)


def has_content(text: msgspec.Raw) -> bool:
    """Return whether a key or value is present and not null."""
    return text is not ABSENT and (len(text) != _NULL_LENGTH or bytes(text) != _NULL)


@dataclass(frozen=True, slots=True)
class MessagePackEncoder(Encoder):
    """Encodes keys, or values, that are bytes or nil in MessagePack."""

    def encode(self, text: msgspec.Raw) -> bytes | None:
        """Return the bytes; None for nil, and for an absent key or value. Raises EncodeError for any other type."""
        try:
            return None if text is ABSENT else _decode_bytes(text)
        except msgspec.MsgspecError as error:
            what = f"The {self.role} is not of MessagePack's type bin, nor nil ({error})"
            raise EncodeError((), f"{what}; pack it as bytes.") from error


_decode_bytes = msgspec.msgpack.Decoder(bytes | None).decode
MESSAGE_PACK_ENCODERS: Mapping[RecordPart, Encoder] = {role: MessagePackEncoder(role, None) for role in RecordPart}
SCHEMALESS_ENCODERS: Mapping[RecordPart, Mapping[EmbeddedFormat, Encoder]] = {
    role: {
        embedded: Encoder(role, adapt_codec(SCHEMALESS[embedded], role))
        for embedded in EmbeddedFormat
        if embedded.schema_type is None
    }
    for role in RecordPart
}
"""The encoders of formats without schemas."""
NOTHING_ENCODERS: Mapping[RecordPart, Encoder] = {role: Encoder(role, None) for role in RecordPart}
"""The encoders of requests that have no schema, and need none: they accept null only."""


class Encoders:
    """Resolves the schemas of requests, and caches the encoders; `strategy` is the default of the service."""

    def __init__(self, schemas: SchemaCache, strategy: SubjectNameStrategy) -> None:
        self._schemas = schemas
        self._strategy = strategy
        self._encoders: LruCache[tuple[RecordPart, str, PartEncoding], tuple[Encoder, IsCurrent, str]] = LruCache(_SIZE)

    async def find_encoder(self, role: RecordPart, topic: str, writing: PartEncoding, rights: SubjectRights) -> Encoder:
        """Return the encoder of the keys or values of a topic; raise ApiError."""
        # References mean what the caller may read: such an encoder is shared among those who may read everything.
        is_shared = rights is ALL_SUBJECTS or not writing.references
        cached = self._encoders.get((role, topic, writing)) if is_shared else None
        if cached is not None and cached[1]():
            if writing.schema is None:
                rights.require_reading(cached[2])
            else:
                rights.require_registering(cached[2])
            return self._bind(cached[0], rights)
        return self._bind(await self._create_encoder(role, topic, writing, rights), rights)

    def _bind(self, encoder: Encoder, rights: SubjectRights) -> Encoder:
        """Return the encoder for one request."""
        if not isinstance(encoder.codec, RuledCodec):
            return encoder
        return replace(encoder, codec=self._schemas.bind_codec(encoder.codec, rights))

    async def _create_encoder(
        self, role: RecordPart, topic: str, writing: PartEncoding, rights: SubjectRights
    ) -> Encoder:
        schema_type = writing.embedded.schema_type
        assert schema_type is not None, "a format without schemas needs none of this"
        located = await self._follow_association(role, topic, writing)
        resolved = await self._find_schema(role, topic, schema_type, located, rights)
        if resolved is None:
            return NOTHING_ENCODERS[role]
        subject, registered = resolved
        is_current = self._schemas.cache_validity(subject)
        if registered.schema.type is not schema_type:
            raise errors.bad_request(f"Schema {registered.id} is of type {registered.schema.type}, not {schema_type}")
        try:
            codec = adapt_codec(await self._schemas.codec_of(registered, subject, writing.reading), role)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(writing.embedded.name, registered.schema.text, str(error)) from error
        is_named = writing.schema is not None or writing.schema_id is not None
        encoder = Encoder(role, codec, registered.id, wire.prefix(registered.id), encodes_null=is_named)
        if is_current is not None and all(reference.version > 0 for reference in writing.references):
            self._encoders.put((role, topic, writing), (encoder, is_current, subject))
        return encoder

    async def _follow_association(self, role: RecordPart, topic: str, writing: PartEncoding) -> PartEncoding:
        """Return the encoding with the subject that the topic is associated with, unless the request decides."""
        if writing.subject is not None or writing.strategy is not None:
            return writing
        subject = await self._schemas.find_associated_subject(role, topic)
        return writing if subject is None else msgspec.structs.replace(writing, subject=subject)

    async def _find_schema(
        self, role: RecordPart, topic: str, schema_type: SchemaType, writing: PartEncoding, rights: SubjectRights
    ) -> tuple[str, RegisteredSchema] | None:
        """Return (subject, schema) of the request; None if it names no schema and there is no latest one."""
        if writing.schema_id is not None and writing.schema is not None:
            raise errors.bad_request(f"{role}_schema and {role}_schema_id exclude each other")
        if writing.schema_id is not None:
            return await self._by_id(role, topic, writing, writing.schema_id, rights)
        if writing.schema is not None:
            unparsed = UnparsedSchema(schema_type, writing.schema, writing.references)
            return await self._by_text(role, topic, writing, unparsed, rights)
        return await self._latest(role, topic, writing, rights) if writing.takes_latest else None

    async def _by_id(
        self, role: RecordPart, topic: str, writing: PartEncoding, schema_id: int, rights: SubjectRights
    ) -> tuple[str, RegisteredSchema]:
        """Return (subject, schema) of the id; the subject must have it, else its compatibility would not be checked."""
        with registry_call(f"fetching schema by id. schemaId = {schema_id}"):
            registered = await self._schemas.by_id(schema_id, writing.subject or role.subject(topic), rights)
        subject = self._subject(role, topic, writing, registered.schema, registered.dependencies)
        rights.require_reading(subject)
        with registry_call(f"fetching schema version. subject = {subject}, schema = {registered.schema.text}"):
            await self._schemas.version_of(subject, schema_id, rights, registers=False)
        return subject, registered

    async def _by_text(
        self, role: RecordPart, topic: str, writing: PartEncoding, unparsed: UnparsedSchema, rights: SubjectRights
    ) -> tuple[str, RegisteredSchema]:
        referrer = writing.subject or role.subject(topic)
        for reference in unparsed.references:
            rights.require_reading(self._schemas.resolve_reference(reference.subject, referrer))
        dependencies = await self._schemas.dependencies(unparsed.references, referrer, rights)
        subject = self._subject(role, topic, writing, unparsed, dependencies)
        rights.require_registering(subject)
        registered = await self._schemas.register_text(subject, writing.embedded.name, unparsed, rights, dependencies)
        return subject, registered

    async def _latest(
        self, role: RecordPart, topic: str, writing: PartEncoding, rights: SubjectRights
    ) -> tuple[str, RegisteredSchema] | None:
        """Return (subject, latest schema); None if there is none, or the subject depends on the name of the schema."""
        strategy = writing.strategy or self._strategy
        if writing.subject is None and strategy is not SubjectNameStrategy.TOPIC_NAME:
            return None
        subject = writing.subject or role.subject(topic)
        rights.require_reading(subject)
        try:
            _, registered = await self._schemas.by_version(subject, LATEST, rights)
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return None
        return subject, registered

    def _subject(
        self, role: RecordPart, topic: str, writing: PartEncoding, schema: UnparsedSchema, dependencies: Dependencies
    ) -> str:
        if writing.subject is not None:
            return writing.subject
        strategy = writing.strategy or self._strategy
        try:
            subject = subject_of(strategy, role, topic, schema, dependencies)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(writing.embedded.name, schema.text, str(error)) from error
        if subject is None:
            raise errors.bad_request(f"The {role} schema has no name, which {strategy} needs")
        return subject
