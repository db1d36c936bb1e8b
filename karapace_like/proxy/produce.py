"""Produce: encode all records of a request, then send them to the shared producer.

A record that cannot be encoded fails the request before any record is sent; a record that Kafka rejects fails alone.
"""

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec

from karapace_like.errors import KafkaFailure
from karapace_like.process.turns import Turn
from karapace_like.proxy import errors
from karapace_like.proxy.atomic import AtomicWriter, nothing_written_error, overridden_error, unknown_error
from karapace_like.proxy.contracts.admission import Offer
from karapace_like.proxy.contracts.dead_letters import DeadLetters, SentRecord
from karapace_like.proxy.contracts.gate import Gate
from karapace_like.proxy.contracts.uniform_admission import UniformAdmission
from karapace_like.proxy.contracts.violations import RefusedRecordError
from karapace_like.proxy.deadline import SharedDeadline
from karapace_like.proxy.encoding import (
    ABSENT,
    MESSAGE_PACK_ENCODERS,
    NOTHING_ENCODERS,
    SCHEMALESS_ENCODERS,
    Encoder,
    Encoders,
    PartEncoding,
    has_content,
)
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.format_choice import choose_formats
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.internal import NONE_INTERNAL, InternalResources
from karapace_like.proxy.ports import Producer
from karapace_like.proxy.produce_report import EncodedRequest, ProduceReport, SchemaIds
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.rule_dead_letters import RefusedRecord, RuleDeadLetters
from karapace_like.proxy.ruled_codec import RuleRefusalError, refuse_value
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.validators import Validators
from karapace_like.records import (
    MAX_PARTITION,
    NO_OVERRIDES,
    Delivery,
    GroupProgress,
    OutgoingRecord,
    ProducerOverrides,
)
from karapace_like.schema.model import Reference
from karapace_like.serde.codec import EncodeError, HeavyWorkError, JsonReading

_KEY, _VALUE = RecordPart


class ProducedHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One header of a record; the value is base64 in JSON."""

    key: str
    value: bytes | None = None


class ProducedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One record of a request; key and value are the text of their JSON, or as MessagePack has them."""

    key: msgspec.Raw = ABSENT
    value: msgspec.Raw = ABSENT
    partition: Annotated[int, msgspec.Meta(ge=0, le=MAX_PARTITION)] | None = None
    headers: tuple[ProducedHeader, ...] | None = None


class ProduceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a produce request; the schema fields are for formats that need a schema."""

    records: tuple[ProducedRecord, ...]
    key_format: EmbeddedFormat | None = None
    key_schema: str | None = None
    key_schema_id: int | None = None
    key_references: tuple[Reference, ...] | None = None
    key_subject: str | None = None
    key_subject_name_strategy: SubjectNameStrategy | None = None
    value_format: EmbeddedFormat | None = None
    value_schema: str | None = None
    value_schema_id: int | None = None
    value_references: tuple[Reference, ...] | None = None
    value_subject: str | None = None
    value_subject_name_strategy: SubjectNameStrategy | None = None

    def part_encoding(
        self, role: RecordPart, embedded: EmbeddedFormat, reading: JsonReading | None = None
    ) -> Encoder | PartEncoding:
        """Return the encoding by which the schema of the keys or values is looked up, in a format with schemas.

        Where the request needs none, its records have none, and this is their encoder.
        """
        said = schema, schema_id, references, subject, strategy = _SAID_OF[role](self)
        takes_latest = (subject is not None or self._names_no_schema) and any(
            map(has_content, map(_HELD[role], self.records))
        )
        if not takes_latest and said == _NOTHING:
            return NOTHING_ENCODERS[role]
        return PartEncoding(embedded, schema, schema_id, references or (), subject, strategy, takes_latest, reading)

    @property
    def _names_no_schema(self) -> bool:
        """Whether the latest schemas are used; a request with a schema for one part only gets 422 for the other."""
        return (self.key_schema, self.key_schema_id, self.value_schema, self.value_schema_id) == (None,) * 4


_SAID_OF = {
    role: attrgetter(
        *(f"{role}_{field}" for field in ("schema", "schema_id", "references", "subject", "subject_name_strategy"))
    )
    for role in RecordPart
}
"""Role -> the schema fields of a request for its keys, or its values."""
_NOTHING = (None,) * 5
_HELD = {role: attrgetter(role) for role in RecordPart}
"""Role -> the key, or the value, of a record."""


class TopicRecord(ProducedRecord, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A record that names its topic."""

    topic: str


class TopicsRequest(ProduceRequest, frozen=True, forbid_unknown_fields=True):
    """The body of a produce request to several topics."""

    records: tuple[TopicRecord, ...]


class ProduceOptions(msgspec.Struct, frozen=True):
    """How to write the records of a request, as its path, query and headers say: all that the body leaves open."""

    formats: Mapping[RecordPart, EmbeddedFormat | None]
    """Where the body names no `key_format` or `value_format`; None: the body or the topic's policy has to decide."""
    partition: int | None = None
    """Where a record names no partition; None leaves the choice to the producer."""
    overrides: ProducerOverrides = NO_OVERRIDES
    is_atomic: bool = False
    """Whether all records are written, or none: in one transaction of Kafka."""
    is_strict: bool = False
    """Whether a request of which no record is certain to be written fails, with an error that says what it did."""
    reading: JsonReading | None = None
    """How objects are read in formats with schemas; None: as Confluent's proxy does."""
    is_message_pack: bool = False
    """Whether keys and values are bytes in MessagePack instead of JSON; their formats are binary then."""
    progress: GroupProgress | None = None
    """Of a group, committed in the transaction of an atomic request."""


class _Stage:
    """How far a request has come."""

    __slots__ = ("is_sent",)

    def __init__(self) -> None:
        self.is_sent = False
        """Whether its records were handed to the producer."""


class Producing:
    """Writes the records of requests. A call that raises ApiError has written none, except after a time-out (50003)."""

    def __init__(
        self,
        schemas: SchemaCache,
        producer: Producer,
        settings: ProxySettings,
        gate: Gate,
        internal: InternalResources = NONE_INTERNAL,
        *,
        atomic: AtomicWriter | None = None,
    ) -> None:
        """`internal` topics take no dead letters of rules; `atomic` writes the records of atomic requests."""
        self._atomic = atomic
        self._gate = gate
        self._letters = RuleDeadLetters(producer, internal)
        self._schemas = schemas
        self._encoders = Encoders(schemas, settings.name_strategy)
        self._validators = schemas.validators
        self._producer = producer
        self._settings = settings
        self._deadline = SharedDeadline(settings.produce_timeout)
        self._under_way = 0
        """Records of requests without a response yet."""

    def produce(
        self, topic: str, request: ProduceRequest, options: ProduceOptions, rights: SubjectRights
    ) -> Coroutine[Any, Any, ProduceReport]:
        """Write all records to one topic."""
        return self._produce_within_limits([topic] * len(request.records), request, options, rights)

    def produce_to_topics(
        self, request: TopicsRequest, options: ProduceOptions, rights: SubjectRights
    ) -> Coroutine[Any, Any, ProduceReport]:
        """Write each record to the topic that it names."""
        return self._produce_within_limits([record.topic for record in request.records], request, options, rights)

    async def encode_key(
        self, topic: str, request: ProduceRequest, options: ProduceOptions, rights: SubjectRights
    ) -> bytes | None:
        """Return the key of the request's one record as it would be written to the topic; nothing is written.

        Raises ApiError.
        """
        embedded = request.key_format or options.formats[_KEY] or EmbeddedFormat.STRING
        of_keys = _PartFormat.of(request, _KEY, embedded, options)
        lane = await self._open_lane(
            topic, of_keys, _PartFormat(EmbeddedFormat.BINARY, NOTHING_ENCODERS[_VALUE]), rights
        )
        key = request.records[0].key
        try:
            if embedded is EmbeddedFormat.JSON and self._gate.expects_plain_json(topic, _KEY):
                assert lane.admission is not None
                return await lane.admission.convert_key(key)
            return await lane.keys.encode_anywhere(key, self._validators)
        except EncodeError as error:
            raise refuse_value(error) from error

    async def _produce_within_limits(
        self, topics: Sequence[str], request: ProduceRequest, options: ProduceOptions, rights: SubjectRights
    ) -> ProduceReport:
        """Write each record to the topic at its index in `topics`; 413, 422, 42901 and 50003 beyond the limits."""
        self._count_under_way(len(topics), options)
        stage = _Stage()
        try:
            report = await self._deadline.keep(self._produce(topics, request, options, rights, stage))
        except TimeoutError as error:
            raise self._explain_time_out(options, stage) from error
        finally:
            self._under_way -= len(topics)
        if options.is_strict and report.written_count <= 0:
            report.require_certainty()
        return report

    def _explain_time_out(self, options: ProduceOptions, stage: "_Stage") -> ProxyError:
        error = errors.produce_timed_out_error(self._settings.produce_timeout)
        if not (options.is_strict or options.is_atomic):
            return error
        reason = f"the request took longer than {self._settings.produce_timeout:g} s."
        if not stage.is_sent:
            return nothing_written_error(reason)
        return unknown_error(reason) if options.is_atomic else errors.unknown_records_error(reason)

    @contextmanager
    def admit(self, count: int, options: ProduceOptions) -> Iterator[None]:
        """Let so many records of a request be under way; raises ProxyError 413, 422 and 42901 beyond the limits."""
        self._count_under_way(count, options)
        try:
            yield
        finally:
            self._under_way -= count

    def check_count(self, count: int) -> None:
        """Raise ProxyError 413 for more records than one request may have."""
        if count > self._settings.max_records:
            raise errors.too_many_records(count, self._settings.max_records)

    def _count_under_way(self, count: int, options: ProduceOptions) -> None:
        overrides = options.overrides
        self.check_count(count)
        if options.is_atomic and overrides is not NO_OVERRIDES:
            raise overridden_error()
        for name, value in () if overrides is NO_OVERRIDES else overrides._asdict().items():
            if value is not None and name not in self._settings.overrides_allowed:
                raise errors.override_not_allowed_error(name)
        if self._under_way and self._under_way + count > self._settings.max_records_under_way:
            raise errors.too_many("records under way")
        self._under_way += count

    async def encode_together(
        self, topics: Sequence[str], request: ProduceRequest, options: ProduceOptions, rights: SubjectRights
    ) -> EncodedRequest:
        """Return the records of a request that is atomic, ready to be written elsewhere; raises ApiError."""
        assert self._atomic is not None
        encoded = await self._encode_request(topics, request, options, rights, None)
        await self._atomic.prepare(encoded.records)
        return encoded

    async def _produce(
        self,
        topics: Sequence[str],
        request: ProduceRequest,
        options: ProduceOptions,
        rights: SubjectRights,
        stage: "_Stage",
    ) -> ProduceReport:
        dead_letters = None if options.is_atomic else DeadLetters()
        encoded = await self._encode_request(topics, request, options, rights, dead_letters)
        stage.is_sent = True
        if dead_letters is None:
            assert self._atomic is not None
            return encoded.report(await self._atomic.write(encoded.records, options.progress))
        refusals = {} if dead_letters.is_empty else await dead_letters.write(self._producer)
        try:
            deliveries = await self._producer.send(encoded.records, options.overrides) if encoded.records else []
        except KafkaFailure as failure:
            raise errors.of_kafka(failure) from failure
        if refusals:
            sent = iter(deliveries)
            deliveries = [_NOT_SENT if at in refusals else next(sent) for at in range(len(topics))]
        return ProduceReport(topics, deliveries, encoded.schema_ids, refusals)

    async def _encode_request(
        self,
        topics: Sequence[str],
        request: ProduceRequest,
        options: ProduceOptions,
        rights: SubjectRights,
        dead_letters: DeadLetters | None,
    ) -> EncodedRequest:
        """Return the records to write; see `_encode` about `dead_letters`."""
        key_format = request.key_format or options.formats[_KEY]
        value_format = request.value_format or options.formats[_VALUE]
        if key_format is None or value_format is None:
            chosen = await choose_formats(request, options.formats, set(topics), self._gate, self._schemas, rights)
            key_format, value_format = key_format or chosen[_KEY], value_format or chosen[_VALUE]
        of_keys = _PartFormat.of(request, _KEY, key_format, options)
        of_values = _PartFormat.of(request, _VALUE, value_format, options)
        lanes: dict[str, _Lane] = {}
        for topic in topics:
            if topic not in lanes:
                lanes[topic] = await self._open_lane(topic, of_keys, of_values, rights)
        outgoing = await self._encode(topics, request.records, lanes, options.partition, dead_letters, rights)
        return EncodedRequest(topics, outgoing, {topic: lane.find_schema_ids() for topic, lane in lanes.items()})

    async def _open_lane(
        self, topic: str, of_keys: "_PartFormat", of_values: "_PartFormat", rights: SubjectRights
    ) -> "_Lane":
        """Return how the records of the topic are encoded; the topic's policy is looked up here, once."""
        keys, values = of_keys.encoding, of_values.encoding
        if isinstance(keys, PartEncoding):
            keys = await self._encoders.find_encoder(_KEY, topic, keys, rights)
        if isinstance(values, PartEncoding):
            values = await self._encoders.find_encoder(_VALUE, topic, values, rights)
        policy = self._gate.find_judging_policy(topic)
        if policy is None:
            return _Lane(keys, values)
        offers = of_keys.offer(keys), of_values.offer(values)
        return _Lane(keys, values, self._gate.open_uniform_admission(topic, policy, *offers, rights))

    async def _encode(
        self,
        topics: Sequence[str],
        records: Sequence[ProducedRecord],
        lanes: Mapping[str, "_Lane"],
        partition: int | None,
        dead_letters: DeadLetters | None,
        rights: SubjectRights,
    ) -> list[OutgoingRecord]:
        """Return the records to write, and add those that are refused to the dead letters of their policies.

        Without `dead_letters`, one refused record refuses the request.
        """
        outgoing: list[OutgoingRecord] = []
        turn = Turn()
        latest: str | None = None
        for at, record in enumerate(records):
            if turn.is_over():
                await turn.yield_to_others()
            topic = topics[at]
            if topic is not latest:  # most records follow others of their topic
                latest = topic
                keys, values, admission = lanes[topic]
            chosen = partition if record.partition is None else record.partition
            headers = () if record.headers is None else tuple((header.key, header.value) for header in record.headers)
            key = None
            try:
                if admission is None:
                    try:
                        key = None if record.key is ABSENT else keys.encode(record.key)
                        value = None if record.value is ABSENT else values.encode(record.value)
                    except HeavyWorkError:
                        key = await keys.encode_anywhere(record.key, self._validators)
                        value = await values.encode_anywhere(record.value, self._validators)
                elif headers or admission.encoders is None:
                    key, value = await admission.admit(record.key, record.value, headers)
                else:
                    encode_key, encode_value = admission.encoders
                    try:
                        key = None if record.key is ABSENT else encode_key(record.key)
                        value = None if record.value is ABSENT else encode_value(record.value)
                    except (EncodeError, HeavyWorkError):
                        key, value = await admission.admit(record.key, record.value, headers)
            except EncodeError as error:
                refusal = refuse_value(error, _name_place(at, records))
                if isinstance(refusal, RuleRefusalError):
                    refusal = await self._letters.refuse(refusal, RefusedRecord(topic, key, headers), rights)
                raise refusal from error
            except RefusedRecordError as error:
                place = _name_place(at, records)
                if error.dead_letter_topic is None or dead_letters is None:
                    raise error.at(place) from error
                key, value = await lanes[topic].encode_without_policy(record, self._validators, place)
                dead_letters.add(at, error, SentRecord(key, value, headers, chosen))
                continue
            outgoing.append(OutgoingRecord(topic, key, value, chosen, headers))
        return outgoing


class _Lane(NamedTuple):
    """How the records of one topic are encoded, and admitted to it."""

    keys: Encoder
    values: Encoder
    admission: UniformAdmission | None = None
    """None: every record is written as it is sent."""

    async def encode_without_policy(
        self, record: ProducedRecord, validators: Validators, place: str
    ) -> tuple[bytes | None, bytes | None]:
        """Return key and value as they would be written without a policy; raises ProxyError where they could not be.

        `place` says in its message which record it is.
        """
        try:
            key = await self.keys.encode_anywhere(record.key, validators)
            return key, await self.values.encode_anywhere(record.value, validators)
        except EncodeError as error:
            raise refuse_value(error, place) from error

    def find_schema_ids(self) -> SchemaIds:
        """Return the schemas that have encoded the keys and values."""
        if self.admission is None:
            return SchemaIds(self.keys.schema_id, self.values.schema_id)
        key, value = self.admission.schema_ids
        return SchemaIds(key or self.keys.schema_id, value or self.values.schema_id)


class _PartFormat(NamedTuple):
    """The format of the keys, or of the values, of a request."""

    embedded: EmbeddedFormat
    encoding: Encoder | PartEncoding

    @classmethod
    def of(
        cls, request: ProduceRequest, role: RecordPart, embedded: EmbeddedFormat, options: ProduceOptions
    ) -> "_PartFormat":
        if options.is_message_pack:
            return cls(embedded, MESSAGE_PACK_ENCODERS[role])
        schemaless = _SCHEMALESS_FORMATS[role].get(embedded)
        return schemaless or cls(embedded, request.part_encoding(role, embedded, options.reading))

    def offer(self, encoder: Encoder) -> Offer:
        """Return what the request offers to a topic for which this is its encoder."""
        return Offer(self.embedded, encoder.schema_id, encoder.encode_anywhere, encoder.encode)


_SCHEMALESS_FORMATS = {
    role: {embedded: _PartFormat(embedded, encoder) for embedded, encoder in encoders.items()}
    for role, encoders in SCHEMALESS_ENCODERS.items()
}
_NOT_SENT = Delivery()
"""Stands for the delivery of a record that is a dead letter."""


def _name_place(at: int, records: Sequence[ProducedRecord]) -> str:
    return f" (record {at})" if len(records) > 1 else ""
