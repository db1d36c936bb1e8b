"""Producing where the cluster does not answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.produce import ProducedRecord, ProduceRequest, Producing
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides

JSON = dict.fromkeys(Role, EmbeddedFormat.JSON)


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
    producing = Producing(SchemaCache(no_schemas), SilentProducer(), ProxySettings(produce_timeout=0.01))
    request = ProduceRequest(records=(ProducedRecord(value=msgspec.Raw(b"1")),))
    with pytest.raises(ProxyError) as refused:
        await producing.produce("topic", None, JSON, request)
    assert (refused.value.code, refused.value.status) == (50003, 500)
    assert refused.value.message == "The request took longer than 0.01 s; its records may have been written"
