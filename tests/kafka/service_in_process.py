"""The whole service in the process of the test, on a real broker: what Kafka's client does can be made to fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from karapace_like.config import load
from karapace_like.kafka.cluster import Cluster
from karapace_like.serve import listeners
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.service import start_service


@dataclass
class Node:
    """A running service and a client of it."""

    session: aiohttp.ClientSession
    ended: "asyncio.Task[None]"
    """Done when the process would end; holds why."""

    async def call(self, method: str, path: str | URL, body: object = None, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, path, json=body, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def warnings(self) -> list[str]:
        found: list[str] = (await self.call("GET", "/health/ready"))[1]["warnings"]
        return found

    async def failures(self, task: str) -> float:
        async with self.session.get("/metrics") as answer:
            name = f'karapace_like_background_failures_total{{task="{task}"}} '
            return sum(float(line[len(name) :]) for line in (await answer.text()).splitlines() if line.startswith(name))

    async def register(self, subject: str, schema: str = '"int"', **options: Any) -> int:
        status, body = await self.call("POST", f"/subjects/{subject}/versions", {"schema": schema}, **options)
        assert status == 200, body
        return int(body["id"])


@asynccontextmanager
async def serving(kafka: Cluster, topic: str, *, wait: bool = True, **flags: object) -> AsyncIterator[Node]:
    """A service with this schemas topic, and a group of its own; ready, unless told not to wait."""
    given = {
        "bootstrap_uri": kafka.bootstrap_servers,
        "topic_name": topic,
        "group_id": f"group-of-{topic}",
        "host": "127.0.0.1",
        "port": 0,
        **flags,
    }
    settings, _ = load(environment={}, flags=given)
    doors = listeners.open_listeners(settings.addresses)
    stopping, ready = asyncio.Event(), asyncio.Event()
    url = listeners.format_urls(doors)
    async with start_service(settings, ProcessRole(doors)) as service, aiohttp.ClientSession(url) as session:
        ended = asyncio.create_task(service.run_until(stopping, ready.set))
        waiting = asyncio.create_task(ready.wait())
        if wait:
            await asyncio.wait([ended, waiting], return_when=asyncio.FIRST_COMPLETED)
        try:
            yield Node(session, ended)
        finally:
            stopping.set()
            waiting.cancel()
            await asyncio.gather(ended, waiting, return_exceptions=True)
