"""A listener serves the calls of its roles; every other one is there as little as a path that does not exist."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client import CollectorRegistry

from karapace_like.proxy.proxy import Proxy
from karapace_like.web.app import OPEN, RequestHandling, make_app
from karapace_like.web.callers.access import ACCESS
from karapace_like.web.callers.usage import USAGE, UsageTable
from karapace_like.web.cluster.peers import Peers
from karapace_like.web.cluster.sibling_workers import SiblingWorkers
from karapace_like.web.console.settings import ConsoleSettings
from karapace_like.web.http.api_roles import ALL_ROLES, NAMED_ROLES, ApiRole, ApiRoles
from karapace_like.web.http.errors import errors_middleware
from karapace_like.web.operations.exposition import Exposition
from karapace_like.web.operations.health import ElectionElsewhere, Health
from karapace_like.web.routing import REGISTERED_ROUTES, RegisteredRoute, add_routes, hide_other_roles
from karapace_like.web.server.runner import Runner
from tests.web.conftest import Server, in_memory, policies_in_memory

VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
VALUES = {"id": "1", "version": "1", "other": "1", "partition": "0", "broker": "1", "context": ".c", "guid": "0" * 32}
LISTENERS: Mapping[str, ApiRoles] = {**NAMED_ROLES, "all": ALL_ROLES}
BY_PREFIX = {
    "/v3/clusters/{cluster}/topics/{topic}/records": ApiRole.DATA,
    "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/records": ApiRole.DATA,
    "/v3": ApiRole.MANAGEMENT,
    "/topics/{topic}/partitions/{partition}/records": ApiRole.DATA,
    "/topics/{topic}/partitions/{partition}/messages": ApiRole.DATA,
    "/topics/{topic}/keys/{key}": ApiRole.DATA,
    "/topics/{topic}/requests": ApiRole.DATA,
    "/topics/{topic}/files": ApiRole.DATA,
    "/topics/{topic}/socket": ApiRole.DATA,
    "/queues/{group}/receive": ApiRole.DATA,
    "/queues/{group}/acknowledge": ApiRole.DATA,
    "/queues": ApiRole.MANAGEMENT,
    "/consumers": ApiRole.DATA,
    "/records": ApiRole.DATA,
    "/brokers": ApiRole.MANAGEMENT,
    "/connector": ApiRole.MANAGEMENT,
    "/admin": ApiRole.MANAGEMENT,
    "/subjects": ApiRole.REGISTRY,
    "/schemas": ApiRole.REGISTRY,
    "/config": ApiRole.REGISTRY,
    "/mode": ApiRole.REGISTRY,
    "/compatibility": ApiRole.REGISTRY,
    "/contexts": ApiRole.REGISTRY,
    "/docs": ApiRole.CONSOLE,
    "/console": ApiRole.CONSOLE,
    "/openapi.json": ApiRole.CONSOLE,
    "/policies": ApiRole.MANAGEMENT,
    "/health": ApiRole.OPERATIONS,
    "/metrics": ApiRole.OPERATIONS,
    "/usage": ApiRole.OPERATIONS,
}
"""What calls are for, said a second time: a call below a path of another role would be a hole."""


def registered_routes() -> list[RegisteredRoute]:
    """Every call that the whole service has."""
    registry, _ = in_memory()
    app = make_app(
        registry,
        Proxy.__new__(Proxy),
        health=Health(registry, ElectionElsewhere()),
        connect_urls=["http://connect:8083"],
        policies=policies_in_memory(registry),
        console=ConsoleSettings(),
        exposition=Exposition(CollectorRegistry(), None, SiblingWorkers(Peers())),
    )
    return app[REGISTERED_ROUTES]


ROUTES = registered_routes()


async def _serve(_: web.Request) -> web.Response:
    return web.Response(text="served")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ports() -> AsyncIterator[dict[str, int]]:
    """The routes of the whole service at a listener for each role, with handlers that say that they were called."""
    app = web.Application(middlewares=[errors_middleware, hide_other_roles])
    app[ACCESS], app[USAGE] = OPEN, UsageTable()
    for route, prefixes in ROUTES:
        add_routes(app, [route._replace(handler=_serve)], prefixes=prefixes)
    runner = Runner(app, access_log=None)
    await runner.setup()
    ports = {}
    for name, roles in LISTENERS.items():
        listening = socket.create_server(("127.0.0.1", 0))
        ports[name] = listening.getsockname()[1]
        await runner.listen(listening, roles=roles)
    yield ports
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", LISTENERS)
async def test_every_call_is_served_by_the_listeners_of_its_role_only(
    ports: dict[str, int], session: aiohttp.ClientSession, name: str
) -> None:
    for route, prefixes in ROUTES:
        for prefix in prefixes:
            path = VARIABLE.sub(lambda match: VALUES.get(match[1], "x"), prefix + route.path)
            async with session.request(route.method, f"http://127.0.0.1:{ports[name]}{path}") as response:
                text = await response.text()
            if route.role in LISTENERS[name]:
                assert (response.status, text) == (200, "served"), (name, route.method, path)
            else:
                assert response.status == 404, (name, route.method, path)
                assert f"this service has no call {route.method} " in text
                assert "Allow" not in response.headers


@pytest.mark.parametrize("served", ROUTES, ids=lambda served: f"{served.route.method} {served.route.path}")
def test_the_role_of_a_call_is_the_one_that_its_path_promises(served: RegisteredRoute) -> None:
    path = served.route.path
    expected = next((role for prefix, role in BY_PREFIX.items() if path.startswith(prefix)), None)
    if path.startswith("/topics") and expected is None:
        expected = ApiRole.DATA if served.route.method == "POST" or path.endswith("/records") else ApiRole.MANAGEMENT
    assert expected in {None, served.route.role}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("name", "method", "path", "status", "allowed"),
    [
        ("data", "PUT", "/topics/x", 405, {"POST"}),
        ("management", "PUT", "/topics/x", 405, {"GET", "HEAD"}),
        ("rest", "PUT", "/topics/x", 405, {"GET", "HEAD", "POST"}),
        ("data", "PUT", "/subjects/x", 404, set()),
        ("data", "OPTIONS", "/subjects/x", 404, set()),
        ("data", "OPTIONS", "/topics/x", 200, {"POST", "OPTIONS"}),
        ("data", "HEAD", "/subjects", 404, set()),
        ("data", "GET", "/nowhere", 404, set()),
    ],
)
async def test_the_methods_of_other_roles_are_not_told(
    ports: dict[str, int],
    session: aiohttp.ClientSession,
    name: str,
    method: str,
    path: str,
    status: int,
    allowed: set[str],
) -> None:
    async with session.request(method, f"http://127.0.0.1:{ports[name]}{path}") as response:
        assert response.status == status
        assert set(filter(None, response.headers.get("Allow", "").split(","))) == allowed


@pytest.mark.asyncio(loop_scope="module")
async def test_only_a_listener_with_the_description_points_at_it(
    ports: dict[str, int], session: aiohttp.ClientSession
) -> None:
    told = {}
    for name in ("data", "console"):
        async with session.get(f"http://127.0.0.1:{ports[name]}/nowhere") as response:
            told[name] = (await response.json(content_type=None))["message"]
    assert told == {
        "data": "HTTP 404 Not Found: this service has no call GET /nowhere.",
        "console": "HTTP 404 Not Found: this service has no call GET /nowhere; GET /openapi.json lists its calls.",
    }


async def _read(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head.partition(b"\r\n")[0]


async def test_a_process_that_only_reads_the_topic_answers_for_operations() -> None:
    registry, _ = in_memory()
    health = Health(registry, ElectionElsewhere())
    app = make_app(registry, health=health, handling=RequestHandling(is_reader=True))
    async with TestClient(Server(app)) as client:
        for path, status in {"/health/live": 200, "/subjects": 503, "/console": 404, "/nothing": 404}.items():
            async with client.get(path) as response:
                assert response.status == status
                if status == 503:
                    assert response.headers["Retry-After"] == "1"
                    assert (await response.json())["error_code"] == 503


async def test_a_cached_response_stays_at_its_listener() -> None:
    """The same bytes are a call at one listener and none at the other."""
    registry, _ = in_memory()
    app = make_app(registry, handling=RequestHandling(hides_routes=True))
    runner = Runner(app, access_log=None)
    await runner.setup()
    opened: dict[str, Any] = {name: socket.create_server(("127.0.0.1", 0)) for name in ("registry", "data")}
    for name, listening in opened.items():
        await runner.listen(listening, roles=NAMED_ROLES[name])
    port = {name: listening.getsockname()[1] for name, listening in opened.items()}
    try:
        for _ in range(3):
            assert await _read(port["registry"], "/subjects") == b"HTTP/1.1 200 OK"
            assert await _read(port["data"], "/subjects") == b"HTTP/1.1 404 Not Found"
    finally:
        await runner.cleanup()
