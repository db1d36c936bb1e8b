"""From a record's request to its bytes: which schema a key or value is written with, and under which subject.

What was found out about one way of writing is kept as long as the `Encoding`, which is made for a few records.
"""

from dataclasses import dataclass

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy import errors, rights
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.formats import Role
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.schemas import SchemaCache, asking
from karapace_like.proxy.subjects import SubjectNameStrategy, subject_of
from karapace_like.proxy.v3 import errors as v3
from karapace_like.proxy.v3.records import DataSpec, DataType, RecordData, WrittenData
from karapace_like.schema.model import Dependencies, InvalidSchemaError, SchemaId, UnparsedSchema
from karapace_like.serde import wire
from karapace_like.serde.codec import Codec, EncodeError
from karapace_like.serde.schemaless import SCHEMALESS

_NULL = b"null"
_LATEST = -1
_INVALID = (
    "Cannot construct instance of `io.confluent.kafkarest.entities.v3.ProduceRequest$ProduceRequestData`, problem: "
)


@dataclass(frozen=True, slots=True)
class _Writing:
    """How one key or value is written; without a schema only type and codec are there."""

    type: DataType
    codec: Codec
    subject: str | None = None
    schema_id: SchemaId | None = None
    schema_version: int | None = None
    prefix: bytes = b""

    def encode(self, text: msgspec.Raw) -> bytes | None:
        """The bytes; None for a null that no schema speaks of."""
        if self.schema_id is None and bytes(text) == _NULL:
            return None
        try:
            return self.prefix + self.codec.encode(text)
        except EncodeError as error:
            raise errors.bad_request(str(error)) from error

    def written(self, encoded: bytes | None) -> WrittenData:
        """What the answer tells of it."""
        return WrittenData(self.type, len(encoded or b""), self.subject, self.schema_id, self.schema_version)


class Encoding:
    """Encodes the keys and values of one topic's records."""

    def __init__(self, schemas: SchemaCache, topic: str) -> None:
        self._schemas = schemas
        self._topic = topic
        self._known: dict[tuple[Role, DataSpec], _Writing] = {}

    async def encode(self, role: Role, data: RecordData | None) -> tuple[bytes | None, WrittenData | None]:
        """(bytes, what the answer tells of them), both None where there is no key or value. Raises ApiError."""
        if data is None:
            return None, None
        spec = data.spec
        writing = self._known.get((role, spec))
        if writing is None:
            _check(spec, data)
            writing = await self._writing(role, spec)
            self._known[role, spec] = writing
        if data.data is ABSENT:
            raise v3.malformed(f"{_INVALID}Null data")
        encoded = writing.encode(data.data)
        return encoded, writing.written(encoded)

    async def _writing(self, role: Role, spec: DataSpec) -> _Writing:
        if spec.type is not None and spec.type.schema_type is None:
            return _Writing(spec.type, SCHEMALESS[spec.type.lower()])
        if spec.schema is not None and spec.type is not None and spec.type.schema_type is not None:
            unparsed = UnparsedSchema(spec.type.schema_type, spec.schema)
            subject = self._subject(role, spec, unparsed, {})
            rights.check(subject, registers=True)
            registered = await self._schemas.requested_by_text(subject, spec.type, unparsed)
            version = await self._version_of(subject, registered)
        elif spec.schema_id is not None:
            with asking(f"fetching schema by id. schemaId = {spec.schema_id}"):
                registered = await self._schemas.by_id(spec.schema_id, spec.subject or role.subject(self._topic))
            subject = self._subject(role, spec, registered.schema, registered.dependencies)
            rights.check(subject, registers=False)
            version = await self._version_of(subject, registered)
        else:
            if spec.strategy in {SubjectNameStrategy.RECORD_NAME, SubjectNameStrategy.TOPIC_RECORD_NAME}:
                raise errors.bad_request(
                    f"Cannot use schema_subject_strategy={spec.strategy} without schema_id or schema."
                )
            subject = spec.subject or role.subject(self._topic)
            rights.check(subject, registers=False)
            version, registered = await self._numbered(subject, spec.schema_version)
        return await self._with_schema(spec, subject, version, registered)

    async def _with_schema(self, spec: DataSpec, subject: str, version: int, registered: RegisteredSchema) -> _Writing:
        found = DataType.of(registered.schema.type)
        if spec.type not in {None, found}:
            raise errors.bad_request(f"Schema {registered.id} is for type={found}, not type={spec.type}.")
        try:
            codec = await self._schemas.codec_of(registered, subject)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(found, registered.schema.text) from error
        return _Writing(found, codec, subject, registered.id, version, wire.prefix(registered.id))

    def _subject(self, role: Role, spec: DataSpec, schema: UnparsedSchema, dependencies: Dependencies) -> str:
        """The subject that the strategy leads to, unless the request names one."""
        if spec.subject is not None:
            return spec.subject
        strategy = spec.strategy or SubjectNameStrategy.TOPIC_NAME
        try:
            subject = subject_of(strategy, role, self._topic, schema, dependencies)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(DataType.of(schema.type), schema.text) from error
        if subject is None:
            raise errors.bad_request(f"Cannot use schema_subject_strategy={strategy}: the schema has no name.")
        return subject

    async def _version_of(self, subject: str, registered: RegisteredSchema) -> int:
        with asking(f"fetching schema version. subject = {subject}, schema = {registered.schema.text}"):
            return await self._schemas.version_of(subject, registered.id)

    async def _numbered(self, subject: str, version: int | None) -> tuple[int, RegisteredSchema]:
        if version is None:
            try:
                return await self._schemas.by_version(subject, _LATEST)
            except ApiError as error:
                raise v3.latest_schema_missing(subject) from error
        with asking(f"fetching schema by version. subject = {subject}, version = {version}"):
            return await self._schemas.by_version(subject, version)


def _check(spec: DataSpec, data: RecordData) -> None:
    """Refuse what excludes each other."""
    if data.data is ABSENT:
        raise v3.malformed(f"{_INVALID}Null data")
    given = [
        f"'{name}={value}'"
        for name, value in (
            ("schema_id", spec.schema_id),
            ("schema_version", spec.schema_version),
            ("schema", spec.schema),
        )
        if value is not None
    ]
    if spec.type is not None and (spec.schema_id is not None or spec.schema_version is not None):
        raise v3.malformed(f"{_INVALID}{given[0]} cannot be used with 'serializer'.")
    if len(given) > 1:
        raise v3.malformed(f"{_INVALID}{given[0]} cannot be used with {given[1]}.")
    if spec.schema is not None and (spec.type is None or spec.type.schema_type is None):
        raise v3.malformed(f"{_INVALID}'schema' can only be used with 'type=AVRO|JSONSCHEMA|PROTOBUF'.")
    if spec.subject is not None and spec.strategy is not None:
        raise v3.malformed(f"{_INVALID}'subject={spec.subject}' cannot be used with 'subject_name_strategy'.")
