"""The one reader of what is written to a topic from now on, which all that wait for it in this process share.

It joins no group and starts at the end.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from karapace_like.background import BackgroundTasks
from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.ports import ClusterAdmin, Reader
from karapace_like.records import ConsumedRecord, TopicPartition, positions_after

logger = logging.getLogger(__name__)

_BATCH = 500
_LOOK_SECONDS = 0.5
_PAUSE_SECONDS = 1.0
_PARTITIONS_SECONDS = 30.0
"""How often it is noticed that the topic has got more partitions."""
_IDLE_SECONDS = 60.0
"""How long the reader stays when nobody waits."""

Deliver = Callable[[ConsumedRecord], None]


class TopicTail:
    """Reads one topic while it is in use, and for a minute after."""

    def __init__(
        self,
        name: str,
        admin: ClusterAdmin,
        deliver: Deliver,
        is_in_use: Callable[[], bool],
        background: BackgroundTasks,
    ) -> None:
        """`deliver` gets every record; it must not wait. `is_in_use`: whether anybody waits."""
        self.name = name
        self._admin = admin
        self._deliver = deliver
        self._is_in_use = is_in_use
        self._background = background
        self._positions: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    @property
    def is_closed(self) -> bool:
        """Whether the reader has ended, or never begun."""
        return self._task is None or self._task.done()

    @property
    def partitions(self) -> frozenset[int]:
        """The numbers of the partitions that are read."""
        return frozenset(at.partition for at in self._positions)

    async def open(self, on_begin: Callable[[Mapping[TopicPartition, int]], None] = lambda _: None) -> None:
        """Read from the end, unless that has begun: later records are delivered. Raises ProxyError, 40403.

        `on_begin` gets the ends where it begins.
        """
        async with self._opening:
            if self.is_closed:
                with errors.translate_kafka_failures():
                    self._positions = await self._find_ends()
                on_begin(dict(self._positions))
                self._task = self._background.run_once("reader of a topic's end", self._run())

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _find_ends(self) -> dict[TopicPartition, int]:
        described = await self._admin.topic(self.name)
        partitions = [TopicPartition(self.name, number) for number in described.partitions]
        bounds = await asyncio.gather(*map(self._admin.bounds, partitions))
        return {at: end for at, (_, end) in zip(partitions, bounds, strict=True)}

    async def _run(self) -> None:
        """Read until the topic is not in use; begin again where the brokers fail."""
        used = asyncio.get_running_loop().time()
        while self._is_in_use() or asyncio.get_running_loop().time() - used < _IDLE_SECONDS:
            try:
                reader = self._admin.reader(self._positions, is_prompt=True)
                try:
                    used = await self._read(reader, used)
                finally:
                    await reader.close()
                await self._add_partitions()
            except KafkaFailure as failure:
                logger.warning("The end of the topic %s cannot be read: %s", self.name, failure.message)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, reader: Reader, used: float) -> float:
        """Deliver records until it is time to look for partitions, or to stop; return when it was in use last."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _PARTITIONS_SECONDS
        while loop.time() < until and loop.time() - used < _IDLE_SECONDS:
            records = await reader.read(_BATCH, wait=_LOOK_SECONDS)
            for record in records:
                self._deliver(record)
            self._positions.update(positions_after(records))
            if self._is_in_use():
                used = loop.time()
        return used

    async def _add_partitions(self) -> None:
        """Read partitions that were added meanwhile, from their beginning."""
        described = await self._admin.topic(self.name)
        added: Mapping[TopicPartition, int] = {TopicPartition(self.name, number): 0 for number in described.partitions}
        self._positions = {**added, **self._positions}
