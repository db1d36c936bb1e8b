"""Producing: a typed request is encoded as a whole, then handed to the shared producer as a whole.

A record that cannot be encoded fails the request before anything is sent; what Kafka refuses fails record by record.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec

from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.deadline import SharedDeadline
from karapace_like.proxy.encoding import (
    ABSENT,
    NOTHING_ENCODERS,
    SCHEMALESS_ENCODERS,
    Encoder,
    Encoders,
    Writing,
    has_content,
)
from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.ports import Producer
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.records import MAX_PARTITION, NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides
from karapace_like.schema.model import Reference, SchemaId
from karapace_like.serde.codec import EncodeError

_KEY, _VALUE = Role
_RECORDS_PER_TURN = 500
"""Records that are encoded before other requests get the event loop again."""


class ProducedHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One header of a record; the value is base64 in JSON."""

    key: str
    value: bytes | None = None


class ProducedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One record of a request, as JSON has it."""

    key: msgspec.Raw = ABSENT
    value: msgspec.Raw = ABSENT
    partition: Annotated[int, msgspec.Meta(ge=0, le=MAX_PARTITION)] | None = None
    headers: tuple[ProducedHeader, ...] | None = None


class ProduceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to write, as JSON has it; the schemas are for formats that need one."""

    records: tuple[ProducedRecord, ...] = ()
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

    def encoding(self, role: Role, embedded: EmbeddedFormat) -> Encoder | Writing:
        """How the keys, or the values, are written: by this encoder, or by one whose schema has to be found."""
        schemaless = SCHEMALESS_ENCODERS[role].get(embedded)
        if schemaless is not None:
            return schemaless
        said = schema, schema_id, references, subject, strategy = _SAID_OF[role](self)
        takes_latest = (subject is not None or self._names_no_schema) and any(
            map(has_content, map(_HELD[role], self.records))
        )
        if not takes_latest and said == _NOTHING:
            return NOTHING_ENCODERS[role]
        return Writing(embedded, schema, schema_id, references or (), subject, strategy, takes_latest)

    @property
    def _names_no_schema(self) -> bool:
        """Whether the latest schemas are meant: a request that names one of two has forgotten the other (422)."""
        return (self.key_schema, self.key_schema_id, self.value_schema, self.value_schema_id) == (None,) * 4


_SAID_OF = {
    role: attrgetter(
        *(f"{role}_{each}" for each in ("schema", "schema_id", "references", "subject", "subject_name_strategy"))
    )
    for role in Role
}
"""What a request says of its keys, or its values."""
_NOTHING = (None,) * 5
_HELD = {role: attrgetter(role) for role in Role}
"""A record's key, or its value."""


class RoutedRecord(ProducedRecord, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A record that names its topic."""

    topic: str


class RoutedRequest(ProduceRequest, frozen=True, forbid_unknown_fields=True):
    """What to write to several topics."""

    records: tuple[RoutedRecord, ...] = ()


class SchemaIds(NamedTuple):
    """What a topic's keys and values were written with."""

    key: SchemaId | None
    value: SchemaId | None


class ProduceReport(msgspec.Struct, frozen=True):
    """What became of a request."""

    topics: Sequence[str]
    """Of each record, in the request's order."""
    deliveries: Sequence[Delivery]
    """Of each record."""
    schema_ids: Mapping[str, SchemaIds]
    """By topic."""

    @property
    def is_partial(self) -> bool:
        """Whether a record failed."""
        return any(each.failure is not None for each in self.deliveries)


class Producing:
    """Writes the requests' records. Every call raises ApiError for a request of which nothing is written."""

    def __init__(self, schemas: SchemaCache, producer: Producer, settings: ProxySettings) -> None:
        self._encoders = Encoders(schemas, settings.name_strategy)
        self._producer = producer
        self._settings = settings
        self._deadline = SharedDeadline(settings.produce_timeout)
        self._under_way = 0
        """Records of requests that are not answered yet."""

    def produce(
        self,
        topic: str,
        partition: int | None,
        formats: Mapping[Role, EmbeddedFormat],
        request: ProduceRequest,
        overrides: ProducerOverrides = NO_OVERRIDES,
    ) -> Coroutine[Any, Any, ProduceReport]:
        """Write to one topic.

        `partition` and `formats` are for the records that name no partition, and a request that names no format.
        """
        return self._in_time([topic] * len(request.records), partition, formats, request, overrides)

    def produce_routed(
        self,
        formats: Mapping[Role, EmbeddedFormat],
        request: RoutedRequest,
        overrides: ProducerOverrides = NO_OVERRIDES,
    ) -> Coroutine[Any, Any, ProduceReport]:
        """Write each record to its topic."""
        return self._in_time([each.topic for each in request.records], None, formats, request, overrides)

    async def _in_time(
        self,
        topics: Sequence[str],
        partition: int | None,
        formats: Mapping[Role, EmbeddedFormat],
        request: ProduceRequest,
        overrides: ProducerOverrides,
    ) -> ProduceReport:
        if len(topics) > self._settings.max_records:
            raise errors.too_many_records(len(topics), self._settings.max_records)
        for name, value in () if overrides is NO_OVERRIDES else overrides._asdict().items():
            if value is not None and name not in self._settings.overrides_allowed:
                raise errors.override_refused(name)
        if self._under_way and self._under_way + len(topics) > self._settings.max_records_under_way:
            raise errors.too_many("records under way")
        self._under_way += len(topics)
        try:
            return await self._deadline.keep(self._produce(topics, partition, formats, request, overrides))
        except TimeoutError as error:
            raise errors.produce_timed_out(self._settings.produce_timeout) from error
        finally:
            self._under_way -= len(topics)

    async def _produce(
        self,
        topics: Sequence[str],
        partition: int | None,
        formats: Mapping[Role, EmbeddedFormat],
        request: ProduceRequest,
        overrides: ProducerOverrides,
    ) -> ProduceReport:
        of_keys = request.encoding(_KEY, request.key_format or formats[_KEY])
        of_values = request.encoding(_VALUE, request.value_format or formats[_VALUE])
        encoders: dict[str, tuple[Encoder, Encoder]] = {}
        for topic in topics:
            if topic not in encoders:
                encoders[topic] = (
                    await self._encoders.encoder(_KEY, topic, of_keys) if isinstance(of_keys, Writing) else of_keys,
                    await self._encoders.encoder(_VALUE, topic, of_values)
                    if isinstance(of_values, Writing)
                    else of_values,
                )
        outgoing: list[OutgoingRecord] = []
        for at, record in enumerate(request.records):
            if at % _RECORDS_PER_TURN == _RECORDS_PER_TURN - 1:
                await asyncio.sleep(0)
            topic = topics[at]
            keys, values = encoders[topic]
            try:
                key = None if record.key is ABSENT else keys.encode(record.key)
                value = None if record.value is ABSENT else values.encode(record.value)
            except EncodeError as error:
                place = f" (record {at})" if len(request.records) > 1 else ""
                raise errors.bad_request(f"{error}{place}") from error
            chosen = partition if record.partition is None else record.partition
            headers = () if record.headers is None else tuple((each.key, each.value) for each in record.headers)
            outgoing.append(OutgoingRecord(topic, key, value, chosen, headers))
        schema_ids = {topic: SchemaIds(key.schema_id, value.schema_id) for topic, (key, value) in encoders.items()}
        try:
            deliveries = await self._producer.send(outgoing, overrides)
        except KafkaFailure as failure:
            raise errors.of_kafka(failure) from failure
        return ProduceReport(topics, deliveries, schema_ids)
