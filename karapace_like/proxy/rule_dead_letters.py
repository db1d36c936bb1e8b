"""The action DLQ of rules: a record that a rule refuses on writing goes to a dead-letter topic, and then fails.

Headers are those of Confluent's clients: the record's own, and which rule refused it, when, and why. On reading nothing
is sent: the record is in its topic, and everyone who reads it would send it once more.
"""

from typing import NamedTuple

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.ports import Producer
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.ruled_codec import RULE_NAME_HEADER, RuleRefusalError
from karapace_like.records import Headers, OutgoingRecord
from karapace_like.rules.model import Action

_HEADER = RULE_NAME_HEADER.removesuffix("name")


class RefusedRecord(NamedTuple):
    """The record that a rule refused."""

    topic: str
    key: bytes | None
    """As it would have been written; None where a rule of keys refused it."""
    headers: Headers


class RuleDeadLetters:
    """Writes the dead letters of all requests; none goes to an internal topic, whatever callers may use."""

    def __init__(self, producer: Producer, internal: InternalResources) -> None:
        self._producer = producer
        self._internal = internal

    async def refuse(self, refusal: RuleRefusalError, record: RefusedRecord, rights: SubjectRights) -> ProxyError:
        """Return the error of the record, after its dead letter is written if the rule asks for one.

        The error says where the record is now, or why it could not be sent. Never raises.
        """
        if refusal.failure.action != Action.DLQ:
            return refusal
        topic = refusal.failure.dead_letter_topic
        try:
            fault = await self._write(refusal, record, rights, topic)
        except ApiError as error:
            fault = error.message
        place = f"the dead-letter topic {topic}" if topic else "a dead-letter topic"
        if fault is None:
            return errors.rule_failed_error(f"{refusal.message}. The record is in {place}.")
        return errors.rule_failed_error(f"{refusal.message}. The record could not be written to {place}: {fault}")

    async def _write(
        self, refusal: RuleRefusalError, record: RefusedRecord, rights: SubjectRights, topic: str | None
    ) -> str | None:
        """Write the dead letter, or return why not; raises ApiError."""
        if not topic:
            return "the rule has no parameter dlq.topic."
        if self._internal.is_internal_topic(topic):
            return "the service or Kafka keeps its own state in it."
        self._internal.check_topics((topic,))
        if not await rights.may_write_topic(topic):
            return "you may not write to it."
        headers = (*record.headers, *_describe(refusal, record))
        letter = OutgoingRecord(topic, record.key, refusal.original, None, headers)
        try:
            (delivery,) = await self._producer.send([letter])
        except KafkaFailure as failure:
            return failure.message
        return None if delivery.failure is None else delivery.failure.message


def _describe(refusal: RuleRefusalError, record: RefusedRecord) -> Headers:
    failure = refusal.failure
    said = {"name": failure.rule, "mode": failure.mode, "subject": refusal.subject, "topic": record.topic}
    if failure.reason is not None:
        said["exception"] = failure.reason
    return tuple((_HEADER + name, value.encode()) for name, value in said.items())
