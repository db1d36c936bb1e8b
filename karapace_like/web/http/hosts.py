"""The `Host` header: its form, and the names by which an open node on loopback is served.

A web page may have its own name resolve to 127.0.0.1 (DNS rebinding); the browser then takes a service there for the
page's own, and lets the page read. Only the `Host` header distinguishes such requests.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from karapace_like.errors import ApiError
from karapace_like.process.loopback import is_loopback

_NAME = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._~%-]+)?\]|[A-Za-z0-9._-]*)(?::([0-9]{1,5}))?")
_MAX_PORT = 65535
_MAX_CHARACTERS = 300
_SHOWN = 100


def check(request: web.BaseRequest) -> None:
    """Raise ApiError 400 for an invalid Host header, and for a target that is no path of this service."""
    target = request.raw_path
    if not (target.startswith("/") and target.isascii()):
        raise ApiError(
            400,
            "HTTP 400 Bad Request: the request's target must be a path in ASCII, such as /subjects; this is no proxy.",
        )
    header = request.headers.get("Host", "")
    if len(header) > _MAX_CHARACTERS or _parse_name(header) is None:
        raise ApiError(400, "HTTP 400 Bad Request: the Host header must be a host, with or without a port.")


def serve_only(names: Iterable[str]) -> Middleware:
    """Return a middleware that refuses with 421 what is addressed to any other host than loopback and these.

    Requests without a Host header, which HTTP/1.0 permits, and those of this node's own workers are served.
    """
    allowed = frozenset(name.strip().lower().rstrip(".") for name in names)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = _parse_name(request.headers.get("Host", ""))
        # The peers of Unix sockets have no address.
        if name and name not in allowed and not is_loopback(name) and request.remote != "":
            raise ApiError(
                421,
                f"HTTP 421 Misdirected Request: the Host header names {name[:_SHOWN]}, and this node serves requests "
                "to loopback names only (localhost, 127.0.0.1, [::1]), and to those that http_allowed_hosts lists.",
            )
        return await handler(request)

    return middleware


@lru_cache(maxsize=256)
def _parse_name(header: str) -> str | None:
    """Return the host in lower case, without port and final dot; empty where there is none, None for any other text."""
    match = _NAME.fullmatch(header)
    if match is None or int(match[2] or 0) > _MAX_PORT:
        return None
    name = match[1].lower()
    if name.startswith("["):
        try:
            ipaddress.IPv6Address(name[1:-1].partition("%")[0])
        except ValueError:
            return None
    return name.rstrip(".")
