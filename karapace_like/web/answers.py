"""Building answers: a value as JSON in the media type that the caller asked for."""

from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web import media_types

_encoder = msgspec.json.Encoder()


class Answer(NamedTuple):
    """An answer, before it is known which way it goes out."""

    status: int
    content_type: str
    body: bytes
    retry_after: int | None = None
    """Seconds."""

    def response(self) -> web.Response:
        """As aiohttp sends it."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.Response(status=self.status, headers=headers, body=self.body, content_type=self.content_type)

    @property
    def head(self) -> bytes:
        """Status line and header lines, for who writes the bytes."""
        return _head(self.status, self.content_type, self.retry_after) + b"%d\r\n" % len(self.body)


@lru_cache(maxsize=256)
def _head(status: int, content_type: str, retry_after: int | None) -> bytes:
    retry = "" if retry_after is None else f"Retry-After: {retry_after}\r\n"
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\n{retry}Content-Length: ".encode()


def media_type(request: web.Request, offer: tuple[str, ...]) -> str:
    """The offered type that the request accepts; 406 if it accepts none of them."""
    chosen = media_types.negotiated(request.headers.get("Accept", ""), offer)
    if chosen is None:
        raise ApiError(406, "HTTP 406 Not Acceptable")
    return chosen


def encoded(value: Any) -> bytes:
    """The value as JSON."""
    return _encoder.encode(value)


def registry_answer(request: web.Request, value: Any) -> web.Response:
    """A registry answer: the value as JSON, 200."""
    return web.Response(body=encoded(value), content_type=media_type(request, media_types.REGISTRY_OFFER))


def conditional(request: web.Request, body: bytes, *, max_age: int = 0) -> web.Response:
    """A registry answer that clients may keep: by its `ETag` they ask whether it is still the same (304 if it is).

    `max_age` is how many seconds they need not ask.
    """
    chosen = media_type(request, media_types.REGISTRY_OFFER)
    tag = blake2b(body, digest_size=12, person=chosen[-16:].encode()).hexdigest()
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": f"max-age={max_age}" if max_age else "no-cache",
        "Vary": "Accept",
    }
    known = request.if_none_match if "If-None-Match" in request.headers else None
    if known and any(each.value in {tag, "*"} for each in known):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type=chosen, headers=headers)
