"""Encode the keys and values of v3 records: resolve the schema and subject of each.

An `Encoding` caches what it resolved, and lives for the records of one call.
"""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.contracts.admission import Admitted, Offer, TopicAdmission
from karapace_like.proxy.contracts.choosing import ChosenSchema
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.part_codecs import adapt_codec
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.ruled_codec import finish_encoding, refuse_value
from karapace_like.proxy.schemas import SchemaCache, registry_call
from karapace_like.proxy.subjects import SubjectNameStrategy, subject_of
from karapace_like.proxy.v3 import errors as v3
from karapace_like.proxy.v3.records import DataSpec, DataType, RecordData, WrittenData
from karapace_like.proxy.validators import Validators
from karapace_like.records import Headers
from karapace_like.schema.model import Dependencies, InvalidSchemaError, SchemaId, UnparsedSchema
from karapace_like.serde import wire
from karapace_like.serde.codec import Codec, EncodeError, HeavyWorkError, JsonReading
from karapace_like.serde.schemaless import SCHEMALESS

_NULL = b"null"
_LATEST = -1


@dataclass(frozen=True, slots=True)
class _ResolvedEncoding:
    """A resolved encoding of keys or values; without a schema it has only type and codec."""

    type: DataType
    codec: Codec
    subject: str | None = None
    schema_id: SchemaId | None = None
    schema_version: int | None = None
    prefix: bytes = b""

    async def encode(self, text: msgspec.Raw, validators: Validators) -> bytes | None:
        """Return the bytes; None for a null in a format without a schema. Raises ProxyError."""
        if self.schema_id is None and bytes(text) == _NULL:
            return None
        try:
            try:
                return self.prefix + self.codec.encode(text)
            except HeavyWorkError as heavy:
                return self.prefix + await finish_encoding(heavy, self.codec, text, validators)
        except EncodeError as error:
            raise refuse_value(error) from error

    @property
    def offer(self) -> Offer:
        """What a record with this encoding offers to a policy."""
        return Offer(self.type.lower(), self.schema_id, self.encode)

    def describe_written_part(self, admitted: Admitted) -> WrittenData:
        """Return how the result of the record describes this part."""
        size, chosen = len(admitted.data or b""), admitted.chosen
        if chosen is None:
            return WrittenData(self.type, size, self.subject, self.schema_id, self.schema_version)
        return _describe_schema(chosen, size)


def _describe_schema(chosen: ChosenSchema, size: int) -> WrittenData:
    """Return the description of a part that a policy has encoded."""
    registered = chosen.registered
    data_type = DataType.of(registered.schema.type)
    return WrittenData(data_type, size, chosen.subject, registered.id, chosen.version)


class Encoding:
    """Encodes the keys and values of one topic's records, for one caller."""

    def __init__(
        self,
        schemas: SchemaCache,
        topic: str,
        rights: SubjectRights,
        admission: TopicAdmission | None,
        reading: JsonReading | None = None,
    ) -> None:
        """`admission` is the topic's; None: every record is written as it is sent. `reading`: how objects are read."""
        self._reading = reading
        self._admission = admission
        self._schemas = schemas
        self._rights = rights
        self._topic = topic
        self._resolved: dict[tuple[RecordPart, DataSpec], _ResolvedEncoding] = {}

    async def encode(
        self, role: RecordPart, data: RecordData | None, headers: Headers, *, is_checked: bool = True
    ) -> tuple[bytes | None, WrittenData | None]:
        """Return (bytes, description for the result), both None without a key or value; raise ApiError.

        `is_checked`: whether the topic's policy applies.
        """
        if data is None:
            return None, None
        spec = data.spec
        resolved = self._resolved.get((role, spec))
        if resolved is None:
            _check(role, spec, data)
            resolved = await self._resolve(role, spec)
            self._resolved[role, spec] = resolved
        if data.data is ABSENT:
            raise _data_missing(role)
        admission = None if self._admission is None or not is_checked else self._admission.find_part(role)
        if admission is None:
            admitted = Admitted(await resolved.encode(data.data, self._schemas.validators))
        else:
            try:
                admitted = await admission.admit(resolved.offer, data.data, headers)
            except EncodeError as error:
                raise refuse_value(error) from error
        return admitted.data, resolved.describe_written_part(admitted)

    async def _resolve(self, role: RecordPart, spec: DataSpec) -> _ResolvedEncoding:
        if spec.type is not None and spec.type.schema_type is None:
            return _ResolvedEncoding(spec.type, adapt_codec(SCHEMALESS[spec.type.lower()], role))
        if spec.subject is None and spec.strategy is None:
            associated = await self._schemas.find_associated_subject(role, self._topic)
            spec = spec if associated is None else spec._replace(subject=associated)
        if spec.schema is not None and spec.type is not None and spec.type.schema_type is not None:
            unparsed = UnparsedSchema(spec.type.schema_type, spec.schema)
            subject = self._subject(role, spec, unparsed, {})
            self._rights.require_registering(subject)
            registered = await self._schemas.register_text(subject, spec.type, unparsed, self._rights)
            version = await self._version_of(subject, registered, registers=True)
        elif spec.schema_id is not None:
            with registry_call(f"fetching schema by id. schemaId = {spec.schema_id}"):
                context = spec.subject or role.subject(self._topic)
                registered = await self._schemas.by_id(spec.schema_id, context, self._rights)
            subject = self._subject(role, spec, registered.schema, registered.dependencies)
            self._rights.require_reading(subject)
            version = await self._version_of(subject, registered, registers=False)
        else:
            if spec.strategy in {SubjectNameStrategy.RECORD_NAME, SubjectNameStrategy.TOPIC_RECORD_NAME}:
                raise errors.bad_request(
                    f"Cannot use schema_subject_strategy={spec.strategy} without schema_id or schema."
                )
            subject = spec.subject or role.subject(self._topic)
            self._rights.require_reading(subject)
            version, registered = await self._find_version(role, spec, subject)
        return await self._with_schema(role, spec, subject, version, registered)

    async def _with_schema(
        self, role: RecordPart, spec: DataSpec, subject: str, version: int, registered: RegisteredSchema
    ) -> _ResolvedEncoding:
        data_type = DataType.of(registered.schema.type)
        if spec.type not in {None, data_type}:
            raise errors.bad_request(f"Schema {registered.id} is for type={data_type}, not type={spec.type}.")
        try:
            shared = adapt_codec(await self._schemas.codec_of(registered, subject, self._reading), role)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(data_type, registered.schema.text, str(error)) from error
        codec = self._schemas.bind_codec(shared, self._rights)
        return _ResolvedEncoding(data_type, codec, subject, registered.id, version, wire.prefix(registered.id))

    def _subject(self, role: RecordPart, spec: DataSpec, schema: UnparsedSchema, dependencies: Dependencies) -> str:
        """Return the subject that the request names, or the one that the strategy computes."""
        if spec.subject is not None:
            return spec.subject
        strategy = spec.strategy or SubjectNameStrategy.TOPIC_NAME
        try:
            subject = subject_of(strategy, role, self._topic, schema, dependencies)
        except InvalidSchemaError as error:
            raise errors.invalid_schema(DataType.of(schema.type), schema.text, str(error)) from error
        if subject is None:
            raise errors.bad_request(f"Cannot use schema_subject_strategy={strategy}: the schema has no name.")
        return subject

    async def _version_of(self, subject: str, registered: RegisteredSchema, *, registers: bool) -> int:
        with registry_call(f"fetching schema version. subject = {subject}, schema = {registered.schema.text}"):
            return await self._schemas.version_of(subject, registered.id, self._rights, registers=registers)

    async def _find_version(self, role: RecordPart, spec: DataSpec, subject: str) -> tuple[int, RegisteredSchema]:
        if spec.schema_version is None:
            try:
                return await self._schemas.by_version(subject, _LATEST, self._rights)
            except ApiError as error:
                raise v3.latest_schema_missing(subject, role, is_typed=spec.type is not None) from error
        try:
            return await self._schemas.by_version(subject, spec.schema_version, self._rights)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise v3.schema_version_missing(subject, spec.schema_version) from error


def _check(role: RecordPart, spec: DataSpec, data: RecordData) -> None:
    """Raise ProxyError for fields that exclude each other, or that another one needs."""
    if data.data is ABSENT:
        raise _data_missing(role)
    named = [
        f"'{name}={value}'"
        for name, value in (
            ("schema_id", spec.schema_id),
            ("schema_version", spec.schema_version),
            ("schema", spec.schema),
        )
        if value is not None
    ]
    if spec.type is not None and (spec.schema_id is not None or spec.schema_version is not None):
        raise v3.malformed_request(
            f"{role}: {named[0]} cannot be used with 'type={spec.type}': the schema has the type."
        )
    if len(named) > 1:
        raise v3.malformed_request(f"{role}: {named[0]} cannot be used with {named[1]}.")
    if spec.schema is not None and (spec.type is None or spec.type.schema_type is None):
        raise v3.malformed_request(f"{role}: 'schema' can only be used with 'type=AVRO|JSONSCHEMA|PROTOBUF'.")
    if spec.subject is not None and spec.strategy is not None:
        raise v3.malformed_request(f"{role}: 'subject={spec.subject}' cannot be used with 'subject_name_strategy'.")


def _data_missing(role: RecordPart) -> ApiError:
    return v3.malformed_request(f'{role} has no data: send it as "data", null for a tombstone')
