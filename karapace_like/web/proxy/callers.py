"""Run handlers with the caller's Basic or Bearer credentials as their identity in Kafka, which authorises them."""

import functools
import hashlib
import re
from contextlib import AbstractAsyncContextManager
from functools import partial

from aiohttp import web

from karapace_like.access import credentials
from karapace_like.access.credentials import Basic, Bearer, Credentials
from karapace_like.access.errors import BASIC_CHALLENGE, BEARER_CHALLENGE, UnauthenticatedError
from karapace_like.access.principals import Method, Principal
from karapace_like.errors import ApiError
from karapace_like.proxy.callers import CallerProxies
from karapace_like.proxy.proxy import Proxy
from karapace_like.web.callers import quotas, usage
from karapace_like.web.callers.access import is_from_inside
from karapace_like.web.callers.credential_checks import Claimant, CredentialChecks
from karapace_like.web.http.errors import Handler
from karapace_like.web.proxy.requests import KAFKA_USER, PROXY_OF_CALLER, user

_CONCURRENT_PROOFS = 8
"""Credentials that are verified against Kafka at the same time."""
CHECKS = web.AppKey("checks of Kafka credentials", CredentialChecks)
CALLERS: web.AppKey[CallerProxies[Credentials]] = web.AppKey("callers", CallerProxies)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1. Other characters could terminate the token within the SASL message to the broker."""
_CODE = 40101
_CHALLENGES = (BASIC_CHALLENGE, BEARER_CHALLENGE)


def as_caller(handler: Handler) -> Handler:
    """Wrap the handler: its requests reach Kafka as their caller; 40101 if Kafka rejects the credentials."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            async with _proxy_for(request) as proxy:
                if not is_from_inside(request):
                    quotas.admit(request, user(request) or "")
                proved = _parse_credentials(request)
                if usage.find_principal(request) is None:
                    usage.identify(request, _name_principal(proved))
                request[PROXY_OF_CALLER] = proxy
                kafka_user = _name_kafka_user(proved)
                if kafka_user is not None:
                    request[KAFKA_USER] = kafka_user
                return await handler(request)
        except ApiError as error:
            if error.code != _CODE:
                raise
            raise UnauthenticatedError(error.message, _CHALLENGES, code=_CODE) from error

    return answer


def _name_principal(proved: Credentials) -> Principal:
    """Return whom the request is counted for. Tokens, whose contents only Kafka has checked, are counted together."""
    if isinstance(proved, Basic):
        return Principal(proved.username, Method.PASSWORD)
    return Principal("(Kafka token)", Method.TOKEN)


def _name_kafka_user(proved: Credentials) -> str | None:
    """Return a name of the caller that no other one has; None for a token without a subject."""
    if isinstance(proved, Basic):
        return f"Kafka user {proved.username}"
    subject = credentials.read_subject(proved.token)
    return None if subject is None else f"Kafka token {subject!r}"


async def recheck_kafka_credentials(request: web.Request) -> None:
    """Raise ApiError if Kafka has come to reject the credentials of a request that lasts, or they have expired."""
    if PROXY_OF_CALLER in request:
        async with _proxy_for(request):
            pass


def _proxy_for(request: web.Request) -> AbstractAsyncContextManager[Proxy]:
    sent = _parse_credentials(request)
    attempt = partial(request.app[CHECKS].attempt, Claimant.at(request.transport, _digest(sent)))
    return request.app[CALLERS].proxy_for(sent, attempt)


def add_callers(app: web.Application, proxies: CallerProxies[Credentials]) -> None:
    """Let the handlers of `as_caller` find the proxies of callers."""
    app[CALLERS] = proxies
    app[CHECKS] = CredentialChecks(_CONCURRENT_PROOFS)


def _digest(sent: Credentials) -> bytes:
    """Return a digest of the user that the caller claims to be: the name of a password, or the token itself."""
    claimed = sent.username if isinstance(sent, Basic) else sent.token.value
    return hashlib.sha256(claimed.encode()).digest()


def _parse_credentials(request: web.Request) -> Credentials:
    header = request.headers.get("Authorization")
    if header is None:
        raise ApiError(_CODE, "HTTP 401 Unauthorized: send credentials for Kafka, Basic or Bearer (Authorization)")
    try:
        parsed = credentials.parse(header)
    except UnauthenticatedError as error:
        raise ApiError(_CODE, error.message) from error
    match parsed:
        case Basic(username, password) if username and password.value and "\0" not in username + password.value:
            return parsed
        case Bearer(token) if _TOKEN.fullmatch(token.value):
            return parsed
    raise ApiError(
        _CODE,
        "HTTP 401 Unauthorized: the credentials are not accepted",
    )
