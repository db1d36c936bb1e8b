"""Write a record and answer its reply, or a reply that came late."""

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.proxy import errors
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.produce import ProduceOptions
from karapace_like.proxy.request_reply.correlation import RequestId, parse_request_id
from karapace_like.proxy.request_reply.request_reply import ReplyTimeoutError, Request, unknown_request_error
from karapace_like.proxy.settings import MAX_TIMEOUT_MS
from karapace_like.records import MAX_PARTITION
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.cluster.peers import NotReachedError
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import build_error_response
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.http.streaming import may_wait, send_in_pieces
from karapace_like.web.proxy.instance_owners import OWNERS
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.produce import find_formats
from karapace_like.web.proxy.records import render
from karapace_like.web.proxy.rendering import PRODUCE_OFFER, answer, no_content
from karapace_like.web.proxy.requests import find_reading, instance_user, not_negative, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.request_reply.bodies import (
    REPLY_FORMATS,
    choose_reply_formats,
    parse_milliseconds,
    parse_record_body,
)
from karapace_like.web.request_reply.objects import FETCH_REPLY, REQUEST, ReplyResponse
from karapace_like.web.routing import Route

_FIELDS = ("reply_topic", "reply_partition", "timeout_ms", *REPLY_FORMATS)
_EXAMPLE = '{"record": {"value": 1}, "reply_topic": "answers"}'
_DEFAULT_TIMEOUT_MS = 10_000


async def request_reply(request: web.Request) -> web.StreamResponse:
    """POST /topics/{topic}/requests: Write a record that asks for a reply, and return the reply."""
    responses.negotiate_media_type(request, PRODUCE_OFFER)
    wanted = await _parse_request(request)
    use_topics(request, Operation.READ, [wanted.reply_topic])
    usage = find_usage(request)
    try:
        reply = await proxy(request).request_reply.request(
            wanted, find_subject_rights(request), instance_user(request), is_wanted=lambda: may_wait(request)
        )
    except ReplyTimeoutError as error:
        usage.produced += 1
        response = build_error_response(request.path, error)
        response.headers["Location"] = f"{request.path.rstrip('/')}/{error.request_id}"
        return response
    usage.produced += 1
    usage.consumed += 1
    shown = ReplyResponse(str(reply.id), render(reply.decoded, with_timestamp=True))
    return await send_in_pieces(request, answer(request, shown, PRODUCE_OFFER), proxy(request).settings.stalled_after)


async def fetch_late_reply(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/requests/{id}: Return the reply that came after the time-out of a request of this caller."""
    responses.negotiate_media_type(request, PRODUCE_OFFER)
    wait_ms = not_negative(request, "wait_ms") or 0
    if wait_ms > MAX_TIMEOUT_MS:
        raise errors.violation("wait_ms", f"must be from 0 to {MAX_TIMEOUT_MS}", str(wait_ms))
    formats = choose_reply_formats(*(request.query.get(name) for name in REPLY_FORMATS))
    text = request.match_info["id"]
    request_id = parse_request_id(text)
    if request_id is None:
        raise errors.not_found_error(f"{errors.quote(text)} is no id of a request")
    service = proxy(request).request_reply
    if request_id.owner != service.owner:
        return await _fetch_from_owner(request, request_id)
    topic, user = request.match_info["topic"], instance_user(request)
    reply_topic = service.find_reply_topic(topic, request_id, user)
    if reply_topic is None:
        raise unknown_request_error(request_id)
    use_topics(request, Operation.READ, [reply_topic])
    reply = await service.fetch_late_reply(
        topic,
        request_id,
        formats,
        wait_ms / 1000,
        find_subject_rights(request),
        user,
        is_wanted=lambda: may_wait(request),
    )
    if reply is None:
        return no_content()
    find_usage(request).consumed += 1
    shown = ReplyResponse(str(reply.id), render(reply.decoded, with_timestamp=True))
    return await send_in_pieces(request, answer(request, shown, PRODUCE_OFFER), proxy(request).settings.stalled_after)


async def _fetch_from_owner(request: web.Request, request_id: RequestId) -> web.StreamResponse:
    """Return the answer of the process that made the request; 404 once it has ended."""
    owners = request.config_dict.get(OWNERS)
    try:
        response = None if owners is None else await owners.ask_owner(request, request_id.owner, b"")
    except NotReachedError as error:
        raise errors.ProxyError(
            50302, f"The process that made the request does not answer ({error}); repeat the call.", retry_after=1
        ) from error
    if response is None:
        raise unknown_request_error(request_id)
    return await send_in_pieces(request, response.to_response(), proxy(request).settings.stalled_after)


async def _parse_request(request: web.Request) -> Request:
    formats = find_formats(request)
    parsed = parse_record_body(await read_body(request), "ReplyRequest", _FIELDS, _EXAMPLE)
    body = parsed.fields
    reply_topic = body.string("reply_topic")
    if not reply_topic:
        raise errors.violation("reply_topic", f"must be the name of a topic; expected {_EXAMPLE}", "null")
    if reply_topic == request.match_info["topic"]:
        # The record itself has the correlation id, and would be taken for its reply.
        raise errors.violation("reply_topic", "must be another topic than that of the request", reply_topic)
    partition = body.integer("reply_partition", low=-(2**63), high=2**63)
    if partition is not None and not 0 <= partition <= MAX_PARTITION:
        raise errors.violation("reply_partition", f"must be from 0 to {MAX_PARTITION}", str(partition))
    return Request(
        request.match_info["topic"],
        parsed.produce,
        ProduceOptions({role: formats[role] for role in RecordPart}, reading=find_reading(request)),
        reply_topic,
        partition,
        parse_milliseconds(body, "timeout_ms", _DEFAULT_TIMEOUT_MS) / 1000,
        choose_reply_formats(*(body.string(name) for name in REPLY_FORMATS)),
    )


ROUTES = (
    Route(
        "POST",
        "/topics/{topic}/requests",
        request_reply,
        ApiRole.DATA,
        REQUEST,
        permission=on_topic(Operation.WRITE),
    ),
    Route(
        "GET",
        "/topics/{topic}/requests/{id}",
        fetch_late_reply,
        ApiRole.DATA,
        FETCH_REPLY,
        permission=on_topic(Operation.WRITE),
    ),
)
