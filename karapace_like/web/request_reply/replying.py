"""Reply to a request, for services that get it by HTTP."""

from aiohttp import web
from pybase64 import b64decode

from karapace_like.access.policy import Operation
from karapace_like.proxy import errors
from karapace_like.proxy.produce import ProduceOptions, ProduceRequest
from karapace_like.proxy.request_reply import correlation
from karapace_like.records import MAX_PARTITION, Headers
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.proxy.produce import find_formats
from karapace_like.web.proxy.rendering import PRODUCE_OFFER, answer
from karapace_like.web.proxy.requests import check_fields, find_reading, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.request_reply.bodies import parse_record_body
from karapace_like.web.request_reply.objects import REPLY, SentReply
from karapace_like.web.routing import Route

_FIELDS = ("request_headers", "correlation_id")
_EXAMPLE = '{"record": {"value": 1}, "request_headers": [...]}'


async def send_reply(request: web.Request) -> web.Response:
    """POST /topics/{topic}/replies: Reply to a request, by the headers of its record or its correlation id."""
    responses.negotiate_media_type(request, PRODUCE_OFFER)
    topic, formats = request.match_info["topic"], find_formats(request)
    parsed = parse_record_body(await read_body(request), "Reply", _FIELDS, _EXAMPLE)
    headers = _find_request_headers(parsed.fields)
    key = correlation.find_header(headers, correlation.CORRELATION_ID)
    if not key or len(key) > correlation.MAX_CORRELATION_BYTES:
        expected = f"must have 1 to {correlation.MAX_CORRELATION_BYTES} bytes, in the header or in the field"
        raise errors.violation("correlation_id", expected, "null" if key is None else str(len(key)))
    named = correlation.find_header(headers, correlation.REPLY_TOPIC)
    if named is not None and named != topic.encode():
        shown = named.decode(errors="backslashreplace")
        raise errors.violation("request_headers", f"must have the reply topic of the path, {topic}", shown)
    sent = await proxy(request).request_reply.send_reply(
        topic,
        parsed.produce,
        ((correlation.CORRELATION_ID, key),),
        ProduceOptions(formats, _choose_partition(parsed.produce, headers), reading=find_reading(request)),
        find_subject_rights(request),
    )
    find_usage(request).produced += 1
    delivery, ids = sent
    return answer(request, SentReply(topic, delivery.partition, delivery.offset, ids.key, ids.value), PRODUCE_OFFER)


def _find_request_headers(body: JsonObject) -> Headers:
    """Return the headers of the request's record that the body names; 422 for both or neither of the fields."""
    listed, text = body.objects("request_headers", "Header"), body.string("correlation_id")
    if (listed is None) == (text is None):
        raise errors.violation("request_headers", "must be there, or correlation_id, and not both", "null")
    if text is not None:
        return ((correlation.CORRELATION_ID, _decode("correlation_id", text)),)
    return tuple(map(_parse_header, listed or ()))


def _parse_header(header: JsonObject) -> tuple[str, bytes | None]:
    check_fields(header, ("key", "value"))
    key, value = header.string("key"), header.string("value")
    return key or "", None if value is None else _decode("request_headers", value)


def _decode(field: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise errors.violation(field, "must be base64, as records have it", text) from error


def _choose_partition(body: ProduceRequest, headers: Headers) -> int | None:
    """Return the partition that the request names; None if it names none, or the record does."""
    packed = correlation.find_header(headers, correlation.REPLY_PARTITION)
    if packed is None or body.records[0].partition is not None:
        return None
    number = int.from_bytes(packed, "big") if len(packed) == correlation.PARTITION_BYTES else MAX_PARTITION + 1
    if number > MAX_PARTITION:
        expected = f"must have a {correlation.REPLY_PARTITION} of {correlation.PARTITION_BYTES} bytes"
        raise errors.violation("request_headers", expected, packed.hex())
    return number


ROUTES = (
    Route("POST", "/topics/{topic}/replies", send_reply, ApiRole.DATA, REPLY, permission=on_topic(Operation.WRITE)),
)
