"""Consumed records in the embedded formats of their reader: key and value as JSON values."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import Undecodable
from karapace_like.records import ConsumedRecord
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde import wire
from karapace_like.serde.codec import Codec, Decoded, DecodeError
from karapace_like.serde.schemaless import SCHEMALESS

_HEADERS = {Role.KEY: wire.KEY_HEADER, Role.VALUE: wire.VALUE_HEADER}

Half = Decoded | ProxyError | None
"""What a key or value says, or why that cannot be told (40801); None is a null."""


class DecodedRecord(msgspec.Struct, frozen=True, gc=False):
    """A consumed record with what its key and value say."""

    record: ConsumedRecord
    key: Half
    value: Half
    refusal: ProxyError | None = None
    """Why the record cannot be shown; None if it can."""


class _UnknownSchemaError(Exception):
    """The schema has to be asked for first."""


class _Decoder:
    """Decodes the keys, or the values, of one embedded format."""

    def __init__(self, schemas: SchemaCache, embedded: EmbeddedFormat, role: Role) -> None:
        self._schemas = schemas
        self._schemaless = _SCHEMALESS.get(embedded)
        self._role = role
        self._header = _HEADERS[role]
        self._latest = (b"", "")
        """What the last record that named its schema was framed with, and its topic."""
        self._codec: Codec | None = None
        """Of that record: most that follow are like it."""

    def at_hand(self, record: ConsumedRecord, framed: bytes) -> Decoded | None:
        """What it says; raises DecodeError, FrameError, and _UnknownSchemaError."""
        if self._schemaless is not None:
            return self._schemaless(framed)
        if record.headers and self._schema_header(record) is not None:
            raise _UnknownSchemaError
        codec, source = self._codec, (framed[: wire.PREFIX_BYTES], record.at.topic)
        if codec is None or source != self._latest:
            schema_id, _ = wire.unframe(framed)
            codec = self._schemas.codec_at_hand(schema_id, self._role.subject(record.at.topic))
            if codec is None:
                raise _UnknownSchemaError
            self._codec, self._latest = codec, source
        return codec.decode(framed[wire.PREFIX_BYTES :])

    async def half(self, record: ConsumedRecord, framed: bytes | None) -> Half:
        """The same, whatever has to be asked, or 40801; raises ApiError while the registry does not answer."""
        if framed is None:
            return None
        try:
            return self.at_hand(record, framed)
        except _UnknownSchemaError:
            return await self._asked(record, framed)
        except (DecodeError, wire.FrameError) as error:
            return self._refusal(record, str(error))

    async def _asked(self, record: ConsumedRecord, framed: bytes) -> Half:
        try:
            return await self._with_schema(record, framed)
        except (DecodeError, wire.FrameError, InvalidSchemaError) as error:
            return self._refusal(record, str(error))
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return self._refusal(record, error.message)

    async def _with_schema(self, record: ConsumedRecord, framed: bytes) -> Decoded:
        """Decode with the schema that the bytes, or a header, name; the schema's type need not be the format's."""
        header = self._schema_header(record)
        identity, payload = wire.unframe(framed) if header is None else wire.unframe_header(header, framed)
        if isinstance(identity, int):
            codec = await self._schemas.codec_by_id(identity, self._role.subject(record.at.topic))
        else:
            codec = await self._schemas.codec_by_guid(identity)
        return codec.decode(payload)

    def _schema_header(self, record: ConsumedRecord) -> bytes | None:
        return next((value for name, value in record.headers if name == self._header), None)

    def _refusal(self, record: ConsumedRecord, reason: str) -> ProxyError:
        return errors.undecodable(self._role.name, record.at, record.offset, reason)


class RecordDecoder:
    """Decodes whole records, whose keys and values may be in formats of their own."""

    def __init__(self, schemas: SchemaCache, *, key: EmbeddedFormat, value: EmbeddedFormat) -> None:
        self._keys = _Decoder(schemas, key, Role.KEY)
        self._values = _Decoder(schemas, value, Role.VALUE)

    async def decode(self, record: ConsumedRecord) -> DecodedRecord:
        """Both halves of the record; raises ApiError while the registry does not answer."""
        return self._at_hand(record) or await self._asked(record)

    def _at_hand(self, record: ConsumedRecord) -> DecodedRecord | None:
        """The record, if it can be decoded and nothing has to be asked for; most can, and cost no coroutine."""
        key, value = record.key, record.value
        try:
            return DecodedRecord(
                record,
                None if key is None else self._keys.at_hand(record, key),
                None if value is None else self._values.at_hand(record, value),
            )
        except (_UnknownSchemaError, DecodeError, wire.FrameError):
            return None

    async def _asked(self, record: ConsumedRecord) -> DecodedRecord:
        key = await self._keys.half(record, record.key)
        value = await self._values.half(record, record.value)
        refusal = next((half for half in (key, value) if isinstance(half, ProxyError)), None)
        return DecodedRecord(record, key, value, refusal)

    async def decode_within(
        self, max_bytes: int, records: Sequence[ConsumedRecord], *, one_at_least: bool, undecodable: Undecodable
    ) -> list[DecodedRecord]:
        """The first of the records, with fewer bytes than that; `one_at_least`: the first is there whatever its size.

        Undecodable records are among them, or end them: 40801 if that is the very first.
        """
        size = 0
        decoded: list[DecodedRecord] = []
        for record in records:
            size += record.size
            if size >= max_bytes and (decoded or not one_at_least):
                break
            found = self._at_hand(record) or await self._asked(record)
            if found.refusal is not None and undecodable is Undecodable.REFUSE:
                if decoded:
                    break
                raise found.refusal
            decoded.append(found)
        return decoded


def _json_or_null(payload: bytes) -> Decoded | None:
    """Karapace writes JSON's null, and every other empty value, as no bytes at all."""
    return SCHEMALESS[EmbeddedFormat.JSON].decode(payload) if payload else None


_SCHEMALESS: Mapping[str, Callable[[bytes], Decoded | None]] = {
    **{name: codec.decode for name, codec in SCHEMALESS.items()},
    EmbeddedFormat.JSON: _json_or_null,
}
