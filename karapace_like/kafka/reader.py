"""Reading partitions from given offsets on, outside of any consumer group: nothing is committed."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.kafka import translate
from karapace_like.kafka.messages import consumed
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import ConsumedRecord, TopicPartition, positions_after

logger = logging.getLogger(__name__)

_FIRST_WAIT = 0.001
_LONGEST_WAIT = 0.02
"""Seconds between two looks at whether something has come."""
_QUEUE_KBYTES = 4_096
"""How much is fetched ahead."""
_END = "_PARTITION_EOF"


class Reader:
    """Reads on from where it is. `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, positions: Mapping[TopicPartition, int]) -> None:
        """`positions` are the offsets to begin at. Raises KafkaFailure."""
        self._options: dict[str, Any] = kafka.client_options(
            group_id=kafka.client_id,  # the client wants one, but is in no group as long as it subscribes to nothing
            enable_auto_commit=False,
            enable_auto_offset_store=False,
            enable_partition_eof=True,
            auto_offset_reset="earliest",  # where a record was deleted since somebody looked
            fetch_wait_max_ms=100,
            queued_max_messages_kbytes=_QUEUE_KBYTES,
        )
        self._unfinished = set(positions)
        self._positions = dict(positions)
        self._client = self._new_client()
        self._is_old = False
        """Whether the client is to be made anew."""
        kafka.renewal.tell(self)

    @property
    def is_at_end(self) -> bool:
        """Whether every record has been read that was there when this was last seen."""
        return not self._unfinished

    def renew(self) -> None:
        """Read on with a new client from the next call on."""
        self._is_old = True

    async def read(self, count: int, *, wait: float) -> list[ConsumedRecord]:
        """The next records, `count` at most: as soon as there is one, or none when all is read or `wait` is over.

        `wait` is in seconds. Raises KafkaFailure.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait
        pause = _FIRST_WAIT
        while True:
            if self._is_old:
                old, self._client, self._is_old = self._client, self._new_client(), False
                await asyncio.to_thread(old.close)
            records = self._take(count)
            if records or self.is_at_end or loop.time() > give_up:
                return records
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)

    async def close(self) -> None:
        """Let go of the cluster."""
        await asyncio.to_thread(self._client.close)

    def _new_client(self) -> Client:
        with translate.failures():
            client = Client(self._options, logger=logger)
            client.assign([ClientPartition(*at, offset) for at, offset in self._positions.items()])
            return client

    def _take(self, count: int) -> list[ConsumedRecord]:
        """What the client has ready, without waiting."""
        ends: dict[TopicPartition, int] = {}

        def failed(message: Any, error: KafkaError) -> None:
            if error.name() == _END:
                ends[TopicPartition(message.topic(), message.partition())] = message.offset()
            elif not translate.failure(error).retriable:
                raise translate.failure(error)

        records = consumed(self._client.consume(count, 0), failed)
        read = positions_after(records)
        self._positions.update(read)
        self._unfinished = {at for at in self._unfinished | read.keys() if ends.get(at, -1) < read.get(at, 0)}
        return records
