"""Beyond its bounds the service refuses at once and says when to come again; what it has taken in, it answers."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from karapace_like.records import LogEntry
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.web.app import RequestHandling, make_app
from karapace_like.web.operations.health import ElectionElsewhere, Health
from tests.web.conftest import MemoryLog, Server, leading


class SlowLog(MemoryLog):
    """Appends nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.asked = asyncio.Event()

    async def append(self, batch: Sequence[LogEntry]) -> int:
        self.asked.set()
        await self.let.wait()
        return await super().append(batch)


async def flood(
    *, requests: int, max_requests: int, max_waiting: int, server_class: type[TestServer] = TestServer
) -> tuple[Counter[tuple[int, str | None]], int]:
    """Send registrations while Kafka does not answer, then let it; (status, Retry-After) of all, and versions made.

    One was registered before, which is not counted.
    """
    log = SlowLog()
    registry = Registry(log, Rules(), max_waiting=max_waiting)
    log.registry = registry
    registry.begin_replay(0)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(leading(registry))
        server = server_class(
            make_app(
                registry,
                health=Health(registry, ElectionElsewhere()),
                handling=RequestHandling(max_requests=max_requests),
            )
        )
        connector = aiohttp.TCPConnector(limit=0)
        client = await stack.enter_async_context(TestClient(server, connector=connector))

        async def register(number: int) -> tuple[int, str | None]:
            path = f"/subjects/s{number}/versions"
            async with client.post(path, json={"schema": f'{{"type":"fixed","name":"f{number}","size":1}}'}) as answer:
                await answer.read()
                return answer.status, answer.headers.get("Retry-After")

        log.let.set()
        assert await register(requests) == (200, None)
        log.let.clear()
        log.asked.clear()
        first = asyncio.create_task(register(0))
        await log.asked.wait()
        others = [asyncio.create_task(register(number)) for number in range(1, requests)]
        refused = requests - min(max_requests, 1 + max_waiting)
        done: set[asyncio.Task[tuple[int, str | None]]] = set()
        while len(done) < refused:
            done |= (await asyncio.wait(set(others) - done, return_when=asyncio.FIRST_COMPLETED))[0]
        async with client.get("/health/live") as answer:
            assert answer.status == 200
        log.let.set()
        return Counter(await asyncio.gather(first, *others)), len(list(registry.read().all_versions())) - 1


@pytest.mark.parametrize("server_class", [TestServer, Server])
async def test_more_requests_than_the_bound_are_refused_at_once(server_class: type[TestServer]) -> None:
    """Also those that the response cache answers by the function of the first."""
    outcomes, versions = await flood(requests=40, max_requests=10, max_waiting=100, server_class=server_class)
    assert outcomes == {(200, None): 10, (429, "1"): 30}
    assert versions == 10


async def test_more_writes_than_can_wait_for_a_batch_are_refused_at_once() -> None:
    """Nothing of them is written; reads go on meanwhile."""
    outcomes, versions = await flood(requests=40, max_requests=100, max_waiting=10)
    assert outcomes == {(200, None): 11, (429, "1"): 29}
    assert versions == 11
