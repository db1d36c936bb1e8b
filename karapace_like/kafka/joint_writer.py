"""Appends to the topic of a log in transactions that also write records of other topics: all of them, or nothing.

The transactional id is that of the log, so taking over the log also aborts what an earlier primary has left open, in
whatever topics. The records go first, since an entry of the log may name their offsets.
"""

import time
from collections.abc import Sequence

from confluent_kafka import Producer

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.joint_sending import send_records, spoils_producer
from karapace_like.kafka.log_topic_writer import LogTopicWriter
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import Fencing
from karapace_like.records import Batch, Delivery, JointEntry, LogEntry, OutgoingRecord, RefusedEntriesError

_TRANSACTION_SECONDS = 5.0
"""Readers of committed records wait for so long at most behind a transaction of a process that has ended."""
_SOCKET_MS = 4_900
"""librdkafka wants it shorter than the transaction."""


class JointWriter(LogTopicWriter):
    """The producers of one node for such a log; nothing is written without the fence."""

    def __init__(
        self,
        kafka: KafkaSettings,
        records: ProducerSettings,
        *,
        topic: str,
        group_id: str,
        mark: bytes,
        max_record_bytes: int,
    ) -> None:
        """`records`: how those of other topics are written. Raises KafkaFailure."""
        super().__init__(
            kafka,
            topic=topic,
            group_id=group_id,
            mark=mark,
            fencing=Fencing.ON,
            timeout=_TRANSACTION_SECONDS,
            max_record_bytes=max_record_bytes,
        )
        self._fenced_options = {
            **records.client_options(kafka),
            "acks": "all",
            "enable.idempotence": True,
            "message.max.bytes": max_record_bytes + 1024,
            "message.timeout.ms": int(_TRANSACTION_SECONDS * 1000),
            "socket.timeout.ms": _SOCKET_MS,
            "transactional.id": self._transactional_id,
            "transaction.timeout.ms": int(_TRANSACTION_SECONDS * 1000),
        }

    def append(self, batch: Sequence[LogEntry]) -> int:
        """See `LogTopicWriter`. After a record that the brokers refuse, the log is taken over again."""
        term = self._term
        try:
            return super().append(batch)
        except RefusedEntriesError as refused:
            if term is not None and any(map(spoils_producer, refused.failures.values())):
                refused.end = self.take_over(term).end
            raise

    def _send_others(self, producer: Producer, batch: Sequence[LogEntry]) -> Batch:
        """See `LogTopicWriter`; raises RefusedEntriesError with the entries whose records are refused."""
        records: list[OutgoingRecord] = []
        entry_of: list[int] = []
        for at, entry in enumerate(batch):
            if isinstance(entry, JointEntry):
                records += entry.records
                entry_of += [at] * len(entry.records)
        deadline = time.monotonic() + _TRANSACTION_SECONDS
        try:
            deliveries = send_records(producer, records, deadline)
        except RefusedEntriesError as refused:
            raise RefusedEntriesError(_by_entry(refused, entry_of)) from refused
        return _seal(batch, deliveries)


def _by_entry(refused: RefusedEntriesError, entry_of: Sequence[int]) -> dict[int, KafkaFailure]:
    """Return the first failure of each entry."""
    failures: dict[int, KafkaFailure] = {}
    for at, failure in refused.failures.items():
        failures.setdefault(entry_of[at], failure)
    return failures


def _seal(batch: Sequence[LogEntry], deliveries: Sequence[Delivery]) -> Batch:
    sealed: list[tuple[bytes, bytes | None]] = []
    first = 0
    for entry in batch:
        if isinstance(entry, JointEntry):
            last = first + len(entry.records)
            sealed.append(entry.seal(deliveries[first:last]))
            first = last
        else:
            sealed.append(entry)
    return sealed
