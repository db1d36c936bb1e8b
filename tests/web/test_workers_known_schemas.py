"""Known schemas registered again at a worker that does not write: when that has to wait, and for what."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

import pytest
from aiohttp import ClientSession

from karapace_like.registry.registry import Registry
from karapace_like.replication.shared_progress import SharedProgress
from karapace_like.web.app import make_app
from tests.waiting import until
from tests.web.conftest import MemoryLog, Server, in_memory, leading

Ask = Callable[[str, str, object], Coroutine[object, object, tuple[int, int | None]]]
"""(method, path, body) -> the answer's status, and the version that it names."""

KNOWN = ("POST", "/subjects/s/versions", {"schema": '"int"'})
FIRST, SECOND = (200, 1), (200, 2)


class Pair(NamedTuple):
    """The worker that writes and another one, which reads when the test says so."""

    write: Ask
    ask: Ask
    writer: Registry
    other: Registry
    log: MemoryLog
    ends_asked: list[int]
    """By the other."""

    def read(self) -> None:
        """Let the other take all that was written."""
        self.other.apply_batch(self.log.records[self.other.progress.position :], len(self.log.records))


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """The schema is known to both, and nobody else can be elected for long."""
    (writer, log), (other, others_log) = in_memory(), in_memory()
    ends_asked: list[int] = []

    async def end() -> int:
        ends_asked.append(other.progress.position)
        return len(log.records)

    async def is_not_waited_for(_: int) -> None:
        pass

    others_log.end = end  # type: ignore[method-assign]
    with tempfile.TemporaryFile() as file:
        file.truncate(SharedProgress.size(2))
        for number, registry in enumerate((writer, other)):
            registry.share_with(is_not_waited_for, SharedProgress(file.fileno(), number))
    async with leading(writer), AsyncExitStack() as stack:
        writer.extend_lease(time.monotonic() + 1e6)
        write, ask = [await _asking(stack, each) for each in (writer, other)]
        found = Pair(write, ask, writer, other, log, ends_asked)
        assert await write(*KNOWN) == FIRST
        found.read()
        yield found


async def _asking(stack: AsyncExitStack, registry: Registry) -> Ask:
    server = Server(make_app(registry))
    stack.push_async_callback(server.close)
    await server.start_server()
    session = await stack.enter_async_context(ClientSession())

    async def ask(method: str, path: str, body: object) -> tuple[int, int | None]:
        async with session.request(method, server.make_url(path), json=body) as answer:
            told = await answer.json(content_type=None)
            return answer.status, told.get("version") if isinstance(told, dict) else None

    return ask


async def test_what_every_worker_has_read_is_answered_without_asking_kafka(pair: Pair) -> None:
    assert [await pair.ask(*KNOWN) for _ in range(3)] == [FIRST] * 3
    assert pair.ends_asked == []


async def test_what_another_worker_has_read_is_waited_for(pair: Pair) -> None:
    """A client may have been told of it there. Also where the answer was remembered."""
    await pair.ask(*KNOWN)
    assert (await pair.write("DELETE", "/subjects/s/versions/1", None))[0] == 200
    assert await pair.write(*KNOWN) == SECOND
    asked = asyncio.create_task(pair.ask(*KNOWN))
    await until(partial(_waits, pair.other))
    assert not asked.done()
    pair.read()
    assert await asked == SECOND
    assert pair.ends_asked == []


async def _waits(registry: Registry) -> bool:
    return bool(registry._position._waiters)


@pytest.mark.parametrize("until_when", [0.0, 1.0])
async def test_kafka_is_asked_once_another_node_may_have_been_elected(pair: Pair, until_when: float) -> None:
    """As the election says, or as time goes by."""
    await pair.ask(*KNOWN)
    pair.writer.extend_lease(until_when)
    assert await pair.ask(*KNOWN) == FIRST
    assert len(pair.ends_asked) == 1


async def test_kafka_is_asked_once_the_node_is_not_the_primary_any_more(pair: Pair) -> None:
    """Though its worker is in the election."""
    pair.writer.term = None
    pair.writer.extend_lease(time.monotonic() + 1e6)
    assert await pair.ask(*KNOWN) == FIRST
    assert len(pair.ends_asked) == 1
