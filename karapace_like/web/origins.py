"""Pages of other origins change nothing: browsers send forms for them, with what they remember of their users.

A browser says where a page comes from that sends anything but a GET (Fetch, "Origin header"); others say nothing.
"""

from aiohttp import web

from karapace_like.errors import ApiError

HEADER = "Origin"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def check(request: web.Request) -> None:
    """403 for a change that a page of another origin asks for."""
    origin = request.headers.get(HEADER)
    if origin is None or request.method in _READING:
        return
    # No page can set the header of a proxy without being asked for first, which is never allowed.
    if origin.partition("://")[2] not in {request.host, request.headers.get("X-Forwarded-Host")}:
        raise ApiError(403, "HTTP 403 Forbidden: a page of another origin may change nothing")
