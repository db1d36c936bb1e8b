"""Queues on two nodes: receipts work at either, and a node that is killed with leases loses no record."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import aiohttp
import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster.application_clients import HttpClient, Receiver
from tests.cluster.queue_history import QueueHistory
from tests.service_process import ServiceProcess
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.long]

_RECORDS = 60
_RECEIVERS = 4
"""At each node."""
_SECONDS = 150
"""A lock lasts 15 s, and a node that does not answer leaves its groups after 45 s."""


class Node:
    """A service process and a client of it."""

    def __init__(self, process: ServiceProcess, session: aiohttp.ClientSession) -> None:
        self.process = process
        self.session = session

    async def call(self, method: str, path: str, body: object, sent_as: str = "application/json") -> tuple[int, Any]:
        headers = {"Content-Type": sent_as}
        async with self.session.request(method, self.process.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def nodes(kafka: Cluster) -> AsyncIterator[list[Node]]:
    common = {"topic_name": f"_schemas-{secrets.token_hex(6)}", "advertised_hostname": "127.0.0.1"}
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        processes = [ServiceProcess(kafka.bootstrap_servers, **common) for _ in range(2)]
        for process in processes:
            stack.callback(process.stop)
            await asyncio.to_thread(process.start, wait=False)
        for process in processes:
            await asyncio.to_thread(process.wait)
        yield [Node(process, session) for process in processes]


async def test_a_node_that_is_killed_loses_no_record(nodes: list[Node]) -> None:
    """Its clients go to the other node; the locks of the killed one end, and its records come again."""
    name = f"queue-{secrets.token_hex(6)}"
    assert (await nodes[0].call("PUT", f"/queues/{name}/config", {"start": "earliest", "lock_duration_ms": 15_000}))[
        0
    ] == 204
    history = QueueHistory()
    killed, alive = nodes
    for number in range(_RECORDS):
        body = {"records": [{"value": f"record {number}"}]}
        status, _ = await alive.call("POST", f"/topics/{name}", body, "application/vnd.kafka.json.v2+json")
        assert status == 200
        history.produced.add(f"record {number}")
    clients = [HttpClient(node.session, partial(getattr, node.process, "url")) for node in nodes]
    receiver = Receiver(name, name, history, max_records=2)
    receiving = [asyncio.create_task(_receive(clients, at % 2, receiver, history)) for at in range(2 * _RECEIVERS)]

    async def has_begun() -> bool:
        return len(history.accepted) > _RECORDS // 6

    await until(has_begun)
    killed.process.send(signal.SIGKILL)
    try:
        async with asyncio.timeout(_SECONDS):
            await asyncio.gather(*receiving)
    except TimeoutError:
        missing = history.produced - history.accepted.keys() - history.unknown
        deliveries = {record: history.deliveries[record] for record in missing}
        pytest.fail(f"never accepted, with their deliveries: {deliveries}; last answer: {history.last_answer}")
    assert list(history.find_violations()) == []


async def _receive(clients: list[HttpClient], first: int, receiver: Receiver, history: QueueHistory) -> None:
    """Receive at one node and acknowledge at the other, where both answer, until every record is accepted."""
    at = first
    while not history.is_done:
        if not await receiver.receive(clients[at], clients[1 - at], clients[at]):
            at = 1  # the node that is not killed
