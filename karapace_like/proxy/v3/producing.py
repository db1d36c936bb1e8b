"""Produce in REST v3: each record succeeds or fails alone, and the error of one is its result."""

from collections.abc import Sequence
from typing import NamedTuple

from karapace_like.errors import ApiError
from karapace_like.process.turns import Turn
from karapace_like.proxy.atomic import AtomicWriter
from karapace_like.proxy.contracts.dead_letters import DeadLetters, SentRecord
from karapace_like.proxy.contracts.gate import Gate
from karapace_like.proxy.contracts.violations import RefusedRecordError
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.internal import NONE_INTERNAL, InternalResources
from karapace_like.proxy.ports import Producer
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.rule_dead_letters import RefusedRecord, RuleDeadLetters
from karapace_like.proxy.ruled_codec import RuleRefusalError
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.encoding import Encoding
from karapace_like.proxy.v3.records import RecordRequest, WrittenData, WrittenRecord
from karapace_like.records import Delivery, OutgoingRecord
from karapace_like.serde.codec import JsonReading

Result = WrittenRecord | ApiError
Parts = tuple[WrittenData | None, WrittenData | None]


class EncodedBatch(NamedTuple):
    """The records of a batch that are written together, or not at all."""

    records: Sequence[OutgoingRecord]
    parts: Sequence[Parts]

    def report(self, deliveries: Sequence[Delivery]) -> list[Result]:
        """Return the results of the batch."""
        return [
            WrittenRecord(delivery, key, value) for delivery, (key, value) in zip(deliveries, self.parts, strict=True)
        ]


class RecordProducing:
    """Writes records to Kafka."""

    def __init__(
        self,
        schemas: SchemaCache,
        producer: Producer,
        gate: Gate,
        internal: InternalResources = NONE_INTERNAL,
        *,
        atomic: AtomicWriter | None = None,
    ) -> None:
        """`internal` topics take no dead letters of rules; `atomic` writes the records of atomic requests."""
        self._atomic = atomic
        self._letters = RuleDeadLetters(producer, internal)
        self._schemas = schemas
        self._gate = gate
        self._producer = producer

    async def produce(
        self,
        topic: str,
        requests: Sequence[RecordRequest | ApiError],
        rights: SubjectRights,
        reading: JsonReading | None = None,
    ) -> list[Result]:
        """Write the records and return one result for each, in order; that of an ApiError is the error itself.

        `reading`: how objects are read in formats with schemas.
        """
        try:
            admission = self._gate.find_admission(topic, rights)
        except ApiError as error:
            return [request if isinstance(request, ApiError) else errors.as_entry(error) for request in requests]
        encoding = Encoding(self._schemas, topic, rights, admission, reading)
        results: list[Result] = []
        outgoing: list[OutgoingRecord] = []
        dead_letters = DeadLetters()
        parts: dict[int, Parts] = {}
        """Index among the results -> descriptions of key and value, for the records that are sent."""
        turn = Turn()
        for at, request in enumerate(requests):
            if turn.is_over():
                await turn.yield_to_others()
            try:
                if isinstance(request, ApiError):
                    raise request
                record, parts[at] = await self._encode(encoding, topic, request, rights)
            except RefusedRecordError as error:
                results.append(await _add_dead_letter(dead_letters, at, error, encoding, request))
            except ApiError as error:
                results.append(errors.as_entry(error))
            else:
                outgoing.append(record)
                results.append(_PENDING)
        for at, refusal in (await dead_letters.write(self._producer)).items():
            results[at] = refusal
        for (at, (key, value)), delivery in zip(parts.items(), await self._producer.send(outgoing), strict=True):
            results[at] = (
                WrittenRecord(delivery, key, value)
                if delivery.failure is None
                else errors.as_entry(errors.of_record(delivery.failure))
            )
        return results

    async def produce_together(
        self,
        topic: str,
        entries: Sequence[tuple[str, RecordRequest | ApiError]],
        rights: SubjectRights,
        reading: JsonReading | None = None,
    ) -> list[Result]:
        """Write all records, or none, and return one result for each; `entries`: see `encode_together`."""
        encoded = await self.encode_together(topic, entries, rights, reading)
        assert self._atomic is not None
        return encoded.report(await self._atomic.write(encoded.records))

    async def encode_together(
        self,
        topic: str,
        entries: Sequence[tuple[str, RecordRequest | ApiError]],
        rights: SubjectRights,
        reading: JsonReading | None = None,
    ) -> "EncodedBatch":
        """Return records that are written together, with their ids; raises ApiError for the first fault.

        A record that the topic's policy refuses does not become a dead letter.
        """
        encoding = Encoding(self._schemas, topic, rights, self._gate.find_admission(topic, rights), reading)
        records, parts = [], []
        turn = Turn()
        for name, request in entries:
            if turn.is_over():
                await turn.yield_to_others()
            try:
                if isinstance(request, ApiError):
                    raise request
                record, part = await self._encode(encoding, topic, request, rights)
            except ApiError as error:
                raise errors.refused_batch_error(name, error) from error
            records.append(record)
            parts.append(part)
        assert self._atomic is not None
        await self._atomic.prepare(records)
        return EncodedBatch(records, parts)

    async def _encode(
        self, encoding: Encoding, topic: str, request: RecordRequest, rights: SubjectRights
    ) -> tuple[OutgoingRecord, Parts]:
        headers = tuple((header.name, header.value) for header in request.headers)
        key = None
        try:
            key, key_part = await encoding.encode(RecordPart.KEY, request.key, headers)
            value, value_part = await encoding.encode(RecordPart.VALUE, request.value, headers)
        except RuleRefusalError as refusal:
            raise await self._letters.refuse(refusal, RefusedRecord(topic, key, headers), rights) from refusal
        record = OutgoingRecord(topic, key, value, request.partition_id, headers, request.timestamp_ms)
        return record, (key_part, value_part)


async def _add_dead_letter(
    letters: DeadLetters, at: int, refusal: RefusedRecordError, encoding: Encoding, request: RecordRequest | ApiError
) -> ApiError:
    """Add the record to the dead letters if its policy wants it there, and return its error until they are written."""
    if refusal.dead_letter_topic is None or isinstance(request, ApiError):
        return refusal
    try:
        letters.add(at, refusal, await _encode_without_policy(encoding, request))
    except ApiError as error:  # it could not be written without a policy either
        return errors.as_entry(error)
    return refusal


async def _encode_without_policy(encoding: Encoding, request: RecordRequest) -> SentRecord:
    """Return the record as it would be written without a policy."""
    headers = tuple((header.name, header.value) for header in request.headers)
    key, _ = await encoding.encode(RecordPart.KEY, request.key, headers, is_checked=False)
    value, _ = await encoding.encode(RecordPart.VALUE, request.value, headers, is_checked=False)
    return SentRecord(key, value, headers, request.partition_id, request.timestamp_ms)


_PENDING = ProxyError(500, "Internal Server Error")
"""Placeholder of a result until the record is delivered."""
