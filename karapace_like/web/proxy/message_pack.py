"""Records in MessagePack: the objects of JSON, but keys, values and values of headers are bytes, not base64 (ADR 35).

Source: the MessagePack specification, "Formats" (github.com/msgpack/msgpack/blob/master/spec.md).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.produce import ProducedRecord, ProduceRequest, TopicRecord, TopicsRequest
from karapace_like.web.http import media_types
from karapace_like.web.proxy.objects import PolledHeader, PolledRecord

Request = TypeVar("Request", ProduceRequest, TopicsRequest)

_SHAPE = (
    '{"records": [{"key": bytes or nil, "value": bytes or nil, "partition": integer, '
    '"headers": [{"key": text, "value": bytes or nil}]}]}'
)
_EXAMPLE = '{"records": [{"value": bytes}]}'
_ARRAY_16, _ARRAY_32 = 0xDC, 0xDD
_SIZES = {_ARRAY_16: 2, _ARRAY_32: 4}
"""First byte of an array -> bytes of its length after it."""
_FIX_ARRAY, _FIX_LENGTH = 0x90, 0x0F
"""First byte of an array with up to 15 items, whose length it has in its low four bits."""


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body whose records are counted before they are decoded."""

    records: msgspec.Raw


_decode_body = msgspec.msgpack.Decoder(_Body).decode
_RECORDS: Mapping[type[ProduceRequest], msgspec.msgpack.Decoder[Any]] = {
    ProduceRequest: msgspec.msgpack.Decoder(tuple[ProducedRecord, ...]),
    TopicsRequest: msgspec.msgpack.Decoder(tuple[TopicRecord, ...]),
}
"""How the records of each kind of request are decoded. Keys and values stay as they are until they are encoded."""
_encoder = msgspec.msgpack.Encoder()


def require_binary(query: Mapping[str, str]) -> dict[RecordPart, EmbeddedFormat | None]:
    """Return binary as the format of keys and values; raise ProxyError (422) where the query names another one."""
    for name in ("format", "key_format", "value_format"):
        spelled = query.get(name, EmbeddedFormat.BINARY)
        if spelled.lower() != EmbeddedFormat.BINARY:
            raise errors.violation(name, f"must be binary, or left out, with {media_types.MESSAGE_PACK}", spelled)
    return dict.fromkeys(RecordPart, EmbeddedFormat.BINARY)


def parse_message_pack(body: bytes, wanted: type[Request], check_count: Callable[[int], None]) -> Request:
    """Return the request; raise ProxyError: 400 for what is no MessagePack, 422 for other types and fields.

    `check_count` raises for more records than a request may have, before an object is made of any.
    """
    try:
        packed = _decode_body(body).records
        check_count(_count_items(packed))
        records = _RECORDS[wanted].decode(packed)
    except NOT_JSON as error:
        raise _refuse_body(error) from error
    if not records:
        raise errors.records_missing(_EXAMPLE)
    return wanted(records=records)


def _count_items(packed: msgspec.Raw) -> int:
    """Return the length that an array of MessagePack says it has; 0 for what is no array."""
    start = memoryview(packed)[:5]
    first = start[0]
    if first & ~_FIX_LENGTH == _FIX_ARRAY:
        return first & _FIX_LENGTH
    return int.from_bytes(start[1 : 1 + _SIZES.get(first, 0)], "big")


def _refuse_body(error: Exception) -> ProxyError:
    """Return the error for a body that cannot be decoded; msgspec's message has the place, such as `$[3].value`."""
    is_message_pack = isinstance(error, msgspec.ValidationError)
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).replace("`$[", "`records[")
    return ProxyError(
        422 if is_message_pack else 400,
        f"The body is no request in {media_types.MESSAGE_PACK}: {reason}; expected {_SHAPE} in MessagePack",
    )


def encode_records(records: Sequence[DecodedRecord], *, with_timestamp: bool) -> bytes:
    """Return an array of the records with the fields that they have in JSON; keys and values are bytes."""
    return _encoder.encode(
        [
            PolledRecord(
                record.at.topic,
                record.key,
                record.value,
                record.at.partition,
                record.offset,
                record.timestamp if with_timestamp else None,
                tuple([PolledHeader(*header) for header in record.headers]) if record.headers else (),
            )
            for record in [decoded.record for decoded in records]
        ]
    )
