"""Web pages of other origins may only read: browsers submit forms for them, with the user's cached credentials.

A browser names the page's origin with every request but GET and HEAD (source: Fetch standard, "`Origin` header").
Other clients send no such header.
"""

from aiohttp import web

from karapace_like.errors import ApiError

HEADER = "Origin"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def check(request: web.Request) -> None:
    """Raise ApiError 403 for a change that a page of another origin requests."""
    origin = request.headers.get(HEADER)
    if origin is None or request.method in _READING:
        return
    # A page could set X-Forwarded-Host only after a CORS preflight, which is never granted.
    if origin.partition("://")[2] not in {request.host, request.headers.get("X-Forwarded-Host")}:
        raise ApiError(
            403,
            "HTTP 403 Forbidden: the Origin header is not this service's; web pages of other origins may only read.",
        )
