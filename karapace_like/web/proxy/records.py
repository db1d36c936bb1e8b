"""Reading records: polls of a consumer instance, and reads of a partition without one."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web
from pybase64 import b64encode

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord, Half
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.reading import Limits, Shown, Start
from karapace_like.serde.codec import Decoded
from karapace_like.serde.schemaless import LONG, in_json
from karapace_like.web import answers, media_types
from karapace_like.web.errors import error_response
from karapace_like.web.needs import on_group, on_topic
from karapace_like.web.proxy.consumers import instance, require_reading
from karapace_like.web.proxy.objects import POLL, READ
from karapace_like.web.proxy.owners import at_owner
from karapace_like.web.proxy.requests import (
    EMBEDDED,
    embedded_format,
    not_negative,
    partition,
    positive,
    proxy,
    undecodable,
)
from karapace_like.web.routing import Route
from karapace_like.web.streaming import in_pieces, is_connected

_encoder = msgspec.json.Encoder()
_ANY_COUNT = 2**63
_BINARY = next(iter(EMBEDDED))
_OFFER = (_BINARY, media_types.KAFKA_V2, *EMBEDDED)
"""What polls answer with: binary unless the client asks for a format."""


class _Header(msgspec.Struct, gc=False):
    """One header of a record; bytes are base64 in JSON."""

    key: str
    value: bytes | None


class _Record(msgspec.Struct, omit_defaults=True, gc=False):
    """One record of an answer; what there is not to show is left out, from the timestamp on."""

    topic: str
    key: Decoded | None
    value: Decoded | None
    partition: int
    offset: int
    timestamp: int | None = None
    headers: tuple[_Header, ...] = ()
    error_code: int | None = None
    message: str | None = None


async def records(request: web.Request) -> web.StreamResponse:
    """GET /consumers/{group}/instances/{instance}/records: those that follow, as the instance's format."""
    return await _answered(request, _poll)


async def partition_records(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/partitions/{partition}/records: from an offset or a time on, without a consumer instance."""
    return await _answered(request, _read)


async def _answered(
    request: web.Request, read: Callable[[web.Request, EmbeddedFormat], Awaitable[Sequence[DecodedRecord]]]
) -> web.StreamResponse:
    """What was read, or the error, in the format that the client asks for."""
    media_type = answers.media_type(request, _OFFER)
    try:
        found = await read(request, EMBEDDED.get(media_type, EMBEDDED[_BINARY]))
    except ApiError as error:
        failed = error_response(request.path, error)
        failed.content_type = media_type
        return failed
    settings = proxy(request).settings
    body = _json_array(found, with_timestamp=settings.record_timestamps)
    return await in_pieces(request, web.Response(body=body, content_type=media_type), settings.stalled_after)


async def _poll(request: web.Request, embedded: EmbeddedFormat) -> Sequence[DecodedRecord]:
    timeout_ms, max_bytes = positive(request, "timeout"), positive(request, "max_bytes")
    polled = instance(request)
    require_reading(request, polled)
    if polled.embedded is not embedded:
        raise errors.format_mismatch()
    return await polled.poll(
        timeout_ms=timeout_ms,
        max_bytes=max_bytes,
        is_wanted=lambda: is_connected(request),
        undecodable=undecodable(request),
    )


async def _read(request: web.Request, embedded: EmbeddedFormat) -> Sequence[DecodedRecord]:
    offset, time = not_negative(request, "offset"), not_negative(request, "timestamp")
    if offset is not None and time is not None:
        raise errors.bad_request("offset and timestamp are mutually exclusive")
    query = request.query
    shown = Shown(
        key=embedded_format(query.get("key_format", embedded)),
        value=embedded_format(query.get("value_format", embedded)),
        undecodable=undecodable(request),
    )
    limits = Limits(
        count=positive(request, "count") or _ANY_COUNT,
        max_bytes=positive(request, "max_bytes"),
        timeout_ms=positive(request, "timeout"),
    )
    at = partition(request)
    await proxy(request).topics.partition(at)
    start = Start(offset=offset or 0, time=time, is_strict=True)
    page = await proxy(request).reading.read([at], start, shown, limits, is_wanted=lambda: is_connected(request))
    return page.records


def _json_array(found: Sequence[DecodedRecord], *, with_timestamp: bool) -> bytes:
    """What is `rendered`, as JSON. Most records are put together from pieces, so that a long value is copied once."""
    pieces: list[bytes | msgspec.Raw] = []
    add, encode = pieces.append, _encoder.encode
    at, opening, closing = None, b"", b""
    for decoded in found:
        record, key, value = decoded.record, decoded.key, decoded.value
        add(b"," if pieces else b"[")
        if decoded.refusal is not None or record.headers or with_timestamp:
            add(encode(rendered(decoded, with_timestamp=with_timestamp)))
            continue
        if record.at is not at:
            at = record.at
            opening, closing = b'{"topic":%b,"key":' % encode(at.topic), b',"partition":%d,"offset":%%d}' % at.partition
        pieces += (opening, b"null" if key is None else encode(key), b',"value":')
        if isinstance(value, msgspec.Raw):
            add(value)
        elif isinstance(value, bytes) and len(value) >= LONG:
            pieces += (b'"', b64encode(value), b'"')
        else:
            add(encode(value))
        add(closing % record.offset)
    add(b"]" if pieces else b"[]")
    return b"".join(pieces)


def rendered(decoded: DecodedRecord, *, with_timestamp: bool) -> _Record:
    """The record as answers show it; of one that cannot be decoded, what can be, and the error."""
    record, refusal = decoded.record, decoded.refusal
    shown = _Record(
        record.at.topic,
        _in_json(decoded.key),
        _in_json(decoded.value),
        record.at.partition,
        record.offset,
        record.timestamp if with_timestamp else None,
        tuple(_Header(*each) for each in record.headers) if record.headers else (),
    )
    if refusal is not None:
        shown.error_code, shown.message = refusal.code, refusal.message
    return shown


def _in_json(half: Half) -> Decoded | None:
    return None if half is None or isinstance(half, ProxyError) else in_json(half)


ROUTES = (
    Route(
        "GET",
        "/consumers/{group}/instances/{instance}/records",
        at_owner(records),
        POLL,
        needs=on_group(Operation.READ),
    ),
    Route(
        "GET", "/topics/{topic}/partitions/{partition}/records", partition_records, READ, needs=on_topic(Operation.READ)
    ),
)
