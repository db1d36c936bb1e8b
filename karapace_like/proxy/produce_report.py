"""What became of the records of a produce request."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.atomic import nothing_written_error
from karapace_like.records import Delivery, OutgoingRecord
from karapace_like.schema.model import SchemaId


class SchemaIds(NamedTuple):
    """The ids of the schemas that encoded the keys and values of a topic; None for formats without a schema."""

    key: SchemaId | None
    value: SchemaId | None


class ProduceReport(msgspec.Struct, frozen=True):
    """The results of a request."""

    topics: Sequence[str]
    """The topic of each record, in the order of the request."""
    deliveries: Sequence[Delivery]
    """The result of each record, in the same order."""
    schema_ids: Mapping[str, SchemaIds]
    """Topic -> the schemas of its records."""
    refusals: Mapping[int, ApiError]
    """Place of a record that a policy has refused -> its error; its delivery says nothing."""

    @property
    def is_partial(self) -> bool:
        """Whether a record failed."""
        return bool(self.refusals) or any(delivery.failure is not None for delivery in self.deliveries)

    @property
    def written_count(self) -> int:
        """How many records were written to their topics."""
        return sum([delivery.failure is None for delivery in self.deliveries]) - len(self.refusals)

    def require_certainty(self) -> None:
        """Raise ProxyError where no record is certain to be written, and Kafka may not have refused them for good."""
        failures = [delivery.failure for delivery in self.deliveries if delivery.failure is not None]
        unknown = next((failure for failure in failures if errors.may_be_written(failure)), None)
        if unknown is not None:
            raise errors.unknown_records_error(unknown.message)
        if not self.refusals and all(map(errors.may_pass, failures)):
            raise nothing_written_error(failures[0].message)


class EncodedRequest(NamedTuple):
    """The records of a request that are written together, or not at all."""

    topics: Sequence[str]
    """The topic of each record."""
    records: Sequence[OutgoingRecord]
    schema_ids: Mapping[str, SchemaIds]

    def report(self, deliveries: Sequence[Delivery]) -> ProduceReport:
        """Return the results of the request."""
        return ProduceReport(self.topics, deliveries, self.schema_ids, {})
