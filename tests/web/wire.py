"""A connection on which bytes are sent as they are; all that comes back is kept, also where the server breaks it."""

import asyncio
import re
from typing import Any

from aiohttp.test_utils import TestClient

_SECONDS = 120
"""A server that has not closed by then hangs."""


class Wire(asyncio.Protocol):
    """One connection. A server that closes while bytes still come resets it: what it answered before counts."""

    def __init__(self) -> None:
        self._answered = bytearray()
        self._closed = asyncio.get_running_loop().create_future()
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def to(cls, client: TestClient[Any, Any]) -> "Wire":
        port = client.port
        assert port is not None
        _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._answered += data

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._closed.set_result(None)

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    async def answered(self) -> bytes:
        """All that is answered until the server closes."""
        async with asyncio.timeout(_SECONDS):
            await self._closed
        return bytes(self._answered)

    async def ask(self, data: bytes) -> bytes:
        self.send(data)
        return await self.answered()

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


def statuses(answered: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.[01] ([0-9]{3}) ", answered)]
