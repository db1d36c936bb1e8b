"""What every request path must satisfy before it is routed, and the origin by which a client addresses the service."""

import re

from aiohttp import web

from karapace_like.errors import ApiError

_REFUSED = re.compile(r"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]")
"""A percent sign that encodes nothing, or a control character, which no name has and which could forge log lines."""


def check(request: web.Request) -> None:
    """Raise ApiError 400 for a path that is not percent-encoded correctly."""
    path = request.rel_url.raw_path
    if "%" in path and _REFUSED.search(path):
        raise ApiError(
            400,
            "HTTP 400 Bad Request: the path must have two hexadecimal digits after each percent sign, "
            "and no encoded control characters.",
        )


def origin(request: web.Request) -> str:
    """Return `scheme://host:port` of the request; raises ApiError 400 for an invalid Host header."""
    try:
        return str(request.url.origin())
    except ValueError as error:
        raise ApiError(400, "HTTP 400 Bad Request: the Host header must be a host, with or without a port.") from error
