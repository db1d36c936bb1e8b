"""What a member of a consumer group costs, by how it is implemented; the figures of docs/adr/0034-many-members.md.

    python -m benchmarks.members [COUNT [SECONDS [RECORDS]]]

COUNT members are idle for SECONDS, each in a group of its own, and RECORDS of 1 KB are read; each measurement in a
process of its own, all at one broker with the largest heartbeat interval that brokers allow by default. Members without
a client are also measured in five times the number.
"""

import asyncio
import json
import os
import subprocess
import sys

from confluent_kafka import Producer

from benchmarks.members import clients, heartbeats
from benchmarks.members.measures import Idle
from karapace_like.kafka.cluster import Cluster

_TOPIC = "kilobytes"
_LARGEST_INTERVAL_MS = 15_000
"""The default of group.consumer.max.heartbeat.interval.ms."""
_ONE, _SEVERAL = "heartbeats, connections: 1", "heartbeats, connections: 8"
_WAITING, _WAIT_MS = 10, 200
_ROUNDS = 3
_CHILD = "--child"


def _write(bootstrap: str, records: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for number in range(10):
        producer.produce(f"idle-{number}", b"1")
    for _ in range(records):
        producer.produce(_TOPIC, os.urandom(1024))
        while len(producer) > 50_000:
            producer.poll(0.1)
    producer.flush()


def _run(*arguments: object) -> str:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _read(kind: str, bootstrap: str, topic: str, *numbers: int) -> str:
    return _run("benchmarks.members.reading", kind, bootstrap, topic, *numbers)


def _print_idle(name: str, bootstrap: str, count: int, seconds: float) -> None:
    idle = Idle(**json.loads(_run("benchmarks.members", _CHILD, name, bootstrap, count, seconds)))
    print(
        f"{count:6} {name:30}{idle.kb:8.0f} kB {idle.threads:5.1f} threads {idle.cpu:7.1%} of a core for all"
        f"{idle.joined_seconds:7.1f} s to join {idle.joining_cpu_ms:6.1f} ms CPU for each",
        flush=True,
    )


def _measure_here(name: str, bootstrap: str, count: int, seconds: float) -> None:
    if name in clients.KINDS:
        measured = asyncio.run(clients.measure(bootstrap, count, seconds, clients.KINDS[name]))
    else:
        measured = asyncio.run(heartbeats.measure(bootstrap, count, seconds, int(name.rsplit(maxsplit=1)[-1])))
    measured.print()
    sys.stdout.flush()
    os._exit(0)  # closing a thousand clients would take a minute


def main() -> None:
    """Print all figures."""
    if sys.argv[1:2] == [_CHILD]:
        _, _, name, bootstrap, members, watched = sys.argv
        _measure_here(name, bootstrap, int(members), float(watched))
    count, seconds, records = (*map(int, sys.argv[1:]), *(200, 15, 100_000)[len(sys.argv) - 1 :])
    properties = {"group.consumer.heartbeat.interval.ms": _LARGEST_INTERVAL_MS, "group.initial.rebalance.delay.ms": 0}
    with Cluster(properties=properties) as kafka:
        bootstrap = kafka.bootstrap_servers
        _write(bootstrap, records)
        print("Idle members, each in a group of its own:")
        for name in (*clients.KINDS, _ONE, _SEVERAL):
            _print_idle(name, bootstrap, count, seconds)
        _print_idle(_SEVERAL, bootstrap, 5 * count, seconds)
        print("CPU for each record of 1 KB, librdkafka and fetches of our own in turns:")
        for _ in range(_ROUNDS):
            by_client, by_fetches = (float(_read(kind, bootstrap, _TOPIC, records)) for kind in ("client", "fetches"))
            print(f"  {by_client:.1f} µs, {by_fetches:.1f} µs: {by_fetches / by_client:.2f}", flush=True)
        print(
            "A new client with a given position, to its first record:",
            _read("revival", bootstrap, _TOPIC),
            "ms, CPU ms",
        )
        behind = float(_read("behind", bootstrap, "idle-0", _WAITING, _WAIT_MS))
        print(f"A request behind {_WAITING} fetches that wait {_WAIT_MS} ms, on one connection: {behind:.0f} ms")


if __name__ == "__main__":
    main()
