"""Load balancers that know nothing of HTTP: each connection goes to the next node."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from urllib.parse import urlsplit

import aiohttp

from tests.service_process import ServiceProcess

_CHUNK = 65_536
_LOOK_SECONDS = 0.1
_LATE_CONNECTIONS = 12
"""Connections that a node is sent after its first failed probe."""


@contextlib.asynccontextmanager
async def round_robin(urls: Sequence[str]) -> AsyncIterator[str]:
    """The URL of a balancer, inside of the block, that takes the next node where one refuses the connection."""
    turns = itertools.count()

    def choose() -> Sequence[str]:
        first = next(turns) % len(urls)
        return [*urls[first:], *urls[:first]]

    async with balance(choose) as url:
        yield url


class LateBalancer:
    """Sends connections to the nodes that it takes for ready, and learns late that one is not.

    A node whose probe fails is sent some more connections before it is sent none. One that it refuses is closed: the
    client's request has failed.
    """

    def __init__(self, nodes: Sequence[ServiceProcess]) -> None:
        self._nodes = nodes
        self._turns = itertools.count()
        self._urls: dict[int, str] = {}
        """Number of the node -> where it was when it was last ready."""
        self._late: dict[int, int] = {}
        """Number of the node -> connections that it was sent since its probe fails."""

    def has(self, url: str) -> bool:
        """Whether connections are sent there."""
        return url in self._urls.values()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """The balancer's own URL, inside of the block."""
        looking = asyncio.create_task(self._look_repeatedly())
        async with balance(self._choose) as url:
            yield url
        looking.cancel()

    def _choose(self) -> Sequence[str]:
        known = sorted(self._urls)
        number = known[next(self._turns) % len(known)]
        if number in self._late:
            self._late[number] += 1
        return [self._urls[number]]

    async def _look_repeatedly(self) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            while True:
                for number, node in enumerate(self._nodes):
                    await self._look(session, number, node.url)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, session: aiohttp.ClientSession, number: int, url: str) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(f"{url}/health/ready") as answer:
                if answer.status == 200:
                    self._urls[number] = url
                    self._late.pop(number, None)
                    return
        if number in self._urls and self._late.setdefault(number, 0) >= _LATE_CONNECTIONS:
            del self._urls[number], self._late[number]


@contextlib.asynccontextmanager
async def balance(choose: Callable[[], Sequence[str]]) -> AsyncIterator[str]:
    """The URL, inside of the block, from which each connection goes to the first chosen node that takes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            for address in map(urlsplit, choose()):
                with contextlib.suppress(OSError):
                    there, back = await asyncio.open_connection(address.hostname, address.port)
                    with contextlib.closing(back):
                        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
                    return

    connections: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
