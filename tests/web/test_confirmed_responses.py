"""Known schemas at a node that is not the primary: the cached response, once the topic's end is known to be read."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.web.app import make_app
from karapace_like.web.server import connection
from karapace_like.web.server.connection import Connection
from karapace_like.web.server.request_heads import RequestHead
from tests.waiting import until
from tests.web.conftest import Server, in_memory, leading

BODY = b'{"schema":"\\"int\\""}'
KNOWN = b"POST /subjects/s/versions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
UNKNOWN = b"GET /subjects/s/versions/9 HTTP/1.1\r\nHost: a\r\n\r\n"
DELETED = b"DELETE /subjects/s/versions/1 HTTP/1.1\r\nHost: a\r\n\r\n"
FIRST, SECOND = (200, 1), (200, 2)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.send = writer.write
        self.close = writer.close
        self.port: int = writer.get_extra_info("peername")[1]

    async def receive(self) -> tuple[int, int]:
        """Return the status of the next response, and the version or the error's code in it."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        (length,) = (line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        told = json.loads(await self._reader.readexactly(int(length.split(b":")[1])))
        return int(head.split()[1]), told if isinstance(told, int) else told.get("version") or told["error_code"]

    async def ask(self, data: bytes = KNOWN) -> tuple[int, int]:
        self.send(data)
        return await self.receive()


class Follower:
    """A node whose view of the topic's end the test decides, beside the primary."""

    def __init__(self) -> None:
        (self.primary, self.log), (self.registry, others_log) = in_memory(), in_memory()
        others_log.end = self.find_end  # type: ignore[method-assign]
        self.ends_asked = 0
        self.failure: KafkaFailure | None = None
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def find_end(self) -> int:
        self.ends_asked += 1
        await self.is_open.wait()
        if self.failure is not None:
            raise self.failure
        return len(self.log.records)

    async def waits(self) -> bool:
        """Whether records are waited for that the test has not let it read."""
        return bool(self.registry._position._waiters)

    def read(self) -> None:
        """Take all that was written."""
        self.registry.apply_batch(self.log.records[self.registry.position :], len(self.log.records))


class Nodes(NamedTuple):
    """The follower, a connection to it and one to the primary, and the requests that aiohttp gets at the follower."""

    follower: Follower
    client: Client
    writer: Client
    handed_over: list[bytes]


@pytest.fixture
async def nodes(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nodes]:
    """The schema is known to both, and the follower has answered for it once."""
    follower = Follower()
    handed_over: list[bytes] = []
    async with leading(follower.primary), AsyncExitStack() as stack:
        clients = []
        for registry in (follower.primary, follower.registry):
            server = Server(make_app(registry))
            stack.push_async_callback(server.close)
            await server.start_server()
            clients.append(Client(*await asyncio.open_connection(server.host, server.port)))
            stack.callback(clients[-1].close)
        writer, client = clients
        assert await writer.ask() == FIRST
        follower.read()
        assert await client.ask() == FIRST
        leave_to_aiohttp = Connection._leave_to_aiohttp

        def note(self: Connection, head: RequestHead | None, data: bytes) -> None:
            assert self.transport is not None
            if self.transport.get_extra_info("sockname")[1] == server.port:
                handed_over.append(data)
            leave_to_aiohttp(self, head, data)

        monkeypatch.setattr(Connection, "_leave_to_aiohttp", note)
        follower.ends_asked = 0
        yield Nodes(follower, client, writer, handed_over)


async def test_the_cached_response_is_sent_once_kafka_was_asked(nodes: Nodes) -> None:
    assert [await nodes.client.ask() for _ in range(3)] == [FIRST] * 3
    assert nodes.follower.ends_asked == 3
    assert nodes.handed_over == []


async def test_what_was_written_elsewhere_is_waited_for(nodes: Nodes) -> None:
    """The cached response names a version that is deleted by then."""
    follower, client, writer, handed_over = nodes
    assert await writer.ask(DELETED) == (200, 1)
    assert await writer.ask() == SECOND
    client.send(KNOWN)
    await until(follower.waits)
    assert handed_over == []
    follower.read()
    assert await client.receive() == SECOND
    assert handed_over == [KNOWN]
    assert await client.ask() == SECOND
    assert handed_over == [KNOWN]


async def test_what_has_changed_here_is_not_waited_for(nodes: Nodes) -> None:
    follower, client, writer, handed_over = nodes
    await writer.ask(DELETED)
    await writer.ask()
    follower.read()
    assert await client.ask() == SECOND
    assert handed_over == [KNOWN]


async def test_requests_that_come_meanwhile_are_answered_in_order(nodes: Nodes) -> None:
    follower, client, _, handed_over = nodes
    follower.is_open.clear()
    for data in (KNOWN, UNKNOWN, KNOWN):
        client.send(data)
        await until(lambda: _has_asked(follower))
    follower.is_open.set()
    assert [await client.receive() for _ in range(3)] == [FIRST, (404, 40402), FIRST]
    assert UNKNOWN in b"".join(handed_over)


async def _has_asked(follower: Follower) -> bool:
    return follower.ends_asked > 0


@pytest.mark.parametrize("is_slow", [True, False])
async def test_aiohttp_waits_where_kafka_is_slow_or_away(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, is_slow: object
) -> None:
    """The request is answered as any other then, when Kafka is back."""
    follower, client, _, handed_over = nodes
    monkeypatch.setattr(connection, "_CONFIRM_SECONDS", 0.01)
    if is_slow:
        follower.is_open.clear()
    else:
        follower.failure = KafkaFailure("_TRANSPORT", "away", retriable=True)
    client.send(KNOWN)
    await until(lambda: _has(handed_over))
    follower.failure = None
    follower.is_open.set()
    assert await client.receive() == FIRST
    assert handed_over == [KNOWN]


async def _has(found: list[bytes]) -> bool:
    return bool(found)


async def test_a_failure_that_stays_is_the_response(nodes: Nodes) -> None:
    nodes.follower.failure = KafkaFailure("TOPIC_AUTHORIZATION_FAILED", "denied")
    assert await nodes.client.ask() == (500, 50001)
    nodes.follower.failure = None
    assert await nodes.client.ask() == FIRST


async def test_a_client_that_has_gone_is_no_fault(nodes: Nodes, caplog: pytest.LogCaptureFixture) -> None:
    follower, client, _, handed_over = nodes
    follower.is_open.clear()
    client.send(KNOWN)
    await until(lambda: _has_asked(follower))
    client.close()
    follower.is_open.set()
    other = Client(*await asyncio.open_connection("127.0.0.1", client.port))
    assert await other.ask() == FIRST
    other.close()
    assert handed_over == []
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
