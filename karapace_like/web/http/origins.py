"""Web pages of other origins may only read: browsers submit forms for them, with the user's cached credentials.

A browser names the page's origin with every request but GET and HEAD (source: Fetch standard, "`Origin` header").
Other clients send no such header. Pages of origins that CORS allows may do more (`cors.py`).
"""

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web.http.cors import CORS

HEADER = "Origin"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def check(request: web.Request) -> None:
    """Raise ApiError 403 for a change that a page of another origin requests, unless CORS allows it."""
    origin = request.headers.get(HEADER)
    if origin is None or request.method in _READING or _is_of_this_service(request, origin):
        return
    policy = request.config_dict.get(CORS)
    if policy is None or not policy.admits(origin):
        raise _foreign_origin_error()
    if not policy.admits_change(origin, request.method, request.headers.get("Content-Type", "")):
        raise ApiError(
            403,
            f"HTTP 403 Forbidden: pages of other origins may send {', '.join(policy.methods)}, and a POST with a "
            "Content-Type that browsers ask about first, such as application/json.",
        )


def check_socket(request: web.Request) -> None:
    """Raise ApiError 403 for a WebSocket that a page of another origin opens, unless CORS allows it.

    Browsers let every page open one, with the user's cached credentials, and read what comes (RFC 6455, 10.2).
    """
    origin = request.headers.get(HEADER)
    policy = request.config_dict.get(CORS)
    if origin is None or _is_of_this_service(request, origin) or (policy is not None and policy.admits(origin)):
        return
    raise _foreign_origin_error()


def _is_of_this_service(request: web.Request, origin: str) -> bool:
    # A page can set X-Forwarded-Host only after a CORS preflight, which only an operator's own list could grant.
    return origin.partition("://")[2] in {request.host, request.headers.get("X-Forwarded-Host")}


def _foreign_origin_error() -> ApiError:
    return ApiError(
        403,
        "HTTP 403 Forbidden: the Origin header is not this service's, nor in its cors_allowed_origins; web pages "
        "of other origins may only read.",
    )
