"""Receive records of a queue."""

from functools import partial

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.proxy import errors
from karapace_like.proxy.formats import AUTO
from karapace_like.proxy.queues.queues import MAX_RECORDS, MAX_TOPICS, ReceivedRecord, ReceiveRequest
from karapace_like.proxy.reading import RecordFormats
from karapace_like.proxy.settings import MAX_TIMEOUT_MS, Undecodable
from karapace_like.web.callers.permissions import on_group
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.streaming import may_wait, send_in_pieces
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.records import render_as
from karapace_like.web.proxy.requests import check_fields, instance_user, optional_read_format, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.queues.objects import RECEIVE, QueuedRecord, ReceiveResponse
from karapace_like.web.queues.requests import answer, read_body
from karapace_like.web.routing import Route

_FIELDS = ("topics", "max_records", "wait_ms", "format", "key_format", "value_format")
_EXAMPLE = '{"topics": ["lifts"]}'
_DEFAULT_RECORDS = 100
_DEFAULT_WAIT_MS = 1_000


async def receive_records(request: web.Request) -> web.StreamResponse:
    """POST /queues/{group}/receive: Receive records, each locked for the holder of its receipt until a time."""
    wanted = _parse(request.match_info["group"], JsonObject.of(await read_body(request, _EXAMPLE), "ReceiveRequest"))
    use_topics(request, Operation.READ, wanted.topics)
    records = await proxy(request).queues.receive(
        wanted,
        find_subject_rights(request),
        instance_user(request).counted_as,
        is_wanted=lambda: may_wait(request),
    )
    find_usage(request).consumed += len(records)
    response = answer(request, ReceiveResponse([_render(record) for record in records]))
    return await send_in_pieces(request, response, proxy(request).settings.stalled_after)


def _parse(group: str, body: JsonObject) -> ReceiveRequest:
    check_fields(body, _FIELDS)
    topics = tuple(sorted(set(body.strings("topics") or ())))
    if not 1 <= len(topics) <= MAX_TOPICS:
        raise errors.violation("topics", f"must name 1 to {MAX_TOPICS} topics", str(len(topics)))
    max_records = _parse_number(body, "max_records", _DEFAULT_RECORDS, low=1, high=MAX_RECORDS)
    wait_ms = _parse_number(body, "wait_ms", _DEFAULT_WAIT_MS, low=0, high=MAX_TIMEOUT_MS)
    both = optional_read_format("format", body.string("format")) or AUTO
    formats = RecordFormats(
        key=optional_read_format("key_format", body.string("key_format")) or both,
        value=optional_read_format("value_format", body.string("value_format")) or both,
        undecodable=Undecodable.REPORT,
    )
    return ReceiveRequest(group, topics, max_records, wait_ms, formats)


def _parse_number(body: JsonObject, field: str, default: int, *, low: int, high: int) -> int:
    number = body.integer(field, low=-(2**63), high=2**63)
    if number is None:
        return default
    if not low <= number <= high:
        raise errors.violation(field, f"must be from {low} to {high}", str(number))
    return number


def _render(received: ReceivedRecord) -> QueuedRecord:
    create = partial(
        QueuedRecord,
        receipt=received.receipt,
        delivery_count=received.delivery_count,
        locked_until=received.locked_until,
    )
    return render_as(create, received.decoded, with_timestamp=True)


ROUTES = (
    Route(
        "POST",
        "/queues/{group}/receive",
        receive_records,
        ApiRole.DATA,
        RECEIVE,
        permission=on_group(Operation.READ, is_write=True),
    ),
)
