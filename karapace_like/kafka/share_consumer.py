"""Members of share groups (KIP-932): several members get records of one partition, and acknowledge each by itself.

librdkafka calls its share consumer a preview, and logs that for each. What was seen of it, with figures, is in
docs/adr/0028-queues.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import AcknowledgeType, KafkaError
from confluent_kafka import ShareConsumer as Client
from confluent_kafka.cimpl import IllegalStateException

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.blocking import BlockingCalls, CallThreads
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.messages import convert_messages
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.records import AcquiredRecord, Outcome, RecordPlace, TopicPartition

_COMMIT_SECONDS = 5.0
_CALL_SECONDS = 10.0
_FETCH_BYTES = 2 * 1024 * 1024
"""Of one fetch: a lease keeps its records in memory. A larger record is fetched alone."""
_TYPES = {
    Outcome.ACCEPT: AcknowledgeType.ACCEPT,
    Outcome.RELEASE: AcknowledgeType.RELEASE,
    Outcome.REJECT: AcknowledgeType.REJECT,
}
_OTHER_GROUP = "GROUP_ID_NOT_FOUND"
"""What the coordinator answers a member of a share group whose id is that of a group of another kind."""
_NO_SHARE_GROUPS = frozenset({"UNSUPPORTED_VERSION", "_UNSUPPORTED_FEATURE", "INVALID_REQUEST"})


class ShareConsumer:
    """One member. One call at a time; every call raises KafkaFailure."""

    def __init__(self, options: dict[str, Any], threads: CallThreads, topics: Sequence[str]) -> None:
        """Join the group; the first records come some seconds later."""
        names = list(topics)
        with translate.failures():
            self._client = Client(options, logger=client_logger)
            self._client.subscribe(names)
        self._calls = BlockingCalls(threads, _CALL_SECONDS)

    async def poll(self, wait: float) -> list[AcquiredRecord]:
        """Return records that are locked for this member now; none after `wait` seconds.

        All of the last ones must be acknowledged before, or their locks must have run out.
        """
        return await self._calls.run(self._poll, wait)

    async def acknowledge(self, outcomes: Mapping[RecordPlace, Outcome]) -> dict[RecordPlace, KafkaFailure]:
        """Acknowledge records of the last poll; return the failure of each that the cluster has not taken.

        A late acknowledgement is not reported: the brokers answer it without an error.
        """
        return await self._calls.run(self._acknowledge, outcomes)

    async def close(self) -> None:
        """Leave the group: the locks of this member end."""
        await self._calls.see_through_apart(self._client.close)

    def _poll(self, wait: float) -> list[AcquiredRecord]:
        messages = [message for message in _call(self._client.poll, wait) if not _is_passing(message)]
        counts = [message.delivery_count() or 1 for message in messages]
        return [
            AcquiredRecord(record, count)
            for record, count in zip(convert_messages(messages, _fail), counts, strict=True)
        ]

    def _acknowledge(self, outcomes: Mapping[RecordPlace, Outcome]) -> dict[RecordPlace, KafkaFailure]:
        failed: dict[RecordPlace, KafkaFailure] = {}
        for place, outcome in outcomes.items():
            at, offset = place
            try:
                translate.call(self._client.acknowledge_offset, at.topic, at.partition, offset, _TYPES[outcome])
            except IllegalStateException as error:
                failed[place] = KafkaFailure("INVALID_RECORD_STATE", f"The record is not locked any more: {error}")
        for partition, raised in _call(self._client.commit_sync, _COMMIT_SECONDS).items():
            if raised is not None:
                failure = translate.failure(raised.args[0])
                at = TopicPartition(partition.topic, partition.partition)
                failed |= {place: failure for place in outcomes if place.at == at}
        return failed


class ShareConsumerFactory:
    """Creates members; satisfies `proxy.queues.ports.ShareConsumers`."""

    def __init__(self, kafka: KafkaSettings, *, at_most: int) -> None:
        """`at_most`: members at the same time, each of which may be in a call."""
        self._kafka = kafka
        self._threads = CallThreads(max(at_most, 1))

    def create_member(self, group: str, topics: Sequence[str], *, max_records: int) -> ShareConsumer:
        """Return a new member of the share group. Raises KafkaFailure."""
        translate.check_texts(group, *topics)
        options = self._kafka.client_options(
            group_id=group,
            share_acknowledgement_mode="explicit",
            max_poll_records=max_records,
            fetch_max_bytes=_FETCH_BYTES,
            topic_metadata_refresh_interval_ms=self._kafka.metadata_max_age_ms,
        )
        del options["allow.auto.create.topics"]  # the preview rejects it, and creates none
        return ShareConsumer(options, self._threads, topics)


def _call(method: Any, wait: float) -> Any:
    try:
        return translate.call(method, wait)
    except IllegalStateException as error:
        raise KafkaFailure("_STATE", f"The share consumer is in another state: {error}", retriable=True) from error
    except KafkaFailure as failure:
        raise _explain(failure) from failure


def _is_passing(message: Any) -> bool:
    """Return whether the message is an error after which records may come; raises KafkaFailure for any other error."""
    error = message.error()
    if error is None:
        return False
    failure = translate.failure(error)
    if not failure.retriable:
        raise _explain(failure)
    return True


def _fail(_: Any, error: KafkaError) -> None:
    raise translate.failure(error)


def _explain(failure: KafkaFailure) -> KafkaFailure:
    if failure.name == _OTHER_GROUP:
        return KafkaFailure("INVALID_GROUP_ID", "The group exists and is not a share group; use another name.")
    if failure.name in _NO_SHARE_GROUPS:
        sentence = "This cluster has no share groups: they need Kafka 4.2 with the feature share.version=1"
        return KafkaFailure("UNSUPPORTED_VERSION", f"{sentence} ({failure.message}).")
    return failure
