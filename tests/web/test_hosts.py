"""DNS rebinding: an open node on loopback answers to loopback names only, and to those that its operator lists."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from karapace_like.config import Listener, Settings
from karapace_like.process.loopback import is_loopback
from karapace_like.serve.listeners import find_allowed_hosts, open_listeners
from karapace_like.web.app import RequestHandling, make_app
from tests.web.conftest import Api, Server, in_memory, leading

LOOPBACK = [
    "localhost",
    "LOCALHOST:8081",
    "localhost.",
    "a.localhost",
    "127.0.0.1",
    "127.8.9.1:80",
    "[::1]",
    "[::1]:8081",
]
FOREIGN = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "10.0.0.1", "[::2]", "1"]


async def ask(client: AiohttpClient, host: str, *allowed: str) -> tuple[int, str]:
    registry, log = in_memory()
    async with leading(registry):
        server = Server(make_app(registry, handling=RequestHandling(allowed_hosts=allowed)))
        await server.start_server()
        api = Api(await client(server), log, registry)
        status = 0
        for _ in range(3):
            status, body = await api("GET", "/subjects", headers={"Host": host})
        return status, "" if status == 200 else body["message"]


@pytest.mark.parametrize("host", LOOPBACK)
async def test_loopback_names_are_served(aiohttp_client: AiohttpClient, host: str) -> None:
    assert await ask(aiohttp_client, host) == (200, "")


@pytest.mark.parametrize("host", FOREIGN)
async def test_other_names_are_refused(aiohttp_client: AiohttpClient, host: str) -> None:
    status, message = await ask(aiohttp_client, host)
    assert status == 421
    assert f"the Host header names {host}" in message
    assert "http_allowed_hosts" in message


async def test_listed_names_are_served(aiohttp_client: AiohttpClient) -> None:
    assert (await ask(aiohttp_client, "Registry.example.org:80", "registry.example.org"))[0] == 200
    assert (await ask(aiohttp_client, "evil.example", "registry.example.org"))[0] == 421


@pytest.mark.parametrize(
    ("host", "options", "has_access_control", "allowed"),
    [
        ("127.0.0.1", {}, False, ()),
        ("localhost", {}, False, ()),
        ("127.0.0.1", {"advertised_hostname": "registry-1"}, False, ("registry-1",)),
        ("127.0.0.1", {}, True, None),
        ("0.0.0.0", {}, False, None),
        ("127.0.0.1", {"http_allowed_hosts": "a, b"}, True, ("a", "b")),
        ("0.0.0.0", {"http_allowed_hosts": "a"}, False, ("a",)),
    ],
)
def test_which_nodes_are_choosy(
    host: str, options: dict[str, Any], allowed: tuple[str, ...] | None, *, has_access_control: bool
) -> None:
    with ExitStack() as stack:
        sockets = open_listeners([Listener(host, 0)])
        for listening in sockets:
            stack.enter_context(listening.socket)
        found = find_allowed_hosts(Settings(**options), sockets, has_access_control=has_access_control)
    assert found == allowed


def test_a_name_that_resolves_to_loopback_is_not_loopback() -> None:
    assert not is_loopback(socket.gethostname())
