"""Kafka Connect through this service: workers that answer as its REST API is documented, of which some are away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestClient, TestServer, unused_port
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer
from yarl import URL

from karapace_like.web.app import make_app

CONFIG = {"name": "sink", "config": {"connector.class": "FileStreamSink", "topics": "t"}}


class Worker:
    """One worker of Kafka Connect, with the calls that the tests make."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.headers: list[web.Request] = []
        self.breaks = False
        self.server: TestServer
        self.app = app = web.Application(middlewares=[self._noted])
        app.router.add_get("/connectors", self._listed)
        app.router.add_post("/connectors", self._created)
        app.router.add_get("/connectors/{name}/status", self._status)
        app.router.add_delete("/connectors/{name}", self._deleted)
        app.router.add_get("/connector-plugins", self._listed)
        app.router.add_put("/admin/loggers/{name}", self._listed)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/")).rstrip("/")

    @web.middleware
    async def _noted(self, request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        self.calls.append((request.method, request.raw_path))
        self.headers.append(request)
        if self.breaks:
            assert request.transport is not None
            request.transport.abort()
        return await handler(request)

    async def _listed(self, _: web.Request) -> web.Response:
        return web.json_response(["sink"])

    async def _created(self, request: web.Request) -> web.Response:
        location = f"{self.url}/connectors/sink"
        return web.json_response({**await request.json(), "tasks": []}, status=201, headers={"Location": location})

    async def _status(self, request: web.Request) -> web.Response:
        message = f"No status found for connector {request.match_info['name']}"
        return web.json_response({"error_code": 404, "message": message}, status=404)

    async def _deleted(self, _: web.Request) -> web.Response:
        return web.Response(status=204)


@pytest.fixture
async def workers(aiohttp_server: AiohttpServer) -> tuple[Worker, Worker]:
    pair = Worker(), Worker()
    for worker in pair:
        worker.server = await aiohttp_server(worker.app)
    return pair


@pytest.fixture
async def service(workers: tuple[Worker, Worker], aiohttp_client: AiohttpClient) -> TestClient[Any, Any]:
    return await aiohttp_client(make_app(None, connect_urls=[worker.url for worker in workers]))


async def test_calls_and_answers_pass_as_they_are(
    service: TestClient[Any, Any], workers: tuple[Worker, Worker]
) -> None:
    listed = await service.get("/connectors?expand=status&expand=info")
    assert (listed.status, await listed.json()) == (200, ["sink"])
    made = await service.post("/connectors", json=CONFIG)
    assert (made.status, await made.json()) == (201, {**CONFIG, "tasks": []})
    assert made.headers["Location"] == "/connectors/sink"
    gone = await service.delete("/connectors/a%20b")
    assert (gone.status, await gone.read()) == (204, b"")
    assert (await service.get("/connector-plugins")).status == 200
    assert (await service.put("/admin/loggers/org.apache", json={"level": "DEBUG"})).status == 200
    assert workers[0].calls == [
        ("GET", "/connectors?expand=status&expand=info"),
        ("POST", "/connectors"),
        ("DELETE", "/connectors/a%20b"),
        ("GET", "/connector-plugins"),
        ("PUT", "/admin/loggers/org.apache"),
    ]
    assert workers[1].calls == []


async def test_errors_have_the_one_shape(service: TestClient[Any, Any]) -> None:
    missing = await service.get("/connectors/nope/status")
    assert missing.status == 404
    assert await missing.json() == {"error_code": 404, "message": "No status found for connector nope"}
    unknown = await service.get("/connectors/nope/what")
    assert (unknown.status, unknown.content_type) == (404, "application/json")
    assert await unknown.json() == {"error_code": 404, "message": "HTTP 404 Not Found"}


async def test_the_next_worker_answers_when_one_is_gone(
    service: TestClient[Any, Any], workers: tuple[Worker, Worker]
) -> None:
    await workers[0].server.close()
    for _ in range(3):
        assert (await service.post("/connectors", json=CONFIG)).status == 201
    assert len(workers[1].calls) == 3


async def test_a_call_is_repeated_only_where_that_does_no_harm(
    service: TestClient[Any, Any], workers: tuple[Worker, Worker]
) -> None:
    workers[0].breaks = True
    lost = await service.post("/connectors", json=CONFIG)
    assert (lost.status, (await lost.json())["error_code"]) == (502, 502)
    assert workers[1].calls == []
    assert (await service.get("/connectors")).status == 200
    assert len(workers[1].calls) == 1


async def test_no_worker_at_all_is_503(aiohttp_client: AiohttpClient) -> None:
    urls = [f"http://127.0.0.1:{unused_port()}", f"http://127.0.0.1:{unused_port()}"]
    service = await aiohttp_client(make_app(None, connect_urls=urls))
    answer = await service.get("/connectors")
    assert (answer.status, (await answer.json())["error_code"]) == (503, 503)
    assert "Retry-After" in answer.headers


async def test_a_client_s_credentials_stay_here(service: TestClient[Any, Any], workers: tuple[Worker, Worker]) -> None:
    await service.get("/connectors", headers={"Authorization": "Basic c2VjcmV0", "Cookie": "a=b"})
    (seen,) = workers[0].headers
    assert not {"Authorization", "Cookie"} & set(seen.headers)


async def test_a_worker_s_own_credentials_are_in_its_url_and_nowhere_else(
    workers: tuple[Worker, Worker], caplog: pytest.LogCaptureFixture, aiohttp_client: AiohttpClient
) -> None:
    urls = [str(URL(each.url).with_user("me").with_password("hidden")) for each in reversed(workers)]
    await workers[1].server.close()
    service = await aiohttp_client(make_app(None, connect_urls=urls))
    answer = await service.get("/connectors", headers={"Authorization": "Basic c2VjcmV0"})
    assert answer.status == 200
    (seen,) = workers[0].headers
    assert seen.headers["Authorization"] == encode_basic_auth("me", "hidden")
    assert "Kafka Connect worker" in caplog.text
    assert "hidden" not in caplog.text


@pytest.mark.parametrize("path", ["/connectors/../", "/connectors/%2e%2e/admin", "/connectors/./x"])
async def test_a_path_does_not_climb_out(
    service: TestClient[Any, Any], workers: tuple[Worker, Worker], path: str
) -> None:
    reader, writer = await asyncio.open_connection(service.host, service.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    writer.close()
    assert workers[0].calls == []


@pytest.mark.parametrize(
    "name", ["mine;x=secret", "mine%3bsecret", "mine%2Fsecret", "mine\\secret", "mine%5csecret", "%ff"]
)
async def test_a_name_that_servers_read_differently_is_refused(
    service: TestClient[Any, Any], workers: tuple[Worker, Worker], name: str
) -> None:
    """A grant decides by the name as it is read here, and the worker acts on it as it reads it."""
    for method, path in (("GET", f"/connectors/{name}/status"), ("DELETE", f"/connectors/{name}")):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"error_code":400' in answer
        writer.close()
    assert workers[0].calls == []


async def test_without_workers_there_is_no_connect(aiohttp_client: AiohttpClient) -> None:
    service = await aiohttp_client(make_app(None))
    assert (await service.get("/connectors")).status == 404
