"""Requests of v1 to the paths that v2 has too: their media types become those of v2, and the response's those of v1.

Calls whose bodies differ have handlers of their own in `CONSUMER_CALLS`.
"""

import functools
from collections.abc import Iterable, Iterator

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web.http import media_types
from karapace_like.web.http.errors import Handler
from karapace_like.web.proxy_v1 import media_types as v1
from karapace_like.web.proxy_v1.consumers import CONSUMER_CALLS
from karapace_like.web.proxy_v1.errors import build_v1_error_response
from karapace_like.web.routing import Route

_CALLS = {
    "GET /brokers",
    "GET /topics",
    "GET /topics/{topic}",
    "GET /topics/{topic}/partitions",
    "GET /topics/{topic}/partitions/{partition}",
    "POST /topics/{topic}",
    "POST /topics/{topic}/partitions/{partition}",
    "POST /consumers/{group}",
    "DELETE /consumers/{group}/instances/{instance}",
    "POST /consumers/{group}/instances/{instance}/offsets",
}
"""The calls that both versions have."""


def translate_routes(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield the routes of v2 with handlers that serve requests of v1 as well."""
    for route in routes:
        call = f"{route.method} {route.path}"
        yield route._replace(handler=_serve_both(route.handler, CONSUMER_CALLS.get(call))) if call in _CALLS else route


def _serve_both(handler: Handler, own: Handler | None) -> Handler:
    """Return the handler of v2 for requests of either version; `own` is that of v1, if it differs."""

    @functools.wraps(handler)
    async def serve(request: web.Request) -> web.StreamResponse:
        if not v1.is_v1(request):
            return await handler(request)
        media_type = v1.V1
        try:
            media_type = v1.negotiate(request)
            response = await (handler(v1.to_v2(request)) if own is None else own(request))
        except ApiError as error:
            response = build_v1_error_response(request, error, media_type)
        if not response.prepared and response.content_type == media_types.KAFKA_V2:
            response.content_type = media_type
        return response

    return serve
