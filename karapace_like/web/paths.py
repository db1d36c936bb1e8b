"""What a request path may hold at all, before any route looks at it; and the address by which the client came."""

import re

from aiohttp import web

from karapace_like.errors import ApiError

_REFUSED = re.compile(r"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]")
"""A percent sign that encodes nothing, or a control character: no name holds one, and logs would be forged by it."""


def check(request: web.Request) -> None:
    """400 for a path that is not well encoded."""
    path = request.rel_url.raw_path
    if "%" in path and _REFUSED.search(path):
        raise ApiError(400, "HTTP 400 Bad Request: the path is not well encoded")


def origin(request: web.Request) -> str:
    """Scheme, host and port that the request names, as `http://host:port`; 400 for a Host header that is none."""
    try:
        return str(request.url.origin())
    except ValueError as error:
        raise ApiError(400, "HTTP 400 Bad Request: the Host header names no host") from error
