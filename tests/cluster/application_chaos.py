"""Clients of queues, keys and atomic writes work while nodes, workers and brokers are killed and paused.

Run by itself for as long as wanted: `python -m tests.cluster.application_chaos --seconds 600 [--seed 1]`. Two nodes
with two workers each, and three brokers. What clients were answered is then compared with what the topics hold. It
prints figures, and ends with 1 if a promise was broken; `--record FILE` then keeps the nodes' logs.
"""

import argparse
import asyncio
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.application_clients import PARTITIONS, HttpClient, KeyedWriter, Receiver, read_topic, write_pair
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.pair_history import PairHistory
from tests.cluster.queue_history import QueueHistory
from tests.cluster.registry_nodes import RegistryNodes
from tests.cluster.write_history import WriteHistory

_WRITERS = 4
_PAIR_WRITERS = 2
_RECEIVERS = 6
_PAUSE = 0.05
_PAUSE_BETWEEN_FAULTS = 2.0
_LOCK_MS = 15_000
_DELIVERY_LIMIT = 10
"""The most that brokers allow: a record is given up after so many deliveries."""
_DRAIN_SECONDS = 240.0


@dataclass
class ApplicationReport:
    """What happened, and what must not have."""

    keyed: WriteHistory = field(default_factory=WriteHistory)
    pairs: PairHistory = field(default_factory=PairHistory)
    queue: QueueHistory = field(default_factory=QueueHistory)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        repeated = sum(count > 1 for count in self.queue.deliveries.values())
        pairs = (
            f"{len(self.pairs.written)} written, {len(self.pairs.refused)} refused, "
            f"{len(self.pairs.unknown)} of unknown outcome"
        )
        queue = (
            f"{len(self.queue.accepted)} records accepted, {repeated} delivered more than once, "
            f"{len(self.queue.excused)} with a lock that ran out or an unknown outcome"
        )
        lines = [
            f"faults {self.faults.total()}: {dict(sorted(self.faults.items()))}",
            f"responses by status (0: none came): {dict(sorted(self.statuses.items()))}",
            f"values written with keys: {len(self.keyed.answers)}, each answered twice",
            f"atomic requests: {pairs}",
            f"queue: {queue}",
            f"violations {len(self.broken)}",
        ]
        return "\n".join([*lines, *self.broken])


class _Run:
    """The clients of one run; topics and queue have names of their own."""

    def __init__(self, kafka: Cluster, nodes: RegistryNodes, session: aiohttp.ClientSession, seed: int) -> None:
        drawn = random.Random(seed)
        self.report = ApplicationReport()
        self._kafka = kafka
        self._nodes = nodes
        self._client = HttpClient(session, lambda: drawn.choice(nodes.all).url)
        self._client.statuses = self.report.statuses
        name = f"work-{secrets.token_hex(6)}"
        self._topic, self._pair_topics = name, (f"{name}-first", f"{name}-second")
        self._are_writing = True
        self._are_receiving = True

    def prepare(self) -> None:
        """Create the topics and configure the queue."""
        admin = AdminClient({"bootstrap.servers": self._kafka.bootstrap_servers})
        topics = (self._topic, *self._pair_topics)
        replicas = max(1, len(self._kafka.brokers))
        for created in admin.create_topics([NewTopic(name, PARTITIONS, replicas) for name in topics]).values():
            created.result()
        config = {
            "start": "earliest", "isolation": "read_committed", "lock_duration_ms": _LOCK_MS,
            "delivery_limit": _DELIVERY_LIMIT,
        }  # fmt: skip
        call(self._nodes.all[0].url, "PUT", f"/queues/{self._topic}/config", config)

    async def work_during(self, faults: Callable[[], None]) -> None:
        """Let clients work until `faults`, which runs in a thread, is over and everything written is accepted."""
        async with asyncio.TaskGroup() as group:
            writing = [
                *(group.create_task(self._write_values(number)) for number in range(_WRITERS)),
                *(group.create_task(self._write_pairs(number)) for number in range(_PAIR_WRITERS)),
            ]
            receiver = Receiver(self._topic, self._topic, self.report.queue, max_records=20)
            for _ in range(_RECEIVERS):
                group.create_task(self._receive(receiver))
            try:
                await asyncio.to_thread(faults)
            finally:
                self._are_writing = False
            await asyncio.wait(writing)
            await self._drain()

    async def judge(self) -> None:
        """Compare what clients were answered with what the topics hold."""
        read = await asyncio.to_thread(read_topic, self._kafka, self._topic)
        pairs = [await asyncio.to_thread(read_topic, self._kafka, topic) for topic in self._pair_topics]
        self.report.broken += self.report.keyed.find_violations(read)
        values = ([value for partition in topic for _, value in partition] for topic in pairs)
        self.report.broken += self.report.pairs.find_violations(*values)
        self.report.broken += self.report.queue.find_violations()

    async def _drain(self) -> None:
        """Wait until the queue has given everything that was written, for some minutes at most."""
        read = await asyncio.to_thread(read_topic, self._kafka, self._topic)
        self.report.queue.produced |= {value for partition in read for _, value in partition}
        deadline = time.monotonic() + _DRAIN_SECONDS
        while not self.report.queue.is_done and time.monotonic() < deadline:
            await asyncio.sleep(_PAUSE)
        self._are_receiving = False

    async def _write_values(self, number: int) -> None:
        writer = KeyedWriter(self._client, self._topic, self.report.keyed)
        await self._repeat(lambda at: writer.write(f"{number}-{at}", times=2))

    async def _write_pairs(self, number: int) -> None:
        await self._repeat(lambda at: write_pair(self._client, self._pair_topics, f"{number}-{at}", self.report.pairs))

    async def _repeat(self, write: Callable[[int], Awaitable[None]]) -> None:
        at = 0
        while self._are_writing:
            await write(at)
            await asyncio.sleep(_PAUSE)
            at += 1

    async def _receive(self, receiver: Receiver) -> None:
        while self._are_receiving:
            await receiver.receive(self._client, *[self._client] * 3)
            await asyncio.sleep(0)


async def run(
    kafka: Cluster, nodes: RegistryNodes, faults: Callable[[Faults], None], *, seed: int
) -> ApplicationReport:
    """Let clients work while `faults` goes on, and return what they saw with its contradictions."""
    async with aiohttp.ClientSession() as session:
        clients = _Run(kafka, nodes, session, seed)
        await asyncio.to_thread(clients.prepare)
        report = clients.report
        caused = Faults(kafka, nodes, lambda name: report.faults.update([name]), [], seed)
        await clients.work_during(lambda: faults(caused))
        await clients.judge()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--fault", help="the only kind, such as kill_worker; otherwise all of them come in turn")
    parser.add_argument("--record", type=Path, help="gets the nodes' logs, if all is not well")
    arguments = parser.parse_args()

    def cause_faults(faults: Faults) -> None:
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            getattr(faults, arguments.fault)() if arguments.fault else faults.next(faults.all_of_applications)
            time.sleep(_PAUSE_BETWEEN_FAULTS)

    with (
        Cluster(brokers=3) as kafka,
        RegistryNodes(
            kafka.bootstrap_servers, 2, workers=2, session_timeout_ms=SESSION_MS, replication_factor=3
        ) as nodes,
    ):
        report = asyncio.run(run(kafka, nodes, cause_faults, seed=arguments.seed))
        if report.broken and arguments.record:
            logs = [line for node in nodes.all for line in (node.url, *node.lines)]
            arguments.record.write_text("\n".join([*report.broken, *logs]))
    sys.stdout.write(f"seed {arguments.seed}\n{report}\n")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
