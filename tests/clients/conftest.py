"""confluent-kafka's registry library in both its flavours, as one: what has to be awaited is awaited."""

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, SchemaRegistryClient, avro, json_schema, protobuf

from tests.service_process import ServiceProcess

_SERDES = vars(avro) | vars(json_schema) | vars(protobuf)


async def _settled(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    answer = call(*args, **options)
    return await answer if inspect.isawaitable(answer) else answer


class Awaited:
    """An object of the library: its methods, and itself if it can be called, are awaited in both flavours."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._target, name)
        return lambda *args, **options: _settled(method, *args, **options)

    async def __call__(self, *args: Any) -> Any:
        return await _settled(self._target, *args)


class Library:
    """One flavour on the service: `client` for its routes, `serde` for serializers by the name of their class."""

    def __init__(self, registry: SchemaRegistryClient | AsyncSchemaRegistryClient) -> None:
        self.client = Awaited(registry)
        self._registry = registry
        self._prefix = "Async" if isinstance(registry, AsyncSchemaRegistryClient) else ""

    async def serde(self, name: str, **options: Any) -> Awaited:
        kind = _SERDES[self._prefix + name]
        return Awaited(await _settled(kind, schema_registry_client=self._registry, **options))


@pytest.fixture(params=["sync", "async"])
async def library(request: pytest.FixtureRequest, service: ServiceProcess) -> AsyncIterator[Library]:
    """Each flavour in turn."""
    if request.param == "sync":
        with SchemaRegistryClient({"url": service.url}) as registry:
            yield Library(registry)
    else:
        async with AsyncSchemaRegistryClient({"url": service.url}) as registry:
            yield Library(registry)
