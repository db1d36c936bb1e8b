"""Reading records as v1 does: a consumer instance reads the one topic of the path, a partition is read from an offset.

Source: Confluent REST Proxy API v1, consumers and partitions.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.web.callers.permissions import on_group, on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import NUMBER, OFFSET, Int32, Int64, array, derive, with_example
from karapace_like.web.http.responses import encode
from karapace_like.web.http.streaming import send_in_pieces
from karapace_like.web.proxy.consumers import find_instance
from karapace_like.web.proxy.instance_owners import at_owner
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.records import poll, read, render
from karapace_like.web.proxy.requests import not_negative, proxy
from karapace_like.web.proxy_v1 import media_types as v1
from karapace_like.web.proxy_v1.errors import build_v1_error_response
from karapace_like.web.routing import Call, Parameter, Route

Read = Callable[[web.Request, EmbeddedFormat], Awaitable[Sequence[DecodedRecord]]]


class Message(msgspec.Struct, omit_defaults=True, gc=False):
    """One record of a response; it does not name its topic, since a response has only one."""

    key: Any
    value: Any
    partition: Int32
    offset: Int64
    error_code: Int32 | None = None
    message: str | None = None


async def read_topic(request: web.Request) -> web.StreamResponse:
    """GET /consumers/{group}/instances/{instance}/topics/{topic}: Read the next records of the topic (REST v1).

    The first request subscribes the instance to the topic.
    """
    return await _answer(request, _poll)


async def read_messages(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/partitions/{partition}/messages: Read records of a partition from an offset (REST v1)."""
    return await _answer(request, _read)


async def _answer(request: web.Request, read_records: Read) -> web.StreamResponse:
    """Respond with the records, or the error, in the media type that the client accepts."""
    media_type = v1.negotiate(request, v1.READ_OFFER)
    try:
        records = await read_records(request, v1.EMBEDDED.get(media_type, EmbeddedFormat.BINARY))
    except ApiError as error:
        return build_v1_error_response(request, error, media_type)
    find_usage(request).consumed += len(records)
    response = web.Response(body=encode([_render(record) for record in records]), content_type=media_type)
    return await send_in_pieces(request, response, proxy(request).settings.stalled_after)


async def _poll(request: web.Request, embedded: EmbeddedFormat) -> Sequence[DecodedRecord]:
    topic = request.match_info["topic"]
    use_topics(request, Operation.READ, (topic,))
    instance = find_instance(request)
    if not instance.topics:
        await instance.subscribe([topic])
    elif instance.topics != (topic,):
        raise errors.reads_other_topics(instance.topics)
    return await poll(request, embedded)


async def _read(request: web.Request, embedded: EmbeddedFormat) -> Sequence[DecodedRecord]:
    if not_negative(request, "offset") is None:
        raise errors.violation("offset", "must be given in the query", "null")
    if "count" in request.query:
        return await read(request, embedded)
    return await read(request.clone(rel_url=request.rel_url.extend_query(count="1")), embedded)


def _render(decoded: DecodedRecord) -> Message:
    shown = render(decoded, with_timestamp=False)
    return Message(shown.key, shown.value, shown.partition, shown.offset, shown.error_code, shown.message)


_MESSAGES = with_example(array(derive(Message)), [{"key": "a2V5", "value": "dmFsdWU=", "partition": 0, "offset": 42}])
_MAX_BYTES = Parameter("max_bytes", with_example(NUMBER, 1_000_000), "The most bytes of keys and values.")
_TYPES = tuple(name for name in v1.EMBEDDED if name.endswith(".v1+json"))
ROUTES = (
    Route(
        "GET",
        "/consumers/{group}/instances/{instance}/topics/{topic}",
        at_owner(read_topic),
        ApiRole.DATA,
        Call((_MAX_BYTES,), response=_MESSAGES, response_types=_TYPES),
        permission=on_group(Operation.READ),
    ),
    Route(
        "GET",
        "/topics/{topic}/partitions/{partition}/messages",
        read_messages,
        ApiRole.DATA,
        Call(
            (
                Parameter("offset", OFFSET, "Offset to start at.", required=True),
                Parameter("count", with_example(NUMBER, 1), "The most records in the response; 1 if unset."),
            ),
            response=_MESSAGES,
            response_types=_TYPES,
        ),
        permission=on_topic(Operation.READ),
    ),
)
