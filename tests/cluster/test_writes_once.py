"""Idempotent writes on two nodes: a key works at either, and a node that is killed writes no value twice."""

import asyncio
import random
import secrets
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.cluster.application_clients import PARTITIONS, HttpClient, KeyedWriter, read_topic
from tests.cluster.mortal_node import DOOMED
from tests.cluster.registry_nodes import RegistryNodes, health, kill, resume
from tests.cluster.write_history import WriteHistory

pytestmark = [pytest.mark.kafka, pytest.mark.long]

_SESSION_MS = 2_000
_CLIENTS = 8
_KILLS = 3
_VALUES = 25
"""Of each client, between two kills."""
_SECONDS = 120


@pytest.fixture
def topic(kafka: Cluster) -> str:
    name = f"once-{secrets.token_hex(6)}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result()
    return name


async def write_and_die(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> WriteHistory:
    """Write at two nodes, of which the primary dies at the record `DOOMED`, and the other one takes over."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    history = WriteHistory()
    with RegistryNodes(
        kafka.bootstrap_servers, 2, module="tests.cluster.mortal_node", session_timeout_ms=_SESSION_MS, workers=1
    ) as nodes:
        nodes.primary()
        async with aiohttp.ClientSession() as session, asyncio.timeout(_SECONDS):
            client = HttpClient(session, lambda: random.choice(nodes.all).url)
            writer = KeyedWriter(client, topic, history)
            for value in (*(f"value {number}" for number in range(5)), DOOMED, "afterwards"):
                await writer.write(value, times=3)
            for node in nodes.all:  # one that was paused may go on with what it was about to do
                if node.running:
                    resume(node)
                    await asyncio.to_thread(health, node)
            await writer.write("at last", times=3)
    return history


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_node_that_dies_at_the_commit_has_written_once_or_not_at_all(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, when: str
) -> None:
    """The client repeats the request at the other node, and gets the answer of what was written, by whomever."""
    history = await write_and_die(kafka, topic, monkeypatch, DIES=when, DEATH=str(tmp_path / "death"))
    assert (tmp_path / "death").exists()
    assert list(history.find_violations(read_topic(kafka, topic))) == []


async def test_a_node_that_wakes_up_at_the_commit_writes_nothing(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another one has taken over meanwhile, and has written the same request."""
    environment = {"DIES": "before", "DEATH": str(tmp_path / "death"), "BY": "SIGSTOP"}
    history = await write_and_die(kafka, topic, monkeypatch, **environment)
    assert (tmp_path / "death").exists()
    assert list(history.find_violations(read_topic(kafka, topic))) == []


async def test_a_receipt_outside_of_the_transaction_is_found_out(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The check above finds the fault that these writes are made to exclude."""
    environment = {"DIES": "after", "DEATH": str(tmp_path / "death"), "CARELESS": "1"}
    history = await write_and_die(kafka, topic, monkeypatch, **environment)
    assert f"{DOOMED} is written 2 times" in list(history.find_violations(read_topic(kafka, topic)))


async def test_nothing_is_written_twice_while_nodes_are_killed(kafka: Cluster, topic: str) -> None:
    history = WriteHistory()
    with RegistryNodes(kafka.bootstrap_servers, 2, session_timeout_ms=_SESSION_MS, workers=1) as nodes:
        nodes.primary()
        async with aiohttp.ClientSession() as session, asyncio.timeout(_SECONDS):
            client = HttpClient(session, lambda: random.choice(nodes.all).url)
            writer = KeyedWriter(client, topic, history)

            async def write_values(number: int) -> None:
                for at in range(_VALUES):
                    await writer.write(f"{number}-{at}", times=2)

            for kills in range(_KILLS):
                writing = [asyncio.create_task(write_values(_CLIENTS * kills + number)) for number in range(_CLIENTS)]
                await asyncio.sleep(0.3)
                primary = await asyncio.to_thread(nodes.primary)
                await asyncio.to_thread(kill, primary)
                await asyncio.to_thread(primary.start)
                await asyncio.gather(*writing)
    assert len(history.answers) == _CLIENTS * _KILLS * _VALUES
    assert list(history.find_violations(read_topic(kafka, topic))) == []


async def test_a_delivery_can_be_asked_for_at_the_other_node(kafka: Cluster, topic: str) -> None:
    """Until the node that has taken the request ends: then what became of it is gone."""
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json", "Prefer": "respond-async"}
    with RegistryNodes(kafka.bootstrap_servers, 2, session_timeout_ms=_SESSION_MS, workers=1) as nodes:
        nodes.primary()
        taker, other = nodes.all
        async with aiohttp.ClientSession() as session, asyncio.timeout(_SECONDS):

            async def ask(location: str) -> tuple[int, Any]:
                async with session.get(other.url + location) as answer:
                    return answer.status, await answer.json(content_type=None)

            body = {"records": [{"value": 1}]}
            async with session.post(f"{taker.url}/topics/{topic}", json=body, headers=headers) as answer:
                location = answer.headers["Location"]
            while (response := await ask(location))[0] == 202:
                await asyncio.sleep(0.05)
            assert response[0] == 200
            await asyncio.to_thread(kill, taker)
            while (response := await ask(location))[0] == 503:  # while the group has not noticed
                await asyncio.sleep(0.05)
            assert (response[0], response[1]["error_code"]) == (410, 41001)
