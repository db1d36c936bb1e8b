"""Kafka Connect beside the rest: its calls are passed to a worker, and to the next one if that cannot be reached.

Any worker takes any call; what is for the leader the workers pass on themselves. What Connect answers is passed back
as it is, but for errors in another shape than `{"error_code": int, "message": str}`. Credentials of the client stay
here: a worker's own belong into its URL.
"""

import logging
import re
from collections.abc import AsyncIterator, Sequence
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

from karapace_like import trace_context
from karapace_like.access.policy import EVERY, Kind, Operation
from karapace_like.errors import ApiError
from karapace_like.web import media_types
from karapace_like.web.json_schemas import array, example_of, mapping, shown, text, whole
from karapace_like.web.needs import Need
from karapace_like.web.routing import Call, Route

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 95.0
"""Connect itself gives up after 90."""
_PASSED_ON = ("Accept", "Content-Type", "X-Request-ID")
"""The headers that a worker gets to see."""
_RETRY_SECONDS = 5
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""What may be asked a second time where nobody knows whether it was done (RFC 9110, 9.2.2)."""
_DOTS = re.compile(r"(?:^|/)(?:\.|%2[eE]){1,2}(?:/|$)")


class Workers:
    """The workers of one Connect cluster; `session` must be open while it is asked."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = [URL(each.rstrip("/")) for each in urls]
        self._session: aiohttp.ClientSession | None = None

    async def session(self, _: web.Application) -> AsyncIterator[None]:
        """Keep the connections for as long as the application runs."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS, sock_connect=_CONNECT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            self._session = session
            yield

    async def ask(self, request: web.Request) -> web.Response:
        """What a worker answers; 503 if none can be reached, 502 if one was lost before it had answered."""
        body = await request.read()
        for url in tuple(self._urls):
            try:
                return await self._ask(url, request, body)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                logger.warning("Kafka Connect worker %s:%s: %s", url.host, url.port, error)
            except (aiohttp.ClientError, TimeoutError) as error:
                logger.warning("Kafka Connect worker %s:%s: %r", url.host, url.port, error)
                if request.method not in _REPEATABLE:
                    raise ApiError(502, "The Kafka Connect worker was lost before it had answered.") from error
            self._try_last(url)
        raise ApiError(503, "No Kafka Connect worker can be reached.", retry_after=_RETRY_SECONDS)

    async def _ask(self, url: URL, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        target = URL(f"{url}{request.raw_path}", encoded=True)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers |= trace_context.headers.get()
        asked = self._session.request(request.method, target, data=body or None, headers=headers, allow_redirects=False)
        async with asked as answer:
            return _passed_back(answer, await answer.read())

    def _try_last(self, url: URL) -> None:
        """Begin with another worker from now on."""
        if self._urls[0] == url:
            self._urls = [*self._urls[1:], url]


WORKERS = web.AppKey("connect workers", Workers)


async def passed_on(request: web.Request) -> web.Response:
    """A call of Kafka Connect's own REST API."""
    if _DOTS.search(request.rel_url.raw_path):
        raise ApiError(404, "HTTP 404 Not Found")
    return await request.app[WORKERS].ask(request)


def _connector(request: web.Request) -> tuple[tuple[str], ...]:
    """The connector of the path as it is spelled there, since the worker gets that; other calls are about them all."""
    _, collection, name, *_ = f"{request.rel_url.raw_path}/".split("/")
    return ((Kind.CONNECT.named(unquote(name) if collection == "connectors" and name else EVERY),),)


def _need(method: str) -> Need:
    return Need((Operation.DESCRIBE if method == "GET" else Operation.CONFIG,), _connector)


def _passed_back(answer: aiohttp.ClientResponse, body: bytes) -> web.Response:
    is_json = media_types.essence(answer.headers.get("Content-Type", "")) == media_types.JSON
    if answer.status >= web.HTTPBadRequest.status_code and not is_json:
        raise ApiError(answer.status, f"HTTP {answer.status} {answer.reason}")
    passed = web.Response(status=answer.status, body=body)
    for name in ("Content-Type", "Location"):
        if name in answer.headers:
            passed.headers[name] = answer.headers[name]
    if (location := passed.headers.get("Location")) and URL(location).absolute:
        passed.headers["Location"] = str(URL(location).relative())
    return passed


_SINK = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "tasks.max": "1",
    "topics": "lifts",
    "file": "lifts.txt",
}
_CONFIG = shown(mapping({"type": ["string", "null"]}), _SINK)
_CONNECTOR = whole(name=text("lifts-to-file"), config=_CONFIG)
_ANY = {"description": "What Kafka Connect's REST API documents for this path.", "examples": [{}]}
_PASSED = Call(answer=_ANY)
_CHANGED = Call(body={**_ANY, "examples": [_SINK]}, answer=_ANY)
_NAMES = Call(answer=array(text("lifts-to-file")))
_CREATED = Call(body=_CONNECTOR, answer={**_ANY, "examples": [{**example_of(_CONNECTOR, {}), "tasks": []}]}, status=201)

_BELOW = {
    "/connectors/{connector:.+}": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "/connector-plugins/{plugin:.+}": ("GET", "PUT"),
    "/admin/loggers/{logger:.+}": ("GET", "PUT"),
}
"""The methods that Kafka Connect knows below each of its paths."""
ROUTES = (
    Route("GET", "/connectors", passed_on, _NAMES, _need("GET")),
    Route("POST", "/connectors", passed_on, _CREATED, _need("POST")),
    *(
        Route(method, path, passed_on, _PASSED if method in {"GET", "DELETE"} else _CHANGED, _need(method))
        for path, methods in _BELOW.items()
        for method in methods
    ),
    Route("GET", "/connector-plugins", passed_on, _PASSED, _need("GET")),
    Route("GET", "/admin/loggers", passed_on, _PASSED, _need("GET")),
)
