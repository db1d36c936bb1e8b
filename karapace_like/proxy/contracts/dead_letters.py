"""Dead letters: records that a policy has refused, written to another topic with their bytes as they were sent.

The record's own headers stay, and these are added: where it was to go, which setting of which policy it violates, and
the place and reason, never the value.
"""

from collections.abc import Mapping
from typing import NamedTuple

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.contracts.violations import RefusedRecordError, Violation
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import Producer
from karapace_like.records import Delivery, Headers, OutgoingRecord

PREFIX = "dead_letter."
_UNPROCESSABLE = 422


class SentRecord(NamedTuple):
    """A record as it would have been written without a policy."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None
    """The one that was asked for."""
    timestamp: int | None = None
    """Milliseconds since the epoch."""


class DeadLetters:
    """The dead letters of one request."""

    def __init__(self) -> None:
        self._refusals: dict[int, RefusedRecordError] = {}
        """Place in the request -> why it is refused."""
        self._records: list[OutgoingRecord] = []

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return not self._records

    def add(self, at: int, refusal: RefusedRecordError, sent: SentRecord) -> None:
        """Add the record at this place of the request."""
        assert refusal.dead_letter_topic is not None
        self._refusals[at] = refusal
        headers = (*sent.headers, *_describe(refusal.violation, sent.partition))
        self._records.append(
            OutgoingRecord(refusal.dead_letter_topic, sent.key, sent.value, None, headers, sent.timestamp)
        )

    async def write(self, producer: Producer) -> Mapping[int, ApiError]:
        """Write them, and return place -> the error of each record: where it is now, or why it could not be written.

        Never raises: a record whose dead letter cannot be written fails alone.
        """
        if self.is_empty:
            return {}
        # By themselves: settings of the request, such as acks=0, would leave open whether they have arrived.
        try:
            deliveries = await producer.send(self._records)
        except KafkaFailure as failure:
            deliveries = [Delivery(failure=failure)] * len(self._records)
        except ApiError as error:
            return dict.fromkeys(self._refusals, error)
        return {
            at: _report(refusal, delivery)
            for (at, refusal), delivery in zip(self._refusals.items(), deliveries, strict=True)
        }


def _report(refusal: RefusedRecordError, delivery: Delivery) -> ProxyError:
    topic, failure = refusal.dead_letter_topic, delivery.failure
    if failure is None:
        place = f"partition {delivery.partition}, offset {delivery.offset}"
        return ProxyError(_UNPROCESSABLE, f"{refusal.message} It is in the dead-letter topic {topic}: {place}.")
    return ProxyError(
        errors.record_code(failure),
        f"{refusal.message} It could not be written to the dead-letter topic {topic}: {failure.message}",
    )


def _describe(violation: Violation, partition: int | None) -> Headers:
    described = {
        "topic": violation.topic,
        "partition": partition,
        "policy": violation.policy,
        "rule": violation.rule,
        "part": violation.role,
        "reason": violation.reason,
        "subject": violation.subject,
        "version": violation.version,
        "path": violation.path,
        "message": violation.explain(),
    }
    return tuple((PREFIX + name, str(said).encode()) for name, said in described.items() if said is not None)
