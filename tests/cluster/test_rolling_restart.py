"""Three nodes are restarted one after the other, behind a load balancer that learns late, and no request fails."""

import asyncio
import itertools
import json
import signal
from collections import Counter
from collections.abc import Callable

import aiohttp
import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.clients import never_twice
from tests.cluster.registry_nodes import RegistryNodes
from tests.cluster.round_robin import LateBalancer
from tests.service_process import ServiceProcess

_CLIENTS = 4
_SECONDS = 100
_LONG_DELAY_MS = 600_000
"""The test ends the delay with a second signal once the balancer has learned, which takes as long as it takes."""
_REQUESTS_BETWEEN = 3
"""Requests of each client that end between two steps, so that none is where the step before has left it."""
_BINARY = "application/vnd.kafka.binary.v2+json"


class Load:
    """Clients that send one request after the other, and never the same one twice."""

    def __init__(self, url: str, topic: str, known_id: int) -> None:
        self._url = url
        self._id = known_id
        self._topic = topic
        self.ended: Counter[str] = Counter()
        """Name of the client -> its requests that have ended, answered or not."""
        self.failed: list[str] = []

    async def run(self, name: str, *, keeps_connection: bool) -> None:
        """Register, read and produce in turn until cancelled."""
        connector = aiohttp.TCPConnector(force_close=not keeps_connection)
        async with aiohttp.ClientSession(connector=connector, middlewares=(never_twice,)) as session:
            for number in itertools.count():
                schema = json.dumps({"type": "fixed", "name": f"{name}{number}", "size": 4})
                await self._send(name, session, "POST", f"/subjects/{name}{number}/versions", {"schema": schema})
                await self._send(name, session, "GET", f"/schemas/ids/{self._id}")
                await self._send(name, session, "POST", f"/topics/{self._topic}", {"records": [{"value": "YQ=="}]})

    async def _send(
        self, name: str, session: aiohttp.ClientSession, method: str, path: str, body: object = None
    ) -> None:
        headers = {"Content-Type": _BINARY if path.startswith("/topics") else "application/json"}
        data = None if body is None else json.dumps(body)
        try:
            async with session.request(method, self._url + path, data=data, headers=headers) as response:
                answer = await response.json(content_type=None)
            if response.status != 200 or "'error_code': 5" in str(answer):  # of one record
                self.failed.append(f"{method} {path}: {response.status} {answer}")
        except aiohttp.ClientError as error:
            self.failed.append(f"{method} {path}: {error!r}")
        self.ended[name] += 1

    async def wait(self) -> None:
        """Return when some more requests of each client have ended."""
        wanted = {name: count + _REQUESTS_BETWEEN for name, count in self.ended.items()}
        await until(lambda: all(self.ended[name] >= count for name, count in wanted.items()))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def restart(node: ServiceProcess, balancer: LateBalancer, load: Load) -> None:
    """As an orchestrator does: tell it to stop, wait for its end, start it, and wait until it is used again."""
    url = node.url
    node.send(signal.SIGTERM)
    await until(lambda: not balancer.has(url))
    assert any("Not ready any more" in line for line in node.lines)
    await load.wait()
    assert await asyncio.to_thread(node.stop, signal.SIGINT) == 0
    await load.wait()
    await asyncio.to_thread(node.start)
    await until(lambda: balancer.has(node.url))
    await load.wait()


@pytest.mark.long
async def test_a_rolling_restart_behind_a_balancer_that_learns_late_loses_no_request(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """Clients with kept connections and without; the primary is among the nodes, whichever it is."""
    with RegistryNodes(kafka.bootstrap_servers, 3, shutdown_delay_ms=_LONG_DELAY_MS) as nodes:
        try:
            load = await restart_all(nodes, topic())
        finally:
            for node in nodes.all:
                node.send(signal.SIGINT)  # the second signal follows
    assert not load.failed, load.failed[:5]
    assert len(load.ended) == _CLIENTS


async def restart_all(nodes: RegistryNodes, topic: str) -> Load:
    """The load that was there meanwhile."""
    balancer = LateBalancer(nodes.all)
    # Through every node, which knows then what it has answered.
    asked = ("POST", "/subjects/known/versions", {"schema": '"int"'})
    (known,) = {(await asyncio.to_thread(call, node.url, *asked))["id"] for node in nodes.all}
    async with balancer.serve() as url:
        await until(lambda: all(balancer.has(node.url) for node in nodes.all))
        load = Load(url, topic, known)
        clients = [
            asyncio.create_task(load.run(f"client{number}_", keeps_connection=number % 2 == 0))
            for number in range(_CLIENTS)
        ]
        for node in nodes.all:
            await restart(node, balancer, load)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    return load


@pytest.mark.long
async def test_all_workers_of_a_node_fail_the_probe_and_serve(kafka: Cluster) -> None:
    """Whichever of them accepts the connection."""
    with ServiceProcess(kafka.bootstrap_servers, workers=2, shutdown_delay_ms=_LONG_DELAY_MS) as node:
        try:
            node.send(signal.SIGTERM)
            connector = aiohttp.TCPConnector(force_close=True)
            async with aiohttp.ClientSession(node.url, connector=connector) as session, asyncio.timeout(_SECONDS):
                statuses: list[int] = []
                while statuses[-10:] != [503] * 10:
                    async with session.get("/health/ready") as response:
                        statuses.append(response.status)
                for _ in range(10):
                    async with session.get("/subjects") as response:
                        assert (response.status, response.headers.get("Connection")) == (200, "close")
        finally:
            assert await asyncio.to_thread(node.stop, signal.SIGINT) == 0
