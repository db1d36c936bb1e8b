"""Kafka Connect's API: calls are forwarded to a Connect worker, and to the next one if that cannot be reached.

Every Connect worker takes every call, and forwards to its leader itself. Its response is returned unchanged, except
that errors get the shape `{"error_code": int, "message": str}`. The client's credentials are not forwarded: those of a
worker belong in its URL (`connect_url`).
"""

import logging
import re
from collections.abc import AsyncIterator, Sequence
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

from karapace_like.access.policy import EVERY, Operation, ResourceKind
from karapace_like.errors import ApiError
from karapace_like.process import trace_context
from karapace_like.web.callers.permissions import RequiredPermission
from karapace_like.web.http import media_types
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import no_route_error
from karapace_like.web.http.json_schemas import array, example_of, mapping, text, whole, with_example
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.routing import Call, Route

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 95.0
"""Connect's own time limit is 90 seconds."""
_FORWARDED = ("Accept", "Content-Type", "X-Request-ID")
"""The request headers that a Connect worker gets."""
_RETRY_SECONDS = 5
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Idempotent methods, which may be repeated when the outcome is unknown (RFC 9110, 9.2.2)."""
_AMBIGUOUS = re.compile(r"[;\\]|%(?:2[fF]|3[bB]|5[cC])")
"""A slash, backslash or semicolon inside of a name: servers differ in whether it ends the name (RFC 3986, 3.3)."""
_DOTS = re.compile(r"(?:^|/)(?:\.|%2[eE]){1,2}(?:/|$)")


class ConnectWorkers:
    """The workers of one Connect cluster; `open_session` must be entered before a call."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = [URL(url.rstrip("/")) for url in urls]
        self._session: aiohttp.ClientSession | None = None

    async def open_session(self, _: web.Application) -> AsyncIterator[None]:
        """Keep connections open while the application runs; a cleanup context of aiohttp."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS, sock_connect=_CONNECT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            self._session = session
            yield

    async def forward(self, request: web.Request) -> web.Response:
        """Return a worker's response; raises ApiError 503 if none can be reached, 502 if the outcome is unknown."""
        body = await read_body(request)
        for url in tuple(self._urls):
            try:
                return await self._forward_to(url, request, body)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                logger.warning("Kafka Connect worker %s:%s: %s", url.host, url.port, error)
            except (aiohttp.ClientError, TimeoutError) as error:
                logger.warning("Kafka Connect worker %s:%s: %r", url.host, url.port, error)
                if request.method not in _REPEATABLE:
                    message = (
                        "The Kafka Connect worker was lost before it answered; the call may have been carried out."
                    )
                    raise ApiError(502, message) from error
            self._try_last(url)
        raise ApiError(
            503,
            "None of the Kafka Connect workers of connect_url can be reached; repeat the call later.",
            retry_after=_RETRY_SECONDS,
        )

    async def _forward_to(self, url: URL, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        target = URL(f"{url}{request.raw_path}", encoded=True)
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        headers |= trace_context.headers.get()
        sent = self._session.request(request.method, target, data=body or None, headers=headers, allow_redirects=False)
        async with sent as response:
            return _build_response(response, await response.read())

    def _try_last(self, url: URL) -> None:
        """Begin with another Connect worker from now on."""
        if self._urls[0] == url:
            self._urls = [*self._urls[1:], url]


CONNECT_WORKERS = web.AppKey("connect workers", ConnectWorkers)


async def forward_to_connect(request: web.Request) -> web.Response:
    """Kafka Connect: forward the call to a Connect worker."""
    path = request.rel_url.raw_path
    if _DOTS.search(path):
        raise no_route_error(request)
    if _AMBIGUOUS.search(path) or not _is_unicode(path):
        raise ApiError(
            400,
            "HTTP 400 Bad Request: a name in the path of a Kafka Connect call has a slash, backslash or semicolon, or "
            "is not UTF-8. Rename the connector: the worker could take the name for another one.",
        )
    return await request.app[CONNECT_WORKERS].forward(request)


def _is_unicode(path: str) -> bool:
    try:
        unquote(path, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def _connector(request: web.Request) -> tuple[tuple[str], ...]:
    """Return the connector in the path, as the path spells it for the worker; other calls concern all connectors."""
    _, collection, name, *_ = f"{request.rel_url.raw_path}/".split("/")
    return ((ResourceKind.CONNECT.name_resource(unquote(name) if collection == "connectors" and name else EVERY),),)


def _require_permission(method: str) -> RequiredPermission:
    return RequiredPermission((Operation.DESCRIBE if method == "GET" else Operation.CONFIG,), _connector)


def _build_response(answer: aiohttp.ClientResponse, body: bytes) -> web.Response:
    is_json = media_types.essence(answer.headers.get("Content-Type", "")) == media_types.JSON
    if answer.status >= web.HTTPBadRequest.status_code and not is_json:
        raise ApiError(answer.status, f"HTTP {answer.status} {answer.reason}")
    response = web.Response(status=answer.status, body=body)
    for name in ("Content-Type", "Location"):
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    if (location := response.headers.get("Location")) and URL(location).absolute:
        response.headers["Location"] = str(URL(location).relative())
    return response


_SINK = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "tasks.max": "1",
    "topics": "lifts",
    "file": "lifts.txt",
}
_CONFIG = with_example(mapping({"type": ["string", "null"]}), _SINK)
_CONNECTOR = whole(name=text("lifts-to-file"), config=_CONFIG)
_ANY = {"description": "What Kafka Connect's REST API documents for this path.", "examples": [{}]}
_PASSED = Call(response=_ANY)
_CHANGED = Call(body={**_ANY, "examples": [_SINK]}, response=_ANY)
_NAMES = Call(response=array(text("lifts-to-file")))
_CREATED = Call(
    body=_CONNECTOR, response={**_ANY, "examples": [{**example_of(_CONNECTOR, {}), "tasks": []}]}, status=201
)

_BELOW = {
    "/connectors/{connector:.+}": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "/connector-plugins/{plugin:.+}": ("GET", "PUT"),
    "/admin/loggers/{logger:.+}": ("GET", "PUT"),
}
"""The methods that Kafka Connect knows below each of its paths."""
ROUTES = (
    Route("GET", "/connectors", forward_to_connect, ApiRole.MANAGEMENT, _NAMES, _require_permission("GET")),
    Route("POST", "/connectors", forward_to_connect, ApiRole.MANAGEMENT, _CREATED, _require_permission("POST")),
    *(
        Route(
            method,
            path,
            forward_to_connect,
            ApiRole.MANAGEMENT,
            _PASSED if method in {"GET", "DELETE"} else _CHANGED,
            _require_permission(method),
        )
        for path, methods in _BELOW.items()
        for method in methods
    ),
    Route("GET", "/connector-plugins", forward_to_connect, ApiRole.MANAGEMENT, _PASSED, _require_permission("GET")),
    Route("GET", "/admin/loggers", forward_to_connect, ApiRole.MANAGEMENT, _PASSED, _require_permission("GET")),
)
