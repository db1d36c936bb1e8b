"""Building responses: a value as JSON in the media type that the caller accepts."""

import asyncio
from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from karapace_like.registry.registry import CacheValidity
from karapace_like.web.http import media_types

LARGE_BYTES = 1_000_000
"""Of a body whose decoding, encoding or tag takes milliseconds: 8 for 5 MB."""
_encoder = msgspec.json.Encoder()


class EncodedResponse(NamedTuple):
    """A response as bytes, which aiohttp or the response cache's connection sends."""

    status: int
    content_type: str
    body: bytes
    retry_after: int | None = None
    """Seconds."""
    validity: CacheValidity | None = None
    """While it is current, the same request has the same response; None: that is not known."""

    def to_response(self) -> web.Response:
        """Return the response for aiohttp to send."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.Response(status=self.status, headers=headers, body=self.body, content_type=self.content_type)

    @property
    def head(self) -> bytes:
        """Status line and header lines for a connection that writes the bytes itself."""
        return _head(self.status, self.content_type, self.retry_after) + b"%d\r\n" % len(self.body)


@lru_cache(maxsize=256)
def _head(status: int, content_type: str, retry_after: int | None) -> bytes:
    retry = "" if retry_after is None else f"Retry-After: {retry_after}\r\n"
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\n{retry}Content-Length: ".encode()


def negotiate_media_type(request: web.Request, offer: tuple[str, ...]) -> str:
    """Return the offered type that the request accepts; raises ApiError 406 if it accepts none of them."""
    accept = request.headers.get("Accept", "")
    chosen = media_types.negotiate(accept, offer)
    if chosen is None:
        raise media_types.not_acceptable_error(accept, offer)
    return chosen


def encode(value: Any) -> bytes:
    """Return the value as JSON."""
    return _encoder.encode(value)


def respond_as_registry(request: web.Request, value: Any) -> web.Response:
    """Return a response of the registry: the value as JSON, 200."""
    return web.Response(body=encode(value), content_type=negotiate_media_type(request, media_types.REGISTRY_OFFER))


def make_entity_tag(body: bytes, media_type: str) -> str:
    """Return the value of `ETag` for this body in this media type, quotes included."""
    return f'"{blake2b(body, digest_size=12, person=media_type[-16:].encode()).hexdigest()}"'


async def respond_conditionally(request: web.Request, body: bytes, *, max_age: int = 0) -> web.Response:
    """Return a response of the registry that clients may cache, with an `ETag`; 304 if the client has it already.

    `max_age`: seconds for which clients need not revalidate it.
    """
    chosen = negotiate_media_type(request, media_types.REGISTRY_OFFER)
    if len(body) > LARGE_BYTES:
        await asyncio.sleep(0)  # the tag of 5 MB takes as long as their encoding: each is a turn of the event loop
    tag = make_entity_tag(body, chosen)
    headers = {
        "ETag": tag,
        "Cache-Control": f"max-age={max_age}" if max_age else "no-cache",
        "Vary": "Accept",
    }
    cached = request.if_none_match if "If-None-Match" in request.headers else None
    if cached and any(entry.value in {tag.strip('"'), "*"} for entry in cached):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type=chosen, headers=headers)
