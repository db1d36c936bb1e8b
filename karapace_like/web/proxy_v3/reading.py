"""Read records: a page of them, or a stream as they arrive. Confluent has no such call."""

from typing import Any

import msgspec
from aiohttp import web
from yarl import URL

from karapace_like.access.policy import Operation
from karapace_like.proxy import bounds
from karapace_like.proxy.decode import DecodedPart, DecodedRecord
from karapace_like.proxy.errors import ProxyError, quote
from karapace_like.proxy.formats import EmbeddedFormat, ReadFormat
from karapace_like.proxy.reading import Limits, RecordFormats, Start
from karapace_like.proxy.settings import Undecodable
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.reading import ReadRequest
from karapace_like.proxy.v3.records import DataType
from karapace_like.serde.schemaless import in_json
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http import media_types
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.streaming import may_wait, open_body, push
from karapace_like.web.proxy.admission import admit_follower
from karapace_like.web.proxy.requests import find_reader, format_positions, parse_isolation, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.proxy_v3.calls import READ
from karapace_like.web.proxy_v3.links import ResourceLink, link_to_topic
from karapace_like.web.proxy_v3.records import format_time
from karapace_like.web.proxy_v3.requests import answer, cluster, flag, management, member, topic
from karapace_like.web.routing import Route

_STARTS = frozenset({"offset", "timestamp", "page_token", "stream"})
"""A GET of records needs one of these; without one it gets 405, as from Confluent REST Proxy."""
_STARTS_AT_END = {"earliest": False, "latest": True}
"""Words for offsets -> whether they mean the end."""
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 10_000
_MAX_WAIT_MS = 60_000
_encoder = msgspec.json.Encoder()


async def read_records(request: web.Request) -> web.StreamResponse:
    """GET .../topics/{topic}/records and .../partitions/{partition}/records: Read a page or a stream of records."""
    if not _STARTS & set(request.query):
        raise errors.method_not_allowed_error()
    wanted = _parse_request(request)
    if flag(request, "stream"):
        return await _stream(request, wanted)
    limits = Limits(
        count=min(_parse_count(request, "limit", _DEFAULT_LIMIT), _MAX_LIMIT),
        timeout_ms=min(_parse_count(request, "timeout", 0), _MAX_WAIT_MS),
    )
    page = await management(request).reading.read_page(
        cluster(request), wanted, limits, find_subject_rights(request), is_wanted=lambda: may_wait(request)
    )
    url = str(URL(_link_to_source(request, wanted.partition).child_url("records")))
    following = None
    if page.following is not None:
        token = format_positions({at.partition: offset for at, offset in page.following.items()})
        query = [(name, value) for name, value in request.query.items() if name not in _STARTS]
        following = str(URL(url).with_query([*query, ("page_token", token)]))
    metadata = {"self": url, "next": following}
    find_usage(request).consumed += len(page.records)
    rendered = [_render(request, wanted.formats, record) for record in page.records]
    return answer(request, {"kind": "KafkaRecordList", "metadata": metadata, "data": rendered})


async def _stream(request: web.Request, wanted: ReadRequest) -> web.StreamResponse:
    """Send one object on each line, until `limit` records are sent or the client disconnects."""
    count = _parse_count(request, "limit", 2**63)
    settings = proxy(request).settings
    following = await management(request).reading.follow(cluster(request), wanted, find_subject_rights(request))
    response = web.StreamResponse(headers={"Content-Type": media_types.JSON})
    async with open_body(request, response, settings.stalled_after) as out, following as followed:
        renew = admit_follower(request, followed).renew
        lines = _Lines(request, wanted.formats)
        await push(out, followed, lines, renew=renew, heartbeat=settings.heartbeat, count=count)
    return response


class _Lines:
    """Renders the records of a stream; implements `streaming.Lines`."""

    sign_of_life = b"\n"
    opening = b""

    def __init__(self, request: web.Request, formats: RecordFormats) -> None:
        self._request = request
        self._formats = formats
        self._usage = find_usage(request)

    def record(self, decoded: DecodedRecord) -> bytes:
        """Render one record, and count it."""
        self._usage.consumed += 1
        return _encoder.encode(_render(self._request, self._formats, decoded)) + b"\n"

    def failure(self, code: int, message: str) -> bytes:
        """Render the error that ends the stream."""
        return _encoder.encode({"error_code": code, "message": message}) + b"\n"


def _parse_request(request: web.Request) -> ReadRequest:
    query = request.query
    both = member(DataType, "type", query.get("type"), DataType.BINARY)
    value = _convert_format(member(DataType, "value_type", query.get("value_type"), both))
    spelled, token = query.get("offset", "earliest").lower(), query.get("page_token")
    return ReadRequest(
        topic=topic(request),
        partition=bounds.parse_number(request.match_info["partition"], bits=32)
        if "partition" in request.match_info
        else None,
        start=Start(
            offset=0 if spelled in _STARTS_AT_END else _parse_count(request, "offset", 0),
            at_end=_STARTS_AT_END.get(spelled, False),
            time=_parse_count(request, "timestamp", 0) if "timestamp" in query else None,
            positions=None if token is None else _parse_page_token(token),
            isolation=parse_isolation("isolation", query.get("isolation")),
        ),
        formats=RecordFormats(
            key=_convert_format(member(DataType, "key_type", query.get("key_type"), both)),
            value=value,
            undecodable=Undecodable.REPORT,
            reader=find_reader(query, value),
        ),
    )


def _convert_format(data_type: DataType) -> EmbeddedFormat:
    return EmbeddedFormat(data_type.lower())


def _parse_count(request: web.Request, name: str, absent: int) -> int:
    text = request.query.get(name)
    if text is None:
        return absent
    try:
        return bounds.parse_integer(text)
    except ValueError as error:
        raise errors.malformed_request(f"{name} {quote(text)} is not a number of 0 or more") from error


def _parse_page_token(token: str) -> dict[int, int]:
    try:
        return bounds.parse_positions(token)
    except ValueError as error:
        raise errors.malformed_request(
            f"page_token {quote(token)} is not a token of this service: take it from metadata.next"
        ) from error


def _link_to_source(request: web.Request, partition: int | None) -> ResourceLink:
    link = link_to_topic(request)
    return link if partition is None else link.child("partitions", partition, "partition")


def _render(request: web.Request, formats: RecordFormats, decoded: DecodedRecord) -> dict[str, Any]:
    record = decoded.record
    at = record.at
    link = _link_to_source(request, at.partition)
    return {
        "kind": "KafkaRecord",
        "metadata": {
            "self": link.child_url(f"records?offset={record.offset}&limit=1"),
            "resource_name": f"{link.name}/record={record.offset}",
        },
        "cluster_id": cluster(request),
        "topic_name": at.topic,
        "partition_id": at.partition,
        "offset": record.offset,
        "timestamp": format_time(record.timestamp),
        "headers": [{"name": name, "value": value} for name, value in record.headers],
        "key": _render_part(formats.key, record.key, decoded.key),
        "value": _render_part(formats.value, record.value, decoded.value),
    }


def _render_part(shown_as: ReadFormat, stored: bytes | None, half: DecodedPart) -> dict[str, Any] | None:
    """Render a key or value; None if the record does not have it."""
    if stored is None:
        return None
    part: dict[str, Any] = {"type": shown_as.upper(), "size": len(stored)}
    if isinstance(half, ProxyError):
        return {**part, "error_code": half.code, "message": half.message}
    return {**part, "data": None if half is None else in_json(half)}


_TOPIC = "/v3/clusters/{cluster}/topics/{topic}"
ROUTES = (
    Route("GET", f"{_TOPIC}/records", read_records, ApiRole.DATA, READ, permission=on_topic(Operation.READ)),
    Route(
        "GET",
        f"{_TOPIC}/partitions/{{partition}}/records",
        read_records,
        ApiRole.DATA,
        READ,
        permission=on_topic(Operation.READ),
    ),
)
