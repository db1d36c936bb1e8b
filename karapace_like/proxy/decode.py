"""Consumed records in the embedded formats of their reader: key and value as JSON texts."""

from collections.abc import Sequence
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
from karapace_like.serde.codec import DecodeError
from karapace_like.serde.schemaless import SCHEMALESS

_NULL = b"null"
_HEADERS = {Role.KEY: wire.KEY_HEADER, Role.VALUE: wire.VALUE_HEADER}


class DecodedRecord(msgspec.Struct, frozen=True, gc=False):
    """A consumed record with what its key and value say, as JSON texts, or why that cannot be told (40801)."""

    record: ConsumedRecord
    key: bytes | ProxyError
    value: bytes | ProxyError
    refusal: ProxyError | None = None
    """Why the record cannot be shown; None if it can."""


class _Decoder:
    """Decodes for one embedded format."""

    def __init__(self, schemas: SchemaCache, embedded: EmbeddedFormat) -> None:
        self._schemas = schemas
        self._schemaless = SCHEMALESS.get(embedded)
        self._is_json = embedded is EmbeddedFormat.JSON

    def half(self, record: ConsumedRecord, role: Role, framed: bytes | None) -> bytes | ProxyError | None:
        """The record's key or value as JSON text, or 40801; None where its schema has to be asked for first."""
        if framed is None or (self._is_json and not framed):
            return _NULL  # Karapace writes JSON's null, and every other empty value, as no bytes at all
        try:
            if self._schemaless is not None:
                return self._schemaless.decode(framed)
            if record.headers:
                return None
            schema_id, payload = wire.unframe(framed)
            codec = self._schemas.codec_at_hand(schema_id, role.subject(record.at.topic))
            return None if codec is None else codec.decode(payload)
        except (DecodeError, wire.FrameError) as error:
            return errors.undecodable(role.name, record.at, record.offset, str(error))

    async def asked_half(self, record: ConsumedRecord, role: Role) -> bytes | ProxyError:
        """The same, whatever has to be asked; raises ApiError while the registry does not answer."""
        framed = record.key if role is Role.KEY else record.value
        assert framed is not None
        try:
            return await self._with_schema(record, role, framed)
        except (DecodeError, wire.FrameError, InvalidSchemaError) as error:
            return errors.undecodable(role.name, record.at, record.offset, str(error))
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return errors.undecodable(role.name, record.at, record.offset, error.message)

    async def _with_schema(self, record: ConsumedRecord, role: Role, framed: bytes) -> bytes:
        """Decode with the schema that the bytes, or a header, name; the schema's type need not be the format's."""
        header = next((value for name, value in record.headers if name == _HEADERS[role]), None)
        identity, payload = wire.unframe(framed) if header is None else wire.unframe_header(header, framed)
        if isinstance(identity, int):
            codec = await self._schemas.codec_by_id(identity, role.subject(record.at.topic))
        else:
            codec = await self._schemas.codec_by_guid(identity)
        return codec.decode(payload)


class RecordDecoder:
    """Decodes whole records, whose keys and values may be in formats of their own."""

    def __init__(self, schemas: SchemaCache, *, key: EmbeddedFormat, value: EmbeddedFormat) -> None:
        self._keys = _Decoder(schemas, key)
        self._values = _Decoder(schemas, value)

    async def decode(self, record: ConsumedRecord) -> DecodedRecord:
        """Both halves of the record; raises ApiError while the registry does not answer."""
        return self._at_hand(record) or await self._asked(record)

    def _at_hand(self, record: ConsumedRecord) -> DecodedRecord | None:
        """The record, if nothing has to be asked for; most do not, and cost no coroutine."""
        key = self._keys.half(record, Role.KEY, record.key)
        value = self._values.half(record, Role.VALUE, record.value)
        if isinstance(key, bytes) and isinstance(value, bytes):
            return DecodedRecord(record, key, value)
        return None if key is None or value is None else _decoded(record, key, value)

    async def _asked(self, record: ConsumedRecord) -> DecodedRecord:
        key = self._keys.half(record, Role.KEY, record.key)
        value = self._values.half(record, Role.VALUE, record.value)
        if key is None:
            key = await self._keys.asked_half(record, Role.KEY)
        if value is None:
            value = await self._values.asked_half(record, Role.VALUE)
        return _decoded(record, key, value)

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


def _decoded(record: ConsumedRecord, key: bytes | ProxyError, value: bytes | ProxyError) -> DecodedRecord:
    """The record, with the first reason why it cannot be shown, if there is one."""
    refusal = next((half for half in (key, value) if isinstance(half, ProxyError)), None)
    return DecodedRecord(record, key, value, refusal)
