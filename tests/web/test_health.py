"""What the service says of its health, and whether it notices that nobody can reach it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from karapace_like.web.app import make_app
from karapace_like.web.operations import reachability
from karapace_like.web.operations.health import Health
from tests.waiting import wait_until
from tests.web.conftest import in_memory, leading


@dataclass
class Election:
    generation: int | None = 3
    problem: str | None = None
    is_eligible: bool = True
    url: str | None = "http://here:8081"


class Node:
    def __init__(self, client: TestClient[Any, Any], health: Health, election: Election) -> None:
        self.client, self.health, self.registry, self.election = client, health, health.registry, election

    async def get(self, path: str) -> tuple[int, Any]:
        answer = await self.client.get(path)
        return answer.status, await answer.json()


@asynccontextmanager
async def node() -> AsyncIterator[Node]:
    election = Election()
    registry, _ = in_memory(ready=False)
    health = Health(registry, election)
    async with TestClient(TestServer(make_app(registry, health=health))) as client:
        yield Node(client, health, election)


async def test_a_node_that_has_not_reached_kafka_is_live_and_not_ready() -> None:
    async with node() as each:
        assert (await each.get("/health/live"))[0] == 200
        assert (await each.get("/health/startup"))[0] == 503
        status, body = await each.get("/health/ready")
        assert (status, body["reason"]) == (503, "Kafka has not been reached yet")
        assert (await each.get("/_health"))[0] == 503


async def test_a_node_that_reads_tells_how_far_it_is() -> None:
    async with node() as each:
        each.registry.begin_replay(7)
        assert (await each.get("/health/ready"))[1]["reason"] == "reading schemas: at offset 0 of 7"


async def test_without_a_primary_reads_are_served_and_writes_are_not_promised() -> None:
    """Orchestrators keep sending reads; who needs writes asks for them."""
    async with node() as each:
        each.registry.begin_replay(0)
        assert (await each.get("/health/ready"))[0] == 200
        status, body = await each.get("/health/ready?writes=true")
        assert (status, body["reason"], body["reads"], body["writes"]) == (503, "no primary is elected", True, False)
        assert (await each.get("/master_available"))[1] == {"master_available": False}


async def test_primaries_and_followers_name_the_primary() -> None:
    async with node() as each:
        each.registry.begin_replay(0)
        each.registry.follow("http://there:8081")
        status = (await each.get("/_health"))[1]["status"]
        assert (status["schema_registry_is_primary"], status["schema_registry_primary_url"]) == (
            False,
            "http://there:8081",
        )
        each.registry.follow(None)
        async with leading(each.registry):
            status = (await each.get("/_health"))[1]["status"]
            assert (status["schema_registry_is_primary"], status["schema_registry_primary_url"]) == (
                True,
                "http://here:8081",
            )
            assert status["schema_registry_coordinator_generation_id"] == 3
            assert (await each.get("/health/ready?writes=true"))[0] == 200
            assert (await each.get("/master_available"))[1] == {"master_available": True}


async def test_a_node_that_is_about_to_stop_is_not_ready_and_serves() -> None:
    """So that a load balancer sends requests elsewhere before any fails."""
    async with node() as each:
        each.registry.begin_replay(0)
        each.health.is_stopping = True
        async with leading(each.registry):
            for path in ("/health/ready", "/health/ready?writes=true"):
                status, body = await each.get(path)
                assert (status, body["ready"], body["reads"], body["writes"]) == (503, False, True, True)
                assert "about to stop" in body["reason"]
            status, body = await each.get("/_health")
            assert (status, body["healthy"]) == (503, False)
            assert "about to stop" in body["status"]["schema_registry_problem"]
            for path in ("/health/live", "/subjects", "/master_available"):
                assert (await each.get(path))[0] == 200


async def test_a_lost_topic_is_the_reason() -> None:
    async with node() as each:
        each.registry.begin_replay(0)
        each.registry.give_up("The topic _schemas was deleted.")
        assert (await each.get("/health/live"))[0] == 200
        assert (await each.get("/health/ready"))[1]["reason"] == "The topic _schemas was deleted."
        status, body = await each.get("/subjects")
        assert (status, body["error_code"]) == (503, 50001)


async def unreachable(each: Node, url: str) -> str | None:
    """What the node finds out about its advertised URL."""
    each.health.unreachable = "not asked yet"
    watching = asyncio.create_task(reachability.watch(url, each.health))
    while each.health.unreachable == "not asked yet":
        await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return each.health.unreachable


async def test_an_advertised_url_that_does_not_lead_here_is_found_out() -> None:
    """Nobody there, somebody else there, and this node itself."""
    async with node() as each, node() as other:
        own, others = (str(one.client.make_url("/")).rstrip("/") for one in (each, other))
        assert await unreachable(each, own) is None
        assert "Another process answers" in (await unreachable(each, others) or "")
        assert "cannot be reached" in (await unreachable(each, "http://127.0.0.1:1") or "")
        each.registry.begin_replay(0)
        assert "cannot be reached" in (await each.get("/health/ready"))[1]["warning"]


async def test_the_check_of_the_advertised_url_leaves_no_connection() -> None:
    """A server that stops waits a second for clients that are silent."""
    async with node() as each:
        runner = each.client.server.runner
        assert runner is not None
        assert runner.server is not None
        server = runner.server
        watching = asyncio.create_task(reachability.watch(str(each.client.make_url("/")).rstrip("/"), each.health))
        each.health.unreachable = "not asked yet"
        await asyncio.to_thread(wait_until, lambda: each.health.unreachable is None and not server.connections)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
