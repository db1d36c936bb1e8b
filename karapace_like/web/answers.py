"""Building answers: a value as JSON in the media type that the caller asked for."""

from typing import Any

import msgspec
from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web import media_types

_encoder = msgspec.json.Encoder()


def media_type(request: web.Request, offer: tuple[str, ...]) -> str:
    """The offered type that the request accepts; 406 if it accepts none of them."""
    chosen = media_types.negotiated(request.headers.get("Accept", ""), offer)
    if chosen is None:
        raise ApiError(406, "HTTP 406 Not Acceptable")
    return chosen


def registry_answer(request: web.Request, value: Any) -> web.Response:
    """A registry answer: the value as JSON, 200."""
    return json_bytes(request, _encoder.encode(value))


def json_bytes(request: web.Request, body: bytes) -> web.Response:
    """A registry answer whose JSON is ready."""
    return web.Response(body=body, content_type=media_type(request, media_types.REGISTRY_OFFER))
