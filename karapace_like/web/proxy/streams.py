"""Pushing a topic's records to a client as they come: as server-sent events, or as one JSON object on each line.

Every record brings an id, which says where all partitions stand after it. A client that comes back with the last one
that it saw (`Last-Event-ID`, as browsers do by themselves) goes on there. Source: HTML Standard, 9.2.
"""

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.reading import Shown, Start
from karapace_like.web import answers
from karapace_like.web.needs import on_topic
from karapace_like.web.proxy.objects import STREAM
from karapace_like.web.proxy.records import rendered
from karapace_like.web.proxy.requests import embedded_format, not_negative, positions, proxy, spelled_positions
from karapace_like.web.routing import Route
from karapace_like.web.streaming import push, writing

_EVENTS = "text/event-stream"
_LINES = "application/x-ndjson"
_STARTS = {"earliest": False, "latest": True}
"""Word -> whether reading begins at the end."""
_encoder = msgspec.json.Encoder()


async def follow(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/records: all that come from now on, or from where a client left off, until it leaves."""
    media_type = answers.media_type(request, (_EVENTS, _LINES))
    start, shown = _start(request), _shown(request)
    settings = proxy(request).settings
    partitions = await proxy(request).topics.partitions(request.match_info["topic"])
    response = web.StreamResponse(
        headers={"Content-Type": media_type, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )
    async with (
        writing(request, response, settings.stalled_after) as out,
        proxy(request).reading.follow(partitions, start, shown) as followed,
    ):
        lines = _Lines(followed.positions, are_events=media_type == _EVENTS, timed=settings.record_timestamps)
        await push(out, followed, lines, heartbeat=settings.heartbeat)
    return response


class _Lines:
    """How a stream's records are written; satisfies `streaming.Lines`."""

    def __init__(self, positions: dict[int, int], *, are_events: bool, timed: bool) -> None:
        """`positions` are where reading begins; `timed`: records show their timestamps."""
        self._positions = positions
        self._are_events = are_events
        self._timed = timed
        self.sign_of_life = b":\n\n" if are_events else b"\n"

    @property
    def opening(self) -> bytes:
        """What comes before the first record."""
        return f"id: {spelled_positions(self._positions)}\n\n".encode() if self._are_events else b""

    def record(self, decoded: DecodedRecord) -> bytes:
        """One record, or that it cannot be decoded."""
        record, refusal = decoded.record, decoded.refusal
        self._positions[record.at.partition] = record.offset + 1
        if refusal is None:
            return self._line(rendered(decoded, with_timestamp=self._timed))
        at = {"topic": record.at.topic, "partition": record.at.partition, "offset": record.offset}
        return self._line({**at, "error_code": refusal.code, "message": refusal.message}, "undecodable")

    def failure(self, code: int, message: str) -> bytes:
        """Why nothing more comes."""
        return self._line({"error_code": code, "message": message}, "error")

    def _line(self, shown: object, event: str = "message") -> bytes:
        """An object with fields, after which the positions are what they are now."""
        # A record's JSON is as somebody wrote it, maybe on many lines.
        text = msgspec.json.format(_encoder.encode(shown), indent=-1)
        position = spelled_positions(self._positions)
        if self._are_events:
            return f"event: {event}\nid: {position}\ndata: ".encode() + text + b"\n\n"
        return f'{{"id":"{position}",'.encode() + text.removeprefix(b"{") + b"\n"


def _shown(request: web.Request) -> Shown:
    query = request.query
    both = query.get("format", EmbeddedFormat.BINARY)
    return Shown(
        key=embedded_format(query.get("key_format", both)), value=embedded_format(query.get("value_format", both))
    )


def _start(request: web.Request) -> Start:
    start, last = request.query.get("from", "latest"), request.headers.get("Last-Event-ID")
    if start not in _STARTS:
        raise errors.violation("from", "must be earliest or latest", start)
    try:
        return Start(
            at_end=_STARTS[start],
            time=not_negative(request, "timestamp"),
            positions=positions(last) if last else None,
        )
    except ValueError as error:
        raise errors.bad_request(f"Last-Event-ID {last!r} is not one of this service") from error


ROUTES = (Route("GET", "/topics/{topic}/records", follow, STREAM, on_topic(Operation.READ)),)
