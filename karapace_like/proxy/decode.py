"""Decode consumed records: key and value in their embedded formats as JSON values."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.data_keys import KeyRing
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, ReadFormat, RecognisedFormat, RecordPart
from karapace_like.proxy.migrations import ReaderVersion
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights, TopicReaderRights
from karapace_like.proxy.ruled_codec import RULE_NAME_HEADER, RuledCodec
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import Undecodable
from karapace_like.records import ConsumedRecord
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde import wire
from karapace_like.serde.avro import AvroCodec
from karapace_like.serde.codec import Decoded, DecodeError, HeavyWorkError, RecordForm, SchemaCodec
from karapace_like.serde.json_schema import JsonSchemaCodec
from karapace_like.serde.protobuf import ProtobufCodec
from karapace_like.serde.schemaless import SCHEMALESS

_HEADERS = {RecordPart.KEY: wire.KEY_HEADER, RecordPart.VALUE: wire.VALUE_HEADER}

DecodedPart = Decoded | ProxyError | None
"""A decoded key or value, or the error why it cannot be decoded (40801); None for null."""


class Recognised(msgspec.Struct, frozen=True, gc=False):
    """What a key or value was recognised as."""

    format: EmbeddedFormat
    schema_id: int | None = None
    """None without a schema, and for one that a header names by its GUID."""
    subject: str | None = None
    """The topic's subject, in whose context the schema's id was looked up."""


class DecodedRecord(msgspec.Struct, frozen=True, gc=False):
    """A consumed record with its decoded key and value."""

    record: ConsumedRecord
    key: DecodedPart
    value: DecodedPart
    refusal: ProxyError | None = None
    """The error of the first part that cannot be decoded; None if both can."""
    key_format: Recognised | None = None
    """What the key was recognised as; None where its format was given."""
    value_format: Recognised | None = None


class _UnknownSchemaError(Exception):
    """The codec of the schema is not cached: the registry has to be called."""


class _Decoder:
    """Decodes the keys, or the values, of records in one embedded format."""

    def __init__(
        self,
        schemas: SchemaCache,
        embedded: EmbeddedFormat,
        role: RecordPart,
        form: RecordForm,
        reader: ReaderVersion | None,
    ) -> None:
        """`reader` is the version as which values are read; None: that with which they were written."""
        self._reader = reader
        self._schemas = schemas
        self._is_plain = form is RecordForm.PLAIN
        self._schemaless = _SCHEMALESS.get(embedded)
        self._role = role
        self._header = _HEADERS[role]
        self._looked_up = frozenset({self._header, RULE_NAME_HEADER})
        """Headers of records that need a look-up each."""
        self._latest = (b"", "", "")
        """(prefix with the schema id, topic, its subject) of the last record that was decoded with a schema."""
        self._decode: Callable[[bytes], Decoded] | None = None
        """Decodes that record; most records that follow use the same codec."""
        self._rights: SubjectRights | None = None
        self._readable: set[tuple[int, str]] = set()
        """(id, subject) of the schemas that were read with these rights."""
        self._rings: dict[str, KeyRing] = {}
        """Subject -> the keys of this request."""

    def forget_keys(self) -> None:
        """Forget the keys: a request begins."""
        if self._rings:
            self._rings.clear()
            self._decode = None

    def use_rights(self, rights: SubjectRights) -> None:
        """Decode with schemas that these rights let read from now on, of the subjects that topics have now."""
        if rights is not self._rights:
            self._rights, self._decode = rights, None
            self._readable.clear()
            self._rings.clear()
        elif self._decode is not None:
            _, topic, subject = self._latest
            if self._schemas.get_cached_subject(self._role, topic) != subject:
                self._decode = None

    def decode_at_once(self, record: ConsumedRecord, framed: bytes) -> Decoded | None:
        """Decode without waiting; raise DecodeError, FrameError, or _UnknownSchemaError if the codec is not cached."""
        if self._schemaless is not None:
            return self._schemaless(framed)
        if self._reader is not None or (record.headers and any(name in self._looked_up for name, _ in record.headers)):
            raise _UnknownSchemaError
        decode, topic, (latest_prefix, latest_topic, _) = self._decode, record.at.topic, self._latest
        if decode is None or topic != latest_topic or not framed.startswith(latest_prefix):
            schema_id, _ = wire.unframe(framed)
            subject = self._schemas.get_cached_subject(self._role, topic)
            if subject is None:
                raise _UnknownSchemaError
            if self._rights is not ALL_SUBJECTS and (schema_id, subject) not in self._readable:
                raise _UnknownSchemaError
            codec = self._schemas.get_cached_codec(schema_id, subject)
            if codec is None:
                raise _UnknownSchemaError
            decode = self._decode_with(self._bind(codec, subject))
            self._decode, self._latest = decode, (framed[: wire.PREFIX_BYTES], topic, subject)
        return decode(framed[wire.PREFIX_BYTES :])

    def _decode_with(self, codec: SchemaCodec) -> Callable[[bytes], Decoded]:
        return codec.decode_plain if self._is_plain else codec.decode

    def _bind(self, codec: SchemaCodec, subject: str) -> SchemaCodec:
        """Return the codec with the keys of this request, if its rules decrypt."""
        if not isinstance(codec, RuledCodec) or not codec.uses_keys:
            return codec
        if subject not in self._rings:
            assert self._rights is not None
            self._rings[subject] = KeyRing(self._schemas.data_keys, subject, self._rights)
        return codec.with_ring(self._rings[subject])

    async def decode_part(self, record: ConsumedRecord, framed: bytes | None) -> DecodedPart:
        """Decode, with a call to the registry if need be, or return error 40801; raise ApiError (5xx) of that call."""
        if framed is None:
            return None
        try:
            return self.decode_at_once(record, framed)
        except (_UnknownSchemaError, HeavyWorkError):
            return await self._decode_after_lookup(record, framed)
        except (DecodeError, wire.FrameError) as error:
            return self._give_up(record, framed, str(error))

    async def _decode_after_lookup(self, record: ConsumedRecord, framed: bytes) -> DecodedPart:
        try:
            return await self._with_schema(record, framed)
        except (DecodeError, wire.FrameError, InvalidSchemaError) as error:
            return self._give_up(record, framed, str(error))
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return self._give_up(record, framed, error.message)

    async def _with_schema(self, record: ConsumedRecord, framed: bytes) -> Decoded:
        """Decode with the schema that the bytes or a header name, also if its type is not that of the format."""
        header = self._schema_header(record)
        identity, payload = wire.unframe(framed) if header is None else wire.unframe_header(header, framed)
        subject = await self._schemas.find_subject(self._role, record.at.topic)
        assert self._rights is not None
        rights = ALL_SUBJECTS if self._rights is ALL_SUBJECTS else TopicReaderRights(self._rights, subject)
        if isinstance(identity, int):
            codec = await self._schemas.codec_by_id(identity, subject, rights)
            self._readable.add((identity, subject))
        else:
            codec = await self._schemas.codec_by_guid(identity, rights)
        processes, skipped = self._schemas.validators.rules, _find_replayed_rule(record)
        if self._reader is not None:
            schema_id = identity if isinstance(identity, int) else (await self._schemas.by_guid(identity, rights)).id
            migrating = await self._schemas.find_migrating_codec(schema_id, subject, self._reader, rights)
            if migrating is not None:
                migrating = migrating.bind(lambda codec: self._bind(codec, subject))
                return await migrating.decode(payload, processes, is_plain=self._is_plain, skipped=skipped)
        codec = self._bind(codec, subject)
        if isinstance(codec, RuledCodec):
            return await codec.decode_elsewhere(payload, processes, is_plain=self._is_plain, skipped=skipped)
        return self._decode_with(codec)(payload)

    def _schema_header(self, record: ConsumedRecord) -> bytes | None:
        return next((value for name, value in record.headers if name == self._header), None)

    def _give_up(self, record: ConsumedRecord, framed: bytes, reason: str) -> DecodedPart:
        """Return the error; in the plain form, the bytes of a key of a format with schemas."""
        if self._is_plain and self._role is RecordPart.KEY and self._schemaless is None:
            return framed
        return errors.undecodable(self._role.name, record.at, record.offset, reason)


class _RecognisingDecoder(_Decoder):
    """Decodes what has a schema by that, what is JSON or text as such, and anything else as bytes."""

    def __init__(self, schemas: SchemaCache, role: RecordPart, form: RecordForm, reader: ReaderVersion | None) -> None:
        super().__init__(schemas, EmbeddedFormat.AVRO, role, form, reader)  # which stands for every format with schemas

    def decode_at_once(self, record: ConsumedRecord, framed: bytes) -> Decoded | None:
        """See `_Decoder`."""
        if _may_be_frame(framed) or (record.headers and self._schema_header(record) is not None):
            return super().decode_at_once(record, framed)
        return _recognise(framed)

    async def _decode_after_lookup(self, record: ConsumedRecord, framed: bytes) -> DecodedPart:
        try:
            return await self._with_schema(record, framed)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND and self._schema_header(record) is None:
                return _recognise(framed)  # any bytes may begin with 0
            return await super()._decode_after_lookup(record, framed)
        except (DecodeError, wire.FrameError, InvalidSchemaError) as error:
            return self._give_up(record, framed, str(error))

    def recognise(self, record: ConsumedRecord, stored: bytes | None, decoded: DecodedPart) -> Recognised | None:
        """Return what the part was recognised as; None for null, and for one that cannot be decoded."""
        if stored is None or isinstance(decoded, ProxyError):
            return None
        topic, identity = record.at.topic, self._identify(record, stored)
        subject = self._schemas.get_cached_subject(self._role, topic) or self._role.subject(topic)
        codec = None if identity is None else self._schemas.get_cached_codec(identity, subject)
        if codec is not None:
            schema_id = identity if isinstance(identity, int) else None
            of_schema = codec.schema_codec if isinstance(codec, RuledCodec) else codec
            return Recognised(_FORMATS_OF_CODECS[type(of_schema)], schema_id, subject)
        if isinstance(decoded, bytes):
            return Recognised(EmbeddedFormat.BINARY)
        return Recognised(EmbeddedFormat.STRING if isinstance(decoded, str) else EmbeddedFormat.JSON)

    def _identify(self, record: ConsumedRecord, stored: bytes) -> int | uuid.UUID | None:
        header = self._schema_header(record)
        if header is not None:
            return wire.unframe_header(header, stored)[0]
        return wire.unframe(stored)[0] if _may_be_frame(stored) else None


_FORMATS_OF_CODECS: Mapping[type[SchemaCodec], EmbeddedFormat] = {
    AvroCodec: EmbeddedFormat.AVRO,
    JsonSchemaCodec: EmbeddedFormat.JSONSCHEMA,
    ProtobufCodec: EmbeddedFormat.PROTOBUF,
}


def _may_be_frame(stored: bytes) -> bool:
    return len(stored) >= wire.PREFIX_BYTES and stored[0] == 0


def _recognise(stored: bytes) -> Decoded:
    """Return JSON as it is, else text, else the bytes."""
    for embedded in (EmbeddedFormat.JSON, EmbeddedFormat.STRING):
        with suppress(DecodeError):
            return SCHEMALESS[embedded].decode(stored)
    return stored


class RecordDecoder:
    """Decodes records whose keys and values may have different formats.

    A schema is used if the caller's rights let it be read, or if it is one of the topic's own subject.
    """

    def __init__(
        self,
        schemas: SchemaCache,
        *,
        key: ReadFormat,
        value: ReadFormat,
        form: RecordForm = RecordForm.STANDARD,
        reader: ReaderVersion | None = None,
    ) -> None:
        """`reader` is the version of the topic's subject as which values are read; None: that of each record."""
        self._keys = _make_decoder(schemas, key, RecordPart.KEY, form)
        self._values = _make_decoder(schemas, value, RecordPart.VALUE, form, reader)
        self._recognises = isinstance(key, RecognisedFormat) or isinstance(value, RecognisedFormat)
        self._is_binary = key is value is EmbeddedFormat.BINARY

    async def decode(self, record: ConsumedRecord, rights: SubjectRights) -> DecodedRecord:
        """Decode key and value of the record; raise ApiError if the registry fails (5xx)."""
        self._use_rights(rights)
        return self._recognise(self._decode_at_once(record) or await self._decode_after_lookup(record))

    def _recognise(self, decoded: DecodedRecord) -> DecodedRecord:
        """Return the record with what its parts were recognised as, where that was to be found out."""
        if not self._recognises:
            return decoded
        record, keys, values = decoded.record, self._keys, self._values
        return replace(
            decoded,
            key_format=keys.recognise(record, record.key, decoded.key)
            if isinstance(keys, _RecognisingDecoder)
            else None,
            value_format=values.recognise(record, record.value, decoded.value)
            if isinstance(values, _RecognisingDecoder)
            else None,
        )

    def _decode_at_once(self, record: ConsumedRecord) -> DecodedRecord | None:
        """Decode with cached codecs, without a coroutine; None if a codec is missing or a part cannot be decoded."""
        key, value = record.key, record.value
        try:
            return DecodedRecord(
                record,
                None if key is None else self._keys.decode_at_once(record, key),
                None if value is None else self._values.decode_at_once(record, value),
            )
        except (_UnknownSchemaError, DecodeError, HeavyWorkError, wire.FrameError):
            return None

    async def _decode_after_lookup(self, record: ConsumedRecord) -> DecodedRecord:
        key = await self._keys.decode_part(record, record.key)
        value = await self._values.decode_part(record, record.value)
        refusal = next((half for half in (key, value) if isinstance(half, ProxyError)), None)
        return DecodedRecord(record, key, value, refusal)

    def forget_keys(self) -> None:
        """Forget the keys of an earlier request, or of earlier records of a stream."""
        self._keys.forget_keys()
        self._values.forget_keys()

    def _use_rights(self, rights: SubjectRights) -> None:
        self._keys.use_rights(rights)
        self._values.use_rights(rights)

    async def decode_within(
        self,
        max_bytes: int,
        records: Sequence[ConsumedRecord],
        rights: SubjectRights,
        *,
        one_at_least: bool,
        undecodable: Undecodable,
    ) -> list[DecodedRecord]:
        """Decode the first of the records, in total fewer than `max_bytes` of keys and values.

        With `one_at_least`, the first record is decoded whatever its size. A record that cannot be decoded is in the
        result (REPORT), or ends it (REFUSE); then 40801 is raised if it is the very first.
        """
        self._use_rights(rights)
        size = 0
        decoded: list[DecodedRecord] = []
        try:
            for record in records:
                size += record.size
                if size >= max_bytes and (decoded or not one_at_least):
                    break
                if self._is_binary:  # nothing to decode: the general way takes five times as long
                    decoded.append(DecodedRecord(record, record.key, record.value))
                    continue
                result = self._decode_at_once(record) or await self._decode_after_lookup(record)
                if result.refusal is not None and undecodable is Undecodable.REFUSE:
                    if decoded:
                        break
                    raise result.refusal
                decoded.append(self._recognise(result))
        finally:
            self.forget_keys()
        return decoded


def _find_replayed_rule(record: ConsumedRecord) -> str | None:
    """Return the rule that let the record fail before it was sent to a dead-letter topic, and does not run again."""
    values = [value for name, value in record.headers if name == RULE_NAME_HEADER and value is not None]
    return values[-1].decode(errors="replace") if values else None


def _make_decoder(
    schemas: SchemaCache,
    embedded: ReadFormat,
    role: RecordPart,
    form: RecordForm,
    reader: ReaderVersion | None = None,
) -> _Decoder:
    if isinstance(embedded, RecognisedFormat):
        return _RecognisingDecoder(schemas, role, form, reader)
    return _Decoder(schemas, embedded, role, form, reader)


def _json_or_null(payload: bytes) -> Decoded | None:
    """Decode JSON; Karapace writes null, and every other empty value, as zero bytes."""
    return SCHEMALESS[EmbeddedFormat.JSON].decode(payload) if payload else None


_SCHEMALESS: Mapping[str, Callable[[bytes], Decoded | None]] = {
    **{name: codec.decode for name, codec in SCHEMALESS.items()},
    EmbeddedFormat.JSON: _json_or_null,
}
