"""CORS: which web pages of other origins browsers let call this service and read its responses (Fetch standard).

Off unless the operator lists origins. A preflight is answered before authentication: browsers send it without
credentials. Every response to an allowed origin names it, errors and streams included.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from karapace_like.web.http.cors_policy import ANY, CorsPolicy

HEADER = "Origin"
_REQUESTED_METHOD = "Access-Control-Request-Method"
_MAX_AGE_SECONDS = 600
"""How long a browser remembers a preflight: after that time it learns of changed settings."""
_EXPOSED = "Accept-Post, Allow, ETag, Location, Retry-After, X-Request-ID"
"""Headers of responses that pages may read, beyond those that they always may."""


CORS = web.AppKey("cors", CorsPolicy)


@web.middleware
async def answer_preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a browser's question whether a page of an allowed origin may send a request."""
    policy = request.config_dict.get(CORS)
    if policy is None or request.method != "OPTIONS" or _REQUESTED_METHOD not in request.headers:
        return await handler(request)
    origin = request.headers.get(HEADER)
    if origin is None or not policy.admits(origin):
        return await handler(request)
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": ", ".join(policy.methods),
            "Access-Control-Allow-Headers": ", ".join(policy.headers),
            "Access-Control-Max-Age": str(_MAX_AGE_SECONDS),
        },
    )


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Let an allowed page read the response; aiohttp calls this before it sends the headers."""
    policy = request.config_dict.get(CORS)
    if policy is None:
        return
    if not policy.is_open:
        # Also without an origin: a shared cache must not answer a page with another client's response.
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), HEADER]))
    origin = request.headers.get(HEADER)
    if origin is None or not policy.admits(origin):
        return
    response.headers["Access-Control-Allow-Origin"] = ANY if policy.is_open else origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if policy.allows_credentials:
        response.headers["Access-Control-Allow-Credentials"] = "true"
