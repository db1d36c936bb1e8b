"""A bound on the requests that are being answered: more are refused at once, so that those that are in stay quick.

Requests that take a shortcut do not wait for anything and are not counted, or wait in a queue with a bound of its own:
records under way (`proxy/produce.py`) and writes to the registry (`registry/registry.py`). Health is always answered.
"""

from aiohttp import web
from aiohttp.typedefs import Middleware

from karapace_like.errors import ApiError
from karapace_like.web.errors import Handler

_HEALTH = ("/health", "/_health", "/master_available")
_RETRY_SECONDS = 1


def bounded(most: int) -> Middleware:
    """A middleware that lets so many requests in at the same time, polls and streams included; 42901 for others."""
    inside = 0

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal inside
        if request.path.startswith(_HEALTH):
            return await handler(request)
        if inside >= most:
            raise ApiError(
                42901,
                "Too many requests: there are too many at the moment. Nothing was done.",
                retry_after=_RETRY_SECONDS,
            )
        inside += 1
        try:
            return await handler(request)
        finally:
            inside -= 1

    return middleware
