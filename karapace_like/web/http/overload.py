"""A limit on the requests that are answered at the same time: others are refused at once, so that these stay fast.

Requests that the response cache answers are not counted: they wait for nothing, or in a queue with a limit of its own,
of records under way (`proxy/produce.py`) or writes to the registry (`registry/registry.py`). Health is never refused.
"""

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web.http.errors import Handler, Middleware

_HEALTH = ("/health", "/_health", "/master_available")
_RETRY_SECONDS = 1


def limit_requests(most: int) -> Middleware:
    """Return a middleware that admits so many requests at the same time, streams included; others get 42901."""
    inside = 0

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal inside
        if request.path.startswith(_HEALTH):
            return await handler(request)
        if inside >= most:
            raise ApiError(
                42901,
                f"Too many requests: this process answers {most} at the same time, the most that http_requests_max "
                "allows. Nothing was done; repeat the request.",
                retry_after=_RETRY_SECONDS,
            )
        inside += 1
        try:
            return await handler(request)
        finally:
            inside -= 1

    return middleware
