"""Receive and accept records of a queue, as one HTTP client does it: the row of `bench.py`, and waiting receivers.

    python -m benchmarks.queues [RECEIVERS]

The command prints what so many waiting receivers cost, and how long a record takes from produce to one of them, beside
the Kafka client alone.
"""

import asyncio
import json
import sys
import threading
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from confluent_kafka import Producer, ShareConsumer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks import load
from benchmarks.generator import Found
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_RECORDS = 100
"""Of one receive."""
_JSON = {"Content-Type": "application/json"}
_PRODUCED = 200
_WATCHED_SECONDS = 15.0
_JOIN_SECONDS = 10.0
"""After which a consumer has joined its group."""


def run(pid: int, url: str, topic: str, records: int) -> Found:
    """Receive and accept that many records from the beginning of the topic; times are of one receive and accept."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=120)
    queue = f"/queues/bench-{topic}-{time.time_ns()}"
    _ask(connection, "PUT", f"{queue}/config", {"start": "earliest"})
    while not _receive_and_accept(connection, queue, topic):
        pass
    done, times = 0, []
    before, begun = load.cpu_seconds(pid), time.perf_counter()
    while done < records:
        started = time.perf_counter()
        done += _receive_and_accept(connection, queue, topic)
        times.append(time.perf_counter() - started)
    took, spent = time.perf_counter() - begun, load.cpu_seconds(pid) - before
    times.sort()
    return Found(done / took, spent / done * 1e6, load.at(times, 0.5), load.at(times, 0.99), 0)


def _receive_and_accept(connection: HTTPConnection, queue: str, topic: str) -> int:
    wanted = {"topics": [topic], "max_records": _RECORDS, "wait_ms": 10_000, "format": "binary"}
    records = _ask(connection, "POST", f"{queue}/receive", wanted)["records"]
    accepted = [{"receipt": record["receipt"], "outcome": "accept"} for record in records]
    if accepted:
        _ask(connection, "POST", f"{queue}/acknowledge", accepted)
    return len(accepted)


def _ask(connection: HTTPConnection, method: str, path: str, body: object) -> Any:
    connection.request(method, path, json.dumps(body), _JSON)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status in {200, 204}, text
    return json.loads(text) if text else None


async def _watch(service: ServiceProcess, receivers: int) -> None:
    """Print the CPU of waiting receivers, and the times from produce to receive."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(service.url, connector=connector) as session:

        async def call(path: str, body: object, sent_as: str = "application/json") -> Any:
            async with session.post(path, json=body, headers={"Content-Type": sent_as}) as answer:
                return await answer.json(content_type=None)

        async def produce() -> None:
            body = {"records": [{"value": time.time_ns()}]}
            await call("/topics/waiting", body, "application/vnd.kafka.json.v2+json")

        await produce()
        wanted = {"topics": ["waiting"], "max_records": 1, "wait_ms": 300_000}
        waiting = [asyncio.create_task(call("/queues/waiters/receive", wanted)) for _ in range(receivers)]
        await asyncio.sleep(_WATCHED_SECONDS)
        before = load.cpu_seconds(service.pid)
        await asyncio.sleep(_WATCHED_SECONDS)
        share = (load.cpu_seconds(service.pid) - before) / _WATCHED_SECONDS
        times = []
        for _ in range(min(_PRODUCED, receivers)):
            await produce()
            done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            waiting = list(rest)
            for record in [record for task in done for record in task.result()["records"]]:
                times.append((time.time_ns() - record["value"]) / 1e9)
                await call("/queues/waiters/acknowledge", [{"receipt": record["receipt"], "outcome": "accept"}])
        for task in waiting:
            task.cancel()
        times.sort()
        print(f"{receivers} waiting receivers: {share:.1%} of a core")
        print(f"produce to receive: {load.at(times, 0.5):.1f} ms (p50), {load.at(times, 0.9):.1f} ms (p90)")


def _time_client(servers: str) -> list[float]:
    """Return the seconds from `produce` to `poll` of a consumer that waits, for one record after the other."""
    topic, times = f"alone-{time.time_ns()}", list[float]()
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    consumer = ShareConsumer({"bootstrap.servers": servers, "group.id": topic})
    consumer.subscribe([topic])
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0, "enable.idempotence": True})
    has_ended = threading.Event()

    def receive() -> None:
        while not has_ended.is_set():
            now_received = consumer.poll(1.0)
            times.extend(time.perf_counter() - float(message.value() or 0) for message in now_received)

    thread = threading.Thread(target=receive)
    thread.start()
    time.sleep(_JOIN_SECONDS)
    for _ in range(_PRODUCED):
        producer.produce(topic, str(time.perf_counter()).encode())
        producer.flush()
        time.sleep(0.05)
    time.sleep(1)
    has_ended.set()
    thread.join()
    consumer.close()
    return sorted(times)


def main() -> None:
    """Start a broker and a service, and print."""
    receivers = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    bounds: dict[str, Any] = {"queue_max_receivers": receivers, "queue_max_receivers_of_user": receivers}
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers, **bounds) as service:
        asyncio.run(_watch(service, receivers))
        times = _time_client(kafka.bootstrap_servers)
        print(f"the client alone: {load.at(times, 0.5):.1f} ms (p50), {load.at(times, 0.9):.1f} ms (p90)")


if __name__ == "__main__":
    main()
