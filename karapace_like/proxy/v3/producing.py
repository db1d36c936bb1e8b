"""Producing in REST v3: every record for itself. What is wrong with one is its result, and the others are written."""

import asyncio
from collections.abc import Sequence

from karapace_like.errors import ApiError
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import Role
from karapace_like.proxy.ports import Producer
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.encoding import Encoding
from karapace_like.proxy.v3.records import RecordRequest, WrittenData, WrittenRecord
from karapace_like.records import OutgoingRecord

_RECORDS_PER_TURN = 200
"""Records that are encoded before other requests get the event loop again."""

Result = WrittenRecord | ApiError
Parts = tuple[WrittenData | None, WrittenData | None]


class RecordProducing:
    """Writes records."""

    def __init__(self, schemas: SchemaCache, producer: Producer) -> None:
        self._schemas = schemas
        self._producer = producer

    async def produce(self, topic: str, requests: Sequence[RecordRequest | ApiError]) -> list[Result]:
        """Write the records; one result for each, in order. A request that could not be read is its own result."""
        encoding = Encoding(self._schemas, topic)
        results: list[Result] = []
        outgoing: list[OutgoingRecord] = []
        parts: dict[int, Parts] = {}
        """Of the records that are sent, by their place among the results."""
        for at, request in enumerate(requests):
            if at % _RECORDS_PER_TURN == _RECORDS_PER_TURN - 1:
                await asyncio.sleep(0)
            try:
                if isinstance(request, ApiError):
                    raise request
                record, parts[at] = await _encoded(encoding, topic, request)
            except ApiError as error:
                results.append(errors.as_entry(error))
            else:
                outgoing.append(record)
                results.append(_PENDING)
        for (at, (key, value)), delivery in zip(parts.items(), await self._producer.send(outgoing), strict=True):
            results[at] = (
                WrittenRecord(delivery, key, value)
                if delivery.failure is None
                else errors.as_entry(errors.of_record(delivery.failure))
            )
        return results


async def _encoded(encoding: Encoding, topic: str, request: RecordRequest) -> tuple[OutgoingRecord, Parts]:
    key, key_part = await encoding.encode(Role.KEY, request.key)
    value, value_part = await encoding.encode(Role.VALUE, request.value)
    headers = tuple((each.name, each.value) for each in request.headers)
    record = OutgoingRecord(topic, key, value, request.partition_id, headers, request.timestamp_ms)
    return record, (key_part, value_part)


_PENDING = ProxyError(500, "Internal Server Error")
"""Stands where a result comes once the record is delivered."""
