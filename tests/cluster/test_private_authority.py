"""Nodes that speak HTTPS with each other by an authority of their own, and know each other by their certificates."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector

from karapace_like.config import ConfigError, load
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.waiting import until
from tests.web.access.certificates import Authority
from tests.web.access.conftest import written

GRANTS = [{"principals": ["CN=alice"], "operations": ["read", "write"], "resource": "subject"}]
SCHEMA = {"schema": '"int"'}
_SECONDS = 120


class Nodes:
    """Two of one group, each with a certificate of the authority that it takes clients' by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority("private")
        self.cafile = self.authority.write(folder / "ca.pem")
        self.node = self.authority.issue(folder / "node.pem", "O=nodes,CN=node")
        self.authfile = folder / "auth.json"
        self.authfile.write_bytes(written({}, GRANTS))

    def settings(self) -> dict[str, Any]:
        return {
            "server_tls_certfile": self.node,
            "server_tls_cafile": self.cafile,
            "server_tls_client_auth": "required",
            "registry_authfile": self.authfile,
            "forwarding_cafile": self.cafile,
            "forwarding_certfile": self.node,
            "forwarding_principals": ".*,O=nodes",
        }

    def client(self, subject: str, authority: Authority | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.cafile)
        issuing = self.authority if authority is None else authority
        context.load_cert_chain(issuing.issue(self.folder / "client.pem", subject))
        return context


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    return Nodes(tmp_path)


@pytest.fixture
def running(kafka: Cluster, nodes: Nodes) -> Iterator[list[ServiceProcess]]:
    with ExitStack() as stack:
        first = stack.enter_context(ServiceProcess(kafka.bootstrap_servers, **nodes.settings()))
        settings = nodes.settings() | {"topic_name": first.topic}
        yield [first, stack.enter_context(ServiceProcess(kafka.bootstrap_servers, **settings))]


async def asked(context: ssl.SSLContext, method: str, url: str, body: object = None, **headers: str) -> tuple[int, Any]:
    """On a connection of its own."""
    connector = TCPConnector(ssl=context)
    async with (
        ClientSession(connector=connector, headers={name.replace("_", "-"): it for name, it in headers.items()}) as it,
        it.request(method, url, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def follower(running: list[ServiceProcess], context: ssl.SSLContext) -> ServiceProcess:
    """The node that is not the primary, once both have found one."""
    async with asyncio.timeout(_SECONDS):
        while True:
            found = [(await asked(context, "GET", f"{each.url}/_health"))[1]["status"] for each in running]
            urls = {each["schema_registry_primary_url"] for each in found}
            if len(urls) == 1 and urls <= {each.url for each in running}:
                return next(each for each in running if each.url not in urls)
            await asyncio.sleep(0.05)


@pytest.mark.long
async def test_a_write_is_sent_on_in_the_name_of_who_showed_his_certificate(
    running: list[ServiceProcess], nodes: Nodes
) -> None:
    """His connection ends at the first node, whose own certificate makes the other believe it."""
    alice, bob = nodes.client("CN=alice"), nodes.client("CN=bob")
    asked_of = await follower(running, alice)
    path = f"{asked_of.url}/subjects/a/versions"
    status, told = await asked(alice, "POST", path, SCHEMA)
    assert (status, told["id"]) == (200, 1)
    assert (await asked(bob, "POST", path, SCHEMA))[0] == 403
    for each in running:
        assert "cannot be reached" not in "\n".join(each.lines)


async def test_a_clients_certificate_does_not_make_it_a_node(running: list[ServiceProcess], nodes: Nodes) -> None:
    alice = nodes.client("CN=alice")
    for each in running:
        for claimed in ({}, {"X_Worker_Certified": "CN%3Droot"}, {"X_Forward_Secret": ""}):
            status, told = await asked(alice, "GET", f"{each.url}/subjects", None, X_Forward="true", **claimed)
            assert (status, told["error_code"]) == (403, 403)
        # Without the mark it is only not believed.
        path, bob = f"{each.url}/subjects/a/versions", nodes.client("CN=bob")
        assert (await asked(bob, "GET", path, X_Worker_Certified="CN%3Dalice"))[0] == 403


async def test_the_nodes_certificate_may_change_while_they_run(running: list[ServiceProcess], nodes: Nodes) -> None:
    """The authority, too: both in the file first, then every node's certificate, then the old one is removed.

    Passes if every wait ends.
    """
    alice = nodes.client("CN=alice")
    asked_of = await follower(running, alice)
    after = Authority("private-2")
    new = after.write(nodes.folder / "ca2.pem").read_bytes()
    old = nodes.cafile.read_bytes()
    context = nodes.client("CN=alice", after)
    context.load_verify_locations(nodes.folder / "ca2.pem")

    async def until_taken(*contexts: ssl.SSLContext) -> None:
        for each in running:
            for trusting in contexts:
                async with asyncio.timeout(_SECONDS):
                    while not await asyncio.to_thread(_connects, trusting, each.url):
                        await asyncio.sleep(0.05)

    nodes.cafile.write_bytes(old + new)
    await until_taken(context)
    after.issue(nodes.node, "O=nodes,CN=node")
    only_new = ssl.create_default_context(cafile=nodes.folder / "ca2.pem")
    only_new.load_cert_chain(nodes.folder / "client.pem")
    await until_taken(only_new)
    nodes.cafile.write_bytes(new)
    # A worker may still have the old one.
    await until(partial(_registers, only_new, f"{asked_of.url}/subjects/b/versions"))


async def _registers(context: ssl.SSLContext, url: str) -> bool:
    try:
        return (await asked(context, "POST", url, SCHEMA))[0] == 200
    except ClientConnectorCertificateError:
        return False


@pytest.mark.long
async def test_every_worker_speaks_https_with_the_files_of_today(kafka: Cluster, nodes: Nodes) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=2, **nodes.settings()) as service:
        alice = nodes.client("CN=alice")
        for _ in range(8):
            assert (await asked(alice, "POST", f"{service.url}/subjects/w/versions", SCHEMA))[0] == 200
        before = await asyncio.to_thread(_serial, alice, service.url)
        nodes.authority.issue(nodes.node, "O=nodes,CN=node")
        in_a_row = 0
        async with asyncio.timeout(_SECONDS):
            while in_a_row < 16:  # so many, so that each worker was asked
                found = await asyncio.to_thread(_serial, alice, service.url)
                in_a_row = 0 if found == before else in_a_row + 1


def _serial(context: ssl.SSLContext, url: str) -> str:
    """The serial number of the certificate that the service shows."""
    host, port = url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        found = secured.getpeercert()
    assert found is not None
    return str(found["serialNumber"])


def _connects(context: ssl.SSLContext, url: str) -> bool:
    """Whether both sides take each other's certificate; blocks."""
    connection = HTTPSConnection(url.removeprefix("https://"), context=context, timeout=_SECONDS)
    try:
        connection.request("GET", "/_health")
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"forwarding_principals": "("}, "forwarding_principals"),
        ({"forwarding_principals": "x"}, "forwarding_certfile"),
        ({"forwarding_principals": "x", "forwarding_certfile": "x"}, "server_tls_client_auth"),
    ],
)
def test_settings_that_do_not_go_together(flags: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named.replace("_", "[-_]")):
        load(environment={}, flags=flags)
