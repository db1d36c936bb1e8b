"""Stream the records of a topic as they arrive: as server-sent events, or as one JSON object on each line.

Every record carries an id with the positions of all partitions after it. A client that reconnects with the last id that
it received (`Last-Event-ID`, which browsers send by themselves) resumes there. Source: HTML Standard, 9.2.
"""

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.proxy import bounds, errors
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.reading import RecordFormats, Start
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import PrincipalUsage, find_usage
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.streaming import open_body, push
from karapace_like.web.proxy.admission import admit_follower
from karapace_like.web.proxy.objects import STREAM
from karapace_like.web.proxy.records import render, shows_format
from karapace_like.web.proxy.requests import (
    find_reader,
    format_positions,
    not_negative,
    optional_read_format,
    parse_isolation,
    proxy,
)
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Route

_EVENTS = "text/event-stream"
_LINES = "application/x-ndjson"
_STARTS = {"earliest": False, "latest": True}
"""Word -> whether it starts at the end."""
_encoder = msgspec.json.Encoder()


async def follow_topic(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/records: Stream the records of a topic as they arrive, until the client disconnects."""
    media_type = responses.negotiate_media_type(request, (_EVENTS, _LINES))
    start, formats = _parse_start(request), _parse_form(request)
    settings = proxy(request).settings
    partitions = await proxy(request).topics.partitions(request.match_info["topic"])
    response = web.StreamResponse(
        headers={"Content-Type": media_type, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )
    async with (
        open_body(request, response, settings.stalled_after) as out,
        proxy(request).reading.follow(partitions, start, formats, find_subject_rights(request)) as followed,
    ):
        usage, are_events = find_usage(request), media_type == _EVENTS
        lines = _Lines(followed.positions, usage, are_events=are_events, request=request)
        admission = admit_follower(request, followed)
        await push(out, followed, lines, renew=admission.renew, heartbeat=settings.heartbeat)
    return response


class _Lines:
    """Renders the records of a stream; implements `streaming.Lines`."""

    def __init__(
        self, positions: dict[int, int], usage: PrincipalUsage, *, are_events: bool, request: web.Request
    ) -> None:
        """`positions` are the starting offsets; records count in `usage`."""
        self._positions = positions
        self._usage = usage
        self._are_events = are_events
        self._timed = proxy(request).settings.record_timestamps
        self._with_format = shows_format(request)
        self.sign_of_life = b":\n\n" if are_events else b"\n"

    @property
    def opening(self) -> bytes:
        """The text before the first record."""
        return f"id: {format_positions(self._positions)}\n\n".encode() if self._are_events else b""

    def record(self, decoded: DecodedRecord) -> bytes:
        """Render one record, or the error that it cannot be decoded."""
        record, refusal = decoded.record, decoded.refusal
        self._positions[record.at.partition] = record.offset + 1
        self._usage.consumed += 1
        if refusal is None:
            return self._line(render(decoded, with_timestamp=self._timed, with_format=self._with_format))
        at = {"topic": record.at.topic, "partition": record.at.partition, "offset": record.offset}
        return self._line({**at, "error_code": refusal.code, "message": refusal.message}, "undecodable")

    def failure(self, code: int, message: str) -> bytes:
        """Render the error that ends the stream."""
        return self._line({"error_code": code, "message": message}, "error")

    def _line(self, shown: object, event: str = "message") -> bytes:
        """Render an object with the current positions as its id."""
        # The JSON of a record is as its producer wrote it, and may have line breaks.
        text = msgspec.json.format(_encoder.encode(shown), indent=-1)
        position = format_positions(self._positions)
        if self._are_events:
            return f"event: {event}\nid: {position}\ndata: ".encode() + text + b"\n\n"
        return f'{{"id":"{position}",'.encode() + text.removeprefix(b"{") + b"\n"


def _parse_form(request: web.Request) -> RecordFormats:
    query = request.query
    both = optional_read_format("format", query.get("format")) or EmbeddedFormat.BINARY
    value = optional_read_format("value_format", query.get("value_format")) or both
    return RecordFormats(
        key=optional_read_format("key_format", query.get("key_format")) or both,
        value=value,
        reader=find_reader(query, value),
    )


def _parse_start(request: web.Request) -> Start:
    start, last = request.query.get("from", "latest"), request.headers.get("Last-Event-ID")
    if start not in _STARTS:
        raise errors.violation("from", "must be earliest or latest", start)
    isolation = parse_isolation("isolation", request.query.get("isolation"))
    try:
        return Start(
            at_end=_STARTS[start],
            time=not_negative(request, "timestamp"),
            positions=bounds.parse_positions(last) if last else None,
            isolation=isolation,
        )
    except ValueError as error:
        raise errors.bad_request(
            f"Last-Event-ID {errors.quote(last or '')} is not an id of this stream: send the last id received, such as "
            "0:42,1:7"
        ) from error


ROUTES = (Route("GET", "/topics/{topic}/records", follow_topic, ApiRole.DATA, STREAM, on_topic(Operation.READ)),)
