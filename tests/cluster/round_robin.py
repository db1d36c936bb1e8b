"""A load balancer that knows nothing of HTTP: each connection goes to the next node that takes one."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

_CHUNK = 65_536


@contextlib.asynccontextmanager
async def round_robin(urls: Sequence[str]) -> AsyncIterator[str]:
    """The balancer's own URL, inside of the block."""
    addresses = [(each.hostname, each.port) for each in map(urlsplit, urls)]
    turns = itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            first = next(turns) % len(addresses)
            for host, port in addresses[first:] + addresses[:first]:
                with contextlib.suppress(OSError):
                    there, back = await asyncio.open_connection(host, port)
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
