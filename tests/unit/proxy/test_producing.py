"""Producing where the cluster does not answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from karapace_like.proxy.contracts.gate import NO_POLICIES, Gate
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.produce import ProducedRecord, ProduceOptions, ProduceRequest, Producing
from karapace_like.proxy.rights import ALL_SUBJECTS
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides

JSON = dict.fromkeys(RecordPart, EmbeddedFormat.JSON)


class SilentProducer:
    """A producer that nobody reports anything to."""

    async def send(self, _: Sequence[OutgoingRecord], __: ProducerOverrides = NO_OVERRIDES) -> list[Delivery]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        """There is nothing to wait for."""


async def test_a_request_ends_in_time() -> None:
    """However long the cluster takes; what was sent may have arrived, and the message says so."""
    no_schemas: Any = None
    cache = SchemaCache(no_schemas)
    gate = Gate(NO_POLICIES, cache, ViolationLog(), InternalResources())
    producing = Producing(cache, SilentProducer(), ProxySettings(produce_timeout=0.01), gate)
    request = ProduceRequest(records=(ProducedRecord(value=msgspec.Raw(b"1")),))
    with pytest.raises(ProxyError) as refused:
        await producing.produce("topic", request, ProduceOptions(JSON), ALL_SUBJECTS)
    assert (refused.value.code, refused.value.status) == (50003, 500)
    assert refused.value.message == "The request took longer than 0.01 s; its records may have been written"


class WaitingProducer:
    """One that is reported to when the test lets it."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.sent = 0

    async def send(self, records: Sequence[OutgoingRecord], _: ProducerOverrides = NO_OVERRIDES) -> list[Delivery]:
        self.sent += len(records)
        await self.let.wait()
        return [Delivery(0, 0)] * len(records)

    async def close(self) -> None:
        """There is nothing to wait for."""


async def test_more_records_than_may_be_under_way_are_refused_at_once() -> None:
    """Nothing of such a request is sent. One that is larger than the bound by itself is taken when it is alone."""
    no_schemas: Any = None
    producer = WaitingProducer()
    cache = SchemaCache(no_schemas)
    gate = Gate(NO_POLICIES, cache, ViolationLog(), InternalResources())
    producing = Producing(cache, producer, ProxySettings(max_records_under_way=10), gate)
    request = ProduceRequest(records=(ProducedRecord(value=msgspec.Raw(b"1")),) * 4)
    asked = [
        asyncio.create_task(producing.produce("topic", request, ProduceOptions(JSON), ALL_SUBJECTS)) for _ in range(5)
    ]
    refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    while len(refused) < 3:
        refused |= (await asyncio.wait(set(asked) - refused, return_when=asyncio.FIRST_COMPLETED))[0]
    for each in refused:
        error = each.exception()
        assert isinstance(error, ProxyError)
        assert (error.code, error.status, error.retry_after) == (42901, 429, 1)
    producer.let.set()
    await asyncio.gather(*(set(asked) - refused))
    assert producer.sent == 8
    large = ProduceRequest(records=request.records * 4)
    assert len((await producing.produce("topic", large, ProduceOptions(JSON), ALL_SUBJECTS)).deliveries) == 16
