"""Which of aiohttp's responses the response cache takes, and as which bytes.

A handler sets `CACHING` on its request to say how requests like it are answered. Responses that this module does not
understand as plain bytes, such as streams and compressed bodies, stay with aiohttp.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

from aiohttp import web

from karapace_like.registry.registry import CacheValidity
from karapace_like.web.callers.access import is_authorised
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


class BySegment(NamedTuple):
    """How a request is answered, and others that differ from it in one segment of their path only.

    The segment is that of a subject, or else the last one.
    """

    validity: CacheValidity | None
    """Of the response to this request; None: it is not cached."""
    answer_segment: Callable[[bytes], TaggedBody | AnswerBody | None]
    """Returns the response for another segment, as it is written there, or how the body decides it; None leaves the
    request to aiohttp. It is kept, and must not hold the request."""


CACHING: web.RequestKey[CacheValidity | BySegment | AnswerBody] = web.RequestKey("caching", object)  # type: ignore[arg-type]
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
    segments = caching if isinstance(caching, BySegment) else None
    validity = caching if isinstance(caching, CacheValidity) else None if segments is None else segments.validity
    is_small = cache.takes(request_body, body)
    is_stored = validity is not None and response.status in _CACHED and is_small
    # A path that needs no credentials says nothing of others.
    may_be_pattern = admit is None or is_authorised(request)
    is_pattern = segments is not None and response.status == HTTPStatus.OK and is_small and may_be_pattern
    answer_body = None if isinstance(caching, CacheValidity | BySegment) else caching
    if not (is_stored or is_pattern or answer_body):
        return
    is_admitted, counted = None if admit is None else admit(request), count_like(request)
    entry = cache.open_entry(head, counted, is_admitted, request.transport)
    if validity is not None and is_stored:
        encoded = CachedResponse(validity, response.status, _encode_head(response, len(body)), body)
        cache.store(entry, request_body, encoded)
    if segments is not None and is_pattern:
        answer_segment = _make_answer(response, segments)
        cache.add_pattern(head, answer_segment, counted, is_admitted, _encode_extra_headers(response))
    elif answer_body is not None:
        cache.set_function(entry, answer_body, _encode_extra_headers(response))


def _make_answer(response: web.Response, segments: BySegment) -> AnswerSegment:
    """Return the function that answers other segments with the headers of this response, except those of its body."""
    answer_segment = segments.answer_segment
    start = b"HTTP/1.1 200 OK\r\n" + _encode_headers(response, _PER_RESPONSE | {_TAG})

    def answer(segment: bytes) -> CachedResponse | AnswerBody | None:
        answer = answer_segment(segment)
        if not isinstance(answer, TaggedBody):
            return answer
        head = b"%bETag: %b\r\nContent-Length: %d\r\n" % (start, answer.tag.encode(), len(answer.body))
        return CachedResponse(answer.validity, HTTPStatus.OK, head, answer.body)

    return answer


def _encode_extra_headers(response: web.Response) -> bytes:
    """Return the header lines that are not those of one response."""
    return _encode_headers(response, _PER_RESPONSE | {"content-type", "retry-after"})


def _encode_head(response: web.Response, size: int) -> bytes:
    status = HTTPStatus(response.status)
    length = "" if status == HTTPStatus.NOT_MODIFIED else f"Content-Length: {size}\r\n"
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    return line.encode() + _encode_headers(response, _PER_RESPONSE) + length.encode()


def _encode_headers(response: web.StreamResponse, without: frozenset[str]) -> bytes:
    return "".join(
        f"{name}: {value}\r\n" for name, value in response.headers.items() if name.lower() not in without
    ).encode()
