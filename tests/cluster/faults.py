"""What can go wrong with nodes and brokers, each by one call that returns when it is over. Blocking."""

import asyncio
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from confluent_kafka import ElectionType, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.broker import Broker
from karapace_like.kafka.cluster import Cluster
from tests import odd_records
from tests.cluster.clients import Client, never_twice
from tests.cluster.foreign_primary import ForeignPrimary
from tests.cluster.foreign_products import CONFLUENT, FOREIGN_PRODUCTS, KARAPACE, ForeignProduct
from tests.cluster.history import Action, Event
from tests.cluster.registry_nodes import RegistryNodes, kill, pause, resume
from tests.cluster.relays import Relays
from tests.service_process import ServiceProcess

SESSION_MS = 2_000
"""Of the nodes' group."""
_NOTICED_SECONDS = 2.5 * SESSION_MS / 1000
"""Half of it is longer than a session."""
_ADMIN_SECONDS = 10.0
_LENT_SECONDS = 2.5
_ODD_RECORDS = 20
_HEAVY_AT_ONCE = 6
_HEAVY_BYTES = 500_000
_HEAVY_SECONDS = 60.0
"""How long a client waits for the answer to a heavy registration."""


class Faults:
    """`note` is told the name of each when it begins; those that hit the primary are named so.

    `events` gets what came of the requests that are part of a fault.

    `relays` are the nodes' ways to Kafka, in their order; None where they have none that can be cut.
    """

    def __init__(
        self,
        kafka: Cluster,
        nodes: RegistryNodes,
        note: Callable[[str], None],
        events: list[Event],
        seed: int,
        *,
        relays: Relays | None = None,
    ) -> None:
        self._kafka = kafka
        self._nodes = nodes
        self._relays = relays
        self._note = note
        self._events = events
        self._odd = odd_records.drawn(seed)
        self._heavy = itertools.count()
        self._seed = seed
        self._random = random.Random(seed)
        self.lent: dict[ForeignProduct, int] = dict.fromkeys(FOREIGN_PRODUCTS, 0)
        """Records that primaries of other products have written."""
        self._deck: list[Callable[[], None]] = []
        self._admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})

    def all(self) -> Sequence[Callable[[], None]]:
        """Every kind of fault."""
        return (
            self.kill_primary, self.pause_primary, self.stop_primary, self.kill_follower, self.pause_follower,
            self.kill_broker, self.pause_broker, self.restart_broker, self.pause_all_brokers, self.move_leader,
            self.move_coordinator, self.write_odd_records, self.register_heavy_schemas,
            self.lend_to_karapace, self.lend_to_confluent,
            *((self.cut_primary_off,) if self._relays else ()),
        )  # fmt: skip

    def all_of_applications(self) -> Sequence[Callable[[], None]]:
        """Every kind of fault that queues and writes with keys must survive, of nodes with two workers each."""
        return (
            self.kill_primary, self.pause_primary, self.stop_primary, self.kill_follower, self.pause_follower,
            self.kill_worker, self.pause_worker, self.kill_broker, self.pause_broker, self.restart_broker,
            self.pause_all_brokers, self.move_leader,
        )  # fmt: skip

    def next(self, kinds: Callable[[], Sequence[Callable[[], None]]] | None = None) -> None:
        """Cause one of the kinds, of all unless told; none comes a second time before every other has come."""
        if not self._deck:
            self._deck = [*(kinds or self.all)()]
            self._random.shuffle(self._deck)
        self._deck.pop()()

    def kill_primary(self) -> None:
        self._kill("kill primary", self._nodes.primary())

    def pause_primary(self) -> None:
        self._pause("pause primary", self._nodes.primary())

    def stop_primary(self) -> None:
        node = self._nodes.primary()
        self._note("stop primary")
        node.stop()
        self._wait(1.0)
        node.start()

    def change_program(self, program: Sequence[str]) -> None:
        """Restart each node as another release, the primary last; the others are up meanwhile."""
        primary = self._nodes.primary()
        for node in [*self._nodes.others(primary), primary]:
            self._note("change program")
            node.stop()
            node.program = program
            node.start()
            self._wait(1.0)

    def change_node(self, number: int, program: Sequence[str]) -> None:
        """Restart one node as another release."""
        node = self._nodes.all[number]
        self._note("change node")
        node.stop()
        node.program = program
        node.start()

    def cut_primary_off(self) -> None:
        """From Kafka alone: clients and the other nodes reach it."""
        assert self._relays is not None
        relay = self._relays.all[self._nodes.all.index(self._nodes.primary())]
        self._note("cut primary off")
        relay.cut()
        self._wait(_NOTICED_SECONDS)
        relay.heal()

    def lend_to_karapace(self) -> None:
        self._lend(KARAPACE)

    def lend_to_confluent(self) -> None:
        self._lend(CONFLUENT)

    def _lend(self, product: ForeignProduct) -> None:
        """A primary of another product joins, is elected, writes for a while and leaves; ours writes again."""
        self._note(f"lend to {product.storage.name}")
        servers, group, topic = self._kafka.bootstrap_servers, self._nodes.group, self._nodes.topic
        with ForeignPrimary(product, servers, group=group, topic=topic, session_ms=SESSION_MS) as other:
            self._wait(_LENT_SECONDS)
        self.lent[product] += other.written
        self._nodes.primary()

    def kill_follower(self) -> None:
        self._kill("kill follower", self._follower())

    def pause_follower(self) -> None:
        self._pause("pause follower", self._follower())

    def kill_worker(self) -> None:
        """Kill one of two worker processes; the supervisor starts another."""
        pid = self._worker()
        self._note("kill worker")
        os.kill(pid, signal.SIGKILL)
        self._wait(_NOTICED_SECONDS)

    def pause_worker(self) -> None:
        pid = self._worker()
        self._note("pause worker")
        os.kill(pid, signal.SIGSTOP)
        self._wait(_NOTICED_SECONDS)
        os.kill(pid, signal.SIGCONT)

    def kill_broker(self) -> None:
        broker = self._broker()
        self._note("kill broker")
        broker.kill()
        self._wait(3.0)
        broker.start()

    def pause_broker(self) -> None:
        broker = self._broker()
        self._note("pause broker")
        broker.pause()
        self._wait(12.0)
        broker.resume()

    def pause_all_brokers(self) -> None:
        self._note("pause all brokers")
        for broker in self._kafka.brokers:
            broker.pause()
        self._wait(8.0)
        for broker in self._kafka.brokers:
            broker.resume()

    def restart_broker(self) -> None:
        self._note("restart broker")
        self._restart(self._broker())

    def move_leader(self) -> None:
        """Of the schemas topic: away by the leader's restart, and then to the broker that is preferred."""
        if (leader := self._leader()) is None:
            return
        self._note("move leader")
        self._restart(leader)
        with suppress(KafkaException):  # it is there already
            self._admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(self._nodes.topic, 0)]).result()

    def move_coordinator(self) -> None:
        """Of the nodes' group."""
        with suppress(KafkaException):
            groups: list[Any] = self._admin.list_groups(self._nodes.group, timeout=_ADMIN_SECONDS)
            for broker in self._kafka.brokers:
                if groups and broker.node_id == groups[0].broker.id:
                    self._note("move coordinator")
                    self._restart(broker)

    def write_odd_records(self) -> None:
        """A stranger writes into the schemas topic, past every registry."""
        self._note("odd records")
        found = itertools.islice(self._odd, _ODD_RECORDS)
        odd_records.write(self._kafka.bootstrap_servers, self._nodes.topic, *found)

    def register_heavy_schemas(self) -> None:
        """Several at one subject at the same time, each compared with those before."""
        self._note("heavy schemas")
        kind = self._random.choice(("AVRO", "JSON"))
        asyncio.run(self._register_heavy(f"heavy-{kind.lower()}", kind))

    async def _register_heavy(self, subject: str, kind: str) -> None:
        timeout = aiohttp.ClientTimeout(total=_HEAVY_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, middlewares=[never_twice]) as session:
            config = f"{self._random.choice(self._nodes.all).url}/config/{subject}"
            with suppress(aiohttp.ClientError, TimeoutError):  # an earlier fault may go on: nothing is compared then
                await session.put(config, json={"compatibility": "BACKWARD"})
            client = Client(self._seed, session, self._nodes, self._events)
            async with asyncio.TaskGroup() as group:
                for _ in range(_HEAVY_AT_ONCE):
                    text = _heavy(kind, next(self._heavy))
                    asked = Event(
                        action=Action.REGISTER,
                        subject=subject,
                        text=text,
                        node=self._random.choice(self._nodes.all).url,
                    )
                    body = {"schema": text, "schemaType": kind}
                    group.create_task(client.ask(asked, "POST", f"/subjects/{subject}/versions", body))

    def _restart(self, broker: Broker) -> None:
        broker.stop()
        broker.start()

    def _kill(self, name: str, node: ServiceProcess) -> None:
        self._note(name)
        kill(node)
        self._wait(_NOTICED_SECONDS)
        node.start()

    def _pause(self, name: str, node: ServiceProcess) -> None:
        self._note(name)
        pause(node)
        self._wait(_NOTICED_SECONDS)
        resume(node)

    def _wait(self, most: float) -> None:
        time.sleep(self._random.uniform(most / 2, most))

    def _follower(self) -> ServiceProcess:
        return self._random.choice(self._nodes.others(self._nodes.primary()))

    def _worker(self) -> int:
        return self._random.choice(self._nodes.all).worker(self._random.randrange(2))

    def _broker(self) -> Broker:
        return self._random.choice(self._kafka.brokers)

    def _leader(self) -> Broker | None:
        topic = self._admin.list_topics(self._nodes.topic, timeout=_ADMIN_SECONDS).topics[self._nodes.topic]
        leader = topic.partitions[0].leader if topic.partitions else None
        return next((broker for broker in self._kafka.brokers if broker.node_id == leader), None)


def _heavy(kind: str, number: int) -> str:
    """A schema unlike all others that can read what was written with any of them."""
    found: dict[str, Any]
    if kind == "AVRO":
        names = [f"field_{position}" for position in range(_HEAVY_BYTES // 60)] + [f"own_{number}"]
        fields = [{"name": each, "type": ["null", "string"], "default": None} for each in names]
        found = {"type": "record", "name": "Heavy", "fields": fields}
    else:
        properties = {f"field_{position}": {"type": "string"} for position in range(_HEAVY_BYTES // 32)}
        found = {"type": "object", "description": f"number {number}", "properties": properties}
    return json.dumps(found, separators=(",", ":"))
