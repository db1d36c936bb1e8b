"""What a request path may hold at all, before any route looks at it."""

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
