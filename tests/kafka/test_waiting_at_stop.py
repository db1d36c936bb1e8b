"""A service that stops answers requests that wait for records at once, with none, and ends streams."""

import asyncio
import secrets
from typing import Any

import aiohttp
import pytest

from karapace_like.kafka.cluster import Cluster
from tests.scraping import count_in_flight
from tests.service_process import ServiceProcess
from tests.waiting import until

pytestmark = pytest.mark.kafka

JSON = "application/vnd.kafka.json.v2+json"
_WAIT_MS = 120_000
"""Far above the time after which the service closes connections whose requests are not answered."""


async def call(session: aiohttp.ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    headers = {
        "Content-Type": JSON if not path.startswith("/queues") else "application/json",
        "Accept": f"{JSON}, */*;q=0.5",
    }
    async with session.request(method, path, json=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, text if answer.content_type == "text/event-stream" else await answer.json(
            content_type=None
        )


async def test_waiting_requests_are_answered_when_the_service_stops(kafka: Cluster) -> None:
    topic, group = f"quiet-{secrets.token_hex(4)}", secrets.token_hex(4)
    with ServiceProcess(kafka.bootstrap_servers) as service:
        async with aiohttp.ClientSession(service.url) as session:
            for name in (topic, f"{topic}-questions", f"{topic}-answers"):
                await call(session, "POST", f"/topics/{name}", {"records": [{"value": 1}]})
            _, instance = await call(
                session, "POST", f"/consumers/{group}", {"format": "json", "auto.offset.reset": "latest"}
            )
            path = f"/consumers/{group}/instances/{instance['instance_id']}"
            await call(session, "POST", f"{path}/assignments", {"partitions": [{"topic": topic, "partition": 0}]})
            poll = call(session, "GET", f"{path}/records?timeout={_WAIT_MS}")
            others = [
                call(session, "GET", f"/topics/{topic}/partitions/0/records?format=json&offset=1&timeout={_WAIT_MS}"),
                call(session, "POST", f"/queues/{group}-queue/receive", {"topics": [topic], "wait_ms": _WAIT_MS}),
                call(
                    session,
                    "POST",
                    f"/topics/{topic}-questions/requests",
                    {"record": {"value": 1}, "reply_topic": f"{topic}-answers", "timeout_ms": _WAIT_MS},
                ),
                call(session, "GET", f"/topics/{topic}/records?from=latest"),
            ]
            tasks: list[asyncio.Task[tuple[int, Any]]] = []

            async def are_under_way() -> bool:
                assert not any(task.done() for task in tasks), [task.result() for task in tasks if task.done()]
                return await asyncio.to_thread(count_in_flight, service) >= len(tasks)

            # The poll comes last, since a worker may forward it, where it counts, too.
            for request in (*others, poll):
                tasks.append(asyncio.create_task(request))
                await until(are_under_way)
            stopping = asyncio.create_task(asyncio.to_thread(service.stop))
            read, received, replied, streamed, polled = await asyncio.gather(*tasks)
            assert await stopping == 0
    assert polled == (200, [])
    assert read == (200, [])
    assert received == (200, {"records": []})
    assert (replied[0], replied[1]["error_code"]) == (504, 504)
    assert streamed[0] == 200
