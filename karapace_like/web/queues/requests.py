"""Parse requests about queues, and respond to them."""

from typing import Any

import msgspec
from aiohttp import web

from karapace_like.proxy import errors
from karapace_like.web.http import bodies, media_types, responses
from karapace_like.web.http.request_bodies import read_body as read_whole_body
from karapace_like.web.queues.objects import TYPES

_encoder = msgspec.json.Encoder()
_OFFER = (media_types.JSON,)


async def read_body(request: web.Request, example: str) -> Any:
    """Return the body as JSON; raises ApiError as `read_text` and `decode_body`."""
    return decode_body(await read_text(request), example)


async def read_text(request: web.Request) -> bytes:
    """Return the body; 415 for another media type. 406 comes first, before any work."""
    responses.negotiate_media_type(request, _OFFER)
    content_type = request.headers.get("Content-Type")
    if content_type is not None and media_types.essence(content_type) not in TYPES:
        raise errors.unsupported_media_type(content_type, TYPES)
    return await read_whole_body(request)


def decode_body(text: bytes, example: str) -> Any:
    """Return the JSON of a body; 400 for other text, 422 without any."""
    value = bodies.decode(text)
    if value is None:
        raise errors.ProxyError(422, f"The request has no body; expected JSON such as {example}")
    return value


def answer(request: web.Request, value: object) -> web.Response:
    """Respond 200 with the value as JSON; 406 if the client does not accept it."""
    return web.Response(body=_encoder.encode(value), content_type=responses.negotiate_media_type(request, _OFFER))
