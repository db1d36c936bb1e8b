"""Read records: poll a consumer instance, or read a partition without one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from aiohttp import web
from pybase64 import b64encode

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedPart, DecodedRecord
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.reading import Limits, RecordFormats, Start
from karapace_like.serde.codec import Decoded
from karapace_like.serde.schemaless import LONG, in_json
from karapace_like.web.callers.permissions import on_group, on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http import media_types, responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import build_error_response
from karapace_like.web.http.streaming import may_wait, send_in_pieces
from karapace_like.web.proxy.consumers import find_instance, require_reading
from karapace_like.web.proxy.instance_owners import at_owner
from karapace_like.web.proxy.message_pack import encode_records, require_binary
from karapace_like.web.proxy.objects import POLL, READ, PolledHeader, PolledRecord
from karapace_like.web.proxy.requests import (
    EMBEDDED,
    find_reader,
    not_negative,
    optional_read_format,
    parse_isolation,
    partition,
    positive,
    proxy,
    undecodable_choice,
)
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Route

Shown = TypeVar("Shown", bound=PolledRecord)

_encoder = msgspec.json.Encoder()
_ANY_COUNT = 2**63
_BINARY = next(iter(EMBEDDED))
_OFFER = (_BINARY, media_types.KAFKA_V2, *EMBEDDED, media_types.MESSAGE_PACK, media_types.JSON)
"""The media types of polls; binary unless the client accepts another format. JSON leaves the format to the instance,
or to the query."""


async def poll_records(request: web.Request) -> web.StreamResponse:
    """GET /consumers/{group}/instances/{instance}/records: Poll the next records in the format of the instance."""
    return await _answer(request, poll)


async def read_partition(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/partitions/{partition}/records: Read records from an offset or time, without an instance."""
    return await _answer(request, read)


async def _answer(
    request: web.Request,
    read_records: Callable[[web.Request, EmbeddedFormat | None], Awaitable[Sequence[DecodedRecord]]],
) -> web.StreamResponse:
    """Respond with the records, or the error, in the media type that the client accepts."""
    media_type = responses.negotiate_media_type(request, _OFFER)
    is_message_pack = media_type == media_types.MESSAGE_PACK
    try:
        if is_message_pack:
            require_binary(request.query)
        named = None if media_type == media_types.JSON else EMBEDDED.get(media_type, EMBEDDED[_BINARY])
        records = await read_records(request, named)
    except ApiError as error:
        failed = build_error_response(request.path, error)
        failed.content_type = media_types.KAFKA_V2 if is_message_pack else media_type
        return failed
    settings = proxy(request).settings
    find_usage(request).consumed += len(records)
    is_timed = settings.record_timestamps or request.query.get("timestamps", "").lower() == "true"
    body = (
        encode_records(records, with_timestamp=is_timed)
        if is_message_pack
        else _json_array(records, with_timestamp=is_timed, with_format=shows_format(request))
    )
    return await send_in_pieces(request, web.Response(body=body, content_type=media_type), settings.stalled_after)


async def poll(request: web.Request, embedded: EmbeddedFormat | None) -> Sequence[DecodedRecord]:
    """Return the next records of the instance of the path; 40601 if it has another format."""
    timeout_ms, max_bytes = positive(request, "timeout"), positive(request, "max_bytes")
    instance = find_instance(request)
    require_reading(request, instance)
    if embedded is not None and instance.embedded is not embedded:
        raise errors.format_mismatch(embedded, instance.embedded)
    return await instance.poll(
        timeout_ms=timeout_ms,
        max_bytes=max_bytes,
        is_wanted=lambda: may_wait(request),
        rights=find_subject_rights(request),
        undecodable=undecodable_choice(request),
    )


async def read(request: web.Request, embedded: EmbeddedFormat | None) -> Sequence[DecodedRecord]:
    """Return the records of the partition of the path that the query asks for."""
    offset, time = not_negative(request, "offset"), not_negative(request, "timestamp")
    if offset is not None and time is not None:
        raise errors.bad_request("offset and timestamp are mutually exclusive")
    query = request.query
    both = optional_read_format("format", query.get("format")) or embedded
    key = optional_read_format("key_format", query.get("key_format")) or both
    value = optional_read_format("value_format", query.get("value_format")) or both
    if key is None or value is None:
        raise errors.unnamed_format(_OFFER[:-1])
    formats = RecordFormats(
        key=key,
        value=value,
        undecodable=undecodable_choice(request),
        reader=find_reader(query, value),
    )
    limits = Limits(
        count=positive(request, "count") or _ANY_COUNT,
        max_bytes=positive(request, "max_bytes"),
        timeout_ms=positive(request, "timeout"),
    )
    at = partition(request)
    await proxy(request).topics.partition(at)
    isolation = parse_isolation("isolation", query.get("isolation"))
    start = Start(offset=offset or 0, time=time, is_strict=True, isolation=isolation)
    rights = find_subject_rights(request)
    reading = proxy(request).reading
    page = await reading.read([at], start, formats, limits, rights, is_wanted=lambda: may_wait(request))
    return page.records


def shows_format(request: web.Request) -> bool:
    """Return whether the response is to name the formats that were recognised (`format=auto`)."""
    return request.query.get("show_format", "").lower() == "true"


def _json_array(records: Sequence[DecodedRecord], *, with_timestamp: bool, with_format: bool) -> bytes:
    """Return the JSON of the records as `render` has it. Most are joined from pieces: a long value is copied once."""
    pieces: list[bytes | msgspec.Raw] = []
    add, encode = pieces.append, _encoder.encode
    at, opening, keyless, closing = None, b"", b"", b""
    for decoded in records:
        record, key, value = decoded.record, decoded.key, decoded.value
        if decoded.refusal is not None or record.headers or with_timestamp or with_format:
            pieces += (b",", encode(render(decoded, with_timestamp=with_timestamp, with_format=with_format)))
            continue
        if record.at is not at:
            at = record.at
            opening = b',{"topic":%b,"key":' % encode(at.topic)
            keyless, closing = opening + b'null,"value":', b',"partition":%d,"offset":%%d}' % at.partition
        if key is None:
            add(keyless)
        else:
            pieces += (opening, encode(key), b',"value":')
        if isinstance(value, bytes) and len(value) >= LONG:
            pieces += (b'"', b64encode(value), b'"')
        else:
            add(value if isinstance(value, msgspec.Raw) else encode(value))
        add(closing % record.offset)
    if not pieces:
        return b"[]"
    pieces[0] = b"[%b" % pieces[0][1:]  # instead of the comma with which each record begins
    add(b"]")
    return b"".join(pieces)


def render(decoded: DecodedRecord, *, with_timestamp: bool, with_format: bool = False) -> PolledRecord:
    """Return the record as responses contain it; one that cannot be decoded has its error and the part that can."""
    return render_as(PolledRecord, decoded, with_timestamp=with_timestamp, with_format=with_format)


def render_as(
    create: Callable[..., Shown], decoded: DecodedRecord, *, with_timestamp: bool, with_format: bool = False
) -> Shown:
    """Return the record as `render` does, in the shape that `create` makes of the fields of a PolledRecord."""
    record, refusal = decoded.record, decoded.refusal
    shown = create(
        record.at.topic,
        _in_json(decoded.key),
        _in_json(decoded.value),
        record.at.partition,
        record.offset,
        record.timestamp if with_timestamp else None,
        tuple(PolledHeader(*header) for header in record.headers) if record.headers else (),
    )
    if with_format:
        shown.key_format, shown.value_format = decoded.key_format, decoded.value_format
    if refusal is not None:
        shown.error_code, shown.message = refusal.code, refusal.message
    return shown


def _in_json(half: DecodedPart) -> Decoded | None:
    return None if half is None or isinstance(half, ProxyError) else in_json(half)


ROUTES = (
    Route(
        "GET",
        "/consumers/{group}/instances/{instance}/records",
        at_owner(poll_records),
        ApiRole.DATA,
        POLL,
        permission=on_group(Operation.READ),
    ),
    Route(
        "GET",
        "/topics/{topic}/partitions/{partition}/records",
        read_partition,
        ApiRole.DATA,
        READ,
        permission=on_topic(Operation.READ),
    ),
)
