"""Acknowledge records: the receipts of one lease together, after the dead letters of those that are rejected."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.contracts.admission import Offer
from karapace_like.proxy.contracts.gate import Gate
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.ports import Producer
from karapace_like.proxy.queues import receipts
from karapace_like.proxy.queues.lease import Lease
from karapace_like.proxy.queues.queue import Membership, Queue, find_place
from karapace_like.proxy.queues.receipts import Acknowledgement
from karapace_like.proxy.queues.usage import QueueUsage
from karapace_like.proxy.rights import NO_KEY_RIGHTS
from karapace_like.proxy.validators import Validators
from karapace_like.records import ConsumedRecord, Headers, Outcome, OutgoingRecord

_PREFIX = "dead_letter."
_PRESENT = msgspec.Raw(b"0")
"""Stands for a key or value that is there: an `Offer` of bytes encodes whatever it is asked for as those bytes."""
_INVALID_STATE = "INVALID_RECORD_STATE"
_REFUSED = "refused"


class _Pending(NamedTuple):
    """An acknowledgement of a record that is locked here."""

    at: int
    """Its place in the request."""
    acknowledgement: Acknowledgement


class Acknowledging:
    """Takes the acknowledgements of receivers."""

    def __init__(self, producer: Producer, gate: Gate, usage: QueueUsage) -> None:
        self._producer = producer
        self._gate = gate
        self._counts = usage.acknowledgements

    async def acknowledge(
        self, queues: Iterable[Queue], acknowledgements: Sequence[Acknowledgement]
    ) -> list[ApiError | None]:
        """Return for each acknowledgement why it was refused, None where it was taken.

        A record's dead letter is written before its rejection, which is refused where that fails.
        """
        results: list[ApiError | None] = [None] * len(acknowledgements)
        of_leases: dict[str, list[_Pending]] = {}
        for at, acknowledgement in enumerate(acknowledgements):
            of_leases.setdefault(acknowledgement.receipt.lease, []).append(_Pending(at, acknowledgement))
        memberships = {
            token: membership for queue in queues for token in of_leases if (membership := queue.find(token))
        }
        await asyncio.gather(
            *(
                self._acknowledge_lease(memberships.get(token), token, pending, results)
                for token, pending in of_leases.items()
            )
        )
        self._count(acknowledgements, results)
        return results

    def _count(self, acknowledgements: Sequence[Acknowledgement], results: Sequence[ApiError | None]) -> None:
        taken = [
            acknowledgement.outcome
            for acknowledgement, refusal in zip(acknowledgements, results, strict=True)
            if refusal is None
        ]
        for outcome in Outcome:
            self._counts[outcome.value,] += taken.count(outcome)
        self._counts[_REFUSED,] += len(results) - len(taken)

    async def _acknowledge_lease(
        self, membership: Membership | None, token: str, pending: Sequence[_Pending], results: list[ApiError | None]
    ) -> None:
        if membership is None:
            _refuse_expired_receipts(pending, results)
            return
        async with membership.acknowledging:
            lease = membership.lease
            if lease is None or lease.token != token:  # it has ended meanwhile
                _refuse_expired_receipts(pending, results)
                return
            wanted = _choose(lease, pending, results)
            await self._write_dead_letters(lease, wanted, results)
            if lease.ends <= asyncio.get_running_loop().time():  # the dead letters took long
                _refuse_expired_receipts(wanted.values(), results)
            elif wanted:
                await _commit(membership, lease, wanted, results)

    async def _write_dead_letters(
        self, lease: Lease, wanted: dict[int, _Pending], results: list[ApiError | None]
    ) -> None:
        """Write the dead letters of rejections; those whose letter cannot be written are refused and not `wanted`."""
        letters: dict[int, OutgoingRecord] = {}
        for place, one in list(wanted.items()):
            topic = one.acknowledgement.dead_letter_topic
            if topic is None:
                continue
            try:
                acquired = lease.records[place]
                letters[place] = await self._address(topic, acquired.record, acquired.delivery_count)
            except ApiError as error:
                results[one.at] = error
                del wanted[place]
        if not letters:
            return
        failures = await self._write(list(letters.values()))
        for place, failure in zip(letters, failures, strict=True):
            if failure is not None:
                results[wanted.pop(place).at] = failure

    async def _write(self, letters: Sequence[OutgoingRecord]) -> list[ApiError | None]:
        try:
            deliveries = await self._producer.send(letters)
        except KafkaFailure as failure:
            return [errors.of_kafka(failure)] * len(letters)
        except ApiError as error:
            return [error] * len(letters)
        return [
            None
            if delivery.failure is None
            else errors.ProxyError(
                errors.record_code(delivery.failure),
                f"The record is not rejected, because its dead letter could not be written: {delivery.failure.message}",
            )
            for delivery in deliveries
        ]

    async def _address(self, topic: str, record: ConsumedRecord, delivery_count: int) -> OutgoingRecord:
        """Return the record's dead letter; raises ApiError where the topic's policy does not accept its bytes."""
        described = {
            "topic": record.at.topic,
            "partition": record.at.partition,
            "offset": record.offset,
            "delivery_count": delivery_count,
        }
        headers = (*record.headers, *((_PREFIX + name, str(value).encode()) for name, value in described.items()))
        key, value = await self._admit(topic, record, record.headers)
        return OutgoingRecord(topic, key, value, None, headers, record.timestamp)

    async def _admit(self, topic: str, record: ConsumedRecord, headers: Headers) -> tuple[bytes | None, bytes | None]:
        admission = self._gate.find_admission(topic, NO_KEY_RIGHTS)
        parts = {RecordPart.KEY: record.key, RecordPart.VALUE: record.value}
        if admission is not None:
            for role, data in parts.items():
                part = admission.find_part(role)
                if part is not None and data is not None:
                    parts[role] = (await part.admit(_offer(data), _PRESENT, headers)).data
        return parts[RecordPart.KEY], parts[RecordPart.VALUE]


def _offer(data: bytes) -> Offer:
    async def encode(_: msgspec.Raw, __: Validators) -> bytes | None:
        return data

    return Offer(EmbeddedFormat.BINARY, None, encode)


def _refuse_expired_receipts(pending: Iterable[_Pending], results: list[ApiError | None]) -> None:
    for one in pending:
        results[one.at] = receipts.expired_error()


def _choose(lease: Lease, pending: Sequence[_Pending], results: list[ApiError | None]) -> dict[int, _Pending]:
    """Return the acknowledgements to make by their place in the lease, and note the results of all others."""
    wanted: dict[int, _Pending] = {}
    is_late = lease.ends <= asyncio.get_running_loop().time()
    for one in pending:
        place, outcome = one.acknowledgement.receipt.place, one.acknowledgement.outcome
        earlier = wanted[place].acknowledgement.outcome if place in wanted else lease.outcomes.get(place)
        if place >= lease.handed_out or is_late:
            results[one.at] = receipts.expired_error()
        elif earlier is None:
            wanted[place] = one
        else:  # the same said twice is one acknowledgement
            results[one.at] = None if earlier is outcome else receipts.contradiction_error(earlier)
    return wanted


async def _commit(
    membership: Membership, lease: Lease, wanted: dict[int, _Pending], results: list[ApiError | None]
) -> None:
    outcomes = {find_place(lease, place): one.acknowledgement.outcome for place, one in wanted.items()}
    try:
        failed = await membership.member.acknowledge(outcomes)
    except KafkaFailure as error:
        failed = dict.fromkeys(outcomes, error)
    for (place, one), record_place in zip(wanted.items(), outcomes, strict=True):
        failure = failed.get(record_place) if failed else None
        lease.settle(place, one.acknowledgement.outcome)
        if failure is None:
            results[one.at] = None
        elif failure.name == _INVALID_STATE:
            results[one.at] = receipts.expired_error()
        else:
            results[one.at] = receipts.unknown_outcome_error(failure.message)
