"""Relays between nodes and brokers: what goes to Kafka and comes from there can be held back for one node alone."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from karapace_like.kafka.broker import HOST
from karapace_like.kafka.cluster import Cluster

_CHUNK = 65_536


class Relay:
    """One node's way to all brokers; everything passes until it is cut."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        """`delay` is by how many seconds brokers' answers come later."""
        self._delay = delay
        self.name = name
        """Of the brokers' listener that it leads to."""
        self.ports: list[int] = []
        """Where it listens, by broker."""
        self.targets: Sequence[str] = ()
        self._loop = loop
        self._passes = asyncio.Event()
        self._passes.set()

    def cut(self) -> None:
        """Connections stay, and nothing passes; what is sent meanwhile arrives afterwards, as packets sent again do."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def heal(self) -> None:
        """Let everything pass again."""
        self._loop.call_soon_threadsafe(self._passes.set)

    @property
    def servers(self) -> str:
        """`host:port,...`, in the form of Kafka's clients."""
        return ",".join(f"{HOST}:{port}" for port in self.ports)

    async def listen(self, brokers: int) -> list[asyncio.Server]:
        """For each broker at a port of its own."""
        found: list[asyncio.Server] = []
        for broker in range(brokers):

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broker: int = broker) -> None:
                await self._serve(broker, reader, writer)

            found.append(await asyncio.start_server(serve, HOST, 0))
            self.ports.append(found[-1].sockets[0].getsockname()[1])
        return found

    async def _serve(self, broker: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.targets[broker].rpartition(":")
        try:
            with suppress(OSError):
                await self._passes.wait()
                there, to_there = await asyncio.open_connection(host, int(port))
                try:
                    await asyncio.gather(self._pass(reader, to_there, 0), self._pass(there, writer, self._delay))
                finally:
                    to_there.close()
        finally:
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._passes.wait()
                await asyncio.sleep(delay)
                writer.write(chunk)
                await writer.drain()
        writer.close()


class Relays:
    """A relay for each node; inside of the block they listen, on a thread of their own."""

    def __init__(self, nodes: int, brokers: int, *, delay: float = 0.0) -> None:
        self._loop = asyncio.new_event_loop()
        self.all = [Relay(f"NODE{number}", self._loop, delay) for number in range(nodes)]
        self._brokers = brokers
        self._listening = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="relays")

    @property
    def listeners(self) -> Mapping[str, str]:
        """What the brokers have to listen at, for `Cluster`."""
        return {relay.name: "PLAINTEXT" for relay in self.all}

    @property
    def advertised(self) -> Mapping[str, Sequence[int]]:
        """Where they are to say that this is, for `Cluster`."""
        return {relay.name: relay.ports for relay in self.all}

    def lead_to(self, kafka: Cluster) -> None:
        """The brokers are up."""
        for relay in self.all:
            relay.targets = kafka.servers(relay.name).split(",")

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_over())

    async def _until_over(self) -> None:
        servers = [server for relay in self.all for server in await relay.listen(self._brokers)]
        self._listening.set()
        await self._over.wait()
        for server in servers:
            server.close()
