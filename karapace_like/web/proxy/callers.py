"""Handlers that answer with what the caller may do in Kafka: his Basic or Bearer credentials are his identity there."""

import functools
import re

from aiohttp import web

from karapace_like.access import credentials
from karapace_like.access.credentials import Basic, Bearer, Credentials
from karapace_like.access.errors import BASIC_CHALLENGE, BEARER_CHALLENGE, UnauthenticatedError
from karapace_like.errors import ApiError
from karapace_like.proxy.callers import Callers
from karapace_like.web import quotas
from karapace_like.web.errors import Handler
from karapace_like.web.proxy.requests import PROXY_OF_CALLER, user

CALLERS: web.AppKey[Callers[Credentials]] = web.AppKey("callers", Callers)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1. Anything else could end the token inside of the message that carries it to the broker."""
_CODE = 40101
_CHALLENGES = (BASIC_CHALLENGE, BEARER_CHALLENGE)


def as_caller(handler: Handler) -> Handler:
    """The handler, for a request that reaches Kafka as its caller; 40101 where Kafka does not take him."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            async with request.app[CALLERS].proxy_of(_credentials(request)) as proxy:
                quotas.admit(request, user(request) or "")
                request[PROXY_OF_CALLER] = proxy
                return await handler(request)
        except ApiError as error:
            if error.code != _CODE:
                raise
            raise UnauthenticatedError(error.message, _CHALLENGES, code=_CODE) from error

    return answered


def _credentials(request: web.Request) -> Credentials:
    header = request.headers.get("Authorization")
    if header is None:
        raise ApiError(_CODE, "HTTP 401 Unauthorized: credentials for Kafka are needed")
    try:
        found = credentials.parse(header)
    except UnauthenticatedError as error:
        raise ApiError(_CODE, error.message) from error
    match found:
        case Basic(username, password) if username and password.value and "\0" not in username + password.value:
            return found
        case Bearer(token) if _TOKEN.fullmatch(token.value):
            return found
    raise ApiError(_CODE, "HTTP 401 Unauthorized: the credentials are not accepted")
