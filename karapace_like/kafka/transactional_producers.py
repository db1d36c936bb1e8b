"""Writes the records of one request in one transaction (KIP-98): all of them, or none.

Each producer of the pool has a transactional id that no other process has. A transaction is open for five seconds at
most: after that the brokers abort it, and fence the producer, which is replaced.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from karapace_like.errors import KafkaFailure, UnknownOutcomeFailure
from karapace_like.kafka import translate
from karapace_like.kafka.blocking import start_in_thread
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.joint_sending import send_records, spoils_producer
from karapace_like.kafka.messages import make_client_partition
from karapace_like.kafka.missing_topics import MissingTopics
from karapace_like.kafka.regular_polls import poll_client
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import Delivery, GroupProgress, OutgoingRecord

_TRANSACTION_SECONDS = 5.0
_COMMIT_SECONDS = 5.0
"""How long the outcome of a commit is waited for, after the transaction's own time."""
_START_SECONDS = 10.0
_MISSING_TOPIC = "UNKNOWN_TOPIC_OR_PART"
_AGAIN_SECONDS = 0.1


class _Written(NamedTuple):
    """What became of a transaction."""

    producer: Producer | None
    """None where it cannot be used again."""
    deliveries: list[Delivery]
    failure: KafkaFailure | None = None


class TransactionalProducers:
    """A pool of producers; satisfies `proxy.ports.Transactions`. Used on the event loop."""

    def __init__(self, kafka: KafkaSettings, settings: ProducerSettings, prefix: str, *, at_most: int) -> None:
        """`prefix` begins the transactional ids, and is of this process only; `at_most`: transactions at a time."""
        self._kafka = kafka
        self._settings = settings
        self._prefix = prefix
        self._places = asyncio.Semaphore(at_most)
        self._free: list[Producer] = []
        self._missing = MissingTopics(kafka, timeout=settings.metadata_timeout)
        self._created = 0
        self._generation = 0
        """Of the credentials; a producer of an earlier one is not used again."""
        kafka.renewal.add(self)
        kafka.polls.add(self)

    async def write(self, records: Sequence[OutgoingRecord], progress: GroupProgress | None = None) -> list[Delivery]:
        """Write all records, commit the progress of a group with them, and return one delivery for each, in order.

        Raises UnknownOutcomeFailure where the brokers do not answer the commit, and any other KafkaFailure where
        nothing was written.
        """
        topics = {record.topic for record in records}
        await self._missing.create(topics)
        await self._places.acquire()
        generation = self._generation
        writing = start_in_thread(self._write, self._free.pop() if self._free else None, records, progress)

        def finish(done: "asyncio.Future[_Written]") -> None:
            self._places.release()
            if done.cancelled() or done.exception() is not None:
                return
            producer = done.result().producer
            if producer is not None and generation == self._generation:
                self._free.append(producer)

        writing.add_done_callback(finish)
        # A caller that gives up does not end the transaction, whose thread goes on.
        written = await asyncio.shield(writing)
        if written.failure is not None:
            self._missing.forget(topics)
            raise written.failure
        self._missing.remember(topics)
        return written.deliveries

    async def create_topics(self, topics: Collection[str]) -> None:
        """Have the brokers create missing topics, where they do that at a first record."""
        await self._missing.create(topics)
        self._missing.remember(topics)

    def poll(self) -> None:
        """Have idle producers log what they have queued, and refresh tokens."""
        for producer in self._free:
            poll_client(producer)

    def renew(self) -> None:
        """Use new producers from now on."""
        self._generation += 1
        self._free.clear()

    async def close(self) -> None:
        """Drop the idle producers."""
        self.renew()

    def _write(
        self, producer: Producer | None, records: Sequence[OutgoingRecord], progress: GroupProgress | None
    ) -> "_Written":
        if producer is None:
            producer = self._create_producer()
        give_up = time.monotonic() + self._settings.metadata_timeout
        while True:
            written = _write_once(producer, records, progress)
            # A topic that a first record creates can join no transaction before it is there.
            is_missing = written.failure is not None and written.failure.name == _MISSING_TOPIC
            if not is_missing or written.producer is None or time.monotonic() > give_up:
                return written
            time.sleep(_AGAIN_SECONDS)

    def _create_producer(self) -> Producer:
        self._created += 1
        options = self._settings.client_options(self._kafka) | {
            "acks": "all",
            "enable.idempotence": True,
            "transactional.id": f"{self._prefix}-{self._created}",
            "transaction.timeout.ms": int(_TRANSACTION_SECONDS * 1000),
            "message.timeout.ms": int(_TRANSACTION_SECONDS * 1000),
        }
        with translate.failures():
            producer = Producer(options, logger=client_logger)
            producer.init_transactions(_START_SECONDS)
        return producer


def _write_once(producer: Producer, records: Sequence[OutgoingRecord], progress: GroupProgress | None) -> _Written:
    """Write the records in one transaction; that begins and ends here."""
    deadline = time.monotonic() + _TRANSACTION_SECONDS
    try:
        translate.call(producer.begin_transaction)
    except KafkaFailure as failure:
        return _Written(None, [], failure)
    try:
        deliveries = send_records(producer, records, deadline)
        if progress is not None and progress.offsets:
            _send_offsets(producer, progress, deadline)
    except KafkaFailure as failure:
        can_go_on = _abort(producer) and not spoils_producer(failure)
        return _Written(producer if can_go_on else None, [], failure)
    try:
        _commit(producer, deadline)
    except KafkaFailure as failure:
        return _Written(None, [], failure)
    return _Written(producer, deliveries)


def _send_offsets(producer: Producer, progress: GroupProgress, deadline: float) -> None:
    offsets = [make_client_partition(committed.at, committed.offset) for committed in progress.offsets]
    seconds = max(deadline - time.monotonic(), 0.1)
    translate.call(producer.send_offsets_to_transaction, offsets, progress.member, seconds)


def _commit(producer: Producer, deadline: float) -> None:
    give_up = deadline + _COMMIT_SECONDS
    while True:
        try:
            producer.commit_transaction(max(give_up - time.monotonic(), 0.1))
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            failure = translate.failure(error)
            if error.txn_requires_abort():
                _abort(producer)
                raise failure from raised
            if not error.retriable() or time.monotonic() > give_up:
                raise UnknownOutcomeFailure(failure.name, failure.message, retriable=failure.retriable) from raised
        else:
            return


def _abort(producer: Producer) -> bool:
    """Abort the transaction, and return whether the producer can be used again.

    Where that fails, the brokers abort it once its time is over, for it is never committed.
    """
    try:
        producer.abort_transaction(_COMMIT_SECONDS)
    except KafkaException:
        return False
    return True
