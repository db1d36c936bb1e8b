"""Consumer instances that clients name, made at the same time through the workers of one node: one is made, ever."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession, TCPConnector

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.waiting import until

pytestmark = pytest.mark.long

_ROUNDS = 40
_CLIENTS = 8
"""Each with a connection of its own, so that every worker has some."""
_HEADERS = {"Content-Type": "application/vnd.kafka.v2+json"}


@pytest.fixture(scope="module")
def node(kafka: Cluster) -> Iterator[ServiceProcess]:
    with ServiceProcess(kafka.bootstrap_servers, workers=3) as process:
        yield process


@pytest.fixture
async def session(node: ServiceProcess) -> AsyncIterator[ClientSession]:
    async with ClientSession(node.url, headers=_HEADERS, connector=TCPConnector(force_close=True)) as found:
        yield found


async def created(session: ClientSession, group: str) -> tuple[int, int | None]:
    """(status, error code) of making the instance `mine` of the group."""
    async with session.post(f"/consumers/{group}", json={"name": "mine"}) as answer:
        return answer.status, (await answer.json(content_type=None)).get("error_code")


async def deleted(session: ClientSession, group: str) -> int:
    async with session.delete(f"/consumers/{group}/instances/mine") as answer:
        return answer.status


async def test_of_many_that_are_made_at_the_same_time_one_is(session: ClientSession, node: ServiceProcess) -> None:
    """Whoever comes later is told that there is one, through any worker, until it is deleted."""
    for number in range(_ROUNDS):
        group = f"{node.topic}-{number}"
        for _ in range(2):  # what was deleted may be made again
            found = Counter(await asyncio.gather(*(created(session, group) for _ in range(_CLIENTS))))
            assert found == {(200, None): 1, (409, 40902): _CLIENTS - 1}, group
            assert await created(session, group) == (409, 40902)
            assert await deleted(session, group) == 204
            assert await deleted(session, group) == 404


async def test_the_names_of_a_worker_that_is_killed_are_free(session: ClientSession, node: ServiceProcess) -> None:
    """One of the node's workers has each of them then, whichever."""
    groups = [f"{node.topic}-killed-{number}" for number in range(12)]
    os.kill(node.worker(0), signal.SIGSTOP)  # so that the others have them
    try:
        for group in groups:
            assert await created(session, group) == (200, None)
    finally:
        os.kill(node.worker(0), signal.SIGCONT)
    for number in (1, 2):
        before = node.worker(number)
        os.kill(before, signal.SIGKILL)

        async def is_ready(number: int = number, before: int = before) -> bool:
            """Whether another one has taken its place."""
            pid = node.worker(number)
            started = [at for at, line in enumerate(node.lines) if line.endswith(f"Worker {number} is process {pid}")]
            return pid != before and any(f"Worker {number} is ready" in each for each in node.lines[started[-1] :])

        await until(is_ready)
    for group in groups:
        found = Counter(await asyncio.gather(*(created(session, group) for _ in range(_CLIENTS))))
        assert found == {(200, None): 1, (409, 40902): _CLIENTS - 1}
