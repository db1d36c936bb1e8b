"""Consumed records in the embedded formats of their reader: key and value as JSON texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.records import ConsumedRecord
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde import wire
from karapace_like.serde.codec import DecodeError
from karapace_like.serde.schemaless import SCHEMALESS

_NULL = b"null"
_HEADERS = {Role.KEY: wire.KEY_HEADER, Role.VALUE: wire.VALUE_HEADER}


@dataclass(frozen=True, slots=True)
class DecodedRecord:
    """A consumed record with what its key and value say, as JSON texts."""

    record: ConsumedRecord
    key: bytes
    value: bytes


class Decoder:
    """Decodes for one embedded format, given by its name in lower case."""

    def __init__(self, schemas: SchemaCache, embedded: str) -> None:
        self._schemas = schemas
        self._schemaless = SCHEMALESS.get(embedded)
        self._is_json = embedded == EmbeddedFormat.JSON

    async def half(self, record: ConsumedRecord, role: Role) -> bytes:
        """The record's key or value as JSON text; 40801 if it cannot be decoded."""
        framed = record.key if role is Role.KEY else record.value
        if framed is None or (self._is_json and not framed):
            return _NULL  # Karapace writes JSON's null, and every other empty value, as no bytes at all
        try:
            if self._schemaless is not None:
                return self._schemaless.decode(framed)
            return await self._with_schema(record, role, framed)
        except (DecodeError, wire.FrameError, InvalidSchemaError) as error:
            raise errors.undecodable(role.name, record.at, record.offset, str(error)) from error

    async def _with_schema(self, record: ConsumedRecord, role: Role, framed: bytes) -> bytes:
        """Decode with the schema that the bytes, or a header, name; the schema's type need not be the format's."""
        header = next((value for name, value in record.headers if name == _HEADERS[role]), None)
        identity, payload = wire.unframe(framed) if header is None else wire.unframe_header(header, framed)
        try:
            if isinstance(identity, int):
                codec = await self._schemas.codec_by_id(identity, role.subject(record.at.topic))
            else:
                codec = await self._schemas.codec_by_guid(identity)
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            raise errors.undecodable(role.name, record.at, record.offset, error.message) from error
        return codec.decode(payload)


class RecordDecoder:
    """Decodes whole records, whose keys and values may be in formats of their own."""

    def __init__(self, schemas: SchemaCache, *, key: EmbeddedFormat, value: EmbeddedFormat) -> None:
        self._keys = Decoder(schemas, key)
        self._values = Decoder(schemas, value)

    async def decode(self, record: ConsumedRecord) -> DecodedRecord:
        """Both halves of the record; 40801 for one that cannot be decoded."""
        return DecodedRecord(
            record, await self._keys.half(record, Role.KEY), await self._values.half(record, Role.VALUE)
        )

    async def decode_within(
        self, max_bytes: int, records: Sequence[ConsumedRecord], *, one_at_least: bool
    ) -> list[DecodedRecord]:
        """The first of the records, with fewer bytes than that and up to one that cannot be decoded.

        40801 if that is the very first; `one_at_least`: the first is answered whatever its size.
        """
        size = 0
        decoded: list[DecodedRecord] = []
        for record in records:
            size += record.size
            if size >= max_bytes and (decoded or not one_at_least):
                break
            try:
                decoded.append(await self.decode(record))
            except errors.ProxyError:
                if decoded:
                    break
                raise
        return decoded
