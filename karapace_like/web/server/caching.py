"""Which of aiohttp's responses the response cache takes, and as which bytes.

A handler sets `CACHING` on its request to say how requests like it are answered. Responses that this module does not
understand as plain bytes, such as streams and compressed bodies, stay with aiohttp.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

from aiohttp import web

from karapace_like.registry.registry import CacheValidity
from karapace_like.web.http import origins, request_ids
from karapace_like.web.server.request_heads import RequestHead
from karapace_like.web.server.response_cache import (
    AnswerBody,
    AnswerSegment,
    CachedResponse,
    Counted,
    IsAdmitted,
    ResponseCache,
)

Admit: TypeAlias = Callable[[web.BaseRequest], IsAdmitted]
"""Returns whether the caller on a connection is the caller of this request, and has the same permissions still; asked
for requests whose head equals this one's in all header lines that matter, credentials included. One that is not
admitted goes through aiohttp and is refused there. The function is kept, and must not hold the request."""


class TaggedBody(NamedTuple):
    """A response that differs from others of its route in body and entity tag only."""

    validity: CacheValidity
    tag: str
    """The value of `ETag`."""
    body: bytes


class ByLastSegment(NamedTuple):
    """How a request is answered, and others that differ from it in the last segment of their path only."""

    validity: CacheValidity
    """Of the response to this request."""
    find_body: Callable[[bytes], TaggedBody | None]
    """Returns the response for another segment, as it is written there; None leaves the request to aiohttp. It is kept,
    and must not hold the request."""


CACHING: web.RequestKey[CacheValidity | ByLastSegment | AnswerBody] = web.RequestKey("caching", object)  # type: ignore[arg-type]
"""On a request: how others with its head are answered. A CacheValidity: with this response, while that is current."""

_TAG = "etag"
_PER_RESPONSE = frozenset({"date", "content-length", request_ids.HEADER.lower()})
"""Headers that differ from one response to the next."""
_CACHED = frozenset({HTTPStatus.OK, HTTPStatus.NOT_MODIFIED})
_NOT_CACHED = frozenset({"Transfer-Encoding", "Content-Encoding", "Set-Cookie"})


def store_response(
    cache: ResponseCache,
    admit: Admit | None,
    head: RequestHead,
    request: web.BaseRequest,
    response: web.StreamResponse,
    count_like: Callable[[web.BaseRequest], Counted],
) -> None:
    """Store how requests with this head are answered, if the handler has said it and the response is plain bytes.

    `admit` is None where callers need not say who they are; `count_like`: returns what such requests are counted as.
    """
    caching = request.get(CACHING)
    request_body = getattr(request, "_read_bytes", None) or b""
    if (
        caching is None
        or not cache.is_open
        or not head.is_small
        or request.method not in {"GET", "POST"}
        or request.version != (1, 1)
        or not response.keep_alive
        or type(response) is not web.Response
        or not isinstance(body := response.body or b"", bytes)
        or len(request_body) != head.body
        or origins.HEADER in request.headers
        or not response.headers.keys().isdisjoint(_NOT_CACHED)
    ):
        return
    segments = caching if isinstance(caching, ByLastSegment) else None
    if segments is not None:
        caching = segments.validity
    is_function = not isinstance(caching, CacheValidity)
    if not (is_function or (response.status in _CACHED and cache.takes(request_body, body))):
        return
    is_admitted, counted = None if admit is None else admit(request), count_like(request)
    entry = cache.open_entry(head, counted, is_admitted, request.transport)
    if isinstance(caching, CacheValidity):
        encoded = CachedResponse(caching, response.status, _encode_head(response, len(body)), body)
        cache.store(entry, request_body, encoded)
        if segments is not None and response.status == HTTPStatus.OK:
            cache.add_pattern(head, _make_answer(response, segments), counted, is_admitted)
    elif not isinstance(caching, ByLastSegment):
        extra_headers = _encode_headers(response, _PER_RESPONSE | {"content-type", "retry-after"})
        cache.set_function(entry, caching, extra_headers)


def _make_answer(response: web.Response, segments: ByLastSegment) -> AnswerSegment:
    """Return the function that answers other segments with the headers of this response, except those of its body."""
    find_body = segments.find_body
    start = b"HTTP/1.1 200 OK\r\n" + _encode_headers(response, _PER_RESPONSE | {_TAG})

    def answer(segment: bytes) -> CachedResponse | None:
        tagged = find_body(segment)
        if tagged is None:
            return None
        head = b"%bETag: %b\r\nContent-Length: %d\r\n" % (start, tagged.tag.encode(), len(tagged.body))
        return CachedResponse(tagged.validity, HTTPStatus.OK, head, tagged.body)

    return answer


def _encode_head(response: web.Response, size: int) -> bytes:
    status = HTTPStatus(response.status)
    length = "" if status == HTTPStatus.NOT_MODIFIED else f"Content-Length: {size}\r\n"
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    return line.encode() + _encode_headers(response, _PER_RESPONSE) + length.encode()


def _encode_headers(response: web.StreamResponse, without: frozenset[str]) -> bytes:
    return "".join(
        f"{name}: {value}\r\n" for name, value in response.headers.items() if name.lower() not in without
    ).encode()
