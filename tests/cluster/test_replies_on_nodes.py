"""Request and reply on two nodes: each gets the replies to its own requests, and a late one is fetched at either."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

pytestmark = [pytest.mark.kafka, pytest.mark.long]

_HEADERS = {"Content-Type": "application/vnd.kafka.json.v2+json"}


@pytest.fixture
async def urls(kafka: Cluster) -> AsyncIterator[list[str]]:
    common = {"topic_name": f"_schemas-{secrets.token_hex(6)}", "advertised_hostname": "127.0.0.1"}
    async with AsyncExitStack() as stack:
        processes = [ServiceProcess(kafka.bootstrap_servers, **common) for _ in range(2)]
        for process in processes:
            stack.callback(process.stop)
            await asyncio.to_thread(process.start, wait=False)
        for process in processes:
            await asyncio.to_thread(process.wait)
        yield [process.url for process in processes]


async def test_replies_reach_the_node_that_asked_and_are_fetched_at_any(kafka: Cluster, urls: list[str]) -> None:
    topic, replies = (f"{name}-{secrets.token_hex(6)}" for name in ("questions", "answers"))
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in admin.create_topics([NewTopic(topic, 1, 1), NewTopic(replies, 2, 1)]).values():
        future.result()
    async with aiohttp.ClientSession(headers=_HEADERS) as session:

        async def call(method: str, url: str, body: object = None) -> tuple[int, Any, str]:
            async with session.request(method, url, json=body) as answer:
                told = None if answer.status == 204 else await answer.json(content_type=None)
                return answer.status, told, answer.headers.get("Location", "")

        body = {"record": {"value": 1}, "reply_topic": replies, "timeout_ms": 0}
        late = [(await call("POST", f"{url}/topics/{topic}/requests", body))[2] for url in urls]
        assert all(late)
        waiting = [asyncio.create_task(call("GET", f"{url}{path}?wait_ms=60000")) for path in late for url in urls]
        for number, path in enumerate(late):
            key = b64encode(path.rpartition("/")[2].encode()).decode()
            reply = {"record": {"value": number}, "correlation_id": key}
            assert (await call("POST", f"{urls[0]}/topics/{replies}/replies", reply))[0] == 200
        answers = await asyncio.gather(*waiting)
        assert [(status, told["reply"]["value"]) for status, told, _ in answers] == [(200, 0)] * 2 + [(200, 1)] * 2
        gone = "/topics/x/requests/00000000.0-" + "0" * 32
        assert (await call("GET", urls[0] + gone))[0] == 404
