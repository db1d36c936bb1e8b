"""Consumer instances as tests make and ask them."""

from collections.abc import Callable
from typing import Any

from tests.web.proxy.conftest import ProxyApi

Topics = Callable[..., str]
Refusal = tuple[int, int, str | None]
AVRO = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'
JSON_SCHEMA = '{"type":"object","properties":{"floor":{"type":"integer"}}}'
PROTOBUF = 'syntax = "proto3"; message Lift { int32 floor = 1; }'
NOT_FOUND = (404, 40403, "Consumer instance not found.")
EXCLUSIVE = (409, 40903, "Illegal state: Subscription to topics, partitions and pattern are mutually exclusive")


def at(topic: str, partition: int = 0, **more: Any) -> dict[str, Any]:
    return {"topic": topic, "partition": partition, **more}


async def assigned(proxy: ProxyApi, group: str, topic: str, *partitions: int, **options: Any) -> str:
    instance = await proxy.consumer(group, **options)
    wanted = [at(topic, each) for each in partitions or (0,)]
    assert await proxy("POST", f"{instance}/assignments", {"partitions": wanted}) == (204, None)
    return instance


async def subscribed(proxy: ProxyApi, group: str, *topics: str, **options: Any) -> str:
    instance = await proxy.consumer(group, **options)
    assert await proxy("POST", f"{instance}/subscription", {"topics": topics}) == (204, None)
    return instance


async def expect(
    proxy: ProxyApi, refusal: Refusal, method: str, path: str, body: object = None, **options: Any
) -> None:
    status, answer = await proxy(method, path, body, **options)
    assert (status, answer["error_code"], len(answer)) == (*refusal[:2], 2), answer
    assert answer["message"].startswith(refusal[2] or ""), answer
