"""Pushing a topic's records to a client as they come: as server-sent events, or as one JSON object on each line.

Every record brings an id, which says where all partitions stand after it. A client that comes back with the last one
that it saw (`Last-Event-ID`, as browsers do by themselves) goes on there. Source: HTML Standard, 9.2.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPMethod

import msgspec
from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.reading import Followed, FollowRequest
from karapace_like.records import ConsumedRecord
from karapace_like.web import answers
from karapace_like.web.proxy.objects import STREAM
from karapace_like.web.proxy.records import rendered
from karapace_like.web.proxy.requests import embedded_format, is_connected, not_negative, proxy
from karapace_like.web.routing import Route

_EVENTS = "text/event-stream"
_LINES = "application/x-ndjson"
_STARTS = {"earliest": True, "latest": False}
_LOOK_SECONDS = 0.5
"""How often a stream without records looks whether its client is still there."""
_encoder = msgspec.json.Encoder()


async def follow(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/records: all that come from now on, or from where a client left off, until it leaves."""
    media_type = answers.media_type(request, (_EVENTS, _LINES))
    async with proxy(request).reading.follow(request.match_info["topic"], _wanted(request)) as followed:
        response = web.StreamResponse(
            headers={"Content-Type": media_type, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        if request.method != HTTPMethod.HEAD:
            await _Stream(request, response, followed, are_events=media_type == _EVENTS).run()
        return response


class _Stream:
    """One answer that does not end by itself."""

    def __init__(
        self, request: web.Request, response: web.StreamResponse, followed: Followed, *, are_events: bool
    ) -> None:
        self._request = request
        self._response = response
        self._followed = followed
        self._are_events = are_events
        self._settings = proxy(request).settings
        self._positions = followed.positions

    async def run(self) -> None:
        """Send records, and signs of life, for as long as the client takes them."""
        try:
            await self._send_all()
        except ConnectionError:
            return  # the client has left
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()

    async def _send_all(self) -> None:
        if self._are_events:
            await self._write(f"id: {_spelled(self._positions)}\n\n".encode())
        loop = asyncio.get_running_loop()
        written = loop.time()
        try:
            while is_connected(self._request):
                records = await self._followed.more(wait=min(_LOOK_SECONDS, self._settings.heartbeat))
                for record, found in records:
                    await self._write(self._shown(record, found))
                if records:
                    written = loop.time()
                elif loop.time() - written >= self._settings.heartbeat:
                    await self._write(b":\n\n" if self._are_events else b"\n")
                    written = loop.time()
        except ApiError as error:
            await self._write(self._line({"error_code": error.code, "message": error.message}, "error"))

    async def _write(self, text: bytes) -> None:
        """Waits while the client does not read; raises TimeoutError if that lasts."""
        async with asyncio.timeout(self._settings.stalled_after):
            await self._response.write(text)

    def _shown(self, record: ConsumedRecord, found: DecodedRecord | ProxyError) -> bytes:
        self._positions[record.at.partition] = record.offset + 1
        if isinstance(found, DecodedRecord):
            return self._line(rendered(found, with_timestamp=self._settings.record_timestamps))
        at = {"topic": record.at.topic, "partition": record.at.partition, "offset": record.offset}
        return self._line({**at, "error_code": found.code, "message": found.message}, "undecodable")

    def _line(self, shown: object, event: str = "message") -> bytes:
        """An object with fields, after which the positions are what they are now."""
        # A record's JSON is as somebody wrote it, maybe on many lines.
        text = msgspec.json.format(_encoder.encode(shown), indent=-1)
        position = _spelled(self._positions)
        if self._are_events:
            return f"event: {event}\nid: {position}\ndata: ".encode() + text + b"\n\n"
        return f'{{"id":"{position}",'.encode() + text.removeprefix(b"{") + b"\n"


def _wanted(request: web.Request) -> FollowRequest:
    query = request.query
    start, last = query.get("from", "latest"), request.headers.get("Last-Event-ID")
    if start not in _STARTS:
        raise errors.violation("from", "must be earliest or latest", start)
    both = query.get("format", EmbeddedFormat.BINARY)
    return FollowRequest(
        key=embedded_format(query.get("key_format", both)),
        value=embedded_format(query.get("value_format", both)),
        from_beginning=_STARTS[start],
        time=not_negative(request, "timestamp"),
        positions=_positions(last) if last else None,
    )


def _spelled(positions: Mapping[int, int]) -> str:
    return ",".join(f"{partition}:{offset}" for partition, offset in positions.items())


def _positions(last: str) -> dict[int, int]:
    try:
        pairs = [each.split(":") for each in last.split(",")]
        return {int(partition): int(offset) for partition, offset in pairs}
    except ValueError as error:
        raise errors.bad_request(f"Last-Event-ID {last!r} is not one of this service") from error


ROUTES = (Route("GET", "/topics/{topic}/records", follow, STREAM),)
