"""What fails after a response has begun ends the connection: no second head, and no end that looks complete."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import http_parser, web, web_protocol
from aiohttp.test_utils import TestClient

from karapace_like.errors import ApiError
from karapace_like.web.callers.usage import USAGE, UsageTable
from karapace_like.web.http.errors import errors_middleware
from tests.web.conftest import Server
from tests.web.wire import Wire, statuses

FAILURES: dict[str, Callable[[], Exception]] = {
    "a refusal": lambda: ApiError(42201, "refused"),
    "a refusal by aiohttp": lambda: web.HTTPRequestEntityTooLarge(1),
    "a bug": lambda: RuntimeError("bug"),
    "a lost connection elsewhere": lambda: ConnectionResetError("elsewhere"),
    "a timeout": TimeoutError,
}


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("has_middleware", [False, True])
async def test_it_ends_the_connection(kind: str, *, has_middleware: bool) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        error = FAILURES[kind]()
        raise error

    app = web.Application(middlewares=[errors_middleware] if has_middleware else [])
    app[USAGE] = UsageTable()
    app.router.add_get("/", answer)
    async with TestClient(Server(app)) as client:
        answered = await (await Wire.to(client)).ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    assert statuses(answered) == [200]
    assert answered.endswith(b"5\r\nfirst\r\n")


@pytest.mark.parametrize("parser", [http_parser.HttpRequestParser, http_parser.HttpRequestParserPy])
@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_malformed_chunk_ends_the_request(
    monkeypatch: pytest.MonkeyPatch, parser: type[Any], *, has_begun: bool
) -> None:
    """At once: the parser in C does not tell the handler, which would wait as long as the server's patience is."""
    monkeypatch.setattr(web_protocol, "HttpRequestParser", parser)
    reading = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if has_begun:
            await response.prepare(request)
            await response.write(b"first")
        async for _ in request.content.iter_any():
            reading.set()
        return response

    app = web.Application(middlewares=[errors_middleware])
    app[USAGE] = UsageTable()
    app.router.add_post("/", answer)
    async with TestClient(Server(app)) as client:
        wire = await Wire.to(client)
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await reading.wait()
        answered = await wire.ask(b"zz\r\nb\r\n")
    assert statuses(answered) == [200 if has_begun else 400]
    assert answered.endswith(b"5\r\nfirst\r\n") == has_begun
