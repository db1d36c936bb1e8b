"""Reads partitions from given offsets, without a consumer group: nothing is committed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError

from karapace_like.kafka import translate
from karapace_like.kafka.blocking import BlockingCalls, CallThreads, call_in_thread
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.messages import convert_messages, make_client_partition
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import ConsumedRecord, Isolation, TopicPartition, positions_after

_FIRST_WAIT = 0.001
_LONGEST_WAIT = 0.02
"""Seconds between two checks whether records have arrived."""
_QUEUE_KBYTES = 4_096
"""KiB that the client fetches ahead."""
_END = "_PARTITION_EOF"
_LONGEST_CALL = 5.0
"""Seconds of one call of the client."""


class Reader:
    """Reads records in order, each once. `close` it at the end."""

    def __init__(
        self,
        kafka: KafkaSettings,
        positions: Mapping[TopicPartition, int],
        isolation: Isolation = Isolation.READ_COMMITTED,
        *,
        is_prompt: bool = False,
    ) -> None:
        """`positions` are the offsets of the first records. Raises KafkaFailure.

        `is_prompt`: wait in a thread, which wakes as soon as a record is there; otherwise looks have pauses of 20 ms.
        """
        self._calls = BlockingCalls(CallThreads(1), _LONGEST_CALL) if is_prompt else None
        self._options: dict[str, Any] = kafka.client_options(
            group_id=kafka.client_id,  # required by the client, which joins no group without a subscription
            enable_auto_commit=False,
            enable_auto_offset_store=False,
            enable_partition_eof=True,
            isolation_level=isolation.value,
            auto_offset_reset="earliest",  # where the record at the offset was deleted meanwhile
            fetch_wait_max_ms=100,
            fetch_queue_backoff_ms=10,  # a second by default, in which a full queue is read to its end
            queued_max_messages_kbytes=_QUEUE_KBYTES,
        )
        self._unfinished = set(positions)
        self._positions = dict(positions)
        self._client = self._create_client()
        self._is_stale = False
        """Whether the client's credentials have changed since it was created."""
        kafka.renewal.add(self)

    @property
    def is_at_end(self) -> bool:
        """Whether the end of every partition has been reached; later records may have been written since."""
        return not self._unfinished

    def renew(self) -> None:
        """Use a new client from the next call on."""
        self._is_stale = True

    async def read(self, count: int, *, wait: float) -> list[ConsumedRecord]:
        """Return the next records, `count` at most, as soon as there is one; none at the end or after `wait` seconds.

        Raises KafkaFailure.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        pause = _FIRST_WAIT
        while True:
            if self._is_stale:
                old, self._client, self._is_stale = self._client, self._create_client(), False
                await _close(old)
            if self._calls is not None:
                return self._convert(await self._calls.run(self._wait_and_consume, count, min(wait, _LONGEST_CALL)))
            records = self._fetch(count)
            if records or self.is_at_end or loop.time() > deadline:
                return records
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)

    async def close(self) -> None:
        """Close the client."""
        if self._calls is None:
            await _close(self._client)
        else:
            await self._calls.see_through_apart(self._client.close)

    def _create_client(self) -> Client:
        positions = [make_client_partition(at, offset) for at, offset in self._positions.items()]
        with translate.failures():
            client = Client(self._options, logger=client_logger)
            client.assign(positions)
            return client

    def _fetch(self, count: int) -> list[ConsumedRecord]:
        """Return the records that the client has ready, without waiting."""
        with translate.failures():
            messages = self._client.consume(count, 0)
        return self._convert(messages)

    def _wait_and_consume(self, count: int, wait: float) -> list[Any]:
        """Return messages as soon as there is one; `consume` with a time-out would wait for all of them."""
        with translate.failures():
            first = self._client.poll(wait)
            return [] if first is None else [first, *self._client.consume(count - 1, 0)]

    def _convert(self, messages: Sequence[Any]) -> list[ConsumedRecord]:
        """Return the records of the messages, and note the ends of partitions; raise KafkaFailure for an error."""
        ends: dict[TopicPartition, int] = {}

        def note_failure(message: Any, error: KafkaError) -> None:
            if error.name() == _END:
                ends[TopicPartition(message.topic(), message.partition())] = message.offset()
            elif not translate.failure(error).retriable:
                raise translate.failure(error)

        records = convert_messages(messages, note_failure)
        read = positions_after(records)
        self._positions.update(read)
        self._unfinished = {at for at in self._unfinished | read.keys() if ends.get(at, -1) < read.get(at, 0)}
        return records


async def _close(client: Client) -> None:
    with translate.failures():
        await call_in_thread(client.close)
