"""What the REST proxy answers while no broker does: each call within its own deadline, in the API's error shape."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.waiting import until

BINARY = "application/vnd.kafka.binary.v2+json"
ONE = {"records": [{"value": "MQ=="}]}
_AWAY_SECONDS = 90.0
"""Above every deadline, and below the two minutes after which Kafka's clients give up by themselves."""


@asynccontextmanager
async def calling(service: ServiceProcess) -> AsyncIterator[Any]:
    headers = {"Content-Type": BINARY, "Accept": f"{BINARY}, */*;q=0.5"}
    timeout = aiohttp.ClientTimeout(total=_AWAY_SECONDS)
    async with aiohttp.ClientSession(service.url, headers=headers, timeout=timeout) as session:

        async def call(
            method: str, path: str, body: object = None, headers: dict[str, str] | None = None
        ) -> tuple[int, Any]:
            async with session.request(method, path, json=body, headers=headers) as answer:
                body = await answer.json(content_type=None)
                if isinstance(body, dict) and body.get("error_code") == 50003:
                    assert answer.headers["Retry-After"] == "1", (path, body)
                return answer.status, body

        yield call


async def written_by(call: Any) -> None:
    """Write a record, once the brokers take it."""

    async def is_written() -> bool:
        return (await call("POST", "/topics/known", ONE))[1]["offsets"][0]["error_code"] is None

    await until(is_written)


async def has_records(call: Any, instance: str) -> bool:
    return bool((await call("GET", f"{instance}/records?timeout=5000"))[1])


async def test_every_call_is_answered_in_time_while_the_brokers_are_away(breakable_kafka: Cluster) -> None:
    """Paused as a machine that hangs is: connections stay, and nothing comes. Afterwards all goes on."""
    with ServiceProcess(breakable_kafka.bootstrap_servers, producer_delivery_timeout_ms=5000) as service:
        async with calling(service) as call:
            await written_by(call)
            _, made = await call("POST", "/consumers/readers", {"auto.offset.reset": "earliest"})
            instance = f"/consumers/readers/instances/{made['instance_id']}"
            partitions = {"partitions": [{"topic": "known", "partition": 0}]}
            assert (await call("POST", f"{instance}/assignments", partitions))[0] == 204
            await until(lambda: has_records(call, instance))
            breakable_kafka.brokers[0].pause()
            try:
                written, polled, *others = await asyncio.gather(
                    call("POST", "/topics/known", ONE),
                    call("GET", f"{instance}/records?timeout=1000"),
                    call("POST", f"{instance}/offsets"),
                    call("GET", "/topics"),
                    call("GET", "/topics/known"),
                    call("GET", "/topics/known/partitions/0/offsets"),
                    call("GET", "/topics/known/partitions/0/records?timeout=1000"),
                    call("GET", "/brokers"),
                    call("GET", "/v3/clusters"),
                )
                # The commit was given up, but Kafka's client is still in it: nothing else may wait for that.
                polled_again = await call("GET", f"{instance}/records?timeout=1000")
            finally:
                breakable_kafka.brokers[0].resume()
            status, report = written
            assert (status, [each["error_code"] for each in report["offsets"]]) == (200, [50003])
            assert polled == polled_again == (200, [])
            for status, refusal in others:
                assert (status, refusal["error_code"], set(refusal)) == (500, 50003, {"error_code", "message"})
            await written_by(call)
            await until(lambda: has_records(call, instance))


async def test_answers_say_what_was_written_where_that_is_asked_for(breakable_kafka: Cluster) -> None:
    """With `strict`, `atomic` or a key: nothing, or unknown; and a key tells once the brokers are there again."""
    with ServiceProcess(
        breakable_kafka.bootstrap_servers, producer_delivery_timeout_ms=5000, producer_request_timeout_ms=15_000
    ) as service:
        async with calling(service) as call:
            await written_by(call)
            keys = {"paused": {"Idempotency-Key": "a"}, "known": {"Idempotency-Key": "b"}}
            for path in ("/topics/known?atomic=true", "/topics/once"):
                await until(lambda path=path: is_written(call, path, {"Idempotency-Key": path}))  # type: ignore[misc]
            breakable_kafka.brokers[0].pause()
            try:
                strict, new, atomic, keyed = await asyncio.gather(
                    call("POST", "/topics/known?strict=true", ONE),
                    call("POST", "/topics/never-seen?strict=true", ONE),
                    call("POST", "/topics/known?atomic=true", ONE),
                    call("POST", "/topics/once", ONE, keys["paused"]),
                )
            finally:
                breakable_kafka.brokers[0].resume()
            nothing, unknown = (503, 50303), (500, 50004)
            assert (strict[0], strict[1].get("error_code")) == unknown, strict
            for status, refusal in (new, atomic, keyed):
                assert (status, refusal["error_code"]) in {nothing, unknown}, refusal
            await until(lambda: is_written(call, "/topics/once", keys["paused"]))
            first = await call("POST", "/topics/once", ONE, keys["paused"])
            again = await call("POST", "/topics/once", ONE, keys["paused"])
            assert first == again
            offset = first[1]["offsets"][0]["offset"]
            _, after = await call("POST", "/topics/once", ONE, keys["known"])
            records = "/topics/once/partitions/0/records?timeout=1000"
            _, read = await call("GET", records)
            # Beside the first record of all there are these two.
            assert [record["offset"] for record in read][1:] == [offset, after["offsets"][0]["offset"]]


async def is_written(call: Any, path: str, headers: dict[str, str]) -> bool:
    return bool((await call("POST", path, ONE, headers))[0] == 200)
