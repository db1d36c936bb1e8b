"""How long a request takes to its reply, with a local responder that is a Kafka client.

    python -m benchmarks.request_reply [REQUESTS]

Requests come one after the other, and then 32 at a time. The responder consumes in this process.
"""

import asyncio
import sys
import threading
import time
from typing import Any

import aiohttp
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks import load
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_AT_ONCE = 32
_HEADERS = {"Content-Type": "application/vnd.kafka.json.v2+json"}
_BODY = {"record": {"value": {"lift": "north"}}, "reply_topic": "answers", "timeout_ms": 30_000}


def _respond(servers: str, stopping: threading.Event) -> None:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "responders", "auto.offset.reset": "earliest"})
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0})
    consumer.subscribe(["questions"])
    while not stopping.is_set():
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            headers: dict[str, Any] = dict(message.headers() or [])
            key = {"kafka_correlationId": headers["kafka_correlationId"]}
            producer.produce(headers["kafka_replyTopic"].decode(), b'{"floor": 3}', headers=key)
            producer.poll(0)
    consumer.close()
    producer.flush()


async def _measure(service: ServiceProcess, requests: int) -> None:
    async with aiohttp.ClientSession(service.url, headers=_HEADERS) as session:

        async def ask() -> float:
            begun = time.perf_counter()
            async with session.post("/topics/questions/requests", json=_BODY) as answer:
                assert answer.status == 200, await answer.text()
            return time.perf_counter() - begun

        await ask()  # opens the reader
        for at_once in (1, _AT_ONCE):
            before = load.cpu_seconds(service.pid)
            times: list[float] = []
            for _ in range(requests // at_once):
                times += await asyncio.gather(*(ask() for _ in range(at_once)))
            spent = (load.cpu_seconds(service.pid) - before) / len(times)
            times.sort()
            p50, p99 = (load.at(times, part) for part in (0.5, 0.99))
            print(f"{at_once} at a time: {p50:.1f} ms (p50), {p99:.1f} ms (p99), {spent * 1e6:.0f} µs of CPU each")


def main() -> None:
    """Start a broker, a service and the responder, and print."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    stopping = threading.Event()
    with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
        topics = [NewTopic(name, 1, 1) for name in ("questions", "answers")]
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        for future in admin.create_topics(topics).values():
            future.result()
        responder = threading.Thread(target=_respond, args=(kafka.bootstrap_servers, stopping))
        responder.start()
        try:
            asyncio.run(_measure(service, requests))
        finally:
            stopping.set()
            responder.join()


if __name__ == "__main__":
    main()
