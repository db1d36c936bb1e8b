"""How the keys, or the values, of a request become bytes: which schema they are written with, and its codec."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy import errors, rights
from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.ports import Basis, RegisteredSchema
from karapace_like.proxy.schemas import SchemaCache, asking
from karapace_like.proxy.subjects import SubjectNameStrategy, subject_of
from karapace_like.recent import Recent
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
from karapace_like.serde.codec import Codec
from karapace_like.serde.schemaless import SCHEMALESS

ABSENT = msgspec.Raw()
"""The key or value of a record that has none; a `null` is something else."""
_NULL = b"null"
_NULL_LENGTH = len(_NULL)
_SIZE = 1000
"""How many encoders are kept."""


class Writing(msgspec.Struct, frozen=True):
    """How a request wants its keys, or its values, written in a format that needs a schema."""

    embedded: EmbeddedFormat
    schema: str | None = None
    schema_id: int | None = None
    references: tuple[Reference, ...] = ()
    """Of the schema that is given as text."""
    subject: str | None = None
    """None: the one that the strategy leads to."""
    strategy: SubjectNameStrategy | None = None
    """None: the service's."""
    takes_latest: bool = False
    """Whether the subject's latest schema is meant where none is named."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes the keys, or the values, of one request."""

    role: Role
    codec: Codec | None
    """None: there is no schema, so that there must be no value."""
    schema_id: SchemaId | None = None
    prefix: bytes = b""
    encodes_null: bool = False
    """Whether a null is a value of the schema, and no tombstone."""

    def encode(self, text: msgspec.Raw) -> bytes | None:
        """The bytes; None for a null that no schema speaks of, and for what is absent."""
        if text is ABSENT or (len(text) == _NULL_LENGTH and not self.encodes_null and bytes(text) == _NULL):
            return None
        codec = self.codec
        if codec is None:
            raise errors.schema_missing(self.role)
        return self.prefix + codec.encode(text)


def has_content(text: msgspec.Raw) -> bool:
    """Whether a key or value is there and no null."""
    return text is not ABSENT and (len(text) != _NULL_LENGTH or bytes(text) != _NULL)


SCHEMALESS_ENCODERS: Mapping[Role, Mapping[EmbeddedFormat, Encoder]] = {
    role: {each: Encoder(role, SCHEMALESS[each]) for each in EmbeddedFormat if each.schema_type is None}
    for role in Role
}
"""The encoders of formats that need no schema."""
NOTHING_ENCODERS: Mapping[Role, Encoder] = {role: Encoder(role, None) for role in Role}
"""The encoders where no schema is meant."""


class Encoders:
    """Finds the schemas that requests ask for; `strategy` is for those that name none."""

    def __init__(self, schemas: SchemaCache, strategy: SubjectNameStrategy) -> None:
        self._schemas = schemas
        self._strategy = strategy
        self._made: Recent[tuple[Role, str, Writing], tuple[Encoder, Basis, str]] = Recent(_SIZE)

    async def encoder(self, role: Role, topic: str, writing: Writing) -> Encoder:
        """The encoder of a topic's keys or values; raises ApiError."""
        made = self._made.get((role, topic, writing))
        if made is not None and made[1].holds():
            rights.check(made[2], registers=writing.schema is not None)
            return made[0]
        return await self._make(role, topic, writing)

    async def _make(self, role: Role, topic: str, writing: Writing) -> Encoder:
        schema_type = writing.embedded.schema_type
        assert schema_type is not None, "a format without schemas needs none of this"
        found = await self._found(role, topic, schema_type, writing)
        if found is None:
            return NOTHING_ENCODERS[role]
        subject, registered = found
        basis = self._schemas.basis(subject)
        if registered.schema.type is not schema_type:
            raise errors.bad_request(f"Schema {registered.id} is of type {registered.schema.type}, not {schema_type}")
        try:
            codec = await self._schemas.codec_of(registered, subject)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(writing.embedded.name, registered.schema.text) from error
        is_named = writing.schema is not None or writing.schema_id is not None
        encoder = Encoder(role, codec, registered.id, wire.prefix(registered.id), encodes_null=is_named)
        if basis is not None and all(each.version > 0 for each in writing.references):
            self._made.keep((role, topic, writing), (encoder, basis, subject))
        return encoder

    async def _found(
        self, role: Role, topic: str, schema_type: SchemaType, writing: Writing
    ) -> tuple[str, RegisteredSchema] | None:
        """(subject, schema) that the request means; None if it names no schema and there is no latest one."""
        if writing.schema_id is not None and writing.schema is not None:
            raise errors.bad_request(f"{role}_schema and {role}_schema_id exclude each other")
        if writing.schema_id is not None:
            return await self._by_id(role, topic, writing, writing.schema_id)
        if writing.schema is not None:
            unparsed = UnparsedSchema(schema_type, writing.schema, writing.references)
            return await self._by_text(role, topic, writing, unparsed)
        return await self._latest(role, topic, writing) if writing.takes_latest else None

    async def _by_id(self, role: Role, topic: str, writing: Writing, schema_id: int) -> tuple[str, RegisteredSchema]:
        """The schema of the id, which the subject must have, too: else its compatibility would not be checked."""
        with asking(f"fetching schema by id. schemaId = {schema_id}"):
            registered = await self._schemas.by_id(schema_id, writing.subject or role.subject(topic))
        subject = self._subject(role, topic, writing, registered.schema, registered.dependencies)
        rights.check(subject, registers=False)
        with asking(f"fetching schema version. subject = {subject}, schema = {registered.schema.text}"):
            await self._schemas.version_of(subject, schema_id)
        return subject, registered

    async def _by_text(
        self, role: Role, topic: str, writing: Writing, unparsed: UnparsedSchema
    ) -> tuple[str, RegisteredSchema]:
        for each in unparsed.references:
            rights.check(each.subject, registers=False)
        dependencies = await self._schemas.dependencies(unparsed.references)
        subject = self._subject(role, topic, writing, unparsed, dependencies)
        rights.check(subject, registers=True)
        registered = await self._schemas.requested_by_text(subject, writing.embedded.name, unparsed, dependencies)
        return subject, registered

    async def _latest(self, role: Role, topic: str, writing: Writing) -> tuple[str, RegisteredSchema] | None:
        """None also where the subject's name depends on the schema, which is not known yet."""
        strategy = writing.strategy or self._strategy
        if writing.subject is None and strategy is not SubjectNameStrategy.TOPIC_NAME:
            return None
        subject = writing.subject or role.subject(topic)
        rights.check(subject, registers=False)
        try:
            _, registered = await self._schemas.by_version(subject, LATEST)
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return None
        return subject, registered

    def _subject(
        self, role: Role, topic: str, writing: Writing, schema: UnparsedSchema, dependencies: Dependencies
    ) -> str:
        if writing.subject is not None:
            return writing.subject
        strategy = writing.strategy or self._strategy
        try:
            subject = subject_of(strategy, role, topic, schema, dependencies)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(writing.embedded.name, schema.text) from error
        if subject is None:
            raise errors.bad_request(f"The {role} schema has no name, which {strategy} needs")
        return subject
