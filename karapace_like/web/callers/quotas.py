"""Quotas of principals: a request is counted once its caller is authenticated, its bytes once it is answered.

A stream is counted when it ends. Requests that another process of this service forwards were counted there.
"""

import time

from aiohttp import web

from karapace_like.access.quotas import Quotas
from karapace_like.web.http.errors import Handler

QUOTAS = web.AppKey("quotas", Quotas)
_SPENDER = web.RequestKey("spender", str)


def admit(request: web.Request, principal: str) -> None:
    """Count the request, once; raises ApiError 42901 if the principal has used up its quota."""
    quotas = request.config_dict.get(QUOTAS)
    if quotas is not None and _SPENDER not in request:
        quotas.admit(principal, time.monotonic())
        request[_SPENDER] = principal


def admit_message(request: web.Request, size: int) -> None:
    """Count a message of a connection that its request has opened, of `size` bytes; raises ApiError as `admit`."""
    spender = request.get(_SPENDER)
    if spender is not None:
        now = time.monotonic()
        request.config_dict[QUOTAS].admit(spender, now)
        request.config_dict[QUOTAS].charge(spender, size, now)


def charge_message(request: web.Request, size: int) -> None:
    """Count the bytes of a message that was sent to the client."""
    spender = request.get(_SPENDER)
    if spender is not None:
        request.config_dict[QUOTAS].charge(spender, size, time.monotonic())


@web.middleware
async def charging_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the bytes of admitted requests and of their responses; outside `errors_middleware`, it sees errors too."""
    size = 0
    try:
        answer = await handler(request)
        size = (
            len(answer.body)
            if isinstance(answer, web.Response) and isinstance(answer.body, bytes)
            else answer.body_length
        )
        return answer
    finally:
        spender = request.get(_SPENDER)
        if spender is not None:
            request.config_dict[QUOTAS].charge(spender, request.content.total_bytes + size, time.monotonic())
