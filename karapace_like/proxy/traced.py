"""A producer that adds the trace context of the request to its records."""

from collections.abc import Sequence

from msgspec.structs import replace

from karapace_like.process import trace_context
from karapace_like.proxy.ports import Producer
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides


class TracedProducer:
    """Adds the headers of the trace context to records without a `traceparent`; another producer writes them."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> list[Delivery]:
        """Write the records; see `Producer.send`."""
        added = tuple((name, value.encode()) for name, value in trace_context.headers.get().items())
        return await self._producer.send([_with(record, added) for record in records], overrides)

    async def close(self) -> None:
        """Close the wrapped producer."""
        await self._producer.close()


def _with(record: OutgoingRecord, added: tuple[tuple[str, bytes], ...]) -> OutgoingRecord:
    if any(name == trace_context.TRACEPARENT for name, _ in record.headers):
        return record
    return replace(record, headers=(*record.headers, *added))
