"""Sending of records in an open transaction, which a caller has begun, and commits or aborts."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, Producer

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.records import Delivery, OutgoingRecord, RefusedEntriesError

_POLL_SECONDS = 0.05
_ANY_PARTITION = -1
_QUEUE_FULL = "_QUEUE_FULL"
_CONSEQUENCES = frozenset({"_PURGE_QUEUE", "_PURGE_INFLIGHT", "_STATE"})
"""Failures of records that another record of the transaction has caused."""
_NOT_SENT = Delivery(failure=KafkaFailure("_PURGE_QUEUE", "Another record of the transaction was refused."))


def send_records(producer: Producer, records: Sequence[OutgoingRecord], deadline: float) -> list[Delivery]:
    """Send the records and return a delivery for each, in order; raises KafkaFailure where one is not written.

    `deadline` is of the monotonic clock. The failures of all records are in a RefusedEntriesError.
    """
    reports: list[Delivery | None] = [None] * len(records)
    for at, record in enumerate(records):

        def report(error: KafkaError | None, message: Any, at: int = at) -> None:
            if error is not None:
                reports[at] = Delivery(failure=translate.failure(error))
            else:
                reports[at] = Delivery(message.partition(), message.offset(), None, message.timestamp()[1])

        try:
            _produce(producer, record, report, deadline)
        except KafkaFailure as failure:
            reports[at] = Delivery(failure=failure)
    while None in reports and time.monotonic() < deadline:
        translate.call(producer.poll, _POLL_SECONDS)
        if any(delivery is not None and delivery.failure is not None for delivery in reports):
            break  # the client sends nothing more of this transaction
    deliveries = [delivery or _NOT_SENT for delivery in reports]
    failures = {at: delivery.failure for at, delivery in enumerate(deliveries) if delivery.failure is not None}
    if not failures:
        return deliveries
    causes = {at: failure for at, failure in failures.items() if failure.name not in _CONSEQUENCES}
    if not causes:
        raise KafkaFailure("_TIMED_OUT", "The brokers did not take all records in time.", retriable=True)
    raise RefusedEntriesError(causes)


def spoils_producer(failure: KafkaFailure) -> bool:
    """Return whether the producer must be replaced: the brokers have refused a record.

    librdkafka 2.16 counts it all the same: its next transaction would skip a sequence number in that partition, and
    fail only once its time is over.
    """
    return not failure.name.startswith("_")


def _produce(
    producer: Producer, record: OutgoingRecord, report: Callable[[KafkaError | None, Any], None], deadline: float
) -> None:
    translate.check_texts(record.topic, *(name for name, _ in record.headers))
    partition = _ANY_PARTITION if record.partition is None else record.partition
    while True:
        try:
            translate.call(
                producer.produce,
                record.topic,
                record.value,
                record.key,
                partition,
                on_delivery=translate.callback(report),
                timestamp=record.timestamp or 0,
                headers=list(record.headers),
            )
        except KafkaFailure as failure:
            if failure.name != _QUEUE_FULL or time.monotonic() > deadline:
                raise
            translate.call(producer.poll, _POLL_SECONDS)
        else:
            return
