"""A producer whose records carry the trace of the request that brought them."""

from collections.abc import Sequence

from msgspec.structs import replace

from karapace_like import trace_context
from karapace_like.proxy.ports import Producer
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides


class TracedProducer:
    """Adds the trace's headers to each record that has no `traceparent` of its own; another producer writes them."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def send(
        self, records: Sequence[OutgoingRecord], overrides: ProducerOverrides = NO_OVERRIDES
    ) -> list[Delivery]:
        """Write the records, as `Producer.send`."""
        added = tuple((name, value.encode()) for name, value in trace_context.headers.get().items())
        return await self._producer.send([_with(each, added) for each in records], overrides)

    async def close(self) -> None:
        """Close the other producer."""
        await self._producer.close()


def _with(record: OutgoingRecord, added: tuple[tuple[str, bytes], ...]) -> OutgoingRecord:
    if any(name == trace_context.TRACEPARENT for name, _ in record.headers):
        return record
    return replace(record, headers=(*record.headers, *added))
