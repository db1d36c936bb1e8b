"""Idempotent writes on two nodes: a key works at either, and a node that is killed writes no value twice."""

import asyncio
import random
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.cluster.mortal_node import DOOMED
from tests.cluster.registry_nodes import RegistryNodes, health, kill, resume
from tests.cluster.write_history import WriteHistory

pytestmark = [pytest.mark.kafka, pytest.mark.long]

_PARTITIONS = 3
_SESSION_MS = 2_000
_CLIENTS = 8
_KILLS = 3
_VALUES = 25
"""Of each client, between two kills."""
_SECONDS = 120
_DEFINITE = 200
_PATIENCE = aiohttp.ClientTimeout(total=8)
"""Of one request: a paused node answers none."""


class Client:
    """Writes values with keys at some node, and notes the answers."""

    def __init__(self, session: aiohttp.ClientSession, topic: str, history: WriteHistory) -> None:
        self.session = session
        self.topic = topic
        self.history = history

    async def send(self, url: str, key: str, value: str) -> tuple[int, Any]:
        """(status, body); 0 where no answer came."""
        headers = {"Content-Type": "application/vnd.kafka.json.v2+json", "Idempotency-Key": key}
        body = {"records": [{"key": value, "value": value}]}
        try:
            async with self.session.post(
                f"{url}/topics/{self.topic}", json=body, headers=headers, timeout=_PATIENCE
            ) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError):
            return 0, None

    async def write(self, pick: Callable[[], str], value: str, *, times: int = 1) -> None:
        """Repeat until so many answers say that the value is written."""
        self.history.unanswered.add(value)
        key, answered = str(uuid.uuid4()), 0
        while answered < times:
            status, body = await self.send(pick(), key, value)
            if status == _DEFINITE:
                (offset,) = body["offsets"]
                self.history.answers[value].add((offset["partition"], offset["offset"]))
                answered += 1
            else:
                assert status in {0, 409, 500, 503}, (status, body)
                await asyncio.sleep(0.05)
        self.history.unanswered.discard(value)


def read_topic(kafka: Cluster, topic: str) -> list[list[tuple[int, str]]]:
    """(offset, value) of the committed records of each partition."""
    options = {
        "bootstrap.servers": kafka.bootstrap_servers, "group.id": "checker", "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }  # fmt: skip
    consumer = Consumer(options)
    read: list[list[tuple[int, str]]] = []
    try:
        for partition in range(_PARTITIONS):
            consumer.assign([TopicPartition(topic, partition, 0)])
            values = []
            while (message := consumer.poll(60)) is not None and message.error() is None:
                values.append((message.offset() or 0, (message.value() or b"").decode().strip('"')))
            read.append(values)
    finally:
        consumer.close()
    return read


@pytest.fixture
def topic(kafka: Cluster) -> str:
    name = f"once-{secrets.token_hex(6)}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, _PARTITIONS, 1)])[name].result()
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
            client = Client(session, topic, history)

            def pick() -> str:
                return random.choice(nodes.all).url

            for value in (*(f"value {number}" for number in range(5)), DOOMED, "afterwards"):
                await client.write(pick, value, times=3)
            for node in nodes.all:  # one that was paused may go on with what it was about to do
                if node.running:
                    resume(node)
                    await asyncio.to_thread(health, node)
            await client.write(pick, "at last", times=3)
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
            client = Client(session, topic, history)

            async def write_values(number: int) -> None:
                for at in range(_VALUES):
                    await client.write(
                        lambda: random.choice(nodes.all).url,
                        f"{number}-{at}",
                        times=2,
                    )

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
