"""Reading records: a page of them, or all as they come. Confluent has no such call."""

from typing import Any

import msgspec
from aiohttp import web
from yarl import URL

from karapace_like.access.policy import Operation
from karapace_like.proxy.decode import DecodedRecord, Half
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.reading import Limits, Shown, Start
from karapace_like.proxy.settings import Undecodable
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.reading import ReadRequest
from karapace_like.proxy.v3.records import DataType
from karapace_like.serde.schemaless import in_json
from karapace_like.web import media_types
from karapace_like.web.needs import on_topic
from karapace_like.web.proxy.requests import number, positions, proxy, spelled_positions
from karapace_like.web.proxy_v3.calls import READ
from karapace_like.web.proxy_v3.links import Place, topic_place
from karapace_like.web.proxy_v3.records import spelled_time
from karapace_like.web.proxy_v3.requests import answer, cluster, flag, management, member, topic
from karapace_like.web.routing import Route
from karapace_like.web.streaming import is_connected, push, writing

_STARTS = frozenset({"offset", "timestamp", "page_token", "stream"})
"""One of these makes a GET of records a call of this service: without, it is refused as Confluent does it."""
_STARTS_AT_END = {"earliest": False, "latest": True}
"""Words that stand for offsets."""
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 10_000
_MAX_WAIT_MS = 60_000
_encoder = msgspec.json.Encoder()


async def records(request: web.Request) -> web.StreamResponse:
    """GET .../topics/{topic}/records and .../partitions/{partition}/records."""
    if not _STARTS & set(request.query):
        raise errors.method_not_allowed()
    wanted = _wanted(request)
    if flag(request, "stream"):
        return await _stream(request, wanted)
    limits = Limits(
        count=min(_count(request, "limit", _DEFAULT_LIMIT), _MAX_LIMIT),
        timeout_ms=min(_count(request, "timeout", 0), _MAX_WAIT_MS),
    )
    page = await management(request).reading.page(
        cluster(request), wanted, limits, is_wanted=lambda: is_connected(request)
    )
    url = str(URL(_place(request, wanted.partition).beside("records")))
    following = None
    if page.following is not None:
        token = spelled_positions({at.partition: offset for at, offset in page.following.items()})
        kept = [(name, value) for name, value in request.query.items() if name not in _STARTS]
        following = str(URL(url).with_query([*kept, ("page_token", token)]))
    metadata = {"self": url, "next": following}
    rendered = [_rendered(request, wanted.shown, each) for each in page.records]
    return answer(request, {"kind": "KafkaRecordList", "metadata": metadata, "data": rendered})


async def _stream(request: web.Request, wanted: ReadRequest) -> web.StreamResponse:
    """One object after the other, each on a line of its own, until `limit` of them are sent or the client leaves."""
    count = _count(request, "limit", 2**63)
    settings = proxy(request).settings
    following = await management(request).reading.following(cluster(request), wanted)
    response = web.StreamResponse(headers={"Content-Type": media_types.JSON})
    async with writing(request, response, settings.stalled_after) as out, following as followed:
        await push(out, followed, _Lines(request, wanted.shown), heartbeat=settings.heartbeat, count=count)
    return response


class _Lines:
    """How a stream's records are written; satisfies `streaming.Lines`."""

    sign_of_life = b"\n"
    opening = b""

    def __init__(self, request: web.Request, shown: Shown) -> None:
        self._request = request
        self._shown = shown

    def record(self, decoded: DecodedRecord) -> bytes:
        """One record."""
        return _encoder.encode(_rendered(self._request, self._shown, decoded)) + b"\n"

    def failure(self, code: int, message: str) -> bytes:
        """Why nothing more comes."""
        return _encoder.encode({"error_code": code, "message": message}) + b"\n"


def _wanted(request: web.Request) -> ReadRequest:
    query = request.query
    both = member(DataType, "type", query.get("type"), DataType.BINARY)
    spelled, token = query.get("offset", "earliest").lower(), query.get("page_token")
    return ReadRequest(
        topic=topic(request),
        partition=number(request.match_info["partition"], bits=32) if "partition" in request.match_info else None,
        start=Start(
            offset=0 if spelled in _STARTS_AT_END else _count(request, "offset", 0),
            at_end=_STARTS_AT_END.get(spelled, False),
            time=_count(request, "timestamp", 0) if "timestamp" in query else None,
            positions=None if token is None else _positions(token),
        ),
        shown=Shown(
            key=_format(member(DataType, "key_type", query.get("key_type"), both)),
            value=_format(member(DataType, "value_type", query.get("value_type"), both)),
            undecodable=Undecodable.REPORT,
        ),
    )


def _format(data_type: DataType) -> EmbeddedFormat:
    return EmbeddedFormat(data_type.lower())


def _count(request: web.Request, name: str, absent: int) -> int:
    text = request.query.get(name)
    if text is None:
        return absent
    if not text.isascii() or not text.isdigit() or int(text[:20]) >= 2**63:
        raise errors.malformed(f"{name} {text!r} is not a number")
    return int(text)


def _positions(token: str) -> dict[int, int]:
    try:
        return positions(token)
    except ValueError as error:
        raise errors.malformed(f"page_token {token!r} is not one of this service") from error


def _place(request: web.Request, partition: int | None) -> Place:
    place = topic_place(request)
    return place if partition is None else place.into("partitions", partition, "partition")


def _rendered(request: web.Request, shown: Shown, found: DecodedRecord) -> dict[str, Any]:
    record = found.record
    at = record.at
    place = _place(request, at.partition)
    return {
        "kind": "KafkaRecord",
        "metadata": {
            "self": place.beside(f"records?offset={record.offset}&limit=1"),
            "resource_name": f"{place.name}/record={record.offset}",
        },
        "cluster_id": cluster(request),
        "topic_name": at.topic,
        "partition_id": at.partition,
        "offset": record.offset,
        "timestamp": spelled_time(record.timestamp),
        "headers": [{"name": name, "value": value} for name, value in record.headers],
        "key": _part(shown.key, record.key, found.key),
        "value": _part(shown.value, record.value, found.value),
    }


def _part(shown_as: EmbeddedFormat, stored: bytes | None, half: Half) -> dict[str, Any] | None:
    """A key or value; None for one that the record does not have."""
    if stored is None:
        return None
    part: dict[str, Any] = {"type": shown_as.upper(), "size": len(stored)}
    if isinstance(half, ProxyError):
        return {**part, "error_code": half.code, "message": half.message}
    return {**part, "data": None if half is None else in_json(half)}


_TOPIC = "/v3/clusters/{cluster}/topics/{topic}"
ROUTES = (
    Route("GET", f"{_TOPIC}/records", records, READ, needs=on_topic(Operation.READ)),
    Route("GET", f"{_TOPIC}/partitions/{{partition}}/records", records, READ, needs=on_topic(Operation.READ)),
)
