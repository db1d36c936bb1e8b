"""A limit on the requests that are answered at the same time: others are refused at once, so that these stay fast.

Requests that the response cache answers are not counted where they wait for nothing, or in a queue with a limit of its
own, of records under way (`proxy/produce.py`). Health is never refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web.http.errors import Handler

_HEALTH = ("/health", "/_health", "/master_available")
_RETRY_SECONDS = 1


class RequestLimit:
    """So many requests at the same time, streams included."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._inside = 0

    @property
    def is_reached(self) -> bool:
        """Whether no further request is admitted now."""
        return self._inside >= self.most

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count a request inside of the block; raises ApiError 42901 for one too many."""
        if self.is_reached:
            raise ApiError(
                42901,
                f"Too many requests: this process answers {self.most} at the same time, the most that "
                "http_requests_max allows. Nothing was done; repeat the request.",
                retry_after=_RETRY_SECONDS,
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


REQUEST_LIMIT = web.AppKey("request limit", RequestLimit)


@web.middleware
async def limit_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the request within the limit."""
    if request.path.startswith(_HEALTH):
        return await handler(request)
    with request.app[REQUEST_LIMIT].admit():
        return await handler(request)
