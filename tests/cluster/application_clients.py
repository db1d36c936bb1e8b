"""Clients that have only HTTP: of writes with keys, of atomic writes and of queues. They note what was answered."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from confluent_kafka import Consumer, TopicPartition

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.queues import receipts
from tests.cluster.pair_history import PairHistory
from tests.cluster.queue_history import QueueHistory
from tests.cluster.write_history import WriteHistory

PARTITIONS = 3
"""Of each topic."""
JSON = "application/vnd.kafka.json.v2+json"
_PATIENCE = aiohttp.ClientTimeout(total=8)
"""Of one request: a paused node answers none."""
_OK = 200
_NOT_NOW = frozenset({0, 409, 500, 503})
"""Statuses of a write that is to be repeated; 0 where no answer came."""
_WAIT_MS = 2_000
_PAUSE = 0.05
_UNKNOWN = 50004
_OUTCOME_UNKNOWN = receipts.unknown_outcome_error("").code


class HttpClient:
    """Sends requests to the node that `pick` returns the URL of."""

    def __init__(self, session: aiohttp.ClientSession, pick: Callable[[], str]) -> None:
        self._session = session
        self._pick = pick
        self.statuses: Counter[int] = Counter()
        """Of all answers; 0 where none came."""

    async def post(self, path: str, body: object, sent_as: str = JSON, **headers: str) -> tuple[int, Any]:
        """(status, body); 0 where no answer came."""
        sent = {"Content-Type": sent_as, **{name.replace("_", "-"): value for name, value in headers.items()}}
        status, answer = 0, None
        try:
            async with self._session.post(self._pick() + path, json=body, headers=sent, timeout=_PATIENCE) as response:
                status, answer = response.status, await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        self.statuses[status] += 1
        return status, answer


class KeyedWriter:
    """Writes values with keys, and repeats each request until it is answered."""

    def __init__(self, client: HttpClient, topic: str, history: WriteHistory) -> None:
        self.client = client
        self.topic = topic
        self.history = history

    async def write(self, value: str, *, times: int = 1) -> None:
        """Repeat until so many answers say that the value is written."""
        self.history.unanswered.add(value)
        key, answered = str(uuid.uuid4()), 0
        body = {"records": [{"key": value, "value": value}]}
        while answered < times:
            status, answer = await self.client.post(f"/topics/{self.topic}", body, Idempotency_Key=key)
            if status == _OK:
                (offset,) = answer["offsets"]
                self.history.answers[value].add((offset["partition"], offset["offset"]))
                answered += 1
            else:
                assert status in _NOT_NOW, (status, answer)
                await asyncio.sleep(_PAUSE)
        self.history.unanswered.discard(value)


async def write_pair(client: HttpClient, topics: tuple[str, str], value: str, history: PairHistory) -> None:
    """Write the value to both topics with one atomic request, once."""
    history.unknown.add(value)
    body = {"records": [{"topic": topic, "key": value, "value": value} for topic in topics]}
    status, answer = await client.post("/records?atomic=true", body)
    if status == _OK:
        history.written.add(value)
    elif status and answer["error_code"] != _UNKNOWN:
        assert status in _NOT_NOW, (status, answer)
        history.refused.add(value)
    if value in history.written | history.refused:
        history.unknown.discard(value)


class Receiver:
    """Receives from a queue by one client, and accepts by it or by others."""

    def __init__(self, group: str, topic: str, history: QueueHistory, *, max_records: int) -> None:
        self._group = group
        self._body = {"topics": [topic], "max_records": max_records, "wait_ms": _WAIT_MS}
        self._history = history

    async def receive(self, client: HttpClient, *acknowledging: HttpClient) -> bool:
        """Receive once, and accept by the first client that answers; return whether the receive was answered."""
        status, answer = await client.post(f"/queues/{self._group}/receive", self._body, "application/json")
        self._history.last_answer = status, answer
        if status == _OK and answer["records"]:
            records = {record["receipt"]: record["value"] for record in answer["records"]}
            self._history.deliveries.update(records.values())
            await self._accept(records, acknowledging or (client,))
        return status != 0

    async def _accept(self, records: Mapping[str, str], clients: tuple[HttpClient, ...]) -> None:
        body = [{"receipt": receipt, "outcome": "accept"} for receipt in records]
        for client in clients:
            status, answer = await client.post(f"/queues/{self._group}/acknowledge", body, "application/json")
            if status == _OK:
                for result in answer:
                    self._note(records[result["receipt"]], result["error_code"])
                return
            self._history.excused |= set(records.values())  # the node may have taken it before it ended
            self._history.unknown |= set(records.values())

    def _note(self, record: str, error_code: int | None) -> None:
        if error_code is None:
            self._history.accepted[record] += 1
            return
        self._history.excused.add(record)
        if error_code == _OUTCOME_UNKNOWN:
            self._history.unknown.add(record)


def read_topic(kafka: Cluster, topic: str) -> list[list[tuple[int, str]]]:
    """(offset, value) of the committed records of each partition."""
    options = {
        "bootstrap.servers": kafka.bootstrap_servers, "group.id": "checker", "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }  # fmt: skip
    consumer = Consumer(options)
    read: list[list[tuple[int, str]]] = []
    try:
        for partition in range(PARTITIONS):
            consumer.assign([TopicPartition(topic, partition, 0)])
            values = []
            while (message := consumer.poll(60)) is not None and message.error() is None:
                values.append((message.offset() or 0, (message.value() or b"").decode().strip('"')))
            read.append(values)
    finally:
        consumer.close()
    return read
