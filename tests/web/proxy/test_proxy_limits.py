"""What one user or client may take of the service, and that it is free again afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from confluent_kafka import Producer

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.forms import shorten
from tests.web.proxy.conftest import KAFKA_V2, ProxyApi, running
from tests.web.proxy.instances import assigned, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN = {"Authorization": "Basic YW5uOmE="}
BOB = {"Authorization": "Basic Ym9iOmI="}
_SECONDS = 120
_MEGABYTES = 30


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def narrow(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """A proxy that lets a user have two instances and one read at a time, and waits little for slow clients."""
    settings = ProxySettings(max_instances=5, max_instances_of_user=2, max_reads=1, stalled_after=1, max_records=2)
    async with running(kafka, settings) as api:
        yield api


async def call(
    api: ProxyApi, user: dict[str, str], method: str, path: str, body: object = None
) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": KAFKA_V2, **user}
    async with api.client.request(method, path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_caller_has_only_so_many_instances(narrow: ProxyApi, topic: Callable[[], str]) -> None:
    """Under whatever names: nobody checks them here. A deleted instance makes room."""
    group = f"/consumers/{topic()}"
    made = [(await call(narrow, ANN, "POST", group, {}))[1]["instance_id"] for _ in range(2)]
    for user in (ANN, BOB, {}):
        status, refusal = await call(narrow, user, "POST", group, {})
        assert (status, refusal["error_code"]) == (429, 42901)
        assert refusal["message"].startswith("Too many requests: there are too many consumer instances of this caller")
    assert (await call(narrow, ANN, "DELETE", f"{group}/instances/{made[0]}"))[0] == 204
    assert (await call(narrow, BOB, "POST", group, {}))[0] == 200
    assert (await call(narrow, ANN, "DELETE", f"{group}/instances/{made[1]}"))[0] == 204


@pytest.mark.parametrize("other", [BOB, {}])
async def test_an_instance_is_its_maker_s(kafka: Cluster, topic: Callable[[], str], other: dict[str, str]) -> None:
    group = f"/consumers/{topic()}"
    message = (
        "Consumer instance not found: it belongs to the caller that created it. Send the same credentials "
        "(Authorization) as when it was created."
    )
    async with running(kafka, ProxySettings()) as api:
        assert (await call(api, ANN, "POST", group, {"name": "mine"}))[0] == 200
        for method, path in (("GET", "/subscription"), ("GET", "/records"), ("DELETE", "")):
            refusal = await call(api, other, method, f"{group}/instances/mine{path}")
            assert refusal == (404, {"error_code": 40403, "message": message})
        assert (await call(api, ANN, "DELETE", f"{group}/instances/mine"))[0] == 204


async def test_a_request_writes_only_so_many_records(narrow: ProxyApi, topic: Callable[[], str]) -> None:
    async with narrow.client.post(
        f"/topics/{topic()}",
        json={"records": [{}] * 3},
        headers={"Content-Type": KAFKA_V2.replace("kafka.v2", "kafka.json.v2")},
    ) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["error_code"] == 413


def large(api: ProxyApi, name: str) -> str:
    api.create_topic(name)
    other = Producer({"bootstrap.servers": api.bootstrap_servers, "compression.type": "gzip"})
    for _ in range(_MEGABYTES):
        other.produce(name, value=b"x" * 900_000)
    other.flush()
    return name


def connections(api: ProxyApi) -> set[Any]:
    """The server's own view of who is connected."""
    server = api.client.server.runner.server  # type: ignore[union-attr]
    assert server is not None
    return set(server.connections)


@pytest.mark.parametrize("leaves", shorten([True, False]))
async def test_a_client_that_does_not_take_its_answer_is_let_go(
    narrow: ProxyApi, topic: Callable[[], str], *, leaves: bool
) -> None:
    """Nothing is kept for one that stops reading, or leaves in the middle; the only read is free for others again."""
    name = large(narrow, topic())
    path = f"/topics/{name}/partitions/0/records?timeout=5000"
    before = connections(narrow)
    port = narrow.client.server.port
    reader, writer = await asyncio.open_connection(narrow.client.server.host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    if leaves:
        writer.close()
    async with asyncio.timeout(_SECONDS):
        while connections(narrow) - before:
            await asyncio.sleep(0.05)
    status, records = await narrow("GET", f"{path}&count=1")
    assert (status, len(records)) == (200, 1)
    writer.close()


async def test_what_an_answer_holds_has_a_limit(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Of bytes, whatever the request asks for: what is left comes with the next one."""
    async with running(kafka, ProxySettings(request_max_bytes=2_500_000)) as api:
        name = large(api, topic())
        path = f"/topics/{name}/partitions/0/records?timeout=5000&max_bytes=1000000000"
        status, records = await api("GET", path)
        assert (status, [each["offset"] for each in records]) == (200, [0, 1])


async def test_there_are_only_so_many_instances(kafka: Cluster, group: str) -> None:
    """A deleted one makes room."""
    async with running(kafka, ProxySettings(max_instances=2)) as api:
        first, _ = await api.consumer(group), await api.consumer(group)
        message = "Too many requests: there are too many consumer instances at the moment."
        await expect(api, (429, 42901, message), "POST", f"/consumers/{group}", {})
        assert await api("DELETE", first) == (204, None)
        assert (await api("POST", f"/consumers/{group}", {}))[0] == 200


async def test_a_record_above_the_service_s_limit_comes_alone(
    kafka: Cluster, topic: Callable[[], str], group: str
) -> None:
    """Else it would block its partition for ever."""
    settings = ProxySettings(request_max_bytes=100, record_timestamps=True)
    async with running(kafka, settings) as api:
        name = topic()
        await api.produce(name, {"value": 1}, {"value": "x" * 200}, {"value": 2})
        instance = await assigned(api, group, name)
        polls = [await api.poll(instance) for _ in range(3)]
        assert [[record["value"] for record in poll] for poll in polls] == [[1], ["x" * 200], [2]]
        assert abs(polls[0][0]["timestamp"] / 1000 - time.time()) < 60
