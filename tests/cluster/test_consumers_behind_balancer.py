"""Consumer instances of two nodes behind a load balancer that sends each request to another one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cluster.registry_nodes import RegistryNodes, kill, pause, resume
from tests.cluster.round_robin import round_robin
from tests.scraping import is_busy
from tests.service_process import ServiceProcess
from tests.waiting import until

_INSTANCES = 200
_TOGETHER = 16
KAFKA_V2 = "application/vnd.kafka.v2+json"
JSON = "application/vnd.kafka.json.v2+json"
ACCEPT = f"{JSON}, */*;q=0.5"
JSON_V1 = "application/vnd.kafka.json.v1+json"

GONE = "Consumer instance not found: the node that held it has stopped. Create another instance."
NEVER = "Consumer instance not found."


class Client:
    """Answers (status, body); every request opens a connection of its own."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url
        self._together = asyncio.Semaphore(_TOGETHER)

    async def __call__(self, method: str, path: str, body: object = None, accept: str = ACCEPT) -> tuple[int, Any]:
        sent_as = JSON if path.startswith("/topics") else KAFKA_V2
        headers = {"Accept": accept} | ({} if body is None and accept is not ACCEPT else {"Content-Type": sent_as})
        async with (
            self._together,
            self._session.request(method, self.url + path, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def done(self, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that is no refusal."""
        status, answer = await self(method, path, body)
        assert status < 300, (path, answer)
        return answer


@asynccontextmanager
async def balanced(nodes: RegistryNodes) -> AsyncIterator[Client]:
    async with (
        round_robin([each.url for each in nodes.all]) as url,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
    ):
        yield Client(session, url)


async def poll(client: Client, instance: str, count: int) -> list[Any]:
    """The values of the next records, once there are so many: one answer may have a part of them."""
    found: list[Any] = []
    while len(found) < count:
        found += [each["value"] for each in await client.done("GET", f"{instance}/records?timeout=5000")]
    return found


async def _read_as_v1(client: Client, topic: str) -> None:
    """A session of REST v1, each call of which comes to another node than the last one."""
    wanted = {"format": "json", "auto.offset.reset": "earliest"}
    _, made = await client("POST", f"/consumers/{topic}-v1", wanted, JSON_V1)
    instance = f"/consumers/{topic}-v1/instances/{made['instance_id']}"
    found: list[Any] = []

    async def has_read() -> bool:
        status, records = await client("GET", f"{instance}/topics/{topic}", None, JSON_V1)
        assert status == 200, records
        found.extend(record["value"] for record in records)
        return len(found) == 3

    await until(has_read)
    expected = [{"topic": topic, "partition": 0, "consumed": 2, "committed": 2}]
    for _ in range(2):
        assert await client("POST", f"{instance}/offsets", None, JSON_V1) == (200, expected)
    assert (await client("DELETE", instance, None, JSON_V1))[0] == 204


async def has_subscription(client: Client, instance: str) -> bool:
    return (await client("GET", f"{instance}/subscription"))[0] == 200


async def is_idle(node: ServiceProcess) -> bool:
    return not await asyncio.to_thread(is_busy, node)


@pytest.mark.long
async def test_instances_live_through_any_node_and_end_with_their_own(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Every call reaches the owner, whichever node it came to; a killed node takes nothing with it but its own."""
    name = topic()
    with RegistryNodes(kafka.bootstrap_servers, 2) as two_nodes:
        async with balanced(two_nodes) as client:
            two_nodes.primary()
            await client.done("POST", f"/topics/{name}", {"records": [{"value": at} for at in range(3)]})

            async def begin(number: int) -> str:
                wanted: dict[str, object] = {"format": "json", "auto.offset.reset": "earliest"}
                if number % 4 == 0:
                    wanted["name"] = f"chosen-{number}"
                group = f"{name}-{number}"
                made = await client.done("POST", f"/consumers/{group}", wanted)
                instance = f"/consumers/{group}/instances/{made['instance_id']}"
                if number % 2:
                    await client.done("POST", f"{instance}/subscription", {"topics": [name]})
                else:
                    await client.done(
                        "POST", f"{instance}/assignments", {"partitions": [{"topic": name, "partition": 0}]}
                    )
                assert await poll(client, instance, 3) == [0, 1, 2]
                await client.done("POST", f"{instance}/offsets")
                committed = await client.done(
                    "GET", f"{instance}/offsets", {"partitions": [{"topic": name, "partition": 0}]}
                )
                assert [each["offset"] for each in committed["offsets"]] == [3]
                return instance

            instances = await asyncio.gather(*map(begin, range(_INSTANCES)))
            status, refusal = await client("POST", f"/consumers/{name}-0", {"name": "chosen-0"})
            assert (status, refusal["error_code"]) == (409, 40902)
            status, refusal = await client("POST", f"/consumers/{name}-0", {"name": "chosen-0"})
            assert (status, refusal["error_code"]) == (409, 40902), "whichever node is asked"

            await _read_as_v1(client, name)
            kill(two_nodes.all[1])
            await client.done("POST", f"/topics/{name}", {"records": [{"value": 3}]})

            async def go_on(instance: str) -> str:
                status, found = await client("GET", f"{instance}/records?timeout=5000")
                if status == 404:
                    assert found["error_code"] == 40403, found
                    return str(found["message"])
                assert status == 200, found
                while not found:
                    found = await client.done("GET", f"{instance}/records?timeout=5000")
                assert [each["value"] for each in found] == [3]
                await client.done("DELETE", instance)
                return "went on"

            ends = Counter(await asyncio.gather(*map(go_on, instances)))
            assert ends.keys() == {"went on", GONE}


@pytest.mark.long
async def test_a_node_tells_what_it_knows_of_instances_that_it_does_not_have(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    name = topic()
    with RegistryNodes(kafka.bootstrap_servers, 2, session_timeout_ms=6000) as nodes:
        async with aiohttp.ClientSession() as session:
            nodes.primary()
            owner, other = (Client(session, each.url) for each in nodes.all)
            await owner.done("POST", f"/topics/{name}", {"records": [{"value": 0}]})
            made = await owner.done("POST", f"/consumers/{name}", {"format": "json"})
            instance = f"/consumers/{name}/instances/{made['instance_id']}"
            assignment = {"partitions": [{"topic": name, "partition": 0}]}
            await other.done("POST", f"{instance}/assignments", assignment)
            assert await other.done("GET", f"{instance}/assignments") == assignment

            # A client that leaves while it waits at the other node takes no records with it.
            after_the_first = {"offsets": [{"topic": name, "partition": 0, "offset": 1}]}
            await other.done("POST", f"{instance}/positions", after_the_first)
            left = asyncio.create_task(other("GET", f"{instance}/records?timeout=600000"))
            await until(lambda: asyncio.to_thread(is_busy, nodes.all[0]))
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            await until(lambda: is_idle(nodes.all[0]))
            await owner.done("POST", f"/topics/{name}", {"records": [{"value": 1}]})
            assert await poll(other, instance, 1) == [1]
            await owner.done("POST", f"/topics/{name}", {"records": [{"value": "x" * 400_000}]})
            assert await poll(other, instance, 1) == ["x" * 400_000]

            # A request is sent on once, and an id leads nowhere but to a member of the group.
            forwarded = {"X-Forward": "true", "Accept": JSON}
            async with session.get(f"{nodes.all[1].url}{instance}/records", headers=forwarded) as answer:
                assert (await answer.json(content_type=None))["message"] == NEVER
            for unknown, message in {
                "never": NEVER,
                made["instance_id"][:-1] + "!": NEVER,
                f"rest-consumer-0123abcd.0-{'0' * 36}": GONE,
            }.items():
                status, refusal = await other("GET", f"/consumers/{name}/instances/{unknown}/records")
                assert (status, refusal) == (404, {"error_code": 40403, "message": message})
            status, refusal = await other("POST", f"/consumers/{name}", {"name": made["instance_id"]})
            assert (status, refusal["error_code"]) == (422, 422)

            # An owner that does not answer is gone once its session has ended; one that comes back has what it had.
            pause(nodes.all[0])
            status, refusal = await other("GET", f"{instance}/subscription")
            assert (status, refusal) == (404, {"error_code": 40403, "message": GONE})
            resume(nodes.all[0])
            await owner.done("POST", f"/topics/{name}", {"records": [{"value": 2}]})
            await until(lambda: has_subscription(other, instance))
            assert await poll(other, instance, 1) == [2]
